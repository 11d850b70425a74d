/*
 * As src/container/delete.ts: the process, then the cgroup, then the directory. Until the directory has another name Node
 * can go on from anywhere.
 */
#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/usnea.h"

/* Milliseconds. Then Node waits, and says what does not end. */
enum { PATIENCE = 1000, LONGEST_PAUSE = 20 };

void wait_ms(int milliseconds) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&pause, NULL);
}

static bool end_process(const struct container *container) {
  int pidfd = usnea_pidfd_open(container->pid);
  if (pidfd == -ESRCH) return true;
  if (pidfd < 0) return false;
  if (!is_alive(container)) return close(pidfd), true;
  usnea_pidfd_send_signal(pidfd, SIGKILL);
  bool has_ended = usnea_wait_readable(pidfd, PATIENCE) > 0;
  close(pidfd);
  return has_ended;
}

/* 1 removed, 0 in use, -1 not to be had. */
static int remove_directory(const char *path) {
  if (rmdir(path) == 0 || errno == ENOENT || errno == ENODEV) return 1;
  return errno == EBUSY || errno == ENOTEMPTY ? 0 : -1;
}

/* What the container has made below it, Node takes away. kernfs counts directories as every file system does. */
static bool has_children(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0 && found.st_nlink > 2;
}

/* One that has gone is nobody else's. */
static bool is_still_ours(const struct home *home) {
  struct stat found;
  return stat(home->path, &found) == 0 ? found.st_ino == home->inode : errno == ENOENT || errno == ENODEV;
}

/* A dying process keeps its cgroup busy for a moment. */
static bool remove_home(const struct home *home) {
  char path[PATH_MAX];
  size_t size = strlen(home->path);
  if (size >= sizeof path) return false;
  memcpy(path, home->path, size + 1);
  int removed = 0;
  for (int waited = 0, pause = 0; removed == 0; waited += pause, pause += pause < LONGEST_PAUSE) {
    wait_ms(pause);
    removed = remove_directory(path);
    if (removed == 0 && (waited > PATIENCE || has_children(path))) return false;
  }
  for (int i = 1; i < home->made && removed == 1; i++) {
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) break;
    *slash = 0;
    removed = remove_directory(path);
  }
  return removed >= 0;
}

int run_delete(struct container *container, bool force) {
  const struct shortcut *shortcut = &container->shortcut;
  bool is_alone = container->status == STOPPED || container->status == CREATED;
  if (!shortcut->may_delete || !shortcut->is_private || container->status == PAUSED || !(force || is_alone)) return NODE;
  if (container->status != STOPPED && !end_process(container)) return NODE;
  for (int i = 0; i < shortcut->home_count; i++)
    if (!is_still_ours(&shortcut->homes[i]) || !remove_home(&shortcut->homes[i])) return NODE;
  return remove_container(container) ? 0 : NODE;
}
