/*
 * usnea-attend takes our place: the same process, so that the container stays our child and whoever waits for us waits
 * for it. No signal may be lost on the way. What is blocked stays pending over execve(2), so everything is blocked
 * first; but Node has other threads, and a signal that one of them has just taken would be gone with the thread. So all
 * of them are made to block everything before.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "../attend/attend.h"
#include "usnea.h"

enum { QUIETING = 64, PATIENCE_MS = 1000, MAX_WORDS = 64 };

extern char **environ;

static atomic_int quieted;

/* In the thread that is to be quiet: on the way back the kernel puts this mask in place. */
static void quiet(int sig, siginfo_t *info, void *context) {
  (void)sig;
  if (info->si_code != SI_TKILL || info->si_pid != getpid()) return;
  sigfillset(&((ucontext_t *)context)->uc_sigmask);
  atomic_fetch_add(&quieted, 1);
}

/* Some threads of Node block everything from the start. proc_pid_status(5): SigBlk */
static bool blocks_all(int tid) {
  char path[64], line[256];
  unsigned long long mask = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  FILE *file = fopen(path, "re");
  if (!file) return true; /* it has ended */
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "SigBlk: %llx", &mask) == 1) break;
  fclose(file);
  const unsigned long long free = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 3ull << 31; /* 32 and 33 are libc's */
  return (~mask & ~free) == 0;
}

static int ask_others(void) {
  int asked = 0, own = (int)syscall(SYS_gettid);
  DIR *tasks = opendir("/proc/self/task");
  if (!tasks) return -1;
  for (struct dirent *entry; (entry = readdir(tasks));) {
    int tid = atoi(entry->d_name);
    if (tid <= 0 || tid == own || blocks_all(tid)) continue;
    if (syscall(SYS_tgkill, getpid(), tid, QUIETING) == 0) asked++;
  }
  closedir(tasks);
  return asked;
}

static bool quiet_others(void) {
  struct sigaction action = {.sa_sigaction = quiet, .sa_flags = SA_SIGINFO | SA_RESTART}, before;
  sigfillset(&action.sa_mask);
  atomic_store(&quieted, 0);
  sigaction(QUIETING, &action, &before);
  int asked = ask_others();
  for (int waited = 0; asked > 0 && atomic_load(&quieted) < asked && waited < PATIENCE_MS; waited++) usleep(1000);
  sigaction(QUIETING, &before, NULL);
  return asked >= 0 && atomic_load(&quieted) >= asked;
}

int write_state(const struct attendance *attendance) {
  int fd = memfd_create("usnea-attendance", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, attendance, sizeof *attendance) == sizeof *attendance && lseek(fd, 0, SEEK_SET) == 0) return fd;
  close(fd);
  return -ENOSPC;
}

/* Node marks even stdio, as it marks everything it inherits. */
static void set_kept(const struct attendance *a, int state, int flags) {
  const int kept[] = {0, 1, 2, state, a->lanes[0].to, a->lanes[1].from, a->lanes[2].from, a->console, a->terminal.size_fd,
                      a->relay.is_open ? a->relay.from : -1, a->relay.is_open ? a->relay.to : -1};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (kept[i] >= 0) fcntl(kept[i], F_SETFD, flags);
}

/*
 * What the caller left open for us is not for it: a pipe that it keeps open would never end for whoever reads it. The
 * flag came with Linux 5.11, and a filter around us may not know the call at all.
 */
static void mark_all(void) {
  if (syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) == 0) return;
  DIR *fds = opendir("/proc/self/fd");
  if (!fds) return;
  for (struct dirent *entry; (entry = readdir(fds));) {
    int fd = atoi(entry->d_name);
    if (fd > 2) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  closedir(fds);
}

static int become(int program, const struct attendance *attendance, char **argv) {
  char number[12];
  sigset_t all, before;
  int state = write_state(attendance);
  if (state < 0) return state;
  snprintf(number, sizeof number, "%d", state);
  argv[0] = (char *)"usnea-attend";
  argv[1] = number;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  mark_all();
  set_kept(attendance, state, 0);
  syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
  int error = errno;
  set_kept(attendance, state, FD_CLOEXEC);
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(state);
  return -error;
}

int usnea_hand_over(const char *path, const char *words, uint32_t size) {
  char *argv[MAX_WORDS + 3] = {NULL};
  int count = 2;
  for (const char *word = words; word < words + size; word += strlen(word) + 1) {
    if (count == MAX_WORDS + 2) return -E2BIG;
    argv[count++] = (char *)(uintptr_t)word;
  }
  int program = usnea_open_init(path);
  if (program < 0) return program;
  int error = quiet_others() ? become(program, usnea_attendance(), argv) : -EAGAIN;
  close(program);
  return error;
}
