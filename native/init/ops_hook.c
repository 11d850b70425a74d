/* Hooks that run inside the container: state on stdin, output kept for the error, a deadline for the whole group. */
#include "init.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 300, GRACE_MS = 100 };

struct hook {
  pid_t pid;
  int input, output, exec_error;
  const char *state;
  size_t left;
  char kept[KEPT + 1];
  size_t kept_size;
};

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static _Noreturn void become_hook(const struct op_hook *op, int root, int input, int output, int exec_error) {
  setpgid(0, 0);
  if (root >= 0 && fchdir(root) != 0) _exit(126);
  dup2(input, 0);
  dup2(output, 1);
  dup2(output, 2);
  dup3(exec_error, 3, O_CLOEXEC);
  sys_close_range(4, ~0u, 0);
  signal(SIGPIPE, SIG_DFL);
  execve(op->path, op->args->items, op->env->items);
  int error = errno;
  if (write(3, &error, sizeof error) < 0) _exit(126);
  _exit(127);
}

/* Before the pivot a hook begins in the root of the container, as under runc: that is how it finds it. */
static int spawn_hook(const struct op_hook *op, int root, struct hook *hook) {
  int input[2], output[2], exec_error[2];
  if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(exec_error, O_CLOEXEC)) return errno;
  hook->pid = fork();
  if (hook->pid < 0) return errno;
  if (hook->pid == 0) become_hook(op, root, input[0], output[1], exec_error[1]);
  close(input[0]);
  close(output[1]);
  close(exec_error[1]);
  hook->input = input[1];
  hook->output = output[0];
  hook->exec_error = exec_error[0];
  fcntl(hook->input, F_SETFL, O_NONBLOCK);
  fcntl(hook->output, F_SETFL, O_NONBLOCK);
  return 0;
}

/* A hook that does not read its input must not stop us: EPIPE only ends the feeding. */
static void feed(struct hook *hook) {
  ssize_t wrote = hook->left ? write(hook->input, hook->state, hook->left) : 0;
  if (wrote > 0) hook->state += wrote, hook->left -= (size_t)wrote;
  if (hook->left == 0 || (wrote < 0 && errno != EAGAIN && errno != EINTR)) {
    close(hook->input);
    hook->input = -1;
  }
}

static void drain(struct hook *hook) {
  char buffer[4096];
  for (;;) {
    ssize_t got = read(hook->output, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      close(hook->output);
      hook->output = -1;
      return;
    }
    size_t room = KEPT - hook->kept_size, take = (size_t)got < room ? (size_t)got : room;
    memcpy(hook->kept + hook->kept_size, buffer, take);
    hook->kept_size += take;
  }
}

/* One turn of at most GRACE_MS. A background child that keeps the output open cannot hold us: we stop with the hook. */
static void attend(struct hook *hook) {
  struct pollfd fds[2] = {{hook->input, POLLOUT, 0}, {hook->output, POLLIN, 0}};
  poll(fds, 2, hook->output < 0 && hook->input < 0 ? 5 : GRACE_MS / 10);
  if (hook->input >= 0 && fds[0].revents) feed(hook);
  if (hook->output >= 0 && fds[1].revents) drain(hook);
}

static int wait_hook(struct hook *hook, uint64_t timeout_ms, int *status) {
  int64_t deadline = timeout_ms && timeout_ms < INT32_MAX ? now_ms() + (int64_t)timeout_ms : INT64_MAX;
  for (;;) {
    attend(hook);
    pid_t got = waitpid(hook->pid, status, WNOHANG);
    if (got == hook->pid) break;
    if (got < 0 && errno != EINTR) return errno;
    if (now_ms() < deadline) continue;
    kill(-hook->pid, SIGKILL);
    kill(hook->pid, SIGKILL); /* it may have left its group */
    waitpid(hook->pid, status, 0);
    return ETIMEDOUT;
  }
  if (hook->output >= 0) drain(hook);
  return 0;
}

int run_hook(struct context *ctx, const struct op_hook *op) {
  struct hook hook = {.input = -1, .output = -1, .state = ctx->reply, .left = ctx->reply_size};
  int status = 0, exec_error = 0;
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  int error = spawn_hook(op, ctx->root, &hook);
  if (error) return error;
  error = wait_hook(&hook, op->timeout_ms, &status);
  if (read(hook.exec_error, &exec_error, sizeof exec_error) == sizeof exec_error && !error) error = exec_error;
  if (hook.input >= 0) close(hook.input);
  if (hook.output >= 0) close(hook.output);
  close(hook.exec_error);
  signal(SIGPIPE, before);
  if (error) {
    detail("%s", hook.kept);
    return error;
  }
  if (status == 0) return 0;
  if (WIFSIGNALED(status)) {
    const char *name = strsignal(WTERMSIG(status));
    detail("killed by signal %d, %c%s: %s", WTERMSIG(status), tolower(name[0]), name + 1, hook.kept);
  }
  else detail("exit status %d: %s", WEXITSTATUS(status), hook.kept);
  return ECHILD;
}
