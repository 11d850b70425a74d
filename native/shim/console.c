/* The socket over which the runtime hands us a terminal: in a directory that only we can enter. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

enum { HAND_OVER_MS = 30000 };

void close_console_socket(struct console_socket *console) {
  if (console->fd >= 0) close(console->fd);
  unlink(console->path);
  rmdir(console->directory);
}

/* Beside our own socket, where names are short: 108 bytes are all that a socket's may have. */
bool open_console_socket(struct console_socket *console, struct result *result) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *slash = strrchr(shim.socket_path, '/');
  int size = slash ? (int)(slash - shim.socket_path) : 4;
  snprintf(console->directory, sizeof console->directory - 16, "%.*s/pty-XXXXXX", size, slash ? shim.socket_path : "/tmp");
  if (!mkdtemp(console->directory)) return set_failure(result, UNKNOWN, "failed to create the directory of a console socket: %s", strerror(errno));
  snprintf(console->path, sizeof console->path, "%.90s/pty.sock", console->directory);
  memcpy(address.sun_path, console->path, sizeof address.sun_path - 1);
  console->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(console->fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(console->fd, 1) == 0) return true;
  set_failure(result, UNKNOWN, "failed to create the console socket %s: %s", console->path, strerror(errno));
  close_console_socket(console);
  return false;
}

static int take_one(int from) {
  union {
    char bytes[CMSG_SPACE(8 * sizeof(int))];
    struct cmsghdr align;
  } control;
  char name[4096];
  struct iovec part = {name, sizeof name};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  int fds[8], count = 0;
  if (recvmsg(from, &head, MSG_CMSG_CLOEXEC) < 0) return -1;
  struct cmsghdr *passed = CMSG_FIRSTHDR(&head);
  if (passed && passed->cmsg_type == SCM_RIGHTS) {
    count = (int)((passed->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(passed), (size_t)count * sizeof(int));
  }
  if (count == 1 && isatty(fds[0])) return fds[0];
  for (int i = 0; i < count; i++) close(fds[i]);
  return -1;
}

int receive_console(struct console_socket *console, struct result *result) {
  struct pollfd fd = {console->fd, POLLIN, 0};
  int from = poll(&fd, 1, HAND_OVER_MS) == 1 ? accept4(console->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
  fd.fd = from;
  int master = from >= 0 && poll(&fd, 1, HAND_OVER_MS) == 1 ? take_one(from) : -1;
  if (from >= 0) close(from);
  if (master < 0) set_failure(result, UNKNOWN, "failed to retrieve the console: the runtime handed over no terminal");
  return master;
}
