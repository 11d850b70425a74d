/*
 * usnea-attend STATE [COMMAND ...]: goes on where Node left off, in the same process. Its own program, because a Node
 * that only waits takes fifty megabytes. At the end it runs the command, which takes the container away, and ends with
 * the status of the container's program. Beside a detached container it is only a relay, for a while.
 */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/usnea.h"

/* As exec(1) of the command line fails: 137 would say that the program was killed. */
enum { LOST = 255 };

static struct attendance attendance;

static bool read_state(int fd) {
  ssize_t got = read(fd, &attendance, sizeof attendance);
  close(fd);
  return got == sizeof attendance && attendance.sum == PLAN_SUM && attendance.size == sizeof attendance;
}

static int lost(const char *why) {
  dprintf(2, "usnea: the program of the container cannot be waited for any more: %s\n", why);
  return LOST;
}

/* Our signals do nothing any more; what takes the container away begins as any program does. */
static void run(char **command) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) dup2(null, 0);
    if (chdir("/") != 0) _exit(127); /* ours may be gone, and shells complain */
    for (int sig = 1; sig <= 64; sig++) signal(sig, SIG_DFL);
    execv(command[0], command);
    _exit(127);
  }
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

int main(int argc, char **argv) {
  int32_t status = 0;
  sigset_t none;
  if (argc < 2 || !read_state(atoi(argv[1]))) return lost("what it was to know did not arrive");
  prctl(PR_SET_NAME, "usnea-attend");
  prctl(PR_SET_DUMPABLE, 0); /* nobody of our uid, in a container or not, looks into us */
  signal(SIGPIPE, SIG_IGN);
  if (attendance.pid == 0) {
    relay_alone(&attendance.relay);
    return 0;
  }
  usnea_forward_signals(attendance.pid, -1, 0);
  if (attendance.console >= 0) guard_terminal(&attendance.terminal);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL); /* what came meanwhile comes now */
  copy_size(&attendance.terminal, attendance.console);
  int got = attend(&attendance, -1, &status);
  if (argv[2]) run(argv + 2);
  if (got < 0) return lost(strerror(-got));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
