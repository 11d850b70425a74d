/* Opening a container as src/state/store.ts does, and its status as src/container/oci-state.ts tells it. */
#define _GNU_SOURCE
#include "quick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

static char text[MOST];

/* A shortcut names processes that are killed and cgroups that are removed, so nobody else may have written it. */
int open_container(struct container *container) {
  struct stat found;
  container->beside = open(container->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (container->beside < 0) return errno == ENOENT ? 0 : -1;
  container->directory = openat(container->beside, container->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (container->directory < 0) return errno == ENOENT ? 0 : -1;
  return fstat(container->directory, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() ? 1 : -1;
}

bool is_in_place(const struct container *container) {
  struct stat ours, found;
  if (fstat(container->directory, &ours) < 0) return false;
  if (fstatat(container->beside, container->id, &found, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

/*
 * Whoever has it may keep it for seconds, and Node waits better. It is let go by our end. It is not made here: where there
 * is none the container is being removed, and a lock in what is left of it would keep nobody from its name.
 */
bool lock_container(const struct container *container) {
  struct stat found;
  int fd = openat(container->directory, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) return false;
  return fstat(fd, &found) == 0 && found.st_nlink > 0 && is_in_place(container);
}

/* Is it true of the state.json that lies there now? */
static bool is_current(const struct container *container) {
  struct stat found;
  char now[128];
  if (fstatat(container->directory, "state.json", &found, AT_SYMLINK_NOFOLLOW) < 0 || found.st_uid != geteuid()) return false;
  snprintf(now, sizeof now, "%llu:%llu:%lld:%lld", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino,
           (long long)found.st_size, (long long)found.st_ctim.tv_sec * 1000000000 + found.st_ctim.tv_nsec);
  return S_ISREG(found.st_mode) && strcmp(now, container->shortcut.of) == 0;
}

static bool is_this_boot(const char *boot) {
  char now[64];
  ssize_t size = read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", now, sizeof now);
  if (size <= 0) return false;
  now[strcspn(now, "\n")] = 0;
  return strcmp(now, boot) == 0;
}

static bool read_file(const struct container *container, size_t *size) {
  struct stat found;
  if (fstatat(container->directory, "shortcut", &found, AT_SYMLINK_NOFOLLOW) < 0) return false;
  if (!S_ISREG(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077) != 0) return false;
  ssize_t got = read_at(container->directory, "shortcut", text, sizeof text);
  *size = (size_t)got;
  return got > 0;
}

/* 1 alive, 0 gone, -1 when /proc does not tell. */
static int look(const struct container *container) {
  char path[32], stat[4096];
  struct fate fate;
  snprintf(path, sizeof path, "/proc/%d/stat", container->pid);
  if (read_at(AT_FDCWD, path, stat, sizeof stat) < 0) return errno == ENOENT || errno == ESRCH ? 0 : -1;
  if (!read_stat(stat, &fate)) return -1;
  /* a first thread that has ended stays a zombie as long as others go on */
  bool is_gone = fate.state == 'X' || (fate.state == 'Z' && fate.threads <= 1);
  return !is_gone && strcmp(fate.born, container->shortcut.born) == 0;
}

bool is_alive(const struct container *container) { return look(container) == 1; }

bool is_frozen(const struct container *container) {
  const struct shortcut *shortcut = &container->shortcut;
  if (shortcut->freezer) return file_says(shortcut->freezer, "freezer.self_freezing", "1");
  return shortcut->freeze && file_says(shortcut->freeze, "cgroup.freeze", "1");
}

/* Once the program runs nobody has the fifo open: fifo(7). */
static enum status beyond_gate(const struct container *container) {
  int fd = openat(container->directory, "exec.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENXIO ? RUNNING : UNKNOWN;
  close(fd);
  return CREATED;
}

bool load_container(struct container *container) {
  struct shortcut *shortcut = &container->shortcut;
  size_t size;
  if (!read_file(container, &size) || !read_shortcut(text, size, shortcut)) return false;
  if (strcmp(shortcut->id, container->id) != 0 || !is_current(container) || !is_this_boot(shortcut->boot)) return false;
  container->pid = atoi(shortcut->pid);
  int alive = look(container);
  if (alive < 0) return false;
  container->status = !alive ? STOPPED : is_frozen(container) ? PAUSED : beyond_gate(container);
  return container->status != UNKNOWN;
}
