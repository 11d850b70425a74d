/* What is so after a worker told its result: the table, the events, the answer, in this order. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim.h"

static void reply(struct call *call, const struct result *result, struct buffer *payload) {
  struct buffer told = *payload;
  *payload = (struct buffer){0};
  if (result->code == OK) {
    answer(call->to, &told);
  } else {
    drop(&told);
    refuse(call->to, result->code, "%s", result->message);
  }
}

static void publish_create(const struct call *call, int pid) {
  const struct request *request = &call->request;
  struct buffer event = {0}, io = {0};
  put_text(&event, 1, request->id);
  put_text(&event, 2, request->bundle);
  put_mounts(&event, 3, request);
  put_text(&io, 1, request->in);
  put_text(&io, 2, request->out);
  put_text(&io, 3, request->err);
  put_number(&io, 4, request->terminal);
  put_message(&event, 4, &io);
  put_text(&event, 5, request->checkpoint);
  put_number(&event, 6, (uint64_t)pid);
  publish("/tasks/create", "containerd.events.TaskCreate", &event);
}

static void take_process(struct process *process, const struct result *result, int console) {
  process->pid = result->pid;
  process->logger = result->logger;
  close_child_side(&process->io);
  begin_outputs(process);
  if (process->terminal) attach_console(process, console);
}

static void watch_cgroups(struct container *container) {
  container->cgroups = read_cgroups(container->init.pid);
  watch_oom(container);
}

static void finish_create(struct call *call, const struct result *result, int console) {
  struct container *container = call->container;
  struct buffer told = {0};
  if (result->code != OK) {
    call->process = NULL;
    remove_container(container);
    reply(call, result, &told);
    return;
  }
  container->is_made = true;
  if (!*container->checkpoint) take_process(&container->init, result, console);
  publish_create(call, result->pid);
  if (result->pid > 0) watch_cgroups(container);
  put_number(&told, 1, (uint64_t)result->pid);
  reply(call, result, &told);
  find_early_end(&container->init);
}

static void publish_start(const struct process *process) {
  struct buffer event = {0};
  bool is_init = !*process->id;
  put_text(&event, 1, process->container->id);
  if (!is_init) put_text(&event, 2, process->id);
  put_number(&event, is_init ? 2 : 3, (uint64_t)process->pid);
  publish(is_init ? "/tasks/start" : "/tasks/exec-started",
          is_init ? "containerd.events.TaskStart" : "containerd.events.TaskExecStarted", &event);
}

/* An exec that could not be started is over: whoever waits for it would wait for ever. */
static void fail_start(struct process *process) {
  if (!*process->id) return;
  close_stdio(process);
  process->exit_status = 255;
  process->exited_at = wall_clock();
  process->has_exited = process->is_reaped = true;
  wake_waiters(process);
}

static void finish_start(struct call *call, const struct result *result, int console) {
  struct process *process = call->process;
  struct buffer told = {0};
  bool is_restored = !*process->id && *process->container->checkpoint;
  process->holds_end = false;
  if (result->code == OK) {
    process->started = true;
    if (*process->id || is_restored) take_process(process, result, console);
    if (is_restored) watch_cgroups(process->container);
    publish_start(process);
    put_number(&told, 1, (uint64_t)process->pid);
  } else {
    fail_start(process);
  }
  reply(call, result, &told);
  if (result->code == OK) find_early_end(process);
  publish_ends(process->container);
}

/* Nothing of it may stay: what the runtime has not ended by now is ended here, and then reaped. */
static void finish_delete(struct call *call, const struct result *result) {
  struct process *process = call->process;
  if (result->code != OK) {
    reply(call, result, &(struct buffer){0});
    end_call(call);
    return;
  }
  kill_now(process, SIGKILL);
  close_input(process);
  settle_deletes();
}

static void publish_plain(const struct container *container, const char *topic, const char *type, const char *extra) {
  struct buffer event = {0};
  put_text(&event, 1, container->id);
  put_text(&event, 2, extra);
  publish(topic, type, &event);
}

static void finish_other(struct call *call, const struct result *result, struct buffer *payload) {
  struct container *container = find_container(call->request.id);
  bool is_ok = result->code == OK && container;
  if (call->method == PAUSE && container) container->is_pausing = false;
  if (is_ok && call->method == PAUSE) {
    container->is_paused = true;
    publish_plain(container, "/tasks/paused", "containerd.events.TaskPaused", NULL);
  } else if (is_ok && call->method == RESUME) {
    container->is_paused = false;
    publish_plain(container, "/tasks/resumed", "containerd.events.TaskResumed", NULL);
  } else if (is_ok && call->method == CHECKPOINT) {
    publish_plain(container, "/tasks/checkpointed", "containerd.events.TaskCheckpointed", call->request.path);
  }
  reply(call, result, payload);
  if (container && call->method == CHECKPOINT) {
    container->init.holds_end = false;
    publish_ends(container);
  }
  if (container && call->method == KILL && call->to.connection == 0) {
    if (result->code != OK) tell("warning", "not all processes of %s were ended: %s", container->id, result->message);
    container->is_ending_all = false;
    publish_ends(container);
  }
}

void finish(struct call *call, const struct result *result, struct buffer *payload, int fd) {
  if (call->method == DELETE) {
    finish_delete(call, result);
  } else {
    if (call->method == CREATE) finish_create(call, result, fd);
    else if (call->method == START) finish_start(call, result, fd);
    else finish_other(call, result, payload);
    end_call(call);
  }
  drop(payload);
}
