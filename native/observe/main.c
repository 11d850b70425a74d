/*
 * usnea-observe WISH CHANNEL OUT: waits for the listener on the channel, then answers until nobody is left under the filter.
 * Should it die, the kernel refuses every call that would have come here (ENOSYS): what is watched never goes on unseen.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { LARGEST = 4096, WORD = 1 };

/* -1: the sandbox was never made. */
static int receive_listener(int channel) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr head;
  } control = {{0}};
  char word;
  struct iovec part = {&word, WORD};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  do got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  int fd = -1;
  if (got == WORD && control.head.cmsg_len == CMSG_LEN(sizeof fd) && control.head.cmsg_type == SCM_RIGHTS)
    memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
  return fd;
}

static void answer(const struct policy *policy, const struct seccomp_notif *notice, struct seccomp_notif_resp *reply) {
  const struct ask ask = {policy, find_call(policy, &notice->data), &notice->data, {(int)notice->pid, notice->id}};
  uint32_t verdict = run_filter(policy->program, policy->head.instructions, &notice->data);
  reply->id = notice->id;
  if (verdict == SECCOMP_RET_ALLOW) {
    reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (ask.call) judge(&ask);
    return;
  }
  bool is_errno = (verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
  reply->error = is_errno ? -(int)(verdict & SECCOMP_RET_DATA) : -EPERM;
  tell(&ask, CALL_KIND, 0, -reply->error, "", 0);
}

static void serve(const struct policy *policy) {
  static union { struct seccomp_notif notice; char room[LARGEST]; } in;
  static union { struct seccomp_notif_resp reply; char room[LARGEST]; } back;
  struct pollfd fd = {LISTENER_FD, POLLIN, 0};
  for (;;) {
    if (poll(&fd, 1, -1) < 0 && errno != EINTR) return;
    if (fd.revents & POLLIN) {
      memset(&in, 0, sizeof in);
      memset(&back, 0, sizeof back);
      if (ioctl(LISTENER_FD, SECCOMP_IOCTL_NOTIF_RECV, &in) != 0) continue; /* it was interrupted, or died */
      answer(policy, &in.notice, &back.reply);
      ioctl(LISTENER_FD, SECCOMP_IOCTL_NOTIF_SEND, &back);
    } else if (fd.revents) return; /* POLLHUP: the last process under the filter is gone */
  }
}

int main(int argc, char **argv) {
  struct policy policy;
  struct stat stat;
  if (argc < 4) return 2;
  int wish = atoi(argv[1]), channel = atoi(argv[2]), out = atoi(argv[3]);
  prctl(PR_SET_NAME, "usnea-observe");
  prctl(PR_SET_DUMPABLE, 0); /* nobody of our uid looks into us */
  signal(SIGPIPE, SIG_IGN);
  if (fstat(wish, &stat) != 0) return 1;
  const void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, wish, 0);
  if (bytes == MAP_FAILED || read_policy(bytes, (size_t)stat.st_size, &policy) != NULL) return 1;
  keep_root((policy.head.flags & FIXED_ROOT) != 0);
  int listener = receive_listener(channel);
  if (listener < 0) return 1;
  uint64_t wake = 1; /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, since 6.6: we run where the caller ran */
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, wake);
  if (confine(&policy, listener, out)) return 1;
  serve(&policy);
  finish_report();
  return 0;
}
