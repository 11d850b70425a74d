/*
 * What watches over the command of a sandbox: reaps orphans, forwards signals, ends with its command, and dies with its
 * caller. As PID 1 of a namespace it has the kernel to end the rest. Without one it adopts every orphan, and the rest is
 * one process group, which nobody can leave: the filter of such a sandbox takes setsid(2) and setpgid(2) away.
 */
#include "init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool in_namespace; /* of pids, of our own */
static bool lingers; /* what the caller looks at would go with us */

/*
 * Nothing of the command may outlive its result. kill(2) reaches a whole group at once, and a fork that it meets fails,
 * so nothing slips through. The command is not collected yet, or the number of its group could be another's by now.
 */
static void kill_all(pid_t command) {
  kill(in_namespace ? -1 : -command, SIGKILL);
  kill(command, SIGKILL); /* it may not lead its group yet */
}

static void collect_all(void) {
  while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR) continue;
}

static void await_end_of_file(int control) {
  struct frame frame;
  ssize_t got;
  do got = recv(control, &frame, sizeof frame, 0);
  while (got > 0 || (got < 0 && errno == EINTR));
}

static _Noreturn void end(int control, pid_t command) {
  int status = 0;
  kill_all(command);
  while (waitpid(command, &status, __WALL) < 0 && errno == EINTR) continue;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  collect_all();
  send_frame(control, MESSAGE_exited, code, sig);
  if (lingers) await_end_of_file(control);
  _exit(sig ? 128 + sig : code);
}

/* The caller died, or let go of us. In a namespace of ours the kernel kills all of it with us. */
static _Noreturn void give_up(pid_t command) {
  if (!in_namespace) {
    kill_all(command);
    collect_all();
  }
  _exit(128 + SIGKILL);
}

static void reap(int control, pid_t command) {
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 || info.si_pid == 0) return;
    if (info.si_pid == command) end(control, command);
    waitpid(info.si_pid, NULL, WNOHANG | __WALL);
  }
}

/*
 * As Ctrl-C does: to the group that the command leads, or to ours where we made the session for both. Never to a group
 * that was there before us. kill(2) takes group 1 as everybody, so ours is 0; what comes back to us is dropped.
 */
static int signal_group(pid_t command, int signal) {
  pid_t group = getpgid(command);
  if (group == command) return kill(-group, signal) == 0;
  return group == getpgrp() && group == getpid() && kill(0, signal) == 0;
}

/* Signals come over the conversation too: there they wait for us, while kill(2) on a PID 1 that is not ready is lost. */
static void listen_to_caller(int control, pid_t command) {
  struct frame frame;
  ssize_t got = recv(control, &frame, sizeof frame, MSG_WAITALL);
  if (got == sizeof frame && frame.message == MESSAGE_signal && frame.size == 0) {
    if (frame.b == 0 || !signal_group(command, frame.a)) kill(command, frame.a);
  } else if (got >= 0 || errno != EINTR) give_up(command); /* end of file */
}

/* The command shares our uid, so it may set RLIMIT_NOFILE of PID 1 to 0, and poll(2) answers EINVAL from then on. */
static void look_without_poll(int control, pid_t command) {
  const struct timespec moment = {0, 10 * 1000 * 1000};
  char byte;
  nanosleep(&moment, NULL);
  reap(control, command);
  if (recv(control, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) give_up(command);
}

static _Noreturn void watch(int control, int signals, pid_t command) {
  struct pollfd fds[2] = {{signals, POLLIN, 0}, {control, POLLIN, 0}};
  for (;;) {
    if (poll(fds, 2, -1) < 0) {
      if (errno != EINTR) look_without_poll(control, command);
      continue;
    }
    struct signalfd_siginfo info;
    if (fds[0].revents && read(signals, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) reap(control, command);
      /*
       * 0: from outside of our pid namespace. What the command itself sends to PID 1 is dropped, as for any init; what
       * a terminal sends (SI_KERNEL) has reached the command too. Without a namespace Landlock drops it.
       */
      else if ((info.ssi_pid == 0 || !in_namespace) && info.ssi_code != SI_KERNEL) kill(command, (int)info.ssi_signo);
    }
    if (fds[1].revents) listen_to_caller(control, command);
  }
}

/* The parent stays here; the command goes on with the plan. */
static int split(struct context *ctx) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int signals = signalfd(-1, &all, SFD_CLOEXEC);
  pid_t command = signals < 0 ? -1 : fork();
  if (command < 0) return errno;
  if (command == 0) {
    reset_signals();
    return 0;
  }
  /* Keep only the conversation: an output pipe that stays open here would never end for its reader. */
  int control = dup2(ctx->control, 0);
  signals = dup2(signals, 1);
  sys_close_range(2, ~0u, 0);
  watch(control, signals, command);
}

int run_reap(struct context *ctx, const struct op_reap *op) {
  in_namespace = true;
  lingers = op->lingers;
  return split(ctx);
}

/* The command leads a session and a group of its own. Were we killed from outside, the kernel would end at least it. */
int run_reap_tree(struct context *ctx, const struct op_reap_tree *op) {
  pid_t watcher = getpid();
  lingers = op->lingers;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return errno;
  int error = split(ctx);
  if (error) return error;
  if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
  if (getppid() != watcher) _exit(128 + SIGKILL);
  return 0;
}
