#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

struct container *containers;

/* containerd's rule for identifiers: 1 to 76 letters and digits, with single separators within. */
bool is_good_id(const char *id) {
  size_t size = strlen(id);
  if (size == 0 || size > 76) return false;
  for (size_t i = 0; i < size; i++) {
    bool is_mark = strchr("._-", id[i]) != NULL;
    if (!is_mark && !isalnum((unsigned char)id[i])) return false;
    if (is_mark && (i == 0 || i + 1 == size || strchr("._-", id[i - 1]))) return false;
  }
  return true;
}

struct container *find_container(const char *id) {
  for (struct container *container = containers; container; container = container->next)
    if (strcmp(container->id, id) == 0) return container;
  return NULL;
}

struct process *find_process(struct container *container, const char *exec_id) {
  if (!*exec_id) return &container->init;
  for (struct process *exec = container->execs; exec; exec = exec->next)
    if (strcmp(exec->id, exec_id) == 0) return exec;
  return NULL;
}

struct process *find_pid(int pid) {
  for (struct container *container = containers; container; container = container->next) {
    if (container->init.pid == pid && !container->init.is_reaped) return &container->init;
    for (struct process *exec = container->execs; exec; exec = exec->next)
      if (exec->pid == pid && !exec->is_reaped) return exec;
  }
  return NULL;
}

/* The texts of the request are taken. */
static void move_paths(struct process *process, struct request *request) {
  process->in = request->in;
  process->out = request->out;
  process->err = request->err;
  process->terminal = request->terminal;
  request->in = request->out = request->err = NULL;
  clear_stdio(&process->io);
}

/* Its paths stay in the request, too: an event tells them. */
struct container *add_container(struct request *request) {
  struct container *container = calloc(1, sizeof *container);
  if (!container) return NULL;
  struct request own = {.in = strdup(request->in), .out = strdup(request->out), .err = strdup(request->err)};
  own.terminal = request->terminal;
  container->id = strdup(request->id);
  container->bundle = strdup(request->bundle);
  container->checkpoint = strdup(request->checkpoint);
  for (size_t i = 0; i < request->mount_count; i++)
    container->has_inner_mounts = container->has_inner_mounts || *request->mounts[i].target;
  container->init.id = strdup("");
  container->init.container = container;
  container->oom.watch.fd = -1;
  move_paths(&container->init, &own);
  container->next = containers;
  containers = container;
  return container;
}

struct process *add_exec(struct container *container, struct request *request) {
  struct process *exec = calloc(1, sizeof *exec);
  if (!exec) return NULL;
  exec->id = strdup(request->exec_id);
  exec->container = container;
  exec->spec = request->any;
  request->any = (struct any){0};
  move_paths(exec, request);
  exec->next = container->execs;
  container->execs = exec;
  return exec;
}

static void empty(struct process *process) {
  wake_waiters(process);
  close_stdio(process);
  free(process->id);
  free(process->in);
  free(process->out);
  free(process->err);
  free_any(&process->spec);
}

void remove_exec(struct process *process) {
  for (struct process **at = &process->container->execs; *at; at = &(*at)->next)
    if (*at == process) {
      *at = process->next;
      break;
    }
  empty(process);
  free(process);
}

void remove_container(struct container *container) {
  while (container->execs) remove_exec(container->execs);
  for (struct container **at = &containers; *at; at = &(*at)->next)
    if (*at == container) {
      *at = container->next;
      break;
    }
  unwatch_oom(container);
  empty(&container->init);
  free_options(&container->options);
  free(container->id);
  free(container->bundle);
  free(container->checkpoint);
  free(container->cgroups);
  free(container);
}

enum status status_of(const struct process *process) {
  const struct container *container = process->container;
  if (process->has_exited) return STOPPED;
  if (container->is_pausing) return PAUSING;
  if (container->is_paused) return PAUSED;
  return process->started ? RUNNING : CREATED;
}
