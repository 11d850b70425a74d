/* As src/container/kill.ts and process.ts: by pidfd, which names one process and no later one. */
#define _GNU_SOURCE
#include "quick.h"

#include <signal.h>
#include <unistd.h>

#include "../lib/usnea.h"

/* Only behind the descriptor is the identity checked: it holds whichever process has the pid at that moment. */
static int open_first(const struct container *container) {
  int pidfd = usnea_pidfd_open(container->pid);
  if (pidfd >= 0 && is_alive(container)) return pidfd;
  if (pidfd >= 0) close(pidfd);
  return -1;
}

int run_kill(struct container *container, const struct call *call) {
  bool is_end = call->signal == SIGKILL;
  /* without a namespace of its own the rest is to be found as well */
  if (is_end && (!container->shortcut.is_private || container->status == PAUSED)) return NODE;
  if (call->all) return container->status == STOPPED ? 0 : NODE;
  if (container->status == STOPPED) return NODE;
  int pidfd = open_first(container);
  return pidfd >= 0 && usnea_pidfd_send_signal(pidfd, call->signal) == 0 ? 0 : NODE;
}
