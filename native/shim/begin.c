/* What must be so before a worker is started for a call. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "shim.h"

static bool deny(struct call *call, enum code code, const char *why) {
  refuse(call->to, code, "%s", why);
  return false;
}

static bool begin_create(struct call *call) {
  struct request *request = &call->request;
  struct options options = {0};
  char why[512];
  if (!is_good_id(request->id)) return deny(call, INVALID, "invalid container id");
  if (*request->bundle != '/') return deny(call, INVALID, "the bundle is no absolute path");
  if (find_container(request->id)) return deny(call, EXISTS, "the container exists already");
  if (events_are_stuck()) return deny(call, EXHAUSTED, "containerd takes no events");
  const char *wrong = read_options(&request->any, &options);
  struct container *container = wrong ? NULL : add_container(request);
  if (!container) {
    free_options(&options);
    return deny(call, wrong ? INVALID : EXHAUSTED, wrong ? wrong : "no memory");
  }
  container->options = options;
  call->container = container;
  call->process = &container->init;
  if (open_stdio(&container->init, &container->options, why, sizeof why)) return true;
  call->process = NULL;
  remove_container(container);
  return deny(call, UNKNOWN, why);
}

static const char *why_no_start(const struct process *process) {
  const struct container *container = process->container;
  if (process->is_reaped || process->has_exited) return "cannot start a stopped process";
  if (process->started) return container->is_paused ? "cannot start a paused process" : "cannot start a running process";
  if (!*process->id) return NULL;
  if (container->is_paused || container->is_pausing) return "cannot exec in a paused state";
  return container->init.is_reaped || container->init.has_exited ? "the init process of the container is not running" : NULL;
}

static bool begin_start(struct call *call) {
  struct process *process = call->process;
  const char *why = why_no_start(process);
  char reason[512];
  if (why) return deny(call, PRECONDITION, why);
  if (*process->id && !open_stdio(process, &process->container->options, reason, sizeof reason))
    return deny(call, UNKNOWN, reason);
  process->holds_end = true;
  return true;
}

static bool begin_delete(struct call *call) {
  struct process *process = call->process;
  struct container *container = process->container;
  if (process->started && !process->has_exited)
    return deny(call, PRECONDITION, container->is_paused ? "cannot delete a paused process" : "cannot delete a running process");
  call->is_done = *process->id != 0;
  return true;
}

static const char *why_not(enum method method, const struct container *container) {
  const struct process *init = &container->init;
  bool is_over = init->is_reaped || init->has_exited;
  if (method == PAUSE && is_over) return "cannot pause a stopped container";
  if (method == PAUSE && !init->started) return "cannot pause task in created state";
  if (method == PAUSE && container->is_paused) return "cannot pause a paused container";
  if (method == RESUME && is_over) return "cannot resume a stopped container";
  if (method == RESUME && !init->started) return "cannot resume task in created state";
  if (method == RESUME && !container->is_paused) return "cannot resume a running process";
  if (method == CHECKPOINT && is_over) return "cannot checkpoint a stopped container";
  if (method == CHECKPOINT && !init->started) return "cannot checkpoint a task in created state";
  if (method == UPDATE && is_over) return "cannot update a stopped container";
  return NULL;
}

bool begin(struct call *call) {
  if (call->method == CREATE) return begin_create(call);
  struct container *container = find_container(call->request.id);
  if (!container || !container->is_made) return deny(call, NOT_FOUND, "container not created");
  call->container = container;
  struct process *process = find_process(container, call->request.exec_id);
  if (!process) return deny(call, NOT_FOUND, "process does not exist");
  const char *why = why_not(call->method, container);
  if (why) return deny(call, PRECONDITION, why);
  if (call->method == STATS && !container->cgroups) return deny(call, NOT_FOUND, "cgroup does not exist");
  call->process = process;
  bool goes_on = call->method == START ? begin_start(call) : call->method == DELETE ? begin_delete(call) : true;
  if (goes_on && call->method == PAUSE) container->is_pausing = true;
  if (goes_on && call->method == CHECKPOINT) process->holds_end = true;
  if (!goes_on) call->process = NULL;
  return goes_on;
}
