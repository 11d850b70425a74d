/* Taking directories away by descriptor: no link is followed, whatever happens to the path meanwhile. */
#define _GNU_SOURCE
#include "quick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Deeper than anything that is ours. */
enum { DEEPEST = 8 };

static const char removed[] = "#removed-";

static bool empty(int directory, int depth) {
  DIR *stream = fdopendir(directory);
  if (!stream) return close(directory), false;
  bool is_empty = true;
  for (struct dirent *entry; is_empty && (entry = readdir(stream));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      is_empty = remove_tree(dirfd(stream), entry->d_name, depth + 1);
  closedir(stream);
  return is_empty;
}

bool remove_tree(int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return true;
  if ((errno != EISDIR && errno != EPERM) || depth > DEEPEST) return false;
  int below = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (below < 0) return errno == ENOENT;
  return empty(below, depth) && (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

bool sweep(const char *root) {
  DIR *stream = opendir(root);
  if (!stream) return errno == ENOENT;
  bool is_swept = true;
  for (struct dirent *entry; is_swept && (entry = readdir(stream));)
    if (strncmp(entry->d_name, removed, sizeof removed - 1) == 0) is_swept = remove_tree(dirfd(stream), entry->d_name, 0);
  closedir(stream);
  return is_swept;
}

bool remove_container(const struct container *container) {
  unsigned long long random;
  char name[64];
  if (getrandom(&random, sizeof random, 0) != sizeof random || !is_in_place(container)) return false;
  snprintf(name, sizeof name, "%s%016llx", removed, random);
  return renameat(container->beside, container->id, container->beside, name) == 0 &&
         remove_tree(container->beside, name, 0);
}
