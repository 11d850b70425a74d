/*
 * The observer reads what a hostile command has written, so it gives away, before the first word of it, all that it does not
 * need: capabilities, limits, descriptors, and every system call but those by which it looks and answers. It can open
 * nothing to write, make nothing, run nothing, and reach nobody but its listener and its pipe.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2) /* there is no secret of ours to speculate about */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { PAGE = 4096, FEW = 32, LAST_CAPABILITY = 63 };

/* The owner of a user namespace has every right over it without any of its own: user_namespaces(7). */
static int drop_capabilities(void) {
  struct { uint32_t version; int pid; } header = {0x20080522u, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
  struct { uint32_t effective, permitted, inheritable; } none[2] = {{0}};
  /* not without CAP_SETPCAP, and then nobody gains one by no_new_privs */
  for (int capability = 0; capability <= LAST_CAPABILITY; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

static int drop_limits(void) {
  const struct { int resource; rlim_t limit; } limits[] = {
      {RLIMIT_CORE, 0}, {RLIMIT_FSIZE, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, FEW}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct rlimit limit;
    if (getrlimit(limits[i].resource, &limit) != 0) return errno;
    if (limit.rlim_max > limits[i].limit) limit.rlim_max = limits[i].limit;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    if (setrlimit(limits[i].resource, &limit) != 0) return errno;
  }
  return 0;
}

/* How openat2(2) is called lies in memory, where no filter sees it: so at a place that it knows, and nobody can write to. */
static int fix_ways(void) {
  struct open_how *ways = mmap((void *)(uintptr_t)WAYS_AT, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (ways == MAP_FAILED) return errno;
  if ((uintptr_t)ways != WAYS_AT) return EEXIST; /* before Linux 4.17 the address is but a wish */
  for (int way = 0; way < WAYS; way++)
    ways[way] = (struct open_how){.flags = O_PATH | O_CLOEXEC | (way == WAY_NAME ? O_NOFOLLOW : 0), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  return mprotect(ways, PAGE, PROT_READ) == 0 ? 0 : errno;
}

/* Away from where they go to, and there alone. */
static int settle_descriptors(int listener, int out) {
  int from[] = {fcntl(listener, F_DUPFD_CLOEXEC, OUT_FD + 1), fcntl(out, F_DUPFD_CLOEXEC, OUT_FD + 1)};
  if (from[0] < 0 || from[1] < 0 || dup2(from[0], LISTENER_FD) < 0 || dup2(from[1], OUT_FD) < 0) return errno;
  return syscall(SYS_close_range, OUT_FD + 1, ~0u, 0) == 0 ? 0 : errno; /* as old as the notices that are waited for: Linux 5.9 */
}

int confine(const struct policy *policy, int listener, int out) {
  struct sock_fprog program = {.len = (unsigned short)policy->head.own, .filter = (struct sock_filter *)(uintptr_t)policy->own};
  int error = settle_descriptors(listener, out);
  if (!error) error = fix_ways();
  if (!error) error = drop_limits();
  if (!error) error = drop_capabilities();
  if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) error = errno;
  if (!error && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) != 0) error = errno;
  return error;
}
