/*
 * usnea-watch LABEL PID PIDFD FILE READY: stays beside a container that has no cgroup. It looks the more often the nearer
 * a limit is, and never takes more than a fiftieth of one processor. SIGKILL of the first process ends all of them,
 * because they are in its pid namespace.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

enum {
  SOONEST_MS = 50,
  LATEST_MS = 500,
  SHARE = 50,                  /* of the time between two looks a look may take so much */
  BYTES_PER_MS = 2 * 1000 * 1000, /* as fast as a few processors fill memory */
  TASKS_PER_MS = 10,
};

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t left(uint64_t limit, uint64_t used, uint64_t per_ms) {
  if (!limit) return LATEST_MS;
  return used < limit ? (limit - used) / per_ms : 0;
}

static int pause_ms(const struct limits *limits, const struct usage *usage, int64_t took_us) {
  uint64_t wait = left(limits->memory, usage->resident, BYTES_PER_MS);
  uint64_t other = left(limits->tasks, usage->tasks, TASKS_PER_MS);
  if (other < wait) wait = other;
  if (wait > LATEST_MS) wait = LATEST_MS;
  if (wait < SOONEST_MS) wait = SOONEST_MS;
  uint64_t fair = (uint64_t)took_us * SHARE / 1000;
  return (int)(fair > wait ? fair < 10000 ? fair : 10000 : wait);
}

/* What was found in excess; NOTHING while all is well. */
static enum kind judge(struct limits *limits, const struct usage *usage) {
  if (limits->tasks && usage->tasks > limits->tasks) {
    limits->found = usage->tasks;
    return TASKS;
  }
  if (!limits->memory || usage->resident <= limits->memory) return NOTHING;
  limits->found = proportional(usage);
  return limits->found > limits->memory ? MEMORY : NOTHING;
}

static void end(int pidfd, int file, struct limits *limits, enum kind kind) {
  limits->exceeded = kind;
  /* a full disk must not keep us from it */
  if (pwrite(file, &limits->exceeded, 2 * sizeof limits->exceeded, offsetof(struct limits, exceeded)) < 0) errno = 0;
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int init = atoi(argv[2]), file = atoi(argv[4]), ready = atoi(argv[5]);
  struct pollfd container = {atoi(argv[3]), POLLIN, 0};
  prctl(PR_SET_NAME, "usnea-watch");
  prctl(PR_SET_DUMPABLE, 0); /* nobody of our uid, in a container or not, looks into us */
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    struct limits limits;
    struct usage usage;
    int64_t began = now_us();
    if (pread(file, &limits, sizeof limits, 0) != sizeof limits || !measure(init, &usage)) {
      if (ready >= 0) return 1;
      /* it has just ended, or we are blind: then nothing holds any more */
      if (poll(&container, 1, 0) == 0) end(container.fd, file, &limits, NOTHING);
      return 1;
    }
    if (ready >= 0 && (write(ready, "", 1) != 1 || close(ready) != 0)) return 1;
    ready = -1;
    enum kind kind = judge(&limits, &usage);
    if (kind != NOTHING) end(container.fd, file, &limits, kind);
    int got = poll(&container, 1, pause_ms(&limits, &usage, now_us() - began));
    if (got > 0 || (got < 0 && errno != EINTR)) return 0;
  }
}
