/* binary://PATH?KEY=VALUE: a program that takes the output. It reads 3 and 4, and closes 5 when it is ready. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shim.h"

enum { MOST_WORDS = 64, READY_MS = 10000, EXEC_FAILED = 6 };

static int digit(char c) { return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10; }

size_t decode_percent(const char *text, size_t size, char *into, size_t room) {
  size_t length = 0;
  for (size_t i = 0; i < size && length + 1 < room; i++) {
    bool is_code = text[i] == '%' && i + 2 < size && isxdigit((unsigned char)text[i + 1]) && isxdigit((unsigned char)text[i + 2]);
    int value = is_code ? digit(text[i + 1]) << 4 | digit(text[i + 2]) : text[i];
    into[length++] = (char)(value ? value : '?');
    if (is_code) i += 2;
  }
  into[length] = 0;
  return length;
}

/* The path, then each key and, where it has one, its value: as containerd hands them over. */
static void split(const char *uri, char *words[MOST_WORDS], char room[PATH_MAX]) {
  char *to = room, *end = room + PATH_MAX;
  size_t count = 0, size = strcspn(uri, "?");
  words[count++] = to;
  to += decode_percent(uri, size, to, (size_t)(end - to)) + 1;
  for (const char *at = uri + size; *at && count + 3 < MOST_WORDS && end - to > 1; at += size) {
    at++; /* ? or & or = */
    size = strcspn(at, at[-1] == '=' ? "&" : "&=");
    if (size == 0) continue;
    words[count++] = to;
    to += decode_percent(at, size, to, (size_t)(end - to)) + 1;
  }
  words[count] = NULL;
}

static void be_logger(const char *uri, const struct process *process, int ready, int failed) {
  char *words[MOST_WORDS], room[PATH_MAX];
  const int *reads = process->io.logger_reads;
  /* High first, so that none is overwritten before it was taken. */
  int high[4] = {fcntl(reads[0], F_DUPFD, 64), fcntl(reads[1], F_DUPFD, 64), fcntl(ready, F_DUPFD, 64), fcntl(failed, F_DUPFD, 64)};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < 3; i++)
    if (dup2(null, i) < 0 || dup2(high[i], 3 + i) < 0) _exit(127);
  dup2(high[3], EXEC_FAILED);
  fcntl(EXEC_FAILED, F_SETFD, FD_CLOEXEC);
  keep_only((const int[]){3, 4, 5, EXEC_FAILED}, 4);
  for (int sig = 1; sig < 32; sig++) signal(sig, SIG_DFL);
  setenv("CONTAINER_ID", *process->id ? process->id : process->container->id, 1);
  setenv("CONTAINER_NAMESPACE", shim.space, 1);
  split(uri, words, room);
  execv(words[0], words);
  if (write(EXEC_FAILED, &errno, sizeof errno) < 0) _exit(126);
  _exit(127);
}

static bool fail_to_start(pid_t pid, int error, const char *why, struct result *result) {
  if (pid > 0) kill(pid, SIGKILL);
  return set_failure(result, UNKNOWN, "%s: %s", why, strerror(error));
}

/* Says true at once when the output goes elsewhere. It outlives this worker and becomes a child of the shim. */
bool start_logger(struct process *process, struct result *result) {
  const char *uri = strncmp(process->out, "binary", 6) == 0 ? strstr(process->out, "://") : NULL;
  bool must_say = strncmp(process->out, "binary-v2:", 10) == 0;
  int ready[2], failed[2], error = 0;
  char byte;
  if (!uri) return true;
  if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0) return fail_to_start(0, errno, "failed to start the logger", result);
  pid_t pid = fork();
  if (pid == 0) be_logger(uri + 3, process, ready[1], failed[1]);
  close(ready[1]);
  close(failed[1]);
  if (pid < 0 || read(failed[0], &error, sizeof error) > 0) return fail_to_start(pid, pid < 0 ? errno : error, process->out, result);
  struct pollfd fd = {ready[0], POLLIN, 0};
  bool is_ready = poll(&fd, 1, READY_MS) == 1;
  ssize_t got = is_ready ? read(ready[0], &byte, 1) : -1;
  if (got < 0 || (got == 0 && must_say)) return fail_to_start(pid, ETIMEDOUT, "the logging program did not become ready", result);
  result->logger = pid;
  return true;
}
