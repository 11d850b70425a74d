/* Tells when the kernel had to kill for memory: memory.events by inotify(7), or the eventfd of cgroup v1. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "shim.h"

/* The kills so far, or false when the cgroup is gone. */
static bool count_kills(const char *path, uint64_t *kills) {
  struct buffer text = {0};
  bool is_read = read_file(path, &text, 1 << 16);
  put_raw(&text, "", 1);
  const char *found = is_read && text.data ? strstr((const char *)text.data, "oom_kill ") : NULL;
  *kills = found ? strtoull(found + strlen("oom_kill "), NULL, 10) : 0;
  drop(&text);
  return is_read;
}

/* Asked also before an exit is told: who was killed for memory is heard of first. */
void check_oom(struct container *container) {
  struct oom *oom = &container->oom;
  uint64_t kills;
  if (!oom->path || !count_kills(oom->path, &kills) || kills <= oom->seen) return;
  oom->seen = kills;
  struct buffer event = {0};
  put_text(&event, 1, container->id);
  publish("/tasks/oom", "containerd.events.TaskOOM", &event);
}

void unwatch_oom(struct container *container) {
  struct oom *oom = &container->oom;
  int fd = oom->watch.fd;
  stop_timer(&oom->again);
  stop_watch(&oom->watch);
  if (fd >= 0) close(fd);
  free(oom->path);
  oom->path = NULL;
}

static void look_again(struct timer *timer) { check_oom(OF(container, oom.again, timer)); }

static void notice(struct watch *watch, uint32_t events) {
  struct container *container = OF(container, oom.watch, watch);
  char news[4096];
  uint64_t kills;
  (void)events;
  if (read(watch->fd, news, sizeof news) < 0) return;
  if (!container->oom.path || !count_kills(container->oom.path, &kills)) unwatch_oom(container);
  else check_oom(container);
  /* v1 tells before the kill, and counts after it. */
  if (container->oom.path) set_timer(&container->oom.again, 100, look_again);
}

static int watch_v2(const char *path) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY | IN_DELETE_SELF) >= 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/* cgroups(7) of v1: the two descriptors are written into cgroup.event_control. */
static int watch_v1(const char *directory, const char *path) {
  char name[PATH_MAX + 32], words[64];
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), file = open(path, O_RDONLY | O_CLOEXEC);
  snprintf(name, sizeof name, "%s/cgroup.event_control", directory);
  int control = open(name, O_WRONLY | O_CLOEXEC);
  int size = snprintf(words, sizeof words, "%d %d", event, file);
  bool is_set = event >= 0 && file >= 0 && control >= 0 && write(control, words, (size_t)size) == size;
  if (file >= 0) close(file);
  if (control >= 0) close(control);
  if (is_set) return event;
  if (event >= 0) close(event);
  return -1;
}

void watch_oom(struct container *container) {
  struct oom *oom = &container->oom;
  char directory[PATH_MAX], path[PATH_MAX + 32];
  bool is_v1 = cgroup_path(container->cgroups, "memory", directory, sizeof directory);
  if (!is_v1 && !cgroup_path(container->cgroups, "", directory, sizeof directory)) return;
  snprintf(path, sizeof path, "%s/%s", directory, is_v1 ? "memory.oom_control" : "memory.events");
  int fd = is_v1 ? watch_v1(directory, path) : watch_v2(path);
  if (fd < 0) return;
  oom->path = strdup(path);
  oom->watch.ready = notice;
  count_kills(path, &oom->seen);
  if (!start_watch(&oom->watch, fd, EPOLLIN)) close(fd), oom->watch.fd = -1;
}
