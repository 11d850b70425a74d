/* What has a process begin: create, restore and exec. Whatever fails leaves nothing behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

/* Until the runtime has started the process, and told its number. */
struct birth {
  struct process *process;
  struct command command;
  struct console_socket socket;
  const char *what;
  char pid_file[PATH_MAX];
};

static bool read_pid(const char *path, struct result *result) {
  struct buffer text = {0};
  bool is_read = read_file(path, &text, 32);
  put_raw(&text, "", 1);
  result->pid = is_read && text.data ? atoi((const char *)text.data) : 0;
  drop(&text);
  return result->pid > 0 || set_failure(result, UNKNOWN, "failed to retrieve the pid of the container from %s", path);
}

/* The process of an exec runs already, but not as it was asked for. */
static void end_unfinished(const char *pid_file) {
  struct result ignored = {0};
  if (read_pid(pid_file, &ignored)) kill(ignored.pid, SIGKILL);
}

static bool give_birth(struct birth *birth, struct result *result, int *console) {
  struct process *process = birth->process;
  struct command *command = &birth->command;
  if (process->terminal) {
    if (!open_console_socket(&birth->socket, result)) return false;
    add_if(command, "--console-socket", birth->socket.path);
  } else {
    memcpy(command->stdio, process->io.child, sizeof command->stdio);
  }
  add(command, process->container->id);
  bool is_well = start_logger(process, result) && run(command, birth->what, result);
  if (is_well && process->terminal) is_well = (*console = receive_console(&birth->socket, result)) >= 0;
  if (process->terminal) close_console_socket(&birth->socket);
  is_well = is_well && read_pid(birth->pid_file, result);
  if (!is_well && result->logger > 0) kill(result->logger, SIGKILL), result->logger = 0;
  if (!is_well && *process->id) end_unfinished(birth->pid_file);
  return is_well;
}

static void remove_by_force(const struct container *container) {
  struct command command;
  struct result ignored = {0};
  begin_command(&command, container, "delete");
  add(&command, "--force");
  add(&command, container->id);
  if (!run(&command, "delete", &ignored)) tell("warning", "after a failure: %s", ignored.message);
}

static void name_pid_file(struct birth *birth, const char *name) {
  snprintf(birth->pid_file, sizeof birth->pid_file, "%s/%s.pid", birth->process->container->bundle, name);
  unlink(birth->pid_file);
  add_if(&birth->command, "--pid-file", birth->pid_file);
}

static void add_pivot(struct command *command, const struct options *options) {
  if (options->no_pivot_root) add(command, "--no-pivot");
  if (options->no_new_keyring) add(command, "--no-new-keyring");
}

void work_create(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  const struct container *container = call->container;
  struct birth birth = {.process = call->process, .what = "OCI runtime create failed"};
  (void)payload;
  if (!save_options(container, &call->request.any)) {
    set_failure(result, UNKNOWN, "cannot write into the bundle %s: %s", container->bundle, strerror(errno));
    return;
  }
  if (!mount_all(container, &call->request, result)) return forget_options(container->bundle);
  if (*container->checkpoint) return; /* it is restored when it is started */
  begin_command(&birth.command, container, "create");
  add_if(&birth.command, "--bundle", container->bundle);
  name_pid_file(&birth, "init");
  add_pivot(&birth.command, &container->options);
  struct result again = {0};
  bool was_there = false;
  if (give_birth(&birth, result, fd)) return;
  was_there = result->code == EXISTS; /* another's, by a runtime root that is shared */
  again = *result;
  if (!was_there) remove_by_force(container);
  unmount_rootfs(container->bundle, true);
  forget_options(container->bundle);
  *result = again;
}

static void restore(struct call *call, struct result *result, int *fd) {
  const struct container *container = call->container;
  struct birth birth = {.process = call->process, .what = "OCI runtime restore failed"};
  char work_path[PATH_MAX];
  snprintf(work_path, sizeof work_path, "%s/work", container->bundle);
  begin_command(&birth.command, container, "restore");
  add_if(&birth.command, "--bundle", container->bundle);
  add_if(&birth.command, "--image-path", container->checkpoint);
  add_if(&birth.command, "--work-path", *container->options.criu_work_path ? container->options.criu_work_path : work_path);
  add(&birth.command, "--detach");
  add(&birth.command, "--no-subreaper");
  if (container->options.no_pivot_root) add(&birth.command, "--no-pivot");
  name_pid_file(&birth, "init");
  if (!give_birth(&birth, result, fd)) remove_by_force(container);
}

/* The spec as it was given, but with the terminal that the request asks for: of a name that is twice the last counts. */
static bool write_process(const char *path, const struct process *process, struct result *result) {
  struct json spec = json_of((const char *)process->spec.bytes, process->spec.size);
  struct json first = {spec.at, spec.end};
  bool is_empty = !json_member(spec, "args").at && first.end - first.at <= 2;
  unlink(path);
  FILE *file = fdopen(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), "w");
  if (!file) return set_failure(result, UNKNOWN, "cannot write %s: %s", path, strerror(errno));
  fwrite(spec.at, 1, (size_t)(spec.end - spec.at) - 1, file);
  fprintf(file, "%s\"terminal\":%s}", is_empty ? "" : ",", process->terminal ? "true" : "false");
  if (fclose(file) == 0) return true;
  unlink(path);
  return set_failure(result, UNKNOWN, "cannot write %s: %s", path, strerror(errno));
}

static void start_exec(struct call *call, struct result *result, int *fd) {
  const struct container *container = call->container;
  struct birth birth = {.process = call->process, .what = "OCI runtime exec failed"};
  char spec[PATH_MAX], name[96];
  snprintf(spec, sizeof spec, "%s/.exec-%s.json", container->bundle, call->process->id);
  snprintf(name, sizeof name, "exec-%s", call->process->id); /* one of the name init would be init's pid file */
  if (!write_process(spec, call->process, result)) return;
  begin_command(&birth.command, container, "exec");
  add_if(&birth.command, "--process", spec);
  add(&birth.command, "--detach");
  name_pid_file(&birth, name);
  give_birth(&birth, result, fd);
  unlink(spec);
  unlink(birth.pid_file);
}

void work_start(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct command command;
  (void)payload;
  if (*call->process->id) {
    start_exec(call, result, fd);
  } else if (*call->container->checkpoint) {
    restore(call, result, fd);
  } else {
    begin_command(&command, call->container, "start");
    add(&command, call->container->id);
    run(&command, "OCI runtime start failed", result);
  }
}
