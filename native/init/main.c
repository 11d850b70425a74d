/*
 * usnea-init: obeys a plan, decides nothing. Its arguments are two descriptor numbers, the conversation and the plan; a
 * third one is for lists of processes.
 * It runs from a sealed memory copy of itself, so what a container can reach through /proc/PID/exe cannot be written.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void refuse(int control, const char *why) {
  send_payload(control, (struct frame){MESSAGE_failed, (uint32_t)strlen(why), -1, EPROTO}, why);
  _exit(1);
}

static bool sealed(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_WRITE) && (seals & F_SEAL_SHRINK);
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) return 2;
  int control = atoi(argv[1]), plan_fd = atoi(argv[2]);
  if (control < 3 || plan_fd != control + 1) return 2;
  /* Everything above the plan came by accident: from our caller's caller, without close-on-exec. */
  if (sys_close_range((unsigned)plan_fd + 1, ~0u, 0) != 0) refuse(control, "stray descriptors cannot be closed");
  fcntl(control, F_SETFD, FD_CLOEXEC);
  reset_signals();
  umask(0); /* modes are the plan's */

  struct stat stat;
  if (fstat(plan_fd, &stat) != 0 || stat.st_size <= 0) refuse(control, "it is empty");
  if (!sealed(plan_fd)) refuse(control, "it is not sealed");
  void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, plan_fd, 0);
  if (bytes == MAP_FAILED) refuse(control, "it cannot be mapped");
  close(plan_fd);

  struct plan plan;
  const char *refusal = plan_decode(bytes, (size_t)stat.st_size, &plan);
  if (refusal) refuse(control, refusal);

  struct context ctx = {.plan = &plan, .control = control, .result = -1, .root = -1, .null = -1, .empty = -1, .last = -1, .proc = -1, .last_target = "", .ruleset = -1};
  for (int i = 0; i < HOLD_SLOTS; i++) ctx.held[i] = -1;
  for (int i = 0; i < NAMESPACES; i++) ctx.namespaces[i] = -1;
  run_plan(&ctx);
}
