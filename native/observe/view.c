/* Paths as the command has them: walked from its root by the kernel, where no link leads out of it. */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum { MOST_LINKS = 16, NAME_SIZE = 64 };

static bool is_fixed;
static int kept = -1;

void keep_root(bool fixed) { is_fixed = fixed; }

/* Where nobody can change roots one is enough for all, if it is surely the caller's: its number may be another's by now. */
static int root_of(const struct caller *caller) {
  char name[NAME_SIZE];
  if (kept >= 0) return kept;
  snprintf(name, sizeof name, "/proc/%d/root", caller->pid);
  int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (is_fixed && fd >= 0 && is_alive(caller)) kept = fd;
  return fd;
}

static void done_with(int root) {
  if (root >= 0 && root != kept) close(root);
}

/* WAY_NAME: the last name, should it be a link, is not followed. */
static int open_in(int root, const char *path, int way) {
  const struct open_how *ways = (const void *)WAYS_AT;
  while (*path == '/') path++;
  return (int)syscall(SYS_openat2, root, *path ? path : ".", &ways[way], sizeof *ways);
}

/*
 * The kernel's name for it, which for a place in another mount namespace begins at that one's root. A mount of a file that
 * has no name any more (native/init/ops_policy.c makes them) has one that says so.
 */
static bool name_of(int fd, char *out, size_t size) {
  static const char gone[] = " (deleted)";
  const size_t length = sizeof gone - 1;
  struct stat stat;
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t got = readlink(name, out, size - 1);
  if (got <= 0 || got == (ssize_t)size - 1 || out[0] != '/') return false;
  out[got] = 0;
  if ((size_t)got > length && strcmp(out + got - length, gone) == 0 && fstat(fd, &stat) == 0 && stat.st_nlink == 0)
    out[(size_t)got - length] = 0;
  return true;
}

static bool base_of(int pid, int dirfd, char *out, size_t size) {
  char name[NAME_SIZE];
  if (dirfd == AT_FDCWD) snprintf(name, sizeof name, "/proc/%d/cwd", pid);
  else snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, dirfd);
  ssize_t got = readlink(name, out, size - 1);
  if (got <= 0 || got == (ssize_t)size - 1 || out[0] != '/') return false;
  out[got] = 0;
  return true;
}

static bool is_link(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 && S_ISLNK(stat.st_mode);
}

/* The place that holds the last name, and the whole path as the kernel has it, where there is one. */
static void find_parent(struct view *view, int root) {
  static char above[PATH_SIZE], last[PATH_SIZE];
  if (view->fd >= 0 && !name_of(view->fd, view->text, sizeof view->text)) climb(view->text);
  char *slash = strrchr(view->text, '/');
  if (view->fd < 0 && strcmp(slash, "/..") == 0) climb(view->text), slash = strrchr(view->text, '/');
  snprintf(last, sizeof last, "%s", slash + 1);
  snprintf(above, sizeof above, "%.*s", slash > view->text ? (int)(slash - view->text) : 1, view->text);
  view->parent = open_in(root, above, WAY_FOLLOW);
  if (view->fd >= 0) return;
  if (view->parent >= 0 && name_of(view->parent, above, sizeof above)) join_path(view->text, sizeof view->text, above, last);
  else climb(view->text);
}

/* A path through /proc/self, in the words of somebody else. */
static bool translate(struct view *view, int pid) {
  static char base[PATH_SIZE], rest[PATH_SIZE];
  const char *after;
  int fd = AT_FDCWD;
  for (int times = 0; times < MOST_LINKS; times++) {
    enum own own = own_place(view->text, &fd, &after);
    if (own == IS_OTHER) return true;
    if (own == IS_ITSELF) return false;
    snprintf(rest, sizeof rest, "%s", after + strspn(after, "/"));
    if (own == IN_ROOT) snprintf(base, sizeof base, "/");
    else if (!base_of(pid, own == IN_CWD ? AT_FDCWD : fd, base, sizeof base)) return false;
    if (!join_path(view->text, sizeof view->text, base, rest)) return false;
  }
  return false;
}

/* Of the last name links are followed here: what they lead to is of the caller, and may mean itself. */
static bool walk(struct view *view, int pid, int root, bool follow) {
  static char target[PATH_SIZE], place[PATH_SIZE];
  for (int links = 0; links < MOST_LINKS; links++) {
    if (!translate(view, pid)) return false;
    view->fd = open_in(root, view->text, WAY_NAME);
    view->errnum = view->fd < 0 ? errno : 0;
    if (view->fd < 0 || !follow || !is_link(view->fd)) return true;
    ssize_t got = readlinkat(view->fd, "", target, sizeof target - 1);
    if (got <= 0 || !name_of(view->fd, place, sizeof place)) return false;
    target[got] = 0;
    close(view->fd);
    view->fd = -1;
    *strrchr(place, '/') = 0;
    if (!join_path(view->text, sizeof view->text, place, target)) return false;
  }
  return false;
}

/* What look_at() left out. */
void name_view(struct view *view, const struct caller *caller) {
  int root = root_of(caller);
  if (root >= 0 && view->parent < 0) find_parent(view, root);
  done_with(root);
}

/* False: nothing can be said of it. */
bool look_at(struct view *view, const struct caller *caller, int dirfd, const char *path, unsigned how) {
  static char base[PATH_SIZE];
  view->fd = view->parent = -1;
  view->errnum = 0;
  if (path[0] == 0) return false;
  if (path[0] != '/' && !base_of(caller->pid, dirfd, base, sizeof base)) return false;
  if (!join_path(view->text, sizeof view->text, base, path)) return false;
  int root = root_of(caller);
  if (root < 0) return false;
  bool found = walk(view, caller->pid, root, (how & VIEW_FOLLOW) != 0);
  if (found && !(view->fd >= 0 && how & VIEW_UNNAMED)) find_parent(view, root);
  done_with(root);
  if (!found) let_go(view);
  return found;
}

void let_go(struct view *view) {
  if (view->fd >= 0) close(view->fd);
  if (view->parent >= 0) close(view->parent);
  view->fd = view->parent = -1;
}

bool is_outside(const char *path) {
  struct stat stat;
  return fstatat(AT_FDCWD, path, &stat, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}
