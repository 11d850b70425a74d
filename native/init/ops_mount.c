/* Mounts. Sources are the host's, targets are walked inside the new root, and both are descriptors when they meet. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BIND_RECURSIVE = 1, BIND_HELD = 2, BIND_NO_CREATE = 4, BIND_OPENED = 8, BIND_PEER = 16 };
enum { PROC_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x62656572 };

/*
 * A detached copy of the tree at dir/path. Without open_tree(2) (before 5.2) the plain descriptor comes back, and
 * attach() falls back to mount(2). A mount that is its own descriptor keeps every flag it had, so locked ones stay.
 */
int copy_tree(int dir, const char *path, bool recursive, unsigned extra, bool *detached) {
  int fd = sys_open_tree(dir, path, OPEN_TREE_CLONE | extra | (recursive ? AT_RECURSIVE_ : 0));
  *detached = true;
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  int plain = *path ? openat(dir, path, O_PATH | O_CLOEXEC) : fcntl(dir, F_DUPFD_CLOEXEC, 3);
  *detached = false;
  return plain;
}

int attach(int tree, int target, bool recursive, bool detached) {
  char from[FD_PATH], to[FD_PATH];
  if (detached && sys_move_mount(tree, target) == 0) return 0;
  if (detached && errno != ENOSYS) return errno;
  return mount(fd_path(from, tree), fd_path(to, target), NULL, MS_BIND | (recursive ? MS_REC : 0), NULL) ? errno : 0;
}

static bool is_directory(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
}

/* A copy of the bundle's root on top of itself. The path was checked by the parent; a swap since then shows. */
static int cover(const char *path, uint64_t dev, uint64_t ino, int *root) {
  struct stat stat;
  bool detached;
  int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (fd < 0) return errno == ELOOP ? ESTALE : errno;
  if (fstat(fd, &stat) != 0) return errno;
  if (stat.st_dev != dev || stat.st_ino != ino) return ESTALE;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  if (tree < 0) return errno;
  int error = attach(tree, fd, true, detached);
  if (error) return error;
  close(fd);
  *root = detached ? tree : sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (*root < 0 || fstat(*root, &stat) != 0) return errno;
  return stat.st_dev == dev && stat.st_ino == ino ? 0 : ESTALE;
}

int run_root(struct context *ctx, const struct op_root *op) { return cover(op->path, op->dev, op->ino, &ctx->root); }

/* For a program that makes a container itself (criu), and wants its root to be a mount. */
int run_cover_root(struct context *ctx, const struct op_cover_root *op) {
  int root = -1, error = cover(op->path, op->dev, op->ino, &root);
  if (root >= 0) close(root);
  return error;
}

/* `root-here`: no new root. The mount namespace is already a copy of our own, and nothing of it can be unmounted inside. */
int run_root_here(struct context *ctx, const struct op_root_here *op) {
  ctx->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ctx->root < 0 ? errno : 0;
}

