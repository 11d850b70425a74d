/* Where the cgroup of a process lies: proc_pid_cgroup(5) says the name, proc_pid_mountinfo(5) the place. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shim.h"

enum { CGROUP2_MAGIC = 0x63677270 };

bool is_unified(void) {
  struct statfs stat_;
  return statfs("/sys/fs/cgroup", &stat_) == 0 && (unsigned long)stat_.f_type == CGROUP2_MAGIC;
}

/* The text, or NULL. It is read while the process lives, because a zombie has left its cgroups. */
char *read_cgroups(int pid) {
  char path[64];
  struct buffer text = {0};
  snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
  if (!read_file(path, &text, 1 << 16)) text.failed = true;
  put_raw(&text, "", 1);
  if (text.failed) drop(&text);
  return (char *)text.data;
}

/* A word of a list that commas separate. */
static bool has_word(const char *list, size_t size, const char *word) {
  size_t length = strlen(word);
  for (size_t at = 0; at + length <= size; at++) {
    bool begins = at == 0 || list[at - 1] == ',', ends = at + length == size || list[at + length] == ',';
    if (begins && ends && memcmp(list + at, word, length) == 0) return true;
  }
  return false;
}

/* `controller` "" is that of cgroup v2. */
static bool find_name(const char *cgroups, const char *controller, char *name, size_t room) {
  for (const char *line = cgroups; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
    if (!path) return false;
    size_t size = (size_t)(path - list - 1);
    if (*controller ? !has_word(list + 1, size, controller) : size != 0) continue;
    return (size_t)snprintf(name, room, "%.*s", (int)strcspn(path + 1, "\n"), path + 1) < room;
  }
  return false;
}

static bool is_mount_of(const char *line, const char *controller) {
  const char *rest = strstr(line, " - ");
  char type[32], options[512];
  if (!rest || sscanf(rest, " - %31s %*s %511s", type, options) != 2) return false;
  return *controller ? strcmp(type, "cgroup") == 0 && has_word(options, strlen(options), controller) : strcmp(type, "cgroup2") == 0;
}

static bool find_place(const char *controller, char *root, char *point) {
  char *line = NULL;
  size_t size = 0;
  bool found = false;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && !found && getline(&line, &size, file) > 0)
    found = is_mount_of(line, controller) && sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) == 2;
  free(line);
  if (file) fclose(file);
  return found;
}

bool cgroup_path(const char *cgroups, const char *controller, char *path, size_t room) {
  char name[PATH_MAX], root[PATH_MAX], point[PATH_MAX];
  if (!cgroups || !find_name(cgroups, controller, name, sizeof name) || !find_place(controller, root, point)) return false;
  size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
  const char *below = strncmp(name, root, size) == 0 ? name + size : name;
  return (size_t)snprintf(path, room, "%s%s", point, below) < room;
}
