/* The few ways in which engines call the few verbs. What is spelt in another way, or is wrong, Node reads. */
#include "shortcut.h"

#include <signal.h>
#include <string.h>

enum { LONGEST_ID = 240, LAST_SIGNAL = 64 };

static const char *const verbs[VERBS] = {"start", "state", "kill", "delete", "pause", "resume"};

bool is_plain_path(const char *path) {
  if (path[0] != '/' || !path[1]) return false;
  for (const char *at = path; *at;) {
    size_t size = strcspn(at + 1, "/");
    if (size == 0 || (size == 1 && at[1] == '.') || (size == 2 && at[1] == '.' && at[2] == '.')) return false;
    at += 1 + size;
  }
  for (const char *at = path; *at; at++)
    if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f) return false;
  return true;
}

static bool is_id(const char *text) {
  size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-");
  return size > 0 && size <= LONGEST_ID && !text[size] && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

/* `--name value` and `--name=value`: the value, and how many words it took. NULL when the word is another one. */
static const char *option(char *const *words, int left, const char *name, int *took) {
  size_t size = strlen(name);
  if (strncmp(words[0], name, size) != 0) return NULL;
  if (words[0][size] == '=') return *took = 1, words[0] + size + 1;
  if (words[0][size] || left < 2) return NULL;
  return *took = 2, words[1];
}

static bool is_one_of(const char *value, const char *const *list) {
  while (*list && strcmp(*list, value) != 0) list++;
  return *list;
}

static const char *const formats[] = {"json", "text", NULL}, *const answers[] = {"true", "false", "auto", NULL},
                  *const managers[] = {"systemd", "cgroupfs", "disabled", NULL};

/* How many words the option took, or 0. */
static int take_global(char *const *words, int left, struct call *call) {
  const char *value;
  int took = 0;
  if (strcmp(words[0], "--systemd-cgroup") == 0) return 1;
  if ((value = option(words, left, "--root", &took))) return is_plain_path(value) ? call->root = value, took : 0;
  if ((value = option(words, left, "--log", &took))) return is_plain_path(value) ? call->log = value, took : 0;
  if ((value = option(words, left, "--log-format", &took)))
    return is_one_of(value, formats) ? took : 0;
  /* what they choose was chosen when the container was made */
  if ((value = option(words, left, "--cgroup-manager", &took))) return is_one_of(value, managers) ? took : 0;
  if ((value = option(words, left, "--rootless", &took))) return is_one_of(value, answers) ? took : 0;
  return 0;
}

static int signal_number(const char *text) {
  static const struct {
    const char *name;
    int number;
  } names[] = {{"TERM", SIGTERM}, {"KILL", SIGKILL}, {"INT", SIGINT},   {"HUP", SIGHUP},   {"QUIT", SIGQUIT},
               {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}, {"WINCH", SIGWINCH}};
  size_t digits = strspn(text, "0123456789");
  if (digits > 0 && digits <= 2 && !text[digits]) {
    int number = digits == 1 ? text[0] - '0' : (text[0] - '0') * 10 + text[1] - '0';
    return number <= LAST_SIGNAL ? number : -1;
  }
  if (strncmp(text, "SIG", 3) == 0) text += 3;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(text, names[i].name) == 0) return names[i].number;
  return -1;
}

static bool take_flag(const char *word, struct call *call) {
  if (call->verb == KILL && (strcmp(word, "--all") == 0 || strcmp(word, "-a") == 0)) return call->all = true;
  if (call->verb == DELETE && (strcmp(word, "--force") == 0 || strcmp(word, "-f") == 0)) return call->force = true;
  return false;
}

bool read_call(int count, char *const *words, struct call *call) {
  int at = 0;
  *call = (struct call){.verb = VERBS, .signal = SIGTERM};
  while (at < count && words[at][0] == '-') {
    int took = take_global(words + at, count - at, call);
    if (took == 0) return false;
    at += took;
  }
  if (at == count) return false;
  for (int i = 0; i < VERBS; i++)
    if (strcmp(words[at], verbs[i]) == 0) call->verb = (enum verb)i;
  call->verb_at = at;
  if (call->verb == VERBS) return false;
  const char *signal = NULL;
  for (at++; at < count; at++) {
    if (words[at][0] == '-' && take_flag(words[at], call)) continue;
    if (words[at][0] == '-') return false;
    if (!call->id) call->id = words[at];
    else if (call->verb == KILL && !signal) signal = words[at];
    else return false;
  }
  if (signal) call->signal = signal_number(signal);
  return call->id && is_id(call->id) && call->signal >= 0;
}
