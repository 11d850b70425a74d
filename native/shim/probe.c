/* Is it a shim that listens there? Who listens is known to the kernel; what it is, it must say. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "shim.h"

enum { PATIENCE_S = 2 };

static bool receive(int fd, void *into, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t got = recv(fd, (char *)into + at, size - at, 0);
    if (got <= 0) return false;
    at += (size_t)got;
  }
  return true;
}

static uint64_t pid_in(const struct field *payload) {
  struct cursor cursor = open_cursor(payload->bytes, payload->size);
  struct field field;
  uint64_t pid = 0;
  while (next_field(&cursor, &field))
    if (field.number == 1 && field.kind == WIRE_NUMBER) pid = field.value;
  return pid;
}

static bool ask(int fd, uint64_t *pid) {
  static const char *path[2] = {"containerd.task.v2.Task", "Connect"};
  struct buffer out = {0}, nothing = {0};
  uint8_t head[FRAME_HEAD], data[4096];
  struct field payload;
  put_call(&out, 1, path, &nothing);
  bool is_sent = !out.failed && send(fd, out.data, out.size, MSG_NOSIGNAL) == (ssize_t)out.size;
  drop(&out);
  if (!is_sent || !receive(fd, head, sizeof head)) return false;
  struct frame frame = read_head(head);
  if (frame.type != FRAME_RESPONSE || frame.size > sizeof data || !receive(fd, data, frame.size)) return false;
  if (decode_answer(data, frame.size, &payload) != OK) return false;
  *pid = pid_in(&payload);
  return true;
}

bool is_shim(int fd, char *why, size_t room) {
  struct timeval patience = {.tv_sec = PATIENCE_S};
  struct ucred peer;
  socklen_t size = sizeof peer;
  uint64_t pid = 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid()) {
    snprintf(why, room, "another user listens on the address of the shim");
    return false;
  }
  if (ask(fd, &pid) && pid > 0) return true;
  snprintf(why, room, "process %d listens on the address of the shim, and is none", (int)peer.pid);
  return false;
}
