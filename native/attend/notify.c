/*
 * sd_notify(3) between a container and the service manager of the host. What comes out of the container is hostile: only
 * lines of states that concern the container itself go on, descriptors never do, and the main process is named by us.
 */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Not: MAINPID and what else says who we are, and the store of descriptors. */
static const char *const passed[] = {"READY",     "STATUS",     "RELOADING",           "MONOTONIC_USEC", "STOPPING", "ERRNO",
                                     "BUSERROR",  "WATCHDOG",   "EXTEND_TIMEOUT_USEC", "WATCHDOG_USEC",  "EXIT_STATUS"};
enum { PASSED_FDS = 16, AT_ONCE = 16 };

/* A path, or with `@` a name without a file: unix(7). */
static socklen_t address_of(const char *host, struct sockaddr_un *address) {
  size_t length = strlen(host);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if ((*host != '/' && *host != '@') || length < 2 || length >= sizeof address->sun_path) return 0;
  memcpy(address->sun_path, host, length);
  if (*host == '@') address->sun_path[0] = 0;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*host == '/'));
}

static bool reach(struct relay *relay) {
  struct sockaddr_un address;
  socklen_t size = address_of(relay->host, &address);
  if (relay->to >= 0) close(relay->to);
  relay->to = size ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
  return relay->to >= 0 && connect(relay->to, (struct sockaddr *)&address, size) == 0;
}

bool open_relay(struct relay *relay, int fd, const char *host, int main_pid) {
  memset(relay, 0, sizeof *relay);
  relay->from = fd;
  relay->to = relay->pidfd = -1;
  relay->main_pid = main_pid;
  if (strlen(host) >= sizeof relay->host) return false;
  strcpy(relay->host, host);
  relay->is_open = 1;
  reach(relay);
  return true;
}

/* False when it has to be tried again. A host that is gone is no reason to keep a message. */
static bool send_waiting(struct relay *relay) {
  for (int tries = 0; relay->waiting > 0 && tries < 2; tries++) {
    ssize_t sent = relay->to < 0 ? -1 : send(relay->to, relay->message, relay->waiting, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) break;
    if (relay->to >= 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) return false;
    if (!reach(relay)) break; /* it may have a new socket at the old place */
  }
  relay->waiting = 0;
  relay->done = relay->done || relay->says_ready;
  return true;
}

static bool is_passed(const char *line, size_t length) {
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
    size_t name = strlen(passed[i]);
    if (length > name && line[name] == '=' && memcmp(line, passed[i], name) == 0) return !memchr(line, 0, length);
  }
  return false;
}

static void compose(struct relay *relay, const char *text, size_t size) {
  size_t used = 0;
  relay->says_ready = 0;
  for (const char *line = text, *end = text + size; line < end;) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((stop ? stop : end) - line);
    if (is_passed(line, length)) {
      memcpy(relay->message + used, line, length);
      used += length;
      relay->message[used++] = '\n';
      if (length == 7 && memcmp(line, "READY=1", 7) == 0) relay->says_ready = 1;
    }
    line += length + 1;
  }
  if (relay->says_ready)
    used += (size_t)snprintf(relay->message + used, sizeof relay->message - used, "MAINPID=%d\n", relay->main_pid);
  relay->waiting = (uint32_t)used;
}

/*
 * BARRIER=1 comes with a pipe whose other end is waited on until everybody has closed this one: everything sent before is
 * with the host by then, so closing it is the answer. Every other descriptor is dropped in the same way.
 */
static void close_passed(struct msghdr *head) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(head); part; part = CMSG_NXTHDR(head, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      close(fd);
    }
  }
}

/* False when there is nothing to take at the moment. */
static bool receive(struct relay *relay) {
  char text[RELAY_BYTES];
  union {
    char bytes[CMSG_SPACE(PASSED_FDS * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec part = {text, sizeof text};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(relay->from, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return false;
  close_passed(&head);
  if (!(head.msg_flags & MSG_TRUNC)) compose(relay, text, (size_t)got);
  return true;
}

/* Nothing is taken while the host does not take: the container's own queue fills up, and nothing grows here. */
void offer_relay(const struct relay *relay, struct pollfd *fd) {
  *fd = (struct pollfd){-1, 0, 0};
  if (!relay->is_open) return;
  *fd = relay->waiting ? (struct pollfd){relay->to, POLLOUT, 0} : (struct pollfd){relay->from, POLLIN, 0};
}

void serve_relay(struct relay *relay) {
  for (int count = 0; relay->is_open && count < AT_ONCE; count++)
    if (!send_waiting(relay) || !receive(relay)) return;
}

/* Until READY is with the host, or the container has ended. */
void relay_alone(struct relay *relay) {
  while (!relay->done) {
    struct pollfd fds[2] = {{relay->pidfd, POLLIN, 0}};
    offer_relay(relay, &fds[1]);
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    serve_relay(relay);
    if (fds[0].revents) return;
  }
}
