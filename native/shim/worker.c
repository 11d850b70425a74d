/* One fork for one call. What it does may block, crash or take memory: the shim goes on as it was. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

static work *const works[METHODS] = {[CREATE] = work_create, [START] = work_start, [DELETE] = work_delete,
  [PAUSE] = work_pause, [RESUME] = work_resume, [KILL] = work_kill, [PIDS] = work_pids, [CHECKPOINT] = work_checkpoint,
  [UPDATE] = work_update, [STATS] = work_stats};

bool set_failure(struct result *result, enum code code, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(result->message, sizeof result->message, format, list);
  va_end(list);
  result->code = code;
  return false;
}

static void close_between(unsigned first, unsigned past) {
  if (first >= past || syscall(SYS_close_range, first, past - 1, 0) == 0) return;
  long most = sysconf(_SC_OPEN_MAX); /* before Linux 5.9 */
  for (unsigned fd = first; fd < past && fd < (unsigned)(most > 0 ? most : 1024); fd++) close((int)fd);
}

/* A copy of a pipe's end that stays open here would keep its reader from hearing of the end. */
void keep_only(const int *fds, int count) {
  unsigned first = 3;
  for (;;) {
    unsigned next = ~0U;
    for (int i = 0; i < count; i++)
      if (fds[i] >= (int)first && (unsigned)fds[i] < next) next = (unsigned)fds[i];
    close_between(first, next == ~0U ? 1U << 30 : next);
    if (next == ~0U) return;
    first = next + 1;
  }
}

static void tell_result(int to, struct result *result, const struct buffer *payload, int fd) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec part = {result, sizeof *result};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd >= 0) {
    head.msg_control = control.bytes;
    head.msg_controllen = sizeof control.bytes;
    struct cmsghdr *passed = CMSG_FIRSTHDR(&head);
    *passed = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(passed), &fd, sizeof fd);
  }
  if (sendmsg(to, &head, MSG_NOSIGNAL) < 0) return;
  for (size_t at = 0; at < payload->size;) {
    ssize_t wrote = send(to, payload->data + at, payload->size - at, MSG_NOSIGNAL);
    if (wrote <= 0) return;
    at += (size_t)wrote;
  }
}

static void be_worker(struct call *call, int to, int parent) {
  struct result result = {0};
  struct buffer payload = {0};
  int fd = -1;
  sigset_t none;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* `delete` cleans up after a dead shim, and must not be raced by a creation */
  if (getppid() != parent) _exit(1);
  prctl(PR_SET_NAME, "usnea-shim-call");
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  const struct stdio *io = &call->process->io;
  const int kept[] = {to, io->child[0], io->child[1], io->child[2], io->logger_reads[0], io->logger_reads[1]};
  keep_only(kept, sizeof kept / sizeof *kept);
  works[call->method](call, &result, &payload, &fd);
  if (payload.failed) set_failure(&result, EXHAUSTED, "no memory");
  tell_result(to, &result, &payload, fd);
  _exit(0);
}

bool start_worker(struct call *call, void (*ready)(struct watch *watch, uint32_t events)) {
  int pair[2], parent = getpid();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  call->worker = fork();
  if (call->worker == 0) be_worker(call, pair[1], parent);
  close(pair[1]);
  call->watch.ready = ready;
  if (call->worker > 0 && start_watch(&call->watch, pair[0], EPOLLIN)) return true;
  close(pair[0]);
  return false;
}
