#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

static int epoll = -1;
static struct timer *timers;

static int64_t clock_now(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t monotonic(void) { return clock_now(CLOCK_MONOTONIC); }
int64_t wall_clock(void) { return clock_now(CLOCK_REALTIME); }

void open_loop(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) abort();
}

bool start_watch(struct watch *watch, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = watch};
  watch->fd = fd;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void change_watch(struct watch *watch, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = watch};
  if (watch->fd >= 0) epoll_ctl(epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void stop_watch(struct watch *watch) {
  if (watch->fd >= 0) epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->fd = -1;
}

void stop_timer(struct timer *timer) {
  for (struct timer **at = &timers; *at; at = &(*at)->next)
    if (*at == timer) {
      *at = timer->next;
      break;
    }
  timer->at = 0;
}

void set_timer(struct timer *timer, int milliseconds, void (*ring)(struct timer *timer)) {
  stop_timer(timer);
  timer->at = monotonic() + (int64_t)milliseconds * 1000000;
  timer->ring = ring;
  timer->next = timers;
  timers = timer;
}

static struct timer *soonest(void) {
  struct timer *found = timers;
  for (struct timer *timer = timers; timer; timer = timer->next)
    if (timer->at < found->at) found = timer;
  return found;
}

/* One at a time: what is handled may end whatever else is ready, and epoll(7) takes turns by itself. */
void turn(void) {
  struct epoll_event event;
  struct timer *next = soonest();
  int64_t left = next ? (next->at - monotonic() + 999999) / 1000000 : -1;
  int got = epoll_wait(epoll, &event, 1, next ? (left < 0 ? 0 : left > 60000 ? 60000 : (int)left) : -1);
  if (got > 0) {
    struct watch *watch = event.data.ptr;
    watch->ready(watch, event.events);
  }
  next = soonest();
  if (next && next->at <= monotonic()) {
    stop_timer(next);
    next->ring(next);
  }
}
