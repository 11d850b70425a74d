/* usnea-quick NODE --no-warnings ENTRY WORD...: bin/usnea puts it before the command line of Node. */
#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_WORD = 4, MOST_ANSWER = 4096 };

static char answer[2 * MOST_ANSWER + 1];

static int answer_call(const struct call *call) {
  struct container container = {.root = choose_root(call), .id = call->id};
  if (!container.root) return NODE;
  bool is_change = call->verb != STATE && call->verb != KILL;
  if (is_change && !sweep(container.root)) return NODE;
  int opened = open_container(&container);
  if (opened == 0 && call->verb == DELETE && call->force) return 0;
  if (opened != 1 || (is_change && !lock_container(&container)) || !load_container(&container)) return NODE;
  switch (call->verb) {
    case START: return run_start(&container, answer, sizeof answer);
    case STATE: return run_state(&container);
    case KILL: return run_kill(&container, call);
    case DELETE: return run_delete(&container, call->force);
    case PAUSE: return run_pause(&container);
    case RESUME: return run_resume(&container);
    default: return NODE;
  }
}

/* Every call opens it, as other runtimes do: a log that cannot be written is known before anything is done. */
static bool can_log(const char *log) {
  if (!log) return true;
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_SYNC | O_CLOEXEC, 0644);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value && *value;
}

/* A descriptor of ours must not become the stdout of somebody who has none. */
static bool has_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) return false;
  return true;
}

/* `start --answer=…`, the rest as it was. */
static void add_answer(int argc, char **argv, int verb_at) {
  char **words = calloc((size_t)argc + 2, sizeof *words);
  char *option = NULL;
  if (!words || asprintf(&option, "--answer=%s", answer) < 0) return;
  int at = FIRST_WORD + verb_at + 1;
  memcpy(words, argv, (size_t)at * sizeof *words);
  words[at] = option;
  memcpy(words + at + 1, argv + at, (size_t)(argc - at) * sizeof *words);
  execv(words[1], words + 1);
}

int main(int argc, char **argv) {
  struct call call;
  if (argc < FIRST_WORD) return 2;
  if (has_streams() && !is_set("USNEA_ALLOW_MISSING") && read_call(argc - FIRST_WORD, argv + FIRST_WORD, &call) &&
      can_log(call.log)) {
    int status = answer_call(&call);
    if (status != NODE) return status;
    if (*answer) add_answer(argc, argv, call.verb_at);
  }
  execv(argv[1], argv + 1);
  fprintf(stderr, "usnea: cannot start %s: %s\n", argv[1], strerror(errno));
  return 1;
}
