/*
 * Landlock: what the program may do with files, TCP ports, abstract sockets and signals, landlock(7). It needs no
 * privilege but no_new_privs. A path is opened without following a link, and the rule holds for what was opened.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers are the same on every architecture for calls after 5.1 (unified table). */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* linux/landlock.h, which may be older here than the kernel. */
enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };
enum { EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, TRUNCATE = 1 << 14, IOCTL_DEV = 1 << 15 };
enum { OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV };

int run_ruleset(struct context *ctx, const struct op_ruleset *op) {
  const struct { uint64_t files, ports, scopes; } handled = {op->files, op->ports, op->scopes};
  /* An older kernel takes the longer structure as long as what it does not know is 0. */
  ctx->ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  return ctx->ruleset < 0 ? errno : 0;
}

int run_allow_path(struct context *ctx, const struct op_allow_path *op) {
  struct stat stat_;
  int fd = sys_openat2(AT_FDCWD, op->path, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (fd < 0) return !op->required && (errno == ENOENT || errno == EACCES || errno == ELOOP) ? 0 : errno;
  int error = fstat(fd, &stat_) == 0 ? 0 : errno;
  if (!error) {
    const struct { uint64_t access; int32_t fd; } __attribute__((packed)) rule = {
        S_ISDIR(stat_.st_mode) ? op->access : op->access & OF_A_FILE, fd};
    error = syscall(SYS_landlock_add_rule, ctx->ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : errno;
    if (error == ENOMSG && !op->required) error = 0; /* none of it is about a file */
    if (error == EBADFD && !op->required) error = 0; /* a file that has no place in a tree */
  }
  close(fd);
  return error;
}

int run_allow_port(struct context *ctx, const struct op_allow_port *op) {
  const struct { uint64_t access, port; } rule = {op->access, op->port};
  return syscall(SYS_landlock_add_rule, ctx->ruleset, RULE_NET_PORT, &rule, 0) == 0 ? 0 : errno;
}

int run_restrict(struct context *ctx, const struct op_restrict *op) {
  int error = syscall(SYS_landlock_restrict_self, ctx->ruleset, 0) == 0 ? 0 : errno;
  close(ctx->ruleset);
  ctx->ruleset = -1;
  return error;
}
