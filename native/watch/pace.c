/* How often it looks. */
#define _GNU_SOURCE
#include "watch.h"

#include <time.h>

enum {
  SOONEST_MS = 50,
  LATEST_MS = 500,
  SHARE = 50,                  /* of the time between two looks a look may take so much */
  BYTES_PER_MS = 2 * 1000 * 1000, /* as fast as a few processors fill memory */
  TASKS_PER_MS = 10,
};

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t left(uint64_t limit, uint64_t used, uint64_t per_ms) {
  if (!limit) return LATEST_MS;
  return used < limit ? (limit - used) / per_ms : 0;
}

int pause_ms(const struct limits *limits, const struct usage *usage, int64_t took_us) {
  uint64_t wait = left(limits->memory, usage->resident, BYTES_PER_MS);
  uint64_t other = left(limits->tasks, usage->tasks, TASKS_PER_MS);
  if (other < wait) wait = other;
  if (wait > LATEST_MS) wait = LATEST_MS;
  if (wait < SOONEST_MS) wait = SOONEST_MS;
  uint64_t fair = (uint64_t)took_us * SHARE / 1000;
  return (int)(fair > wait ? fair < 10000 ? fair : 10000 : wait);
}
