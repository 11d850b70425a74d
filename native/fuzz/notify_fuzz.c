/*
 * Datagrams of a hostile container through the relay of sd_notify(3): never a crash, never a descriptor that stays, and what
 * reaches the host are only lines that a container may say, and the main process that we name.
 */
#define _GNU_SOURCE
#include "../attend/attend.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAIN_PID = 4711 };

static char host[64]; /* an abstract name, of this process alone */

static int listen_as_host(void) {
  static int fd = -1;
  if (fd >= 0) return fd;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(host, sizeof host, "@usnea-notify-fuzz-%d", getpid());
  memcpy(address.sun_path + 1, host + 1, (size_t)length - 1);
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, (socklen_t)(sizeof address.sun_family + (size_t)length)) != 0) abort();
  return fd;
}

static void send_with_descriptors(int to, const uint8_t *data, size_t size, int count) {
  union {
    char bytes[CMSG_SPACE(8 * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec part = {(void *)(uintptr_t)data, size};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    memset(&control, 0, sizeof control);
    head.msg_control = control.bytes;
    head.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *rights = CMSG_FIRSTHDR(&head);
    *rights = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    for (int i = 0; i < count; i++) memcpy(CMSG_DATA(rights) + (size_t)i * sizeof(int), &to, sizeof to);
  }
  (void)!sendmsg(to, &head, MSG_DONTWAIT);
}

static int lowest_free(void) {
  int fd = fcntl(listen_as_host(), F_DUPFD, 3);
  if (fd < 0) abort();
  close(fd);
  return fd;
}

/* Whatever comes out ends in a newline, has no NUL, and names no process but ours. */
static void check(const char *text, size_t size) {
  static const char own[] = "MAINPID=4711";
  if (size == 0 || text[size - 1] != '\n' || memchr(text, 0, size)) abort();
  for (const char *line = text, *end = text + size; line < end;) {
    size_t length = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);
    static const char *const never[] = {"MAINPID", "FDSTORE", "FDNAME", "FDPOLL", "NOTIFYACCESS", "BARRIER", "WATCHDOG_PID"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
      size_t name = strlen(never[i]);
      if (length < name || memcmp(line, never[i], name) != 0 || (length > name && line[name] != '=')) continue;
      if (length != sizeof own - 1 || memcmp(line, own, length) != 0) abort();
    }
    if (!memchr(line, '=', length)) abort();
    line += length + 1;
  }
}

static void drain_host(void) {
  char text[RELAY_BYTES + 128];
  for (ssize_t got; (got = recv(listen_as_host(), text, sizeof text, MSG_DONTWAIT)) >= 0;) check(text, (size_t)got);
}

/* A byte says how long a datagram is, in steps of 64, and with how many descriptors it comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct relay relay;
  int pair[2], before = lowest_free();
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) abort();
  if (!open_relay(&relay, pair[0], host, MAIN_PID)) abort();
  while (size > 0) {
    size_t length = (size_t)(*data & 31) * 64 + 63;
    int descriptors = *data >> 5;
    data++, size--;
    if (length > size) length = size;
    send_with_descriptors(pair[1], data, length, descriptors);
    data += length, size -= length;
    serve_relay(&relay);
    drain_host();
  }
  serve_relay(&relay);
  drain_host();
  close(pair[1]);
  close(pair[0]);
  if (relay.to >= 0) close(relay.to);
  if (lowest_free() != before) abort(); /* a descriptor of the container stayed with us */
  return 0;
}
