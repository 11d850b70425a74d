/* The rootfs that containerd hands over as mounts: made in the bundle before the runtime runs, taken away after it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shim.h"

enum { DATA_ROOM = 65536, PAGE = 4096 };

static const struct {
  const char *name;
  unsigned long set, clear;
} words[] = {{"bind", MS_BIND, 0}, {"rbind", MS_BIND | MS_REC, 0}, {"ro", MS_RDONLY, 0}, {"rw", 0, MS_RDONLY},
  {"nosuid", MS_NOSUID, 0}, {"suid", 0, MS_NOSUID}, {"nodev", MS_NODEV, 0}, {"dev", 0, MS_NODEV},
  {"noexec", MS_NOEXEC, 0}, {"exec", 0, MS_NOEXEC}, {"sync", MS_SYNCHRONOUS, 0}, {"async", 0, MS_SYNCHRONOUS},
  {"dirsync", MS_DIRSYNC, 0}, {"remount", MS_REMOUNT, 0}, {"mand", MS_MANDLOCK, 0}, {"nomand", 0, MS_MANDLOCK},
  {"noatime", MS_NOATIME, 0}, {"atime", 0, MS_NOATIME}, {"nodiratime", MS_NODIRATIME, 0}, {"diratime", 0, MS_NODIRATIME},
  {"relatime", MS_RELATIME, 0}, {"norelatime", 0, MS_RELATIME}, {"strictatime", MS_STRICTATIME, 0},
  {"nostrictatime", 0, MS_STRICTATIME}, {"defaults", 0, 0}};

/* What is no flag is for the file system. False when there is no room for all of it. */
static bool read_words(const struct mount *mount, unsigned long *all, char data[DATA_ROOM]) {
  unsigned long flags = 0;
  size_t size = 0;
  data[0] = 0;
  for (size_t i = 0; i < mount->option_count; i++) {
    size_t k = 0;
    while (k < sizeof words / sizeof *words && strcmp(words[k].name, mount->options[i])) k++;
    if (k < sizeof words / sizeof *words) {
      flags = (flags | words[k].set) & ~words[k].clear;
    } else {
      int wrote = snprintf(data + size, DATA_ROOM - size, "%s%s", size ? "," : "", mount->options[i]);
      if (wrote < 0 || (size += (size_t)wrote) >= DATA_ROOM) return false;
    }
  }
  *all = flags;
  return true;
}

/* Flags of the source that a remount may not drop in a user namespace: mount_namespaces(7). */
static unsigned long locked_flags(const char *path) {
  struct statvfs stat_;
  if (statvfs(path, &stat_) != 0) return 0;
  return (stat_.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (stat_.f_flag & ST_NODEV ? MS_NODEV : 0) |
         (stat_.f_flag & ST_NOEXEC ? MS_NOEXEC : 0) | (stat_.f_flag & ST_RDONLY ? MS_RDONLY : 0);
}

static bool bind_one(const struct mount *mount_, const char *target, unsigned long flags) {
  if (mount(mount_->source, target, NULL, flags & (MS_BIND | MS_REC), NULL) != 0) return false;
  unsigned long rest = flags & ~(unsigned long)(MS_BIND | MS_REC);
  return rest == 0 || mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | rest | locked_flags(target), NULL) == 0;
}

/*
 * The options of a mount are one page, and an image of many layers has more. Their paths are shortened by the directory
 * that they have in common, which is where we go then; a worker may.
 */
