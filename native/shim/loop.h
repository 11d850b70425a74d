/* What the shim waits for: descriptors and times. One thread; nothing here blocks. */
#ifndef USNEA_SHIM_LOOP_H
#define USNEA_SHIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch {
  int fd; /* -1 when it watches nothing */
  void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
  int64_t at; /* nanoseconds of the monotonic clock; 0 when it is not set */
  void (*ring)(struct timer *timer);
  struct timer *next;
};

/* The structure that a member is of. */
#define OF(type, member, pointer) ((struct type *)(void *)((char *)(pointer) - offsetof(struct type, member)))

void open_loop(void);
bool start_watch(struct watch *watch, int fd, uint32_t events);
void change_watch(struct watch *watch, uint32_t events);
/* Does not close. */
void stop_watch(struct watch *watch);
/* Set again it rings only the later time. */
void set_timer(struct timer *timer, int milliseconds, void (*ring)(struct timer *timer));
void stop_timer(struct timer *timer);
/* One thing that happened. */
void turn(void);
int64_t monotonic(void);
int64_t wall_clock(void);

#endif
