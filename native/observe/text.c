/* Paths as text. */
#include "observe.h"

#include <stdlib.h>
#include <string.h>

bool is_beneath(const char *path, const char *place) {
  size_t length = strlen(place);
  if (length == 1 && place[0] == '/') return path[0] == '/';
  return strncmp(path, place, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static bool append(char *out, size_t size, size_t *length, const char *name, size_t count) {
  if (count == 0 || (count == 1 && name[0] == '.')) return true;
  if (*length + count + 2 > size) return false;
  out[(*length)++] = '/';
  memcpy(out + *length, name, count);
  *length += count;
  return true;
}

bool join_path(char *out, size_t size, const char *base, const char *path) {
  size_t length = 0;
  const char *parts[] = {path[0] == '/' ? "" : base, path};
  for (size_t part = 0; part < 2; part++)
    for (const char *at = parts[part]; *at;) {
      size_t count = strcspn(at, "/");
      if (!append(out, size, &length, at, count)) return false;
      at += count;
      at += strspn(at, "/");
    }
  if (length == 0 && size > 1) out[length++] = '/';
  out[length] = 0;
  return true;
}

/* As if no name were a link. */
void climb(char *path) {
  size_t length = 0;
  for (char *at = path; *at;) {
    size_t count = 1 + strcspn(at + 1, "/");
    if (count == 3 && at[1] == '.' && at[2] == '.')
      while (length > 0 && path[--length] != '/') continue;
    else {
      memmove(path + length, at, count);
      length += count;
    }
    at += count;
  }
  if (length == 0) path[length++] = '/';
  path[length] = 0;
}

static const char *behind(const char *path, const char *place) {
  return is_beneath(path, place) ? path + strlen(place) : NULL;
}

/* `name` of a process in /proc, and what follows it. */
static const char *behind_process(const char *path, bool *is_self) {
  static const char *const selves[] = {"/proc/self", "/proc/thread-self"};
  const char *rest = NULL;
  for (size_t i = 0; !rest && i < 2; i++) rest = behind(path, selves[i]);
  *is_self = rest != NULL;
  if (!rest && process_in(path) && (rest = strchr(path + 6, '/')) == NULL) rest = "";
  if (rest && strncmp(rest, "/task/", 6) == 0 && (rest = strchr(rest + 6, '/')) == NULL) rest = "";
  return rest;
}

enum own own_place(const char *path, int *fd, const char **rest) {
  static const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  bool is_self;
  const char *at = behind_process(path, &is_self), *after;
  for (size_t i = 0; i < 3; i++)
    if (is_beneath(path, streams[i])) return IS_ITSELF;
  *rest = "";
  if (!at) {
    if (!(after = behind(path, "/dev/fd"))) return IS_OTHER;
    is_self = true;
  } else {
    if ((after = behind(at, "/root"))) return *rest = after, *after ? IN_ROOT : is_self ? IS_ITSELF : IS_OTHER;
    if (!is_self) return IS_OTHER;
    if ((after = behind(at, "/cwd"))) return *rest = after, *after ? IN_CWD : IS_ITSELF;
    if (!(after = behind(at, "/fd"))) return IS_ITSELF;
  }
  char *end;
  if (after[0] != '/' || after[1] < '0' || after[1] > '9') return IS_ITSELF;
  *fd = (int)strtoul(after + 1, &end, 10);
  *rest = end;
  return *end == '/' ? IN_FD : IS_ITSELF;
}

unsigned process_in(const char *path) {
  if (strncmp(path, "/proc/", 6) != 0) return 0;
  char *end;
  if (path[6] < '1' || path[6] > '9') return 0;
  unsigned long number = strtoul(path + 6, &end, 10);
  return (*end == 0 || *end == '/') && number < 1u << 30 ? (unsigned)number : 0;
}
