/* What is done to a container that is there. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim.h"

static void run_plain(const struct call *call, const char *verb, struct result *result) {
  struct command command;
  char what[64];
  snprintf(what, sizeof what, "OCI runtime %s failed", verb);
  begin_command(&command, call->container, verb);
  add(&command, call->container->id);
  run(&command, what, result);
}

void work_pause(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  (void)payload, (void)fd;
  run_plain(call, "pause", result);
}

void work_resume(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  (void)payload, (void)fd;
  run_plain(call, "resume", result);
}

void work_kill(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct command command;
  char sig[16];
  (void)payload, (void)fd;
  snprintf(sig, sizeof sig, "%u", call->request.signal);
  begin_command(&command, call->container, "kill");
  if (call->request.all) add(&command, "--all");
  add(&command, call->container->id);
  add(&command, sig);
  run(&command, "OCI runtime kill failed", result);
  if (result->code == PRECONDITION) result->code = NOT_FOUND; /* not running, says the runtime: it is over */
}

/* A container that the runtime does not know is gone already: criu takes it away, for one. */
void work_delete(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  const struct container *container = call->container;
  struct command command;
  (void)payload, (void)fd;
  run_plain(call, "delete", result);
  if (result->code == NOT_FOUND) *result = (struct result){0};
  if (result->code != OK && !call->process->started) {
    *result = (struct result){0};
    begin_command(&command, container, "delete");
    add(&command, "--force");
    add(&command, container->id);
    run(&command, "OCI runtime delete failed", result);
  }
  if (result->code != OK) return;
  unmount_rootfs(container->bundle, container->has_inner_mounts);
  forget_options(container->bundle);
}

static const struct process *exec_of(const struct container *container, uint64_t pid) {
  for (const struct process *exec = container->execs; exec; exec = exec->next)
    if (exec->pid > 0 && (uint64_t)exec->pid == pid && !exec->has_exited) return exec;
  return NULL;
}

static void put_pid(struct buffer *payload, const struct container *container, uint64_t pid) {
  struct buffer one = {0}, details = {0};
  const struct process *exec = exec_of(container, pid);
  put_number(&one, 1, pid);
  if (exec) {
    put_text(&details, 1, exec->id);
    put_any(&one, 2, "containerd.runc.v1.ProcessDetails", &details);
  }
  put_message(payload, 1, &one);
}

/* The runtime prints a JSON array of numbers. */
void work_pids(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct buffer told = {0};
  struct command command;
  (void)fd;
  begin_command(&command, call->container, "ps");
  add_if(&command, "--format", "json");
  add(&command, call->container->id);
  command.output = &told;
  if (!run(&command, "OCI runtime ps failed", result)) return;
  for (size_t i = 0; i < told.size;) {
    uint64_t pid = 0;
    size_t begin = i;
    for (; i < told.size && isdigit(told.data[i]) && pid < 1u << 30; i++) pid = pid * 10 + (uint64_t)(told.data[i] - '0');
    if (i > begin) put_pid(payload, call->container, pid);
    else i++;
  }
  drop(&told);
}

void work_update(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct command command;
  (void)payload, (void)fd;
  int resources = memfd_create("resources", MFD_CLOEXEC);
  ssize_t wrote = write(resources, call->request.any.bytes, call->request.any.size);
  if (resources < 0 || wrote != (ssize_t)call->request.any.size || lseek(resources, 0, SEEK_SET) != 0) {
    set_failure(result, EXHAUSTED, "cannot hand over the resources: %s", strerror(errno));
    return;
  }
  begin_command(&command, call->container, "update");
  add_if(&command, "--resources", "-");
  add(&command, call->container->id);
  command.stdio[0] = resources;
  run(&command, "OCI runtime update failed", result);
}

static void add_dump_options(struct command *command, const struct checkpoint_options *options) {
  if (!options->exit) add(command, "--leave-running");
  if (options->open_tcp) add(command, "--tcp-established");
  if (options->external_sockets) add(command, "--ext-unix-sk");
  if (options->terminal) add(command, "--shell-job");
  if (options->file_locks) add(command, "--file-locks");
  for (size_t i = 0; i < options->empty_count && i < 8; i++) add_if(command, "--empty-ns", options->empty_namespaces[i]);
  add_if(command, "--manage-cgroups-mode", options->cgroups_mode);
  add_if(command, "--parent-path", options->parent_path);
}

void work_checkpoint(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct checkpoint_options options;
  struct command command;
  char work_path[PATH_MAX];
  const struct any *any = &call->request.any;
  (void)payload, (void)fd;
  snprintf(work_path, sizeof work_path, "%s/criu-work", call->container->bundle);
  if (!decode_checkpoint(any->bytes, any->size, &options)) {
    set_failure(result, INVALID, "the options of a checkpoint are no message of containerd.runc.v1.CheckpointOptions");
    return;
  }
  begin_command(&command, call->container, "checkpoint");
  add_dump_options(&command, &options);
  add_if(&command, "--image-path", *options.image_path ? options.image_path : call->request.path);
  add_if(&command, "--work-path", *options.work_path ? options.work_path : work_path);
  add(&command, call->container->id);
  run(&command, "OCI runtime checkpoint failed", result);
}