/* `root-scratch`: an empty tmpfs over a directory that no source lies under. */
int run_root_scratch(struct context *ctx, const struct op_root_scratch *op) {
  if (mount("usnea", op->path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) return errno;
  ctx->root = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ctx->root < 0 ? errno : 0;
}

int run_hold(struct context *ctx, const struct op_hold *op) {
  bool detached;
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  /* The path was resolved when the sandbox was made; a command that ran since may have put a link into it. */
  int path = sys_openat2(AT_FDCWD, op->path, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (path < 0) return errno == ELOOP ? ESTALE : errno;
  int fd = copy_tree(path, "", true, AT_EMPTY_PATH, &detached);
  int error = fd < 0 ? errno : 0;
  close(path);
  ctx->held[op->slot] = fd;
  return error;
}

/* Attributes that follow a bind must hit that mount, and not what a second walk of its path may find by now. */
void remember(struct context *ctx, int fd, const char *target) {
  if (ctx->last >= 0) close(ctx->last);
  ctx->last = fd;
  ctx->last_target = target;
}

static int find_mount(const struct context *ctx, const char *target, int *fd) {
  if (ctx->last >= 0 && strcmp(ctx->last_target, target) == 0) {
    *fd = fcntl(ctx->last, F_DUPFD_CLOEXEC, 3);
    return *fd < 0 ? errno : 0;
  }
  return walk(ctx, target, 0, fd);
}

static bool begins(const char *path, const char *prefix) { return strncmp(path, prefix, strlen(prefix)) == 0; }

/*
 * A link of the image must not lead a mount over files of proc or sysfs, nor a copy of their content into a tmpfs; by
 * their own names they may be covered.
 */
bool leads_astray(int target, const char *path) {
  struct statfs fs;
  if (begins(path, "/proc/") || begins(path, "/sys/") || fstatfs(target, &fs) != 0) return false;
  return fs.f_type == PROC_MAGIC || (fs.f_type == SYSFS_MAGIC && strcmp(path, "/sys") != 0);
}

int run_mount(struct context *ctx, const struct op_mount *op) {
  char path[FD_PATH];
  int target, error;
  error = walk_create(ctx, op->target, true, 0755, &target);
  if (error) return error;
  if (op->nofollow) { /* proc and sysfs: an image must not send them elsewhere, and nothing may be in between */
    close(target);
    error = walk(ctx, op->target, WALK_NO_SYMLINKS, &target);
    if (error) return error;
  }
  if (!is_directory(target)) error = ENOTDIR;
  if (!error && !op->nofollow && leads_astray(target, op->target)) error = ELOOP;
  const char *data = *op->data ? op->data : NULL;
  if (!error && mount(op->source, fd_path(path, target), op->fstype, op->flags, data) != 0) error = errno;
  close(target);
  remember(ctx, -1, "");
  return error;
}

/* A copy that was taken in the host's mount namespace would send what is mounted on it there. */
static int keep_in(int tree) {
  char path[FD_PATH];
  return mount(NULL, fd_path(path, tree), NULL, MS_SLAVE | MS_REC, NULL) == 0 ? 0 : errno;
}

int run_bind(struct context *ctx, const struct op_bind *op) {
  bool recursive = op->flags & BIND_RECURSIVE, detached = true;
  int tree, target = -1, error;
  if (op->flags & BIND_HELD) {
    if (op->slot >= HOLD_SLOTS || ctx->held[op->slot] < 0) return EINVAL;
    tree = ctx->held[op->slot];
    ctx->held[op->slot] = -1;
  } else if (op->flags & BIND_OPENED) {
    tree = (int)op->slot; /* our parent copied it: as root of a user namespace we could not walk there */
  } else {
    tree = copy_tree(AT_FDCWD, op->source, recursive, 0, &detached);
  }
  if (tree < 0) {
    detail("source");
    return errno;
  }
  bool directory = is_directory(tree);
  error = op->flags & BIND_NO_CREATE ? walk(ctx, op->target, WALK_NO_SYMLINKS, &target)
                                     : walk_create(ctx, op->target, directory, directory ? 0755 : 0644, &target);
  if (error) detail("target");
  if (!error && is_directory(target) != directory) {
    detail(directory ? "the source is a directory, the target is a file" : "the source is a file, the target is a directory");
    error = directory ? ENOTDIR : EISDIR;
  }
  if (!error && leads_astray(target, op->target)) error = ELOOP;
  if (!error) error = attach(tree, target, recursive, detached);
  if (!error && (op->flags & (BIND_HELD | BIND_OPENED)) && !(op->flags & BIND_PEER)) error = keep_in(tree);
  if (target >= 0) close(target);
  if (!error && detached) {
    remember(ctx, tree, op->target);
    return 0;
  }
  close(tree);
  return error;
}

/* Before 5.12 there is no mount_setattr(2): repeat every flag of the mount, or the kernel takes it for a request to clear. */
static int remount(int fd, const struct attr *attr) {
  struct statvfs now;
  char path[FD_PATH];
  if (fstatvfs(fd, &now) != 0) return errno;
  unsigned long flags = now.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME);
  if (now.f_flag & ST_RELATIME) flags |= MS_RELATIME;
  flags |= attr->set & 0xf; /* RDONLY NOSUID NODEV NOEXEC have the same bits as MS_* */
  flags &= ~(attr->clear & ~attr->set & 0xf);
  if (attr->set & 0x10) flags |= MS_NOATIME;
  if (attr->set & 0x80) flags |= MS_NODIRATIME;
  return mount(NULL, fd_path(path, fd), NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0 ? 0 : errno;
}

static int set_attr(int fd, const struct attr *attr, bool recursive) {
  if (sys_mount_setattr(fd, recursive ? AT_RECURSIVE_ : 0, attr) == 0) return 0;
  return errno == ENOSYS && !recursive ? remount(fd, attr) : errno;
}

/*
 * A source that was opened before the user namespace came into being is not locked, though the kernel would have locked
 * everything that the namespace sees of it: what it never may take away, and its access times.
 */
static int set_attr_of_locked(int fd, const struct attr *attr, bool recursive) {
  const unsigned long times = ST_NOATIME | ST_NODIRATIME | ST_RELATIME, lockable = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
  struct statvfs before, after;
  if (fstatvfs(fd, &before) != 0) return errno;
  int error = set_attr(fd, attr, recursive);
  if (error || fstatvfs(fd, &after) != 0) return error ? error : errno;
  return before.f_flag & ~after.f_flag & lockable || (before.f_flag ^ after.f_flag) & times ? EPERM : 0;
}

int run_attr(struct context *ctx, const struct op_attr *op) {
  int fd, error = find_mount(ctx, op->target, &fd);
  if (error) return error;
  struct attr attr = {.set = op->set, .clear = op->clear};
  error = op->locked ? set_attr_of_locked(fd, &attr, op->recursive) : set_attr(fd, &attr, op->recursive);
  if (error == EPERM && op->spare && !op->locked) {
    attr.clear &= ~(op->spare & 0xf); /* RDONLY NOSUID NODEV NOEXEC: the others are never locked */
    error = attr.set | attr.clear ? set_attr(fd, &attr, op->recursive) : 0;
  }
  close(fd);
  return error;
}

int run_propagation(struct context *ctx, const struct op_propagation *op) {
  char path[FD_PATH];
  int fd, error = find_mount(ctx, op->target, &fd);
  if (error) return error;
  if (mount(NULL, fd_path(path, fd), NULL, op->flags, NULL) != 0) error = errno;
  close(fd);
  return error;
}

static int open_null(struct context *ctx) {
  struct stat stat;
  if (ctx->null >= 0) return 0;
  ctx->null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (ctx->null < 0 || fstat(ctx->null, &stat) != 0) return errno;
  return S_ISCHR(stat.st_mode) && stat.st_rdev == 0x103 ? 0 : ENODEV; /* 1:3 */
}

/* The first directory gets a tmpfs, all others copies of it: a tmpfs each costs memory in every container. */
static int mask_directory(struct context *ctx, const char *target, int fd) {
  char path[FD_PATH];
  bool detached;
  if (ctx->empty < 0) {
    if (mount("usnea", fd_path(path, fd), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k,nr_inodes=2,mode=0755"))
      return errno;
    return walk(ctx, target, 0, &ctx->empty);
  }
  int tree = copy_tree(ctx->empty, "", false, AT_EMPTY_PATH, &detached);
  int error = tree < 0 ? errno : attach(tree, fd, false, detached);
  if (tree >= 0) close(tree);
  return error;
}

/* Files get the host's own null device on top, directories an empty read-only tmpfs. Unless required, a missing path needs none. */
int run_mask(struct context *ctx, const struct op_mask *op) {
  bool detached;
  int fd, error = walk(ctx, op->path, 0, &fd);
  if (error && op->required) return error;
  if (error) return error == ENOENT || error == ENOTDIR ? 0 : error;
  if (is_directory(fd)) {
    error = mask_directory(ctx, op->path, fd);
  } else if (!(error = open_null(ctx))) {
    int tree = copy_tree(ctx->null, "", false, AT_EMPTY_PATH, &detached);
    error = tree < 0 ? errno : attach(tree, fd, false, detached);
    if (tree >= 0) close(tree);
  }
  close(fd);
  return error;
}

/* A read-only copy of the tree on top of itself, its children too. */
int run_readonly(struct context *ctx, const struct op_readonly *op) {
  const struct attr attr = {.set = MOUNT_ATTR_RDONLY};
  bool detached;
  int fd, error = walk(ctx, op->path, 0, &fd);
  if (error) return error == ENOENT || error == ENOTDIR ? 0 : error;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  if (tree < 0) error = errno;
  if (!error && detached) error = set_attr(tree, &attr, true);
  if (error == ENOSYS) error = 0, detached = false; /* 5.2 to 5.11: attach first, remount then */
  if (!error) error = attach(tree, fd, true, detached);
  if (!error && !detached) {
    close(fd);
    error = walk(ctx, op->path, 0, &fd);
    if (!error) error = remount(fd, &attr);
  }
  if (tree >= 0) close(tree);
  close(fd);
  return error;
}

int run_root_attr(struct context *ctx, const struct op_root_attr *op) {
  const struct attr attr = {.set = op->set};
  int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = op->set ? set_attr(fd, &attr, false) : 0;
  close(fd);
  if (!error && op->propagation && mount(NULL, "/", NULL, op->propagation, NULL) != 0) error = errno;
  return error;
}
