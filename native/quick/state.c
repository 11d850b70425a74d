#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *const words[] = {[STOPPED] = "stopped", [CREATED] = "created", [RUNNING] = "running", [PAUSED] = "paused"};

static char users[1 << 18];

static bool name_owner(char *name, size_t room) {
  int found = 0;
  if (read_at(AT_FDCWD, "/etc/passwd", users, sizeof users) >= 0) found = find_user(users, geteuid(), name, room);
  else if (errno != ENOENT) return false;
  if (found == 0) snprintf(name, room, "#%u", geteuid());
  return found >= 0;
}

/* A reader that went away is no error of ours. */
static int print(struct iovec *parts, int count) {
  struct sigaction old, ignore = {.sa_handler = SIG_IGN};
  int status = 0;
  sigaction(SIGPIPE, &ignore, &old);
  while (count > 0 && status == 0) {
    ssize_t wrote = writev(1, parts, count);
    if (wrote < 0 && errno == EAGAIN) {
      poll(&(struct pollfd){1, POLLOUT, 0}, 1, -1);
    } else if (wrote < 0 && errno == EPIPE) {
      break;
    } else if (wrote < 0 && errno != EINTR) {
      status = NODE;
    }
    for (; count > 0 && wrote >= (ssize_t)parts->iov_len; parts++, count--) wrote -= (ssize_t)parts->iov_len;
    if (count > 0 && wrote > 0) *parts = (struct iovec){(char *)parts->iov_base + wrote, parts->iov_len - (size_t)wrote};
  }
  sigaction(SIGPIPE, &old, NULL);
  return status;
}

static struct iovec part(const char *text) { return (struct iovec){(void *)(uintptr_t)text, strlen(text)}; }

int run_state(struct container *container) {
  const struct shortcut *shortcut = &container->shortcut;
  char owner[128];
  if (!shortcut->head || !name_owner(owner, sizeof owner)) return NODE;
  struct iovec parts[] = {
      part(shortcut->head), part(container->status == STOPPED ? "0" : shortcut->pid), part(",\n  \"status\": \""),
      part(words[container->status]), part("\""), part(shortcut->middle), part(owner), part(shortcut->tail),
  };
  return print(parts, sizeof parts / sizeof *parts);
}
