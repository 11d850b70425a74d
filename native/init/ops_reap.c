/* PID 1 of a sandbox: reaps orphans, forwards signals, ends with its command, and dies with its caller. */
#include "init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Nothing of the command may outlive its result. */
static void kill_the_rest(void) {
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR) continue;
}

static _Noreturn void end(int control, int status) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  kill_the_rest();
  send_frame(control, MESSAGE_exited, code, sig);
  _exit(sig ? 128 + sig : code);
}

static void reap(int control, pid_t command) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;)
    if (pid == command) end(control, status);
}

/* Signals come over the conversation too: there they wait for us, while kill(2) on a PID 1 that is not ready is lost. */
static void listen_to_caller(int control, pid_t command) {
  struct frame frame;
  ssize_t got = recv(control, &frame, sizeof frame, MSG_WAITALL);
  if (got == sizeof frame && frame.message == MESSAGE_signal && frame.size == 0) kill(command, frame.a);
  /* end of file: the caller died, or let go of us; the kernel kills all of our namespace with us */
  else if (got >= 0 || errno != EINTR) _exit(128 + SIGKILL);
}

/* The command shares our uid, so it may set RLIMIT_NOFILE of PID 1 to 0, and poll(2) answers EINVAL from then on. */
static void look_without_poll(int control, pid_t command) {
  const struct timespec moment = {0, 10 * 1000 * 1000};
  char byte;
  nanosleep(&moment, NULL);
  reap(control, command);
  if (recv(control, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) _exit(128 + SIGKILL);
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
       * a terminal sends (SI_KERNEL) has reached the command too.
       */
      else if (info.ssi_pid == 0 && info.ssi_code != SI_KERNEL) kill(command, (int)info.ssi_signo);
    }
    if (fds[1].revents) listen_to_caller(control, command);
  }
}

int run_reap(struct context *ctx, const struct op_reap *op) {
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
