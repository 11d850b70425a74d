/*
 * The filter for system calls. From here on it holds for us too, so everything that can be done before is done before:
 * after it init needs no call but execve(2), and where a listener or a gate follows, what those need.
 */
#include "init.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif

enum { CAP_SYS_ADMIN_ = 21, DIGITS = 16 };

static struct sock_filter filter[BPF_MAXINSNS];

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* struct sock_filter as the plan has it: bytes in memory order, two digits each. */
static int read_program(const char *text, unsigned short *length) {
  size_t size = strlen(text) / 2;
  unsigned char *bytes = (unsigned char *)filter;
  if (strlen(text) % DIGITS || size == 0 || size > sizeof filter) return E2BIG;
  for (size_t i = 0; i < size; i++) {
    int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return EPROTO;
    bytes[i] = (unsigned char)(high << 4 | low);
  }
  *length = (unsigned short)(size / sizeof *filter);
  return 0;
}

/*
 * Without no_new_privs the kernel wants CAP_SYS_ADMIN. `caps` left it permitted for this moment. It is not given back:
 * that would need a call that the filter may forbid, and execve(2) takes it anyway, as no set of a new program is
 * computed from the permitted one of the old: capabilities(7).
 */
static int raise_capability(void) {
  struct { uint32_t version; int pid; } header = {0x20080522u, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
  struct { uint32_t effective, permitted, inheritable; } data[2];
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  data[0].effective |= 1u << CAP_SYS_ADMIN_;
  return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

static long load_filter(struct context *ctx, const struct sock_fprog *program, unsigned flags) {
  long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
  if (fd < 0 && errno == ENOSYS && flags == 0) fd = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
  if (fd >= 0) ctx->filtered = true;
  return fd;
}

/*
 * As run_seccomp(), with the listener for an observer at the other end of the channel. Nobody listens yet, so this sending
 * must be a call that the filter lets pass: it knows the flags (src/sandbox/denials/watched.ts). MSG_CONFIRM means nothing here.
 */
int run_observe(struct context *ctx, const struct op_observe *op) {
  struct sock_fprog program = {.filter = filter};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr head;
  } control = {{0}};
  struct iovec part = {(void *)(uintptr_t)"l", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  int error = read_program(op->program, &program.len);
  if (!error) error = prepare_exec(0);
  if (error) return error;
  long listener = load_filter(ctx, &program, (unsigned)op->flags);
  if (listener < 0) return errno;
  int fd = (int)listener;
  control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
  error = sendmsg((int)op->channel, &message, MSG_NOSIGNAL | MSG_CONFIRM) < 0 ? errno : 0;
  if (error) detail("observer");
  close(fd);
  close((int)op->channel);
  return error;
}

int run_seccomp(struct context *ctx, const struct op_seccomp *op) {
  struct sock_fprog program = {.filter = filter};
  int error = read_program(op->program, &program.len);
  if (!error) error = prepare_exec((unsigned)op->keep_fds);
  if (error) return error;
  if (op->raise && (error = raise_capability())) {
    detail("capability");
    return error;
  }
  long fd = load_filter(ctx, &program, (unsigned)op->flags);
  if (fd < 0) return errno;
  if (!(op->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)) return 0;
  error = send_descriptor(ctx->control, (struct frame){.message = MESSAGE_seccomp_loaded}, "", (int)fd);
  close((int)fd);
  return error;
}
