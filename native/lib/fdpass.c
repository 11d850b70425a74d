/* Descriptors over unix sockets: terminals, pidfds and listeners go out, what init opened comes in. unix(7) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "usnea.h"

enum { MAX_PASSED = 16 };

union ancillary {
  char bytes[CMSG_SPACE(MAX_PASSED * sizeof(int))];
  struct cmsghdr head;
};

/* A full backlog would block connect(2), a full buffer sendmsg(2), both without an end: socket(7) SO_SNDTIMEO. */
static int limit_time(int fd, int timeout_ms) {
  struct timeval time = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  return timeout_ms < 0 ? 0 : setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/*
 * Through a descriptor of the socket's own file: what was looked at is what is connected to, and a path may be longer
 * than the 108 bytes of sun_path.
 */
static int connect_to(const char *path, int type, int timeout_ms) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct stat stat;
  int file = open(path, O_PATH | O_CLOEXEC);
  if (file < 0) return -errno;
  int error = fstat(file, &stat) != 0 ? errno : S_ISSOCK(stat.st_mode) ? 0 : ENOTSOCK;
  int fd = error ? -1 : socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
  if (!error && (fd < 0 || limit_time(fd, timeout_ms) != 0)) error = errno;
  while (!error && connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    if (errno != EINTR) error = errno;
  close(file);
  if (error && fd >= 0) close(fd);
  if (error) return error == EAGAIN ? -ETIMEDOUT : -error;
  return fd;
}

int usnea_connect(const char *path, int timeout_ms) { return connect_to(path, SOCK_STREAM, timeout_ms); }

int usnea_connect_datagram(const char *path, int timeout_ms) { return connect_to(path, SOCK_DGRAM, timeout_ms); }

/* Through a descriptor of the directory, because sun_path is short. */
int usnea_listen(const char *directory, const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return -errno;
  int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", at, name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = length < 0 || length >= (int)sizeof address.sun_path ? ENAMETOOLONG : fd < 0 ? errno : 0;
  if (!error && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) error = errno;
  if (!error && (fchmodat(at, name, 0600, 0) != 0 || listen(fd, 8) != 0)) error = errno;
  close(at);
  if (error && fd >= 0) close(fd);
  return error ? -error : fd;
}

int usnea_packet_pair(int32_t *ends) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -errno;
  ends[0] = pair[0];
  ends[1] = pair[1];
  return 0;
}

int usnea_send(int socket, const void *data, uint32_t size, const int32_t *fds, int count) {
  union ancillary control;
  struct iovec text = {(void *)data, size};
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
  if (count < 0 || count > MAX_PASSED || size == 0) return -EINVAL; /* descriptors travel only with data */
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    control.head.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(&control.head), fds, (size_t)count * sizeof(int));
  }
  for (;;) {
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent == (ssize_t)size) return 0;
    if (sent >= 0) return -EMSGSIZE;
    if (errno != EINTR) return errno == EAGAIN ? -ETIMEDOUT : -errno;
  }
}

static int take_fds(struct msghdr *message, int32_t *fds, int count) {
  int taken = 0, surplus = 0;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; at + CMSG_LEN(0) + sizeof(int) <= head->cmsg_len; at += sizeof(int)) {
      int fd;
      memcpy(&fd, CMSG_DATA(head) + at, sizeof fd);
      if (taken < count) fds[taken++] = fd;
      else close(fd), surplus = 1;
    }
  }
  return surplus || (message->msg_flags & MSG_CTRUNC) ? -EMSGSIZE : taken;
}

int usnea_receive(int socket, void *data, uint32_t size, int32_t *fds, int count) {
  union ancillary control;
  struct iovec text = {data, size};
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  for (int i = 0; i < count; i++) fds[i] = -1;
  if (got < 0) return -errno;
  int taken = take_fds(&message, fds, count);
  if (taken >= 0) return (int)got;
  for (int i = 0; i < count; i++) {
    if (fds[i] >= 0) close(fds[i]);
    fds[i] = -1;
  }
  return taken;
}
