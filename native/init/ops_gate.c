/*
 * Between OCI create and start. Two fifos in the state directory: start writes the word (and the state for hooks) into
 * the one, and reads from the other: end of file when the program runs, a failure frame when it cannot.
 *
 * Nobody but real root may look into us here, and setns(2) would need that. So whoever makes containers without being
 * root gets a door beside the fifos: a socket on which we hand out our namespaces to whoever connects. It lies in the
 * state directory, where nobody in the container can come; and who could would get nothing that he is not in already.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Their names in /proc/PID/ns, in the order in which they are handed out. */
static const char *const kinds[] = {"user", "ipc", "uts", "net", "pid", "cgroup", "time", "mnt"};
_Static_assert(sizeof kinds / sizeof *kinds == NAMESPACES, "a place for each");

/* While the host's proc is there. Without it, or on a kernel without some kind, fewer are held. */
int run_hold_namespaces(struct context *ctx, const struct op_hold_namespaces *op) {
  int dir = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < NAMESPACES && dir >= 0; i++) ctx->namespaces[i] = openat(dir, kinds[i], O_RDONLY | O_CLOEXEC);
  if (dir >= 0) close(dir);
  return 0;
}

/* One message: the names, a blank between them, and the descriptors in the same order. */
static void hand_out(const struct context *ctx, int peer) {
  char names[64] = "";
  int held[NAMESPACES], count = 0;
  for (int i = 0; i < NAMESPACES; i++) {
    if (ctx->namespaces[i] < 0) continue;
    if (count) strcat(names, " ");
    strcat(names, kinds[i]);
    held[count++] = ctx->namespaces[i];
  }
  if (count) send_descriptors(peer, names, strlen(names), held, count);
}

/* Anything that is wrong with the door shuts it, and the gate stays as it is. */
static void tend_door(const struct context *ctx, int door) {
  struct pollfd fds[2] = {{ctx->control, POLLIN, 0}, {door, POLLIN, 0}};
  for (;;) {
    int got = poll(fds, 2, -1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || fds[0].revents) break;
    int peer = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) continue;
    if (peer < 0) break;
    hand_out(ctx, peer);
    close(peer);
  }
  close(door);
}

int run_gate(struct context *ctx, const struct op_gate *op) {
  fcntl((int)op->start_fd, F_SETFD, FD_CLOEXEC);
  fcntl((int)op->result_fd, F_SETFD, FD_CLOEXEC);
  close(ctx->control);
  ctx->control = (int)op->start_fd;
  const struct op_wait go = {.message = MESSAGE_go};
  ctx->result = (int)op->result_fd;
  if (op->door_fd) tend_door(ctx, (int)op->door_fd);
  for (int i = 0; i < NAMESPACES; i++)
    if (ctx->namespaces[i] >= 0) close(ctx->namespaces[i]);
  return run_wait(ctx, &go);
}
