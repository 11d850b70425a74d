/* What the user's program gets: limits, ids, capabilities, and at last control. */
#include "init.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int run_umask(struct context *ctx, const struct op_umask *op) {
  umask((mode_t)op->mask);
  return 0;
}

int run_rlimit(struct context *ctx, const struct op_rlimit *op) {
  struct { uint64_t soft, hard; } limit = {op->soft, op->hard};
  return syscall(SYS_prlimit64, 0, (int)op->resource, &limit, NULL) == 0 ? 0 : errno;
}

int run_bounding(struct context *ctx, const struct op_bounding *op) {
  for (int cap = 0; cap < 64; cap++) {
    if (op->mask >> cap & 1) continue;
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) return errno == EINVAL ? 0 : errno; /* past the last one */
  }
  return 0;
}

static int set_groups(const struct string_list *ids) {
  gid_t groups[NGROUPS_MAX < 1024 ? NGROUPS_MAX : 1024];
  if (ids->count > sizeof groups / sizeof *groups) return E2BIG;
  for (uint64_t i = 0; i < ids->count; i++) groups[i] = (gid_t)strtoul(ids->items[i], NULL, 10);
  return setgroups((size_t)ids->count, groups) == 0 ? 0 : errno;
}

/* Of a sandbox: before its first process exists, so that nothing in it ever has the others. */
int run_groups(struct context *ctx, const struct op_groups *op) { return set_groups(op->ids); }

/* A namespace that was joined does not tell whether it denies setgroups(2): then the caller's groups stay. */
enum { SET_GROUPS_IF_ALLOWED = 2 };

/* Capabilities stay over the change of ids; `caps` then leaves just the asked ones. */
int run_user(struct context *ctx, const struct op_user *op) {
  int error = 0;
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return errno;
  if (op->set_groups) {
    error = set_groups(op->groups);
    if (error == EPERM && op->set_groups == SET_GROUPS_IF_ALLOWED) error = report_weaker(ctx);
    if (error) {
      detail("setgroups");
      return error;
    }
  }
  detail("setgid");
  if (setresgid((gid_t)op->gid, (gid_t)op->gid, (gid_t)op->gid) != 0) return errno;
  detail("setuid");
  if (setresuid((uid_t)op->uid, (uid_t)op->uid, (uid_t)op->uid) != 0) return errno;
  detail("%s", "");
  /* with fs.suid_dumpable set the change of ids has made us dumpable again */
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

int run_caps(struct context *ctx, const struct op_caps *op) {
  struct { uint32_t version; int pid; } header = {0x20080522u, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
  struct { uint32_t effective, permitted, inheritable; } data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)(op->effective >> 32 * i);
    data[i].permitted = (uint32_t)(op->permitted >> 32 * i);
    data[i].inheritable = (uint32_t)(op->inheritable >> 32 * i);
  }
  if (syscall(SYS_capset, &header, data) != 0) return errno;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return errno == EINVAL && !op->ambient ? 0 : errno;
  for (int cap = 0; cap < 64; cap++)
    if (op->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) return errno;
  return 0;
}

int run_no_new_privs(struct context *ctx, const struct op_no_new_privs *op) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

/* A directory that a leaked descriptor or a magic link opened outside of the root has no name in it (CVE-2024-21626). */
static int check_cwd_inside(void) {
  char path[PATH_MAX];
  long got = syscall(SYS_getcwd, path, sizeof path);
  if (got < 0 && errno == ERANGE) return 0; /* deeper than PATH_MAX, but it has a name */
  return got > 0 && path[0] == '/' ? 0 : EXDEV;
}

/* Once as the container's root and, where that may not look, once more as the user: either suffices. */
int run_cwd(struct context *ctx, const struct op_cwd *op) {
  if (ctx->in_cwd) return 0;
  if (chdir(op->path) != 0) return errno == EACCES && op->lenient ? 0 : errno;
  ctx->in_cwd = true;
  return check_cwd_inside();
}

static int is_program(const char *path) {
  struct stat stat_;
  if (stat(path, &stat_) != 0) return errno;
  if (S_ISDIR(stat_.st_mode)) return EISDIR;
  return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* execvp(3)'s rule with the container's own PATH. A name that is found but closed wins over one that is not found. */
static int find_program(const char *file, const char *search, char *found) {
  int error = ENOENT;
  if (*file == '\0') return ENOENT;
  if (strchr(file, '/')) {
    if (strlen(file) >= PATH_MAX) return ENAMETOOLONG;
    strcpy(found, file);
    return is_program(found);
  }
  for (const char *at = search; *at;) {
    size_t length = strcspn(at, ":");
    int size = snprintf(found, PATH_MAX, "%.*s/%s", length ? (int)length : 1, length ? at : ".", file);
    at += length + (at[length] == ':');
    if (size < 0 || size >= PATH_MAX) continue;
    int now = is_program(found);
    if (now == 0) return 0;
    if (now == EACCES && access(found, F_OK) == 0) error = EACCES; /* not when the directory is what is closed */
  }
  return error;
}

int run_lookup(struct context *ctx, const struct op_lookup *op) {
  static char found[PATH_MAX];
  ctx->found = found;
  return find_program(op->file, op->search, found);
}

int prepare_exec(unsigned keep_fds) {
  int error = check_cwd_inside();
  if (error) {
    detail("cwd");
    return error;
  }
  return sys_close_range(3 + keep_fds, ~0u, CLOSE_RANGE_CLOEXEC) == 0 ? 0 : errno;
}

/* Under a filter only the last line is left to do, with what `lookup` found. */
int run_exec(struct context *ctx, const struct op_exec *op) {
  char path[PATH_MAX];
  const char *program = ctx->filtered ? ctx->found : path;
  int error = !ctx->filtered ? find_program(op->file, op->search, path) : ctx->found ? 0 : ENOENT;
  if (!error && !ctx->filtered) error = prepare_exec((unsigned)op->keep_fds);
  if (error) return error;
  detail("%s", program); /* what is wrong from here on is wrong with this file, or with the interpreter that it names */
  execve(program, op->argv->items, op->env->items);
  return errno;
}

int run_finish(struct context *ctx, const struct op_finish *op) { _exit((int)op->status); }
