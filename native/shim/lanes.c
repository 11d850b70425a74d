/*
 * Copies one direction of a stream. What the other side does not take is kept, at most one chunk, and until it is taken
 * nothing more is read: a slow reader slows its writer down, and nothing grows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

enum { CHUNK = 65536, FIRST_PAUSE_MS = 20, LONGEST_PAUSE_MS = 1000 };

struct lane {
  struct watch from, to;
  struct timer pause;
  struct process *owner;
  enum lane_kind kind;
  int source, target; /* target -1: nobody wants it */
  uint8_t *kept;
  size_t start, end;
  int pause_ms;
  bool moved, has_told;
};

void close_lane(struct lane *lane) {
  if (!lane) return;
  for (int i = 0; i < LANES; i++)
    if (lane->owner->io.lanes[i] == lane) lane->owner->io.lanes[i] = NULL;
  stop_watch(&lane->from);
  stop_watch(&lane->to);
  stop_timer(&lane->pause);
  close(lane->source);
  if (lane->target >= 0) close(lane->target);
  free(lane->kept);
  free(lane);
}

bool is_moving(struct lane *lane) {
  bool moved = lane && lane->moved;
  if (lane) lane->moved = false;
  return moved;
}

static void resume(struct lane *lane);

static void go_on(struct timer *timer) { resume(OF(lane, pause, timer)); }

/* Nothing has the terminal open at this moment: reading says so at once and for ever, until somebody opens it again. */
static void rest(struct lane *lane) {
  lane->pause_ms = lane->pause_ms ? lane->pause_ms * 2 : FIRST_PAUSE_MS;
  if (lane->pause_ms > LONGEST_PAUSE_MS) lane->pause_ms = LONGEST_PAUSE_MS;
  stop_watch(&lane->from);
  stop_watch(&lane->to);
  set_timer(&lane->pause, lane->pause_ms, go_on);
}

static void close_and_settle(struct lane *lane) {
  close_lane(lane);
  settle_deletes();
}

/* What was not written of these bytes is kept. False when the lane is over by it. */
static bool write_on(struct lane *lane, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t wrote = lane->target < 0 ? (ssize_t)size : write(lane->target, bytes, size);
    if (wrote > 0) {
      lane->moved = true;
      bytes += wrote;
      size -= (size_t)wrote;
    } else if (errno == EAGAIN || (errno == EIO && lane->kind == LANE_INPUT)) {
      break;
    } else if (errno != EINTR) {
      if (lane->kind == LANE_INPUT) return false;
      if (!lane->has_told) tell("warning", "output of %s is lost: %s", lane->owner->container->id, strerror(errno));
      lane->has_told = true;
      size = 0;
    }
  }
  uint8_t *kept = size > 0 ? malloc(size) : NULL;
  if (kept) memcpy(kept, bytes, size);
  free(lane->kept);
  lane->kept = kept;
  lane->start = 0;
  lane->end = kept ? size : 0;
  return size == 0 || kept;
}

static void give(struct watch *watch, uint32_t events) {
  struct lane *lane = OF(lane, to, watch);
  (void)events;
  size_t before = lane->end - lane->start;
  if (!write_on(lane, lane->kept + lane->start, before)) close_and_settle(lane);
  else if (lane->kept && lane->end == before) rest(lane); /* ready, and takes nothing */
  else resume(lane);
}

static void take(struct watch *watch, uint32_t events) {
  static uint8_t chunk[CHUNK];
  struct lane *lane = OF(lane, from, watch);
  (void)events;
  ssize_t got = read(lane->source, chunk, sizeof chunk);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  bool is_hung = got < 0 && errno == EIO && lane->kind == LANE_OUTPUT && !lane->owner->is_reaped;
  if (got > 0) lane->pause_ms = 0, lane->moved = true;
  if (is_hung) rest(lane);
  else if (got <= 0 || !write_on(lane, chunk, (size_t)got)) close_and_settle(lane);
  else if (lane->kept) resume(lane);
}

/* Watches the side that is waited for. */
static void resume(struct lane *lane) {
  stop_timer(&lane->pause);
  stop_watch(&lane->from);
  stop_watch(&lane->to);
  bool is_watched = lane->kept ? start_watch(&lane->to, lane->target, EPOLLOUT) : start_watch(&lane->from, lane->source, EPOLLIN);
  if (!is_watched && lane->kept) {
    lane->to.fd = -1;
    set_timer(&lane->pause, FIRST_PAUSE_MS, go_on);
  } else if (!is_watched) {
    lane->from.fd = -1;
    close_and_settle(lane);
  }
}

static void stop_blocking(int fd) {
  int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  if (flags >= 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* Takes both descriptors, also when there is no memory. */
struct lane *open_lane(enum lane_kind kind, struct process *owner, int from, int to) {
  struct lane *lane = calloc(1, sizeof *lane);
  if (!lane) {
    close(from);
    if (to >= 0) close(to);
    return NULL;
  }
  *lane = (struct lane){.from = {-1, take}, .to = {-1, give}, .owner = owner, .kind = kind, .source = from, .target = to};
  stop_blocking(from);
  stop_blocking(to);
  int slot = kind == LANE_INPUT ? 0 : owner->io.lanes[1] ? 2 : 1;
  owner->io.lanes[slot] = lane;
  if (kind == LANE_INPUT || owner->pid > 0) resume(lane);
  return owner->io.lanes[slot];
}

/* Until there is a process, what comes out is the runtime's: why it failed is in the answer, not in the container's output. */
void begin_outputs(struct process *process) {
  for (int i = 1; i < LANES; i++)
    if (process->io.lanes[i]) resume(process->io.lanes[i]);
}

/* The process has ended, so what has nothing to read now never will. */
void hurry(struct lane *lane) {
  if (lane && lane->pause.at) set_timer(&lane->pause, 0, go_on);
}
