/* Stats: io.containerd.cgroups.v1.Metrics or v2.Metrics, as the host has it. */
#define _GNU_SOURCE
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buffer text;
static char text_path[PATH_MAX * 2];

/* One file is asked for many keys: it is read once. */
static const char *contents(const char *directory, const char *name, size_t size) {
  char path[PATH_MAX * 2];
  snprintf(path, sizeof path, "%s/%.*s", directory, (int)size, name);
  if (strcmp(path, text_path) == 0) return (const char *)text.data;
  drop(&text);
  strcpy(text_path, path);
  if (!read_file(path, &text, 1 << 20)) drop(&text);
  put_raw(&text, "", 1);
  return text.data ? (const char *)text.data : "";
}

uint64_t count_of(const char *directory, const char *name) {
  size_t size = strcspn(name, ":");
  const char *at = contents(directory, name, size), *key = name[size] ? name + size + 1 : NULL;
  size_t length = key ? strlen(key) : 0;
  while (key && at && *at && !(strncmp(at, key, length) == 0 && at[length] == ' ')) at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
  if (!at) return 0;
  at += key && *at ? length + 1 : 0;
  return strncmp(at, "max", 3) == 0 ? UINT64_MAX : strtoull(at, NULL, 10);
}

void put_counts(struct buffer *into, const char *directory, const struct count *counts) {
  for (; counts->name; counts++) put_number(into, counts->field, count_of(directory, counts->name));
}

void each_line(const char *directory, const char *name, void (*take)(const char *line, struct buffer *into), struct buffer *into) {
  char line[1024];
  const char *at = contents(directory, name, strlen(name));
  while (*at) {
    size_t size = strcspn(at, "\n");
    snprintf(line, sizeof line, "%.*s", (int)size, at);
    take(line, into);
    at += size + (at[size] == '\n');
  }
}

void work_stats(struct call *call, struct result *result, struct buffer *payload, int *fd) {
  struct buffer metrics = {0};
  const char *cgroups = call->container->cgroups;
  bool unified = is_unified();
  (void)fd;
  if ((unified ? put_stats_v2 : put_stats_v1)(&metrics, cgroups))
    put_any(payload, 1, unified ? "io.containerd.cgroups.v2.Metrics" : "io.containerd.cgroups.v1.Metrics", &metrics);
  else set_failure(result, NOT_FOUND, "cgroup does not exist");
}