static void shorten_layers(char data[DATA_ROOM]) {
  char *layers = strstr(data, "lowerdir="), *common = NULL;
  if (strlen(data) < PAGE || !layers) return;
  layers += strlen("lowerdir=");
  size_t end = strcspn(layers, ","), shared = 0;
  if (*layers != '/' || !(common = strndup(layers, strcspn(layers, ":,")))) return;
  shared = strlen(common);
  for (char *at = layers; at < layers + end; at += strcspn(at, ":,") + 1)
    while (shared > 0 && strncmp(at, common, shared) != 0) shared--;
  while (shared > 0 && common[shared - 1] != '/') shared--;
  common[shared] = 0;
  if (shared > 1 && chdir(common) == 0) {
    char *from = layers, *to = layers, *stop = layers + end;
    while (from < stop) {
      from += shared;
      while (from < stop && *from != ':') *to++ = *from++;
      if (from < stop) *to++ = *from++;
    }
    memmove(to, stop, strlen(stop) + 1);
  }
  free(common);
}

static bool mount_one(const struct mount *mount_, const char *target, char data[DATA_ROOM]) {
  unsigned long flags;
  if (!read_words(mount_, &flags, data)) return errno = E2BIG, false;
  if (flags & MS_BIND) return bind_one(mount_, target, flags);
  if (strcmp(mount_->type, "overlay") == 0) shorten_layers(data);
  if (strlen(data) >= PAGE) return errno = E2BIG, false; /* the kernel would cut it, and mount what is left */
  return mount(mount_->source, target, mount_->type, flags, *data ? data : NULL) == 0;
}

static bool name_target(const char *rootfs, const char *target, char *path, size_t room) {
  if (strstr(target, "..")) return errno = EINVAL, false;
  return (size_t)snprintf(path, room, "%s%s%s", rootfs, *target && *target != '/' ? "/" : "", target) < room;
}

bool mount_all(const struct container *container, const struct request *request, struct result *result) {
  static char data[DATA_ROOM];
  char rootfs[PATH_MAX], target[PATH_MAX];
  snprintf(rootfs, sizeof rootfs, "%s/rootfs", container->bundle);
  if (request->mount_count > 0 && mkdir(rootfs, 0711) != 0 && errno != EEXIST)
    return set_failure(result, UNKNOWN, "cannot make %s: %s", rootfs, strerror(errno));
  for (size_t i = 0; i < request->mount_count; i++) {
    const struct mount *one = &request->mounts[i];
    if (name_target(rootfs, one->target, target, sizeof target) && mount_one(one, target, data)) continue;
    set_failure(result, UNKNOWN, "failed to mount rootfs component %zu (%s of %.300s): %s", i, one->type, one->source, strerror(errno));
    unmount_rootfs(container->bundle, true);
    return false;
  }
  return true;
}

static void decode_octal(char *text) {
  char *to = text;
  for (char *at = text; *at; at++) {
    bool is_code = at[0] == '\\' && at[1] && at[2] && at[3];
    *to++ = is_code ? (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')) : *at;
    if (is_code) at += 3;
  }
  *to = 0;
}

/* The last mount at or below the path: it lies on top of what is before it. */
static bool find_mount(const char *below, char *found, size_t room) {
  char *line = NULL, point[PATH_MAX];
  size_t size = 0, length = strlen(below);
  FILE *file = fopen("/proc/self/mountinfo", "re");
  *found = 0;
  while (file && getline(&line, &size, file) > 0) {
    if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1) continue;
    decode_octal(point);
    if (strncmp(point, below, length) == 0 && (point[length] == '/' || !point[length])) snprintf(found, room, "%s", point);
  }
  free(line);
  if (file) fclose(file);
  return *found;
}

/* Detached, with whatever was mounted below. The whole table is only read where something may lie beside that. */
void unmount_rootfs(const char *bundle, bool is_thorough) {
  char rootfs[PATH_MAX + 16], found[PATH_MAX], *real = realpath(bundle, NULL);
  snprintf(rootfs, sizeof rootfs, "%s/rootfs", real ? real : bundle);
  free(real);
  while (umount2(rootfs, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
  if (!is_thorough && errno != EBUSY && errno != EPERM) return;
  for (int i = 0; i < 4096 && find_mount(rootfs, found, sizeof found); i++)
    if (umount2(found, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
      tell("warning", "cannot unmount %s: %s", found, strerror(errno));
      return;
    }
}
