/* Children that have ended. Those of the container are ours because we are a subreaper: prctl(2). */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

enum { MOST_EARLY = 1024 };

/* Ends of processes that nobody has named yet: their worker will, if they are of ours. */
static struct early {
  int pid, status;
  int64_t at;
} early[MOST_EARLY];
static unsigned early_count;

static struct watch signals;

void forget_early_ends(void) { early_count = 0; }

static void remember(int pid, int status) {
  if (has_calls()) early[early_count++ % MOST_EARLY] = (struct early){pid, status, wall_clock()};
}

/* No pid namespace of its own: others live on when its init ends. What cannot be read counts as that. */
static bool shares_pids(const struct container *container) {
  char path[PATH_MAX];
  struct buffer text = {0};
  bool shares = true;
  snprintf(path, sizeof path, "%s/config.json", container->bundle);
  if (read_file(path, &text, 16 << 20)) {
    struct json config = json_of((const char *)text.data, text.size);
    struct json list = json_member(json_member(config, "linux"), "namespaces");
    for (struct json one = json_next(&list); one.at; one = json_next(&list))
      if (json_is(json_member(one, "type"), "\"pid\"")) {
        struct json joined = json_member(one, "path");
        shares = joined.at && !json_is(joined, "\"\"") && !json_is(joined, "null");
      }
  }
  drop(&text);
  return shares;
}

static void tell_exit(struct process *process) {
  struct container *container = process->container;
  bool is_init = !*process->id;
  struct buffer event = {0};
  if (is_init) check_oom(container), unwatch_oom(container);
  process->has_exited = true;
  put_text(&event, 1, container->id);
  put_text(&event, 2, is_init ? container->id : process->id);
  put_number(&event, 3, (uint64_t)process->pid);
  put_number(&event, 4, process->exit_status);
  put_time(&event, 5, process->exited_at);
  publish("/tasks/exit", "containerd.events.TaskExit", &event);
  wake_waiters(process);
}

/* Of a container the ends of its execs come first, and no end before the start that it belongs to. */
void publish_ends(struct container *container) {
  bool lives_one = false;
  for (struct process *exec = container->execs; exec; exec = exec->next) {
    if (exec->is_reaped && !exec->has_exited && !exec->holds_end) tell_exit(exec);
    lives_one = lives_one || exec->holds_end || (exec->pid > 0 && !exec->has_exited);
  }
  struct process *init = &container->init;
  bool is_held = init->has_exited || init->holds_end || container->is_ending_all || lives_one;
  if (init->is_reaped && !is_held) tell_exit(init);
}

static void note(struct process *process, int status, int64_t at) {
  struct container *container = process->container;
  process->is_reaped = true;
  process->exit_status = (uint32_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  process->exited_at = at;
  close_input(process);
  if (!*process->id) {
    for (struct process *exec = container->execs; exec; exec = exec->next) kill_now(exec, SIGKILL);
    if (process->started && shares_pids(container)) end_all(container);
  }
  publish_ends(container);
  settle_deletes();
}

/* waitpid(2) knows its children: one that is there has not ended, whatever a process of the same number did before. */
static bool is_our_child(int pid) {
  siginfo_t info;
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void find_early_end(struct process *process) {
  if (process->pid <= 0 || process->is_reaped || is_our_child(process->pid)) return;
  unsigned count = early_count < MOST_EARLY ? early_count : MOST_EARLY;
  for (unsigned i = 0; i < count; i++)
    if (early[i].pid == process->pid) {
      early[i].pid = 0;
      note(process, early[i].status, early[i].at);
      return;
    }
  /* A runtime that leaves its containers to somebody else: neither their end nor their number is ours to know. */
  tell("error", "process %d of %s is no child of the shim", process->pid, process->container->id);
  note(process, 255 << 8, wall_clock());
}

static bool is_logger(int pid) {
  for (struct container *container = containers; container; container = container->next) {
    struct process *process = &container->init;
    for (; process; process = process == &container->init ? container->execs : process->next)
      if (process->logger == pid) return process->logger = 0, true;
  }
  return false;
}

static void reap(struct watch *watch, uint32_t events) {
  struct signalfd_siginfo info;
  int status;
  (void)events;
  if (read(watch->fd, &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo != SIGCHLD) {
    shim.is_stopping = true;
    return;
  }
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    struct process *process = find_pid(pid);
    publisher_ended(pid, status);
    if (process) note(process, status, wall_clock());
    else if (is_logger(pid)) settle_deletes();
    else if (!is_worker(pid)) remember(pid, status);
  }
}

void open_reaper(void) {
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGCHLD);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGINT);
  sigprocmask(SIG_BLOCK, &ours, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signals.ready = reap;
  start_watch(&signals, signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK), EPOLLIN);
}
