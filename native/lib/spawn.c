/*
 * Starts init with a plan. vfork(2) instead of fork(2): a Node process is large, and copying its page tables costs
 * more than everything init does. The child only shuffles descriptors and executes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "start.h"
#include "usnea.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

int usnea_open_init(const char *path) {
  struct stat stat;
  int from = open(path, O_RDONLY | O_CLOEXEC);
  if (from < 0) return -errno;
  int fd = fstat(from, &stat) == 0 ? memory_file("usnea-init", MFD_EXEC) : -1;
  int error = fd < 0 ? errno : 0;
  for (off_t left = stat.st_size; !error && left > 0;) {
    ssize_t sent = sendfile(fd, from, NULL, (size_t)left);
    if (sent <= 0) error = sent < 0 ? errno : EIO;
    else left -= sent;
  }
  /* The seals are what holds; a filter around us that lets nobody change modes (level L) leaves it as it is, 0777. */
  if (!error && fchmod(fd, 0555) != 0 && errno != EPERM) error = errno;
  if (!error && fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0) error = errno;
  close(from);
  if (error && fd >= 0) close(fd);
  return error ? -error : fd;
}

/* One for all threads: each would have a descriptor that outlives it. The library knows no other path than its neighbour's. */
int usnea_sealed_init(const char *path) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int kept = -1;
  pthread_mutex_lock(&lock);
  int fd = kept >= 0 ? kept : usnea_open_init(path);
  if (fd >= 0) kept = fd;
  pthread_mutex_unlock(&lock);
  return fd;
}

/* In the vfork child: sources may lie where targets belong, so first move all of them above. */
static int place(const struct start *start, int init_fd, int *moved, const int **out_init) {
  int base = start->count + 2, high = base;
  for (int i = 0; i < base; i++) {
    int from = i < start->count ? start->child[i] : i == start->count ? start->control[1] : start->plan;
    moved[i] = fcntl(from, F_DUPFD_CLOEXEC, high);
    if (moved[i] < 0) return errno;
  }
  moved[base] = fcntl(init_fd, F_DUPFD_CLOEXEC, high);
  if (moved[base] < 0) return errno;
  for (int i = 0; i < base; i++)
    if (dup2(moved[i], i) < 0) return errno;
  *out_init = &moved[base];
  return 0;
}

static pid_t spawn(const struct start *start, int init_fd, const char *label) {
  char control[12], plan[12];
  char *const argv[] = {(char *)"usnea-init", control, plan, *label ? (char *)(uintptr_t)label : NULL, NULL};
  char *const env[] = {NULL};
  static __thread int moved[MAX_FDS + 3]; /* shared with the child */
  volatile int error = 0;
  sigset_t all, old;
  snprintf(control, sizeof control, "%d", start->count);
  snprintf(plan, sizeof plan, "%d", start->count + 1);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pid_t pid = vfork();
  if (pid == 0) {
    const int *init = NULL;
    error = place(start, init_fd, moved, &init);
    if (!error) {
      syscall(SYS_execveat, *init, "", argv, env, AT_EMPTY_PATH);
      error = errno;
    }
    _exit(127);
  }
  int failed = pid < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (pid > 0 && error) {
    waitpid(pid, NULL, 0);
    failed = error;
  }
  return failed ? -failed : pid;
}

int usnea_spawn(int init_fd, const void *plan, uint32_t size, int32_t *fds, int count, int32_t *control, const char *label) {
  static __thread struct start start; /* worker threads may start at the same time */
  if (count < 3 || count > MAX_FDS) return -EINVAL;
  int error = start_open(&start, fds, count);
  if (!error && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, start.control) != 0) error = errno;
  if (!error) error = start_seal(&start, plan, size);
  pid_t pid = error ? -error : spawn(&start, init_fd, label);
  start_release(&start, pid < 0);
  if (pid < 0) return pid;
  start_noted();
  for (int i = 0; i < count; i++) fds[i] = start.parent[i];
  *control = start.control[0];
  return pid;
}
