/*
 * A sandbox that is ready before its command is known: all is made, and the rest of the plan comes over the conversation,
 * together with the command's descriptors. Nothing of a command has run here yet, so there is nobody to be wary of but
 * the parent that closes its end.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STREAMS = 3, PASSED = STREAMS + 1 };

/* unix(7): descriptors come with the first byte of the frame. What is too many is closed by the kernel, and told. */
static int receive(int control, int *passed) {
  union {
    char bytes[CMSG_SPACE(PASSED * sizeof(int))];
    struct cmsghdr head;
  } room;
  struct frame frame;
  struct iovec part = {&frame, sizeof frame};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
  ssize_t got;
  do got = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  while (got < 0 && errno == EINTR);
  if (got <= 0) _exit(1); /* the parent is gone, or needs us no more */
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (got != sizeof frame || frame.message != MESSAGE_rest || frame.size != 0 || (message.msg_flags & MSG_CTRUNC) || !head ||
      head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(PASSED * sizeof(int)))
    return EPROTO;
  memcpy(passed, CMSG_DATA(head), PASSED * sizeof(int));
  return 0;
}

static int map_plan(int fd, struct plan *plan) {
  struct stat stat;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || !(seals & F_SEAL_WRITE) || !(seals & F_SEAL_SHRINK)) return EPERM;
  if (fstat(fd, &stat) != 0) return errno;
  void *bytes = stat.st_size > 0 ? mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  if (bytes == MAP_FAILED) return errno ? errno : EINVAL;
  close(fd);
  const char *refusal = plan_decode_rest(bytes, (size_t)stat.st_size, plan);
  if (refusal) detail("%s", refusal);
  return refusal ? EPROTO : 0;
}

int run_rest(struct context *ctx, const struct op_rest *op) {
  static struct plan plan;
  int passed[PASSED];
  int error = receive(ctx->control, passed);
  for (int i = 0; !error && i < STREAMS; i++)
    if (dup2(passed[i], i) < 0 || close(passed[i]) != 0) error = errno;
  if (!error) error = map_plan(passed[STREAMS], &plan);
  if (error) return error;
  ctx->before += ctx->at + 1;
  ctx->plan = &plan;
  ctx->at = 0;
  run_plan(ctx);
}
