/*
 * The foreground of the command line: moves input and output, hands signals on, waits for the end. In C, because a
 * program that only waits needs no event loop, and loading one costs more than the container.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usnea.h"

enum { BUFFER = 65536, GRACE_MS = 200, LAST_SIGNAL = 64 };

/* ---- signals ---- */

static volatile int target_pid, target_control, shares_terminal;
static struct sigaction saved[LAST_SIGNAL + 1];

/* Only kill(2) and write(2): both are safe here. signal-safety(7) */
static void hand_on(int sig, siginfo_t *info, void *unused) {
  (void)unused;
  int error = errno;
  if (shares_terminal && info->si_code == SI_KERNEL) return; /* it got this one from the terminal itself */
  if (target_control >= 0) {
    const int32_t frame[4] = {USNEA_MESSAGE_SIGNAL, 0, sig, 0};
    if (write(target_control, frame, sizeof frame) < 0) errno = error; /* the sandbox has ended */
  } else if (target_pid > 0) {
    kill(target_pid, sig);
  }
  errno = error;
}

/*
 * Not: what cannot be caught, faults of our own, our children and pipes, the profiler, the two that libc uses itself,
 * and what only the owner of a terminal should answer.
 */
static bool is_ours(int sig) {
  static const int kept[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,  SIGTRAP, SIGABRT, SIGCHLD,
                             SIGPIPE, SIGURG,  SIGPROF, SIGWINCH, SIGTTIN, SIGTTOU, SIGTSTP, 32,      33};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (kept[i] == sig) return true;
  return false;
}

int usnea_forward_signals(int pid, int control, int has_terminal) {
  struct sigaction action = {.sa_sigaction = hand_on, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigfillset(&action.sa_mask);
  target_pid = pid;
  target_control = control;
  shares_terminal = has_terminal;
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &action, &saved[sig]);
  return 0;
}

int usnea_stop_forwarding(void) {
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &saved[sig], NULL);
  target_pid = 0;
  target_control = -1;
  return 0;
}

/* ---- input and output ---- */

struct lane {
  int from, to;
  bool closes_to; /* `to` is our end of the container's pipe: its reader must hear of the end */
  size_t start, end;
  char bytes[BUFFER];
};

static void end_lane(struct lane *lane) {
  if (lane->closes_to && lane->to >= 0) close(lane->to);
  else if (!lane->closes_to && lane->from >= 0) close(lane->from);
  lane->from = lane->to = -1;
  lane->start = lane->end = 0;
}

static void take(struct lane *lane) {
  ssize_t got = read(lane->from, lane->bytes, BUFFER);
  if (got > 0) lane->start = 0, lane->end = (size_t)got;
  else if (got == 0 || (errno != EAGAIN && errno != EINTR)) end_lane(lane);
}

/* A blocking pipe that polls as writable takes PIPE_BUF bytes without blocking. A closed reader ends the lane. */
static void give(struct lane *lane) {
  size_t left = lane->end - lane->start;
  size_t size = left > 4096 && !(fcntl(lane->to, F_GETFL) & O_NONBLOCK) ? 4096 : left;
  ssize_t wrote = write(lane->to, lane->bytes + lane->start, size);
  if (wrote > 0) lane->start += (size_t)wrote;
  else if (wrote < 0 && errno != EAGAIN && errno != EINTR) end_lane(lane);
}

static void offer(const struct lane *lane, struct pollfd *fd) {
  bool full = lane->end > lane->start;
  *fd = (struct pollfd){full ? lane->to : lane->from, full ? POLLOUT : POLLIN, 0};
}

/* One round; false when nothing happened within the time. */
static bool turn(struct lane *lanes, int pidfd, int timeout_ms) {
  struct pollfd fds[4];
  for (int i = 0; i < 3; i++) offer(&lanes[i], &fds[i]);
  fds[3] = (struct pollfd){pidfd, POLLIN, 0};
  int got = poll(fds, 4, timeout_ms);
  if (got <= 0) return got < 0 && errno == EINTR;
  bool moved = false;
  for (int i = 0; i < 3; i++) {
    if (!fds[i].revents) continue;
    moved = true;
    if (lanes[i].end > lanes[i].start) give(&lanes[i]);
    else take(&lanes[i]);
  }
  return moved || fds[3].revents;
}

static bool is_open(const struct lane *lane) { return lane->from >= 0 || lane->end > lane->start; }

static bool has_ended(int pidfd) {
  struct pollfd fd = {pidfd, POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

int usnea_pump(int pid, int in, int out, int err, int32_t *status) {
  static struct lane lanes[3];
  int pidfd = usnea_pidfd_open(pid);
  if (pidfd < 0) return pidfd;
  lanes[0] = (struct lane){.from = 0, .to = in, .closes_to = true};
  lanes[1] = (struct lane){.from = out, .to = 1};
  lanes[2] = (struct lane){.from = err, .to = 2};
  const int ours[] = {in, out, err};
  for (int i = 0; i < 3; i++) fcntl(ours[i], F_SETFL, fcntl(ours[i], F_GETFL) | O_NONBLOCK);
  while (!has_ended(pidfd)) turn(lanes, pidfd, -1);
  end_lane(&lanes[0]);
  /* What was written is still in the pipes. A left-over child that keeps them open is given a moment only. */
  while ((is_open(&lanes[1]) || is_open(&lanes[2])) && turn(lanes, -1, GRACE_MS)) continue;
  end_lane(&lanes[1]);
  end_lane(&lanes[2]);
  close(pidfd);
  return usnea_wait(pid, 1, status);
}
