/*
 * What the kernel is about to answer. For mounts, modes and links it is asked itself, as nobody but this user and without a
 * privilege: faccessat2(2) on what the path leads to. Only Landlock, which holds for the command alone, is looked up.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

enum { NAME_SIZE = 64, STAT_SIZE = 1024 };

static int access_to(int fd, int mode) {
  return fd < 0 || syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0 ? 0 : errno;
}

static bool is_mount(int fd) {
  struct statx stat;
  return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &stat) == 0 && (stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static bool is_directory(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
}

static int landlock_says(const struct policy *policy, const char *path, uint32_t access) {
  if (!(policy->head.flags & HAS_LANDLOCK)) return 0;
  if (access & (WRITE | MAKE | TAKE_AWAY | BIND_TO)) return has_rule(policy, RULE_WRITE, path) ? 0 : EACCES;
  if (!(access & (READ | EXECUTE)) || has_rule(policy, RULE_WRITE, path)) return 0;
  return has_rule(policy, RULE_READ, path) ? 0 : EACCES;
}

/* What is there. -1: in its place stands something of ours. */
static int judge_found(const struct policy *policy, const struct view *view, uint32_t access) {
  int error = 0;
  if (!(access & (MAKE | BIND_TO)) && has_rule(policy, RULE_HIDE, view->text)) return -1;
  if (access & (MAKE | BIND_TO)) return 0; /* EEXIST */
  if (access & TAKE_AWAY) {
    if ((error = access_to(view->parent, W_OK | X_OK))) return error;
    if (is_mount(view->fd)) return EBUSY;
  }
  if (access & CHANGE_IT) error = access_to(view->fd, W_OK) == EROFS ? EROFS : 0;
  if (!error && access & WRITE) error = is_directory(view->fd) ? 0 : access_to(view->fd, W_OK);
  if (!error && access & (READ | CONNECT_TO)) error = access_to(view->fd, access & READ ? R_OK : W_OK);
  if (!error && access & (EXECUTE | SEARCH)) error = access_to(view->fd, X_OK);
  return error ? error : landlock_says(policy, view->text, access);
}

/* What is not there: hidden, or something to be made. 0 is no denial: it is nowhere. */
static int judge_missing(const struct policy *policy, const struct view *view, uint32_t access) {
  int error = view->errnum;
  if (error != ENOENT && error != ENOTDIR) return error == EACCES ? EACCES : 0;
  if (access & (MAKE | BIND_TO) && view->parent >= 0) {
    error = access_to(view->parent, W_OK | X_OK);
    return error ? error : landlock_says(policy, view->text, access);
  }
  static char above[PATH_SIZE];
  snprintf(above, sizeof above, "%s", view->text);
  if (access & (MAKE | BIND_TO)) *strrchr(above, '/') = 0;
  return above[0] && is_outside(above) ? error : 0;
}

/* Of what is there only the modes and the mount decide: then nobody has to know its whole name. */
static bool needs_no_name(const struct policy *policy, uint32_t access) {
  const uint32_t flags = policy->head.flags;
  if (flags & (LEARNS | HAS_LANDLOCK) || !(flags & OWN_PROC) || policy->head.rules) return false;
  return access & WRITE || !(access & (MAKE | TAKE_AWAY | BIND_TO));
}

void judge_file(const struct ask *ask, int dirfd, const char *path, uint32_t access) {
  static struct view view;
  unsigned how = (access & NOFOLLOW ? 0 : VIEW_FOLLOW) | (needs_no_name(ask->policy, access) ? VIEW_UNNAMED : 0);
  if (!look_at(&view, &ask->caller, dirfd, path, how)) return;
  bool is_new = (access & (MAKE | BIND_TO)) && view.fd < 0;
  int error = view.fd >= 0 ? judge_found(ask->policy, &view, access & WRITE ? access & ~(uint32_t)MAKE : access)
                           : judge_missing(ask->policy, &view, access);
  if (error) name_view(&view, &ask->caller);
  unsigned process = process_in(view.text);
  if (!error && view.fd >= 0 && process && access & (READ | WRITE | EXECUTE) && is_guarded(view.text) && is_foreign(ask, (int)process)) error = EACCES;
  bool learns = ask->policy->head.flags & LEARNS;
  if ((error || (learns && (view.fd >= 0 || is_new))) && is_alive(&ask->caller))
    tell(ask, error && process && (view.fd < 0 || error == EACCES) ? PROCESS_KIND : FILE_KIND, access, error, view.text, strlen(view.text));
  let_go(&view);
}

