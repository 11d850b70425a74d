/* The socket that a container notifies us on, and who reads it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attend/attend.h"
#include "aside.h"
#include "usnea.h"

/* Through a descriptor of the directory, because sun_path is short. Any user of the container may write to it. */
int usnea_bind_notify(const char *directory, const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return -errno;
  int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", at, name);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = length < 0 || length >= (int)sizeof address.sun_path ? ENAMETOOLONG : fd < 0 ? errno : 0;
  if (!error && unlinkat(at, name, 0) != 0 && errno != ENOENT) error = errno;
  if (!error && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) error = errno;
  if (!error && fchmodat(at, name, 0777, 0) != 0) error = errno;
  close(at);
  if (error && fd >= 0) close(fd);
  return error ? -error : fd;
}

int usnea_relay_aside(const char *path, int fd, const char *host, int pid, const char *label) {
  static struct attendance aside;
  char number[12];
  char *argv[] = {(char *)"usnea-attend", number, (char *)(uintptr_t)label, NULL};
  memset(&aside, 0, sizeof aside);
  aside.sum = PLAN_SUM;
  aside.size = sizeof aside;
  if (!open_relay(&aside.relay, fd, host, pid)) return -ENAMETOOLONG;
  int error = 0, state = -1, program = usnea_open_init(path);
  if (program < 0) error = -program;
  aside.relay.pidfd = usnea_pidfd_open(pid);
  if (!error && aside.relay.pidfd < 0) error = -aside.relay.pidfd;
  if (!error && (state = write_state(&aside)) < 0) error = -state;
  snprintf(number, sizeof number, "%d", state);
  const int kept[] = {state, aside.relay.from, aside.relay.to, aside.relay.pidfd};
  if (!error) error = start_aside(program, argv, kept, sizeof kept / sizeof *kept);
  const int done[] = {program, state, aside.relay.pidfd, aside.relay.to};
  for (size_t i = 0; i < sizeof done / sizeof *done; i++)
    if (done[i] >= 0) close(done[i]);
  return -error;
}

int usnea_notify(const char *host, const char *text) {
  static struct relay relay;
  if (!open_relay(&relay, -1, host, 0)) return -ENAMETOOLONG;
  ssize_t sent = relay.to < 0 ? -1 : send(relay.to, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
  int error = sent < 0 ? errno : 0;
  if (relay.to >= 0) close(relay.to);
  return -error;
}
