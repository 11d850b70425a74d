#include "shortcut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text) {
  size_t size = strspn(text, "0123456789");
  return size > 0 && size < 20 && !text[size];
}

static bool take_home(struct shortcut *shortcut, const char *value) {
  char *rest, *path;
  if (shortcut->home_count == MOST_HOMES || *value < '1' || *value > '9') return false;
  long made = strtol(value, &rest, 10);
  if (made > 4096 || rest[0] != ' ' || rest[1] < '1' || rest[1] > '9') return false;
  errno = 0;
  unsigned long long inode = strtoull(rest + 1, &path, 10);
  if (errno != 0 || path[0] != ' ' || path[1] != '/') return false;
  shortcut->homes[shortcut->home_count++] = (struct home){(int)made, inode, path + 1};
  return true;
}

static bool take_once(const char **place, const char *value) {
  if (*place) return false;
  *place = value;
  return true;
}

static bool take(struct shortcut *shortcut, const char *name, const char *value) {
  const struct {
    const char *name, **place;
  } texts[] = {
      {"of", &shortcut->of},           {"id", &shortcut->id},         {"boot", &shortcut->boot},
      {"pid", &shortcut->pid},         {"born", &shortcut->born},     {"freezer", &shortcut->freezer},
      {"freeze", &shortcut->freeze},   {"state-head", &shortcut->head}, {"state-middle", &shortcut->middle},
      {"state-tail", &shortcut->tail}, {"go", &shortcut->go},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(name, texts[i].name) == 0) return take_once(texts[i].place, value);
  if (strcmp(name, "home") == 0) return take_home(shortcut, value);
  if (*value) return false;
  if (strcmp(name, "private") == 0) return shortcut->is_private = true;
  if (strcmp(name, "delete") == 0) return shortcut->may_delete = true;
  return false;
}

static bool is_complete(const struct shortcut *shortcut) {
  const char *demanded[] = {shortcut->of, shortcut->id, shortcut->boot, shortcut->pid, shortcut->born};
  for (size_t i = 0; i < sizeof demanded / sizeof *demanded; i++)
    if (!demanded[i] || !*demanded[i]) return false;
  const char *pid = shortcut->pid;
  if (!is_number(pid) || *pid == '0' || strlen(pid) > 9 || !is_number(shortcut->born)) return false;
  if ((shortcut->freezer && *shortcut->freezer != '/') || (shortcut->freeze && *shortcut->freeze != '/')) return false;
  return !shortcut->head == !shortcut->middle && !shortcut->head == !shortcut->tail;
}

bool read_shortcut(const char *text, size_t size, struct shortcut *shortcut) {
  static const char format[] = "usnea-quick-1";
  *shortcut = (struct shortcut){0};
  if (size < sizeof format || memcmp(text, format, sizeof format) != 0) return false;
  for (size_t at = sizeof format; at < size;) {
    const char *line = text + at, *over = memchr(line, 0, size - at), *equals = over ? strchr(line, '=') : NULL;
    char name[16];
    if (!equals || (size_t)(equals - line) >= sizeof name) return false;
    memcpy(name, line, (size_t)(equals - line));
    name[equals - line] = 0;
    at += (size_t)(over - line) + 1;
    if (strcmp(name, "end") == 0) return !equals[1] && at == size && is_complete(shortcut);
    if (!take(shortcut, name, equals + 1)) return false;
  }
  return false;
}

/* Field `number` of the rest, whose first one is the third of proc_pid_stat(5). */
static const char *field(const char *rest, int number) {
  for (; number > 3 && rest; number--) {
    rest = strchr(rest, ' ');
    if (rest) rest++;
  }
  return rest;
}

bool read_stat(const char *text, struct fate *fate) {
  /* the name in brackets may hold anything, brackets and blanks too: counted from the last one */
  const char *bracket = strrchr(text, ')');
  if (!bracket || bracket[1] != ' ' || !bracket[2]) return false;
  const char *threads = field(bracket + 2, 20), *born = field(bracket + 2, 22);
  if (!threads || !born) return false;
  size_t size = strspn(born, "0123456789");
  if (size == 0 || size >= sizeof fate->born || (born[size] && born[size] != ' ')) return false;
  memcpy(fate->born, born, size);
  fate->born[size] = 0;
  fate->state = bracket[2];
  fate->threads = strtol(threads, NULL, 10);
  return true;
}

/* A plain name and its place in a line; the line ends at a newline or the end of the text. */
static const char *part(const char *line, int number, size_t *size) {
  for (; number > 0; number--) {
    line += strcspn(line, ":\n");
    if (*line != ':') return NULL;
    line++;
  }
  *size = strcspn(line, ":\n");
  return line;
}

static bool is_plain_name(const char *name, size_t size) {
  for (size_t i = 0; i < size; i++) {
    char c = name[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '_' && c != '-' && c != '.') return false;
  }
  return size > 0;
}

static bool says(const char *digits, size_t size, unsigned number) {
  unsigned long value = 0;
  if (size == 0 || size > 10 || (size > 1 && *digits == '0')) return false;
  for (size_t i = 0; i < size; i++) {
    if (digits[i] < '0' || digits[i] > '9') return false;
    value = value * 10 + (unsigned long)(digits[i] - '0');
  }
  return value == number;
}

int find_user(const char *text, unsigned uid, char *name, size_t room) {
  for (const char *line = text; *line;) {
    size_t digits = 0, size = strcspn(line, ":\n");
    const char *id = part(line, 2, &digits);
    if (id && says(id, digits, uid)) {
      if (size >= room || !is_plain_name(line, size)) return -1;
      memcpy(name, line, size);
      name[size] = 0;
      return 1;
    }
    line += strcspn(line, "\n");
    if (*line) line++;
  }
  return 0;
}