static uint64_t arg(const struct ask *ask, int index) { return index < 0 ? 0 : ask->data->args[index]; }

/* As open(2) takes its flags. */
static uint32_t access_of(uint64_t flags) {
  uint32_t access = (flags & O_ACCMODE) == O_RDONLY ? READ : (flags & O_ACCMODE) == O_WRONLY ? WRITE : READ | WRITE;
  if (flags & O_PATH) return STAT | (flags & O_NOFOLLOW ? NOFOLLOW : 0);
  if (flags & O_TRUNC) access |= WRITE;
  if (flags & O_CREAT) access |= MAKE | WRITE;
  if ((flags & O_TMPFILE) == O_TMPFILE) access = WRITE;
  return access | (flags & O_NOFOLLOW ? NOFOLLOW : 0);
}

static void judge_path(const struct ask *ask, int dir, int path, uint32_t access) {
  static char text[PATH_SIZE];
  if (!read_string(ask->caller.pid, arg(ask, path), text, sizeof text)) return;
  judge_file(ask, dir < 0 ? AT_FDCWD : (int)arg(ask, dir), text, access);
}

void judge(const struct ask *ask) {
  const struct call *call = ask->call;
  uint64_t how = 0;
  switch ((enum action)call->action) {
    case OPEN: judge_path(ask, call->dir, call->path, access_of(arg(ask, call->extra))); break;
    case OPEN_HOW:
      if (read_memory(ask->caller.pid, arg(ask, call->extra), &how, sizeof how) == sizeof how)
        judge_path(ask, call->dir, call->path, access_of(how));
      break;
    case MAKE_FILE: judge_path(ask, call->dir, call->path, WRITE | MAKE); break;
    case LOOK: judge_path(ask, call->dir, call->path, STAT | (arg(ask, call->extra) & AT_SYMLINK_NOFOLLOW ? NOFOLLOW : 0)); break;
    case LOOK_HERE: judge_path(ask, call->dir, call->path, STAT | NOFOLLOW); break;
    case WRITE_TO: judge_path(ask, call->dir, call->path, WRITE); break;
    case ENTER: judge_path(ask, call->dir, call->path, SEARCH); break;
    case RUN: judge_path(ask, call->dir, call->path, EXECUTE); break;
    case CREATE: judge_path(ask, call->dir, call->path, MAKE | NOFOLLOW); break;
    case REMOVE: judge_path(ask, call->dir, call->path, TAKE_AWAY | NOFOLLOW); break;
    case RENAME:
      judge_path(ask, call->dir, call->path, TAKE_AWAY | NOFOLLOW);
      judge_path(ask, call->dir2, call->path2, MAKE | NOFOLLOW);
      break;
    case LINK:
      judge_path(ask, call->dir, call->path, STAT | NOFOLLOW);
      judge_path(ask, call->dir2, call->path2, MAKE | NOFOLLOW);
      break;
    case CHANGE: judge_path(ask, call->dir, call->path, CHANGE_IT); break;
    case CONNECT: judge_address(ask, arg(ask, call->path), arg(ask, call->extra), CONNECT_TO); break;
    case SEND: judge_address(ask, arg(ask, call->path), arg(ask, call->extra), SEND_TO); break;
    case SEND_MESSAGE: {
      struct { uint64_t name; uint32_t size; } head;
      if (read_memory(ask->caller.pid, arg(ask, call->path), &head, sizeof head) == (ptrdiff_t)sizeof head && head.name)
        judge_address(ask, head.name, head.size, SEND_TO);
      break;
    }
    case BIND: judge_address(ask, arg(ask, call->path), arg(ask, call->extra), BIND_TO); break;
    case SIGNAL: judge_signal(ask, (int)arg(ask, call->path)); break;
  }
}
