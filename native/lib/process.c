/* Children and processes by pidfd. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "usnea.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

int usnea_wait(int pid, int block, int32_t *status) {
  for (;;) {
    int got = wait4(pid, status, __WALL | (block ? 0 : WNOHANG), NULL);
    if (got >= 0 || errno != EINTR) return got < 0 ? -errno : got;
  }
}

int usnea_pidfd_open(int pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

int usnea_pidfd_send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

int usnea_wait_readable(int fd, int timeout_ms) {
  struct pollfd wanted = {fd, POLLIN, 0};
  for (;;) {
    int got = poll(&wanted, 1, timeout_ms);
    if (got >= 0 || errno != EINTR || timeout_ms >= 0) return got < 0 ? -errno : got;
  }
}
