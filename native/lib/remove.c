/* Taking directories away by descriptor: no link is followed, whatever happens to the path meanwhile. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "remove.h"
#include "usnea.h"

/* Deeper than anything that is ours. */
enum { DEEPEST = 8 };

static int remove_entry(int directory, const char *name, int depth);

/* Closes it. */
static int empty(int directory, int depth) {
  DIR *stream = fdopendir(directory);
  int error = 0;
  if (!stream) return close(directory), ENOMEM;
  for (struct dirent *entry; !error && (errno = 0, entry = readdir(stream));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      error = remove_entry(dirfd(stream), entry->d_name, depth + 1);
  if (!error) error = errno;
  closedir(stream);
  return error;
}

static int remove_entry(int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth > DEEPEST) return ENAMETOOLONG;
  int below = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int error = below >= 0 ? empty(below, depth) : errno;
  if (!error && unlinkat(directory, name, AT_REMOVEDIR) != 0) error = errno;
  return error == ENOENT ? 0 : error;
}

int remove_below(int directory, const char *name) { return remove_entry(directory, name, 0); }

int usnea_remove_tree(const char *directory, const char *name) {
  int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int error = strchr(name, '/') ? EINVAL : remove_below(fd, name);
  close(fd);
  return -error;
}
