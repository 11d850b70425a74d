/* Taking containers away: native/lib/remove.c follows no link, whatever happens to the path meanwhile. */
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

#include "../lib/remove.h"

static const char removed[] = "#removed-";

bool sweep(const char *root) {
  DIR *stream = opendir(root);
  if (!stream) return errno == ENOENT;
  bool is_swept = true;
  for (struct dirent *entry; is_swept && (entry = readdir(stream));)
    if (strncmp(entry->d_name, removed, sizeof removed - 1) == 0) is_swept = remove_below(dirfd(stream), entry->d_name) == 0;
  closedir(stream);
  return is_swept;
}

bool remove_container(const struct container *container) {
  unsigned long long random;
  char name[64];
  if (getrandom(&random, sizeof random, 0) != sizeof random || !is_in_place(container)) return false;
  snprintf(name, sizeof name, "%s%016llx", removed, random);
  return renameat(container->beside, container->id, container->beside, name) == 0 &&
         remove_below(container->beside, name) == 0;
}
