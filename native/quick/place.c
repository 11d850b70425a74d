/* Where the state is, as src/state/paths.ts chooses it, and small files. */
#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t read_at(int directory, const char *name, char *into, size_t room) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  size_t size = 0;
  ssize_t got = 1;
  while (size < room && (got = read(fd, into + size, room - size)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    size += (size_t)got;
  }
  int error = got < 0 ? errno : size == room ? EFBIG : 0;
  close(fd);
  if (error) return errno = error, -1;
  into[size] = 0;
  return (ssize_t)size;
}

static bool join_path(char *path, const char *directory, const char *name) {
  int size = snprintf(path, PATH_MAX, "%s/%s", directory, name);
  return size > 0 && size < PATH_MAX;
}

bool write_at(const char *directory, const char *name, const char *value) {
  char path[PATH_MAX];
  if (!join_path(path, directory, name)) return false;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t size = (ssize_t)strlen(value), wrote = write(fd, value, (size_t)size);
  close(fd);
  return wrote == size;
}

bool file_says(const char *directory, const char *name, const char *word) {
  char path[PATH_MAX], text[64];
  size_t size = strlen(word);
  if (!join_path(path, directory, name) || read_at(AT_FDCWD, path, text, sizeof text) < 0) return false;
  return strncmp(text, word, size) == 0 && (!text[size] || strcmp(text + size, "\n") == 0);
}

/* 1, 0, or -1 when /proc does not tell: user_namespaces(7). */
static int is_initial_namespace(void) {
  char text[4096], end;
  unsigned long inner, outer, size;
  if (read_at(AT_FDCWD, "/proc/self/uid_map", text, sizeof text) < 0) return -1;
  return sscanf(text, " %lu %lu %lu %c", &inner, &outer, &size, &end) == 3 && inner == 0 && outer == 0 && size == 0xffffffff;
}

static bool is_own_directory(const char *path, bool follow) {
  struct stat found;
  if ((follow ? stat : lstat)(path, &found) < 0) return false;
  return S_ISDIR(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 022) == 0 && access(path, W_OK | X_OK) == 0;
}

static const char *in_runtime_directory(const char *runtime) {
  static char path[PATH_MAX];
  if (!is_plain_path(runtime) || !join_path(path, runtime, "usnea")) return NULL;
  return is_own_directory(runtime, true) && is_own_directory(path, false) ? path : NULL;
}

const char *choose_root(const struct call *call) {
  if (call->root) return call->root;
  const char *named = getenv("USNEA_ROOT"), *runtime = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER");
  int initial = is_initial_namespace();
  uid_t uid = geteuid();
  if ((named && *named) || initial < 0) return NULL;
  bool is_real_root = uid == 0 && initial;
  if (runtime && *runtime && !is_real_root && (uid != 0 || !user || strcmp(user, "root") != 0))
    return in_runtime_directory(runtime);
  struct stat found;
  if (uid != 0 || stat("/run/usnea", &found) < 0 || !S_ISDIR(found.st_mode)) return NULL;
  return access("/run/usnea", W_OK | X_OK) == 0 ? "/run/usnea" : NULL;
}
