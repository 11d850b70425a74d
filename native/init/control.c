/* The conversation: small frames over a stream socket, answered by src/launch/conversation.ts. */
#include "init.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char words[512];

void detail(const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(words, sizeof words, format, list);
  va_end(list);
}

const char *detail_text(void) { return words; }

static int write_all(int fd, const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0;) {
    /*
     * MSG_NOSIGNAL: a parent that died is an errno, not a signal. The gate's descriptor is a fifo; and the filter of the
     * container, which is ours too in the end, may forbid the one call and not the other.
     */
    ssize_t wrote = send(fd, at, size, MSG_NOSIGNAL);
    if (wrote < 0 && errno != EINTR && errno != EPIPE && errno != ECONNRESET) wrote = write(fd, at, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    at += wrote;
    size -= (size_t)wrote;
  }
  return 0;
}

static int read_all(int fd, void *bytes, size_t size) {
  for (char *at = bytes; size > 0;) {
    ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return ECONNRESET;
    at += got;
    size -= (size_t)got;
  }
  return 0;
}

/* Head and payload in one call: two processes share the socket around the birth, and frames must not mix. */
int send_payload(int fd, struct frame frame, const void *payload) {
  char bytes[sizeof frame + sizeof words];
  if (frame.size > sizeof words) frame.size = sizeof words;
  memcpy(bytes, &frame, sizeof frame);
  if (frame.size) memcpy(bytes + sizeof frame, payload, frame.size);
  return write_all(fd, bytes, sizeof frame + frame.size);
}

/* unix(7): a descriptor travels as ancillary data of the first byte. A frame is far smaller than the socket's buffer. */
int send_descriptor(int fd, struct frame frame, const void *payload, int passed) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr head;
  } control = {{0}};
  struct iovec parts[] = {{&frame, sizeof frame}, {(void *)(uintptr_t)payload, frame.size}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  control.head.cmsg_len = CMSG_LEN(sizeof(int));
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
  for (;;) {
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent == (ssize_t)(sizeof frame + frame.size)) return 0;
    if (sent >= 0) return EMSGSIZE;
    if (errno != EINTR) return errno;
  }
}

int send_descriptors(int fd, const char *text, size_t size, const int *passed, int count) {
  union {
    char bytes[CMSG_SPACE(NAMESPACES * sizeof(int))];
    struct cmsghdr head;
  } control = {{0}};
  if (count > NAMESPACES) return E2BIG;
  struct iovec part = {(void *)(uintptr_t)text, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
  message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
  control.head.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(&control.head), passed, (size_t)count * sizeof(int));
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

int send_frame(int fd, uint32_t message, int32_t a, int32_t b) {
  return send_payload(fd, (struct frame){message, 0, a, b}, NULL);
}

/* `{op, errno}` and a short text; then we are gone, and the kernel takes the namespaces with us. */
void report_failure(struct context *ctx, int error) {
  int fd = ctx->result >= 0 ? ctx->result : ctx->control;
  uint32_t size = (uint32_t)strlen(words);
  send_payload(fd, (struct frame){MESSAGE_failed, size, (int32_t)(ctx->before + ctx->at), error}, words);
  _exit(1);
}

int report_weaker(const struct context *ctx) { return send_frame(ctx->control, MESSAGE_weaker, (int32_t)(ctx->before + ctx->at), 0); }

int run_say(struct context *ctx, const struct op_say *op) {
  return send_frame(ctx->control, (uint32_t)op->message, (int32_t)getpid(), 0) ? (_exit(1), 0) : 0;
}

/* The order checker of our side: only the answer that this op names lets us go on. A closed socket is a dead parent. */
int run_wait(struct context *ctx, const struct op_wait *op) {
  struct frame frame;
  if (read_all(ctx->control, &frame, sizeof frame)) _exit(1);
  if (frame.message != op->message || frame.size > MAX_PAYLOAD) {
    detail("expected message %llu, got %u", (unsigned long long)op->message, frame.message);
    return EPROTO;
  }
  free(ctx->reply);
  ctx->reply = NULL;
  ctx->reply_size = frame.size;
  if (frame.size == 0) return 0;
  if (!(ctx->reply = malloc(frame.size))) return ENOMEM;
  return read_all(ctx->control, ctx->reply, frame.size);
}
