/* Attributes and propagation of mounts that are there already. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TIMES (MOUNT_ATTR__ATIME_ | MOUNT_ATTR_NODIRATIME_)

/* Before 5.12 there is no mount_setattr(2): repeat every flag of the mount, or the kernel takes it for a request to clear. */
int remount(int fd, const struct attr *attr) {
  struct statvfs now;
  char path[FD_PATH];
  if (fstatvfs(fd, &now) != 0) return errno;
  unsigned long flags = now.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME);
  if (now.f_flag & ST_RELATIME) flags |= MS_RELATIME;
  flags |= attr->set & 0xf; /* RDONLY NOSUID NODEV NOEXEC have the same bits as MS_* */
  flags &= ~(attr->clear & ~attr->set & 0xf);
  if (attr->clear & MOUNT_ATTR__ATIME_) flags &= ~(unsigned long)(MS_NOATIME | MS_RELATIME);
  if (attr->clear & MOUNT_ATTR_NODIRATIME_) flags &= ~(unsigned long)MS_NODIRATIME;
  if (attr->clear & MOUNT_ATTR__ATIME_ && !(attr->set & MOUNT_ATTR__ATIME_)) flags |= MS_RELATIME;
  if (attr->set & MOUNT_ATTR_NOATIME_) flags |= MS_NOATIME;
  if (attr->set & MOUNT_ATTR_NODIRATIME_) flags |= MS_NODIRATIME;
  if (!(flags & (MS_NOATIME | MS_RELATIME))) flags |= MS_STRICTATIME; /* saying nothing could mean relatime: mount(2) */
  return mount(NULL, fd_path(path, fd), NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0 ? 0 : errno;
}

int set_attr(int fd, const struct attr *attr, bool recursive) {
  if (sys_mount_setattr(fd, recursive ? AT_RECURSIVE_ : 0, attr) == 0) return 0;
  return errno == ENOSYS && !recursive ? remount(fd, attr) : errno;
}

/* The access times that a mount with these flags (statvfs(3)) would have with the attributes. */
static unsigned long times_with(unsigned long flags, const struct attr *attr) {
  unsigned long times = flags & (ST_NOATIME | ST_NODIRATIME | ST_RELATIME);
  if (attr->clear & MOUNT_ATTR__ATIME_) {
    times &= ~(unsigned long)(ST_NOATIME | ST_RELATIME);
    if (attr->set & MOUNT_ATTR_NOATIME_) times |= ST_NOATIME;
    else if (!(attr->set & MOUNT_ATTR_STRICTATIME_)) times |= ST_RELATIME;
  }
  if (attr->clear & MOUNT_ATTR_NODIRATIME_) times &= ~(unsigned long)ST_NODIRATIME;
  return attr->set & MOUNT_ATTR_NODIRATIME_ ? times | ST_NODIRATIME : times;
}

/*
 * A source that was opened before the user namespace came into being is not locked, though the kernel would have locked
 * everything that the namespace sees of it: what it never may take away, and its access times.
 */
static int set_attr_of_locked(int fd, const struct attr *attr, bool recursive) {
  const unsigned long times = ST_NOATIME | ST_NODIRATIME | ST_RELATIME;
  struct statvfs now;
  if (fstatvfs(fd, &now) != 0) return errno;
  /* RDONLY NOSUID NODEV NOEXEC have the same bits as ST_*. */
  if (now.f_flag & attr->clear & ~attr->set & 0xf || times_with(now.f_flag, attr) != (now.f_flag & times)) return EPERM;
  return set_attr(fd, attr, recursive);
}

static int try_attr(int fd, const struct wish *wish, const struct attr *attr) {
  if (!(attr->set | attr->clear)) return 0;
  return wish->locked ? set_attr_of_locked(fd, attr, wish->recursive) : set_attr(fd, attr, wish->recursive);
}

int apply_wish(const struct context *ctx, int fd, const struct wish *wish) {
  struct attr attr = {.set = wish->set, .clear = wish->clear};
  bool lesser = false;
  int error = try_attr(fd, wish, &attr);
  if (error == EPERM && wish->spare & 0xf && !wish->locked) {
    attr.clear &= ~(wish->spare & 0xf); /* RDONLY NOSUID NODEV NOEXEC: no other flag than access times is ever locked */
    error = try_attr(fd, wish, &attr);
  }
  if (error == EPERM && wish->spare & (attr.set | attr.clear) & TIMES) {
    attr.set &= ~(uint64_t)TIMES;
    attr.clear &= ~(uint64_t)TIMES;
    error = try_attr(fd, wish, &attr);
    lesser = !error;
  }
  return lesser ? report_weaker(ctx) : error;
}

int run_attr(struct context *ctx, const struct op_attr *op) {
  const struct wish wish = {op->set, op->clear, op->spare, op->recursive, op->locked};
  int fd, error = find_mount(ctx, op->target, &fd);
  if (error) return error;
  error = apply_wish(ctx, fd, &wish);
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
