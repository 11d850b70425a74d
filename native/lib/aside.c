/* Small programs that stay beside a detached container when we are gone. */
#define _GNU_SOURCE
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "usnea.h"

/* In a child: a session of its own, nothing of the caller's open, and a parent that does not wait for it. */
static _Noreturn void detach(int program, char **argv, const int *kept, size_t count) {
  static char *const env[] = {NULL};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  setsid();
  if (chdir("/") != 0) _exit(127);
  for (int fd = 0; fd < 3; fd++)
    if (dup2(null, fd) < 0) _exit(127);
  syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
  for (size_t i = 0; i < count; i++)
    if (kept[i] >= 0) fcntl(kept[i], F_SETFD, 0);
  pid_t pid = fork();
  if (pid == 0) syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
  _exit(pid > 0 ? 0 : 127);
}

int start_aside(int program, char **argv, const int *kept, size_t count) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) detach(program, argv, kept, count);
  if (child < 0) return errno;
  return usnea_wait(child, 1, &status) < 0 || status != 0 ? ECHILD : 0;
}

int usnea_watch_aside(const char *path, int pid, int file, const char *label) {
  char init[12], pidfd_[12], file_[12], ready[12];
  char *argv[] = {(char *)"usnea-watch", (char *)(uintptr_t)label, init, pidfd_, file_, ready, NULL};
  int ends[2] = {-1, -1}, pidfd = -1, program = usnea_open_init(path);
  int error = program < 0 ? -program : pipe2(ends, O_CLOEXEC) != 0 ? errno : 0;
  if (!error && (pidfd = usnea_pidfd_open(pid)) < 0) error = -pidfd;
  snprintf(init, sizeof init, "%d", pid);
  snprintf(pidfd_, sizeof pidfd_, "%d", pidfd);
  snprintf(file_, sizeof file_, "%d", file);
  snprintf(ready, sizeof ready, "%d", ends[1]);
  const int kept[] = {pidfd, file, ends[1]};
  if (!error) error = start_aside(program, argv, kept, sizeof kept / sizeof *kept);
  if (ends[1] >= 0) close(ends[1]);
  /* nothing comes when it cannot do its work */
  for (char byte; !error;) {
    ssize_t got = read(ends[0], &byte, 1);
    if (got == 1) break;
    if (got == 0 || errno != EINTR) error = got == 0 ? EPERM : errno;
  }
  const int done[] = {program, pidfd, ends[0]};
  for (size_t i = 0; i < sizeof done / sizeof *done; i++)
    if (done[i] >= 0) close(done[i]);
  return -error;
}

int usnea_watch_group(const char *path, int channel, const char *label) {
  char channel_[12];
  char *argv[] = {(char *)"usnea-watch", (char *)(uintptr_t)label, channel_, NULL};
  int program = usnea_open_init(path);
  if (program < 0) return program;
  snprintf(channel_, sizeof channel_, "%d", channel);
  int error = start_aside(program, argv, &channel, 1);
  close(program);
  return -error;
}
