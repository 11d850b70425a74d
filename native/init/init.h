/* What every part of init shares: the context, the way to fail, and the kernel calls libc has no names for. */
#ifndef USNEA_INIT_H
#define USNEA_INIT_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

enum { HOLD_SLOTS = 1024, NAMESPACES = 8 };

struct context {
  const struct plan *plan;
  uint32_t at;          /* index of the op that runs now; failures name it */
  uint32_t before;      /* ops that ran before the rest of the plan came: ops_rest.c */
  int control;          /* conversation with the parent; -1 when the gate has taken over */
  int result;           /* where a failure goes after the gate: see gate.c; -1 before */
  int root;             /* O_PATH descriptor of the new root */
  int held[HOLD_SLOTS]; /* detached mounts kept from before they were covered */
  int namespaces[NAMESPACES]; /* our own, for the gate's door: ops_gate.c */
  int null;             /* the host's /dev/null, for masks */
  int empty;            /* the tmpfs of the first masked directory; -1 before */
  int last;             /* the mount that the last bind made, and where */
  const char *last_target;
  int proc;             /* the proc of where we come from; -1 before */
  bool in_cwd;
  int ruleset;          /* of Landlock, while it is filled; -1 outside of that */
  const char *found;    /* the program, as `lookup` found it */
  bool filtered;        /* our own system calls go through the filter */
  char *reply;          /* payload of the last answer of the parent: the state JSON for hooks */
  uint32_t reply_size;
};

/* Text for the parent beside the errno, such as which component failed. Kept short; never allocates. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *detail_text(void);

/* Arguments of mount_setattr(2). */
struct attr {
  uint64_t set, clear, propagation, userns_fd;
};

/* Ops return 0 or an errno. */
#define OP(name, phase, arguments) int run_##name(struct context *ctx, const struct op_##name *op);
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE

/* control.c */
struct frame {
  uint32_t message;
  uint32_t size; /* payload bytes that follow */
  int32_t a, b;
};
/* As long as a config.json may be, whose annotations are in the state for hooks: src/container/bundle.ts. */
enum { MAX_PAYLOAD = 64 << 20 };
int send_frame(int fd, uint32_t message, int32_t a, int32_t b);
int send_payload(int fd, struct frame frame, const void *payload);
/* The frame with a descriptor beside it, which stays open here. Returns 0 or an errno. */
int send_descriptor(int fd, struct frame frame, const void *payload, int passed);
/* A text without a frame; never blocks. Returns 0 or an errno. */
int send_descriptors(int fd, const char *text, size_t size, const int *passed, int count);
/* Tells that the op that runs now had to take a weaker way. */
int report_weaker(const struct context *ctx);
_Noreturn void report_failure(struct context *ctx, int error);

/* stage.c: runs the ops from ctx->at on; returns only by exec or exit. */
_Noreturn void run_plan(struct context *ctx);

/* ops_process.c: what `exec` does before its last call, done now, because a filter may forbid it later. */
int prepare_exec(unsigned keep_fds);

/* signals.c */
void reset_signals(void);
void end_on_signals(void);

/* path.c: every path of the container is walked inside ctx->root. */
enum { WALK_NOFOLLOW = 1, WALK_NO_SYMLINKS = 2 };
int walk(const struct context *ctx, const char *path, unsigned how, int *fd);
int walk_create(const struct context *ctx, const char *path, bool directory, uint32_t mode, int *fd);
int walk_parent(const struct context *ctx, const char *path, int *dir, const char **name);
/* "/proc/self/fd/N" into a buffer of FD_PATH bytes. */
enum { FD_PATH = 40 };
const char *fd_path(char *buffer, int fd);

/* mounts.c: attributes that follow for this target are for the mount `fd`, which the context keeps; -1 for none. */
void remember(struct context *ctx, int fd, const char *target);
int find_mount(const struct context *ctx, const char *target, int *fd);
bool is_directory(int fd);

/* ops_attr.c: one or all below; where mount_setattr(2) is missing, one by remounting it. */
int set_attr(int fd, const struct attr *attr, bool recursive);
int remount(int fd, const struct attr *attr);
/* `spare`, `locked`: see `attr` in docs/launch-plan.md. */
struct wish {
  uint64_t set, clear, spare;
  bool recursive, locked;
};
int apply_wish(const struct context *ctx, int fd, const struct wish *wish);

/* ops_files.c: a proc of our own that is mounted nowhere; -1 where the kernel refuses one. */
int private_proc(void);

/* redirect.c: all TCP over IPv4 that leaves comes to the transparent listener at that port of the loopback; the rest is refused. */
int redirect_tcp(uint16_t port);
int redirect_tcp6(uint16_t port);
int redirect_questions(uint16_t port);

/* tree.c: `from` and `to` are directories. `lossy`: something could not be kept as it was. */
int copy_content(int from, int to, bool *lossy);
/* filesystem.c: a file system that is mounted nowhere yet; `data` as mount(8) has it. */
struct filesystem {
  const char *fstype, *source, *data;
  uint64_t attr;
};
int make_filesystem(const struct filesystem *wanted, int *fd);
/* mounts.c: a detached copy of the tree at dir/path, and its place; see there for `detached`. */
int copy_tree(int dir, const char *path, bool recursive, unsigned extra, bool *detached);
int attach(int tree, int target, bool recursive, bool detached);
/* mounts.c: does a link of the image lead from `path` into proc or sysfs? */
bool leads_astray(int target, const char *path);

/* kernel.c: thin wrappers; each returns -1 with errno, as the kernel's manual pages say. */
int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve);
int sys_open_tree(int dir, const char *path, unsigned flags);
int sys_move_mount(int from, int to);
int sys_mount_setattr(int fd, unsigned flags, const struct attr *attr);
int sys_pivot_root(const char *new_root, const char *old_root);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_clone(uint64_t flags);
int sys_fsopen(const char *fstype);
int sys_fsconfig(int context, unsigned command, const char *key, const char *value);
/* Makes the file system that was configured, and a mount of it that is attached nowhere. */
int sys_fsmount(int context, unsigned attr);

#define OPEN_TREE_CLONE 1u
#define RESOLVE_NO_XDEV 0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS 0x04u
#define RESOLVE_BENEATH 0x08u
#define RESOLVE_IN_ROOT 0x10u
#define MOUNT_ATTR_RDONLY 0x1u
#define MOUNT_ATTR__ATIME_ 0x70u
#define MOUNT_ATTR_NOATIME_ 0x10u
#define MOUNT_ATTR_STRICTATIME_ 0x20u
#define MOUNT_ATTR_NODIRATIME_ 0x80u
#define CLOSE_RANGE_CLOEXEC 4u
#define AT_RECURSIVE_ 0x8000u
#define CLONE_NEWTIME_ 0x80u

#endif
