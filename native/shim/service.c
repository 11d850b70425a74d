/* The calls that are answered from what is known: nothing is started for them, and nothing is waited for. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

enum { MOST_WAITERS = 16384 };
static unsigned waiter_count;

/* NULL when it was refused. */
static struct process *process_of(struct reply_to to, const struct request *request) {
  struct container *container = find_container(request->id);
  if (!container || !container->is_made) {
    refuse(to, NOT_FOUND, "container not created");
    return NULL;
  }
  struct process *process = find_process(container, request->exec_id);
  if (!process) refuse(to, NOT_FOUND, "process does not exist %s", request->exec_id);
  return process;
}

static void done(struct reply_to to) {
  struct buffer nothing = {0};
  answer(to, &nothing);
}

static void tell_state(struct reply_to to, const struct process *process) {
  struct buffer state = {0};
  bool is_init = !*process->id;
  put_text(&state, 1, is_init ? process->container->id : process->id);
  put_text(&state, 2, process->container->bundle);
  put_number(&state, 3, (uint64_t)process->pid);
  put_number(&state, 4, status_of(process));
  put_text(&state, 5, process->in);
  put_text(&state, 6, process->out);
  put_text(&state, 7, process->err);
  put_number(&state, 8, process->terminal);
  if (process->has_exited) put_number(&state, 9, process->exit_status), put_time(&state, 10, process->exited_at);
  if (!is_init) put_text(&state, 11, process->id);
  answer(to, &state);
}

void put_exit(struct buffer *buffer, const struct process *process) {
  put_number(buffer, 1, process->exit_status);
  put_time(buffer, 2, process->exited_at);
}

void wake_waiters(struct process *process) {
  while (process->waiters) {
    struct waiter *waiter = process->waiters;
    process->waiters = waiter->next;
    struct buffer exit = {0};
    put_exit(&exit, process);
    answer(waiter->to, &exit);
    free(waiter);
    waiter_count--;
  }
}

static void wait_for(struct reply_to to, struct process *process) {
  struct waiter *waiter = waiter_count < MOST_WAITERS ? malloc(sizeof *waiter) : NULL;
  if (!waiter) {
    refuse(to, EXHAUSTED, "more than %d calls wait for an exit", MOST_WAITERS);
    return;
  }
  *waiter = (struct waiter){process->waiters, to};
  process->waiters = waiter;
  waiter_count++;
  if (process->has_exited) wake_waiters(process);
}

static void connect_to(struct reply_to to, const struct request *request) {
  struct container *container = find_container(request->id);
  struct buffer told = {0};
  put_number(&told, 1, (uint64_t)getpid());
  put_number(&told, 2, container ? (uint64_t)container->init.pid : 0);
  answer(to, &told);
}

static void resize(struct reply_to to, const struct process *process, const struct request *request) {
  struct winsize size = {.ws_row = (unsigned short)request->height, .ws_col = (unsigned short)request->width};
  if (request->height > 0xffff || request->width > 0xffff) {
    refuse(to, INVALID, "a terminal of %u columns and %u rows", request->width, request->height);
  } else if (*process->id && process->has_exited) {
    refuse(to, PRECONDITION, "cannot resize a stopped container");
  } else {
    if (process->terminal && process->io.console >= 0) ioctl(process->io.console, TIOCSWINSZ, &size);
    done(to);
  }
}

static const char *why_no_exec(const struct container *container) {
  const struct process *init = &container->init;
  if (init->is_reaped || init->has_exited) return "cannot exec in a stopped state";
  if (container->is_paused || container->is_pausing) return "cannot exec in a paused state";
  return *container->checkpoint && !init->started ? "cannot exec in a created state" : NULL;
}

