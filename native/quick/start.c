/* As src/container/start.ts: opens the gate, and waits until the program runs or cannot. */
#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/remove.h"
#include "../lib/usnea.h"

/* A write of so many bytes to a fifo is done whole or not at all: pipe(7). */
static bool say_go(int fd, const char *state) {
  char frame[PIPE_BUF];
  uint32_t size = (uint32_t)strlen(state);
  const uint32_t head[4] = {MESSAGE_go, size, 0, 0};
  memcpy(frame, head, sizeof head);
  memcpy(frame + sizeof head, state, size);
  struct sigaction old, ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, &old);
  ssize_t wrote = write(fd, frame, sizeof head + size);
  sigaction(SIGPIPE, &old, NULL);
  return wrote == (ssize_t)(sizeof head + size);
}

/* What init says until its end is closed, as hexadecimal digits. */
static bool read_answer(int fd, char *answer, size_t room) {
  size_t size = 0;
  answer[0] = 0;
  for (;;) {
    unsigned char bytes[512];
    usnea_wait_readable(fd, -1);
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return got == 0;
    for (ssize_t i = 0; i < got && size + 3 <= room; i++) size += (size_t)snprintf(answer + size, 3, "%02x", bytes[i]);
    if (size + 3 > room) return true;
  }
}

int run_start(struct container *container, char *answer, size_t room) {
  const char *go = container->shortcut.go;
  if (container->status != CREATED || !go || strlen(go) > PIPE_BUF - 16) return NODE;
  int result = openat(container->directory, "answer/exec.fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  int start = result < 0 ? -1 : openat(container->directory, "exec.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (start < 0 || !say_go(start, go)) return NODE;
  if (!read_answer(result, answer, room) || *answer) return NODE;
  remove_below(container->directory, "exec.fifo");
  return remove_below(container->directory, "answer") == 0 ? 0 : NODE;
}
