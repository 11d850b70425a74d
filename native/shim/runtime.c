/* Runs the runtime: always an argument vector, never a shell, and a log of its own for each run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

static char root[PATH_MAX], log_path[PATH_MAX];

bool read_file(const char *path, struct buffer *into, size_t most) {
  uint8_t chunk[8192];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return false;
  ssize_t got;
  while ((got = read(fd, chunk, sizeof chunk)) > 0 && into->size <= most) put_raw(into, chunk, (size_t)got);
  close(fd);
  return got == 0 && !into->failed;
}

/* Each runtime has its own state: two of them would not read each other's. */
void runtime_root(const struct options *options, char *path, size_t room) {
  const char *name = strrchr(options->binary, '/'), *home = getenv("XDG_RUNTIME_DIR");
  name = name ? name + 1 : *options->binary ? options->binary : "usnea";
  if (*options->root) snprintf(path, room, "%s/%s", options->root, shim.space);
  else if (geteuid() == 0) snprintf(path, room, "/run/containerd/%s/%s", name, shim.space);
  else snprintf(path, room, "%s/usnea/%s/%s", home ? home : "/tmp", name, shim.space);
}

void add(struct command *command, const char *argument) {
  if (command->argc + 1 < (int)(sizeof command->argv / sizeof *command->argv)) command->argv[command->argc++] = argument;
}

void add_if(struct command *command, const char *option, const char *value) {
  if (!value || !*value) return;
  add(command, option);
  add(command, value);
}

void begin_command(struct command *command, const struct container *container, const char *verb) {
  const struct options *options = &container->options;
  *command = (struct command){.container = container, .stdio = {-1, -1, -1}};
  runtime_root(options, root, sizeof root);
  snprintf(log_path, sizeof log_path, "%s/.log-%d.json", container->bundle, getpid());
  add(command, *options->binary ? options->binary : shim.runtime);
  if (shim.debug) add(command, "--debug");
  add_if(command, "--root", root);
  add_if(command, "--log", log_path);
  add_if(command, "--log-format", "json");
  if (options->systemd_cgroup) add(command, "--systemd-cgroup");
  add(command, verb);
}

static void be_runtime(struct command *command, const int fds[3], int said, int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  for (int i = 0; i < 3; i++)
    if (dup2(fds[i], i) < 0) _exit(127);
  for (int sig = 1; sig < 32; sig++) signal(sig, SIG_DFL);
  for (const char *const *name = (const char *const[]){"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", NULL}; *name; name++)
    unsetenv(*name); /* they were meant for containerd */
  execvp(command->argv[0], (char *const *)(uintptr_t)command->argv);
  dprintf(said, "%s: %s\n", command->argv[0], strerror(errno));
  _exit(127);
}

/* The last line of the log that is an error has the reason. */
static bool last_error(char *into, size_t room) {
  struct buffer text = {0};
  bool found = false;
  if (!read_file(log_path, &text, 4 << 20)) text.size = 0;
  for (size_t end = text.size; end > 0 && !found;) {
    size_t begin = end - 1;
    while (begin > 0 && text.data[begin - 1] != '\n') begin--;
    struct json line = json_of((const char *)text.data + begin, end - begin);
    struct json level = json_member(line, "level");
    if (json_is(level, "\"error\"") || json_is(level, "\"fatal\"") || json_is(level, "\"panic\""))
      found = json_text(json_member(line, "msg"), into, room);
    end = begin;
  }
  drop(&text);
  unlink(log_path);
  return found;
}

static bool last_words(int fd, char *into, size_t room) {
  off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return false;
  off_t from = size > (off_t)room - 1 ? size - (off_t)room + 1 : 0;
  ssize_t got = pread(fd, into, room - 1, from);
  while (got > 0 && (into[got - 1] == '\n' || into[got - 1] == ' ')) got--;
  for (ssize_t i = 0; i < got; i++)
    if (!into[i]) into[i] = '?';
  into[got > 0 ? got : 0] = 0;
  return got > 0;
}

static enum code code_of(const char *message) {
  static const struct {
    const char *words;
    enum code code;
  } known[] = {{"does not exist", NOT_FOUND}, {"already exists", EXISTS}, {"already finished", NOT_FOUND},
    {"no such process", NOT_FOUND}, {"container not running", PRECONDITION}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strstr(message, known[i].words)) return known[i].code;
  return UNKNOWN;
}

static void put_output(struct buffer *into, int fd) {
  uint8_t chunk[8192];
  ssize_t got;
  for (off_t at = 0; (got = pread(fd, chunk, sizeof chunk, at)) > 0; at += got) put_raw(into, chunk, (size_t)got);
}

static bool judge(int status, int said, const char *what, struct result *result) {
  char reason[1024];
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    unlink(log_path);
    return true;
  }
  bool is_told = last_error(reason, sizeof reason) || last_words(said, reason, sizeof reason);
  if (!is_told && WIFSIGNALED(status)) snprintf(reason, sizeof reason, "the runtime was ended by signal %d", WTERMSIG(status));
  else if (!is_told) snprintf(reason, sizeof reason, "the runtime ended with status %d", WEXITSTATUS(status));
  return set_failure(result, code_of(reason), "%s: %s", what, reason);
}

bool run(struct command *command, const char *what, struct result *result) {
  int status = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int said = memfd_create("said", MFD_CLOEXEC), told = memfd_create("told", MFD_CLOEXEC);
  if (null < 0 || said < 0 || told < 0) return set_failure(result, EXHAUSTED, "%s: %s", what, strerror(errno));
  int fds[3] = {command->stdio[0] < 0 ? null : command->stdio[0], command->stdio[1], command->stdio[2]};
  if (fds[1] < 0) fds[1] = command->output ? told : null;
  if (fds[2] < 0) fds[2] = said;
  int parent = getpid();
  pid_t pid = fork();
  if (pid == 0) be_runtime(command, fds, said, parent);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  bool is_well = pid > 0 ? judge(status, said, what, result) : set_failure(result, EXHAUSTED, "%s: %s", what, strerror(errno));
  if (is_well && command->output) put_output(command->output, told);
  close(null);
  close(said);
  close(told);
  return is_well;
}
