/*
 * usnea-watch LABEL SOCKET: see group.c. usnea-watch LABEL PID PIDFD FILE READY: stays beside a container that has no cgroup. It looks the more often the nearer
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
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

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

static void name_ourselves(void) {
  prctl(PR_SET_NAME, "usnea-watch");
  prctl(PR_SET_DUMPABLE, 0); /* nobody of our uid, in a container or not, looks into us */
  signal(SIGCHLD, SIG_IGN);
}

int main(int argc, char **argv) {
  if (argc == 3) {
    name_ourselves();
    return watch_group(atoi(argv[2]));
  }
  if (argc < 6) return 2;
  int init = atoi(argv[2]), file = atoi(argv[4]), ready = atoi(argv[5]);
  struct pollfd container = {atoi(argv[3]), POLLIN, 0};
  name_ourselves();
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