static void add_process(struct reply_to to, struct request *request) {
  struct container *container = find_container(request->id);
  if (!container || !container->is_made) return refuse(to, NOT_FOUND, "container not created");
  const char *why = why_no_exec(container);
  if (!is_good_id(request->exec_id)) return refuse(to, INVALID, "invalid exec id \"%s\"", request->exec_id);
  if (find_process(container, request->exec_id)) return refuse(to, EXISTS, "id %s", request->exec_id);
  if (why) return refuse(to, PRECONDITION, "%s", why);
  struct json spec = json_of((const char *)request->any.bytes, request->any.size);
  if (!spec.at || *spec.at != '{') return refuse(to, INVALID, "the spec of the process is no JSON object");
  if (events_are_stuck()) return refuse(to, EXHAUSTED, "containerd takes no events");
  struct process *exec = add_exec(container, request);
  if (!exec) return refuse(to, EXHAUSTED, "no memory");
  struct buffer event = {0};
  put_text(&event, 1, container->id);
  put_text(&event, 2, exec->id);
  publish("/tasks/exec-added", "containerd.events.TaskExecAdded", &event);
  done(to);
}

/* It is our child and we have not waited for it, so the number names it and no other. */
void kill_now(const struct process *process, int sig) {
  if (process->pid > 0 && !process->is_reaped) kill(process->pid, sig);
}

/* False when the runtime must do it: it knows how a frozen container is killed, and who else is in it. */
static bool signal_now(struct reply_to to, struct process *process, const struct request *request) {
  const struct container *container = process->container;
  bool is_init = !*process->id;
  if (request->signal < 1 || request->signal > 64) {
    refuse(to, INVALID, "%u is no signal", request->signal);
  } else if (process->has_exited || process->is_reaped) {
    refuse(to, NOT_FOUND, "process already finished");
  } else if (process->pid <= 0) {
    refuse(to, PRECONDITION, "process not created");
  } else if (is_init && (request->all || *container->options.binary || container->is_paused || container->is_pausing)) {
    return false;
  } else {
    kill_now(process, (int)request->signal);
    done(to);
  }
  return true;
}

static bool serve_process(struct reply_to to, enum method method, struct request *request) {
  static const bool is_quick[METHODS] = {[STATE] = 1, [WAIT] = 1, [CLOSE_IO] = 1, [RESIZE_PTY] = 1, [KILL] = 1};
  struct process *process = is_quick[method] ? process_of(to, request) : NULL;
  if (!is_quick[method]) return false;
  if (!process) return true;
  if (method == STATE) tell_state(to, process);
  if (method == WAIT) wait_for(to, process);
  if (method == RESIZE_PTY) resize(to, process, request);
  if (method == CLOSE_IO && request->close_stdin) release_input(process);
  if (method == CLOSE_IO) done(to);
  return method != KILL || signal_now(to, process, request);
}

static void serve_request(struct reply_to to, enum method method, struct request *request) {
  if (serve_process(to, method, request)) return;
  if (shim.is_stopping && method != SHUTDOWN) {
    refuse(to, UNAVAILABLE, "the shim is about to end");
  } else if (method == EXEC) {
    add_process(to, request);
  } else if (method == CONNECT) {
    connect_to(to, request);
  } else if (method == SHUTDOWN) {
    shim.is_stopping = shim.is_stopping || (!containers && !has_creation());
    done(to);
  } else {
    take_call(to, method, request);
  }
}

void serve(struct reply_to to, const struct call_envelope *call) {
  static const char *const services[] = {"containerd.task.v2.Task", "containerd.task.v3.Task"};
  struct request request;
  bool is_ours = false;
  for (int i = 0; i < 2; i++)
    is_ours = is_ours || (strlen(services[i]) == call->service_size && memcmp(services[i], call->service, call->service_size) == 0);
  enum method method = find_method(call->method, call->method_size);
  if (!is_ours) return refuse(to, UNIMPLEMENTED, "service %.*s", (int)(call->service_size & 0xff), call->service);
  if (method == METHODS) return refuse(to, UNIMPLEMENTED, "method %.*s", (int)(call->method_size & 0xff), call->method);
  if (decode_request(method, call->payload, call->payload_size, &request)) serve_request(to, method, &request);
  else refuse(to, INVALID, "the request is no message of this method");
  free_request(&request);
}
