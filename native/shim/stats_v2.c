/* The files of cgroup v2: Documentation/admin-guide/cgroup-v2.rst of the kernel. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats.h"

static const struct count pids_counts[] = {{1, "pids.current"}, {2, "pids.max"}, {0}};
static const struct count cpu_counts[] = {{1, "cpu.stat:usage_usec"}, {2, "cpu.stat:user_usec"},
  {3, "cpu.stat:system_usec"}, {4, "cpu.stat:nr_periods"}, {5, "cpu.stat:nr_throttled"}, {6, "cpu.stat:throttled_usec"},
  {8, "cpu.stat:nr_bursts"}, {9, "cpu.stat:burst_usec"}, {0}};
static const struct count memory_counts[] = {
  {1, "memory.stat:anon"}, {2, "memory.stat:file"}, {3, "memory.stat:kernel_stack"}, {4, "memory.stat:slab"},
  {5, "memory.stat:sock"}, {6, "memory.stat:shmem"}, {7, "memory.stat:file_mapped"}, {8, "memory.stat:file_dirty"},
  {9, "memory.stat:file_writeback"}, {10, "memory.stat:anon_thp"}, {11, "memory.stat:inactive_anon"},
  {12, "memory.stat:active_anon"}, {13, "memory.stat:inactive_file"}, {14, "memory.stat:active_file"},
  {15, "memory.stat:unevictable"}, {16, "memory.stat:slab_reclaimable"}, {17, "memory.stat:slab_unreclaimable"},
  {18, "memory.stat:pgfault"}, {19, "memory.stat:pgmajfault"}, {20, "memory.stat:workingset_refault"},
  {21, "memory.stat:workingset_activate"}, {22, "memory.stat:workingset_nodereclaim"}, {23, "memory.stat:pgrefill"},
  {24, "memory.stat:pgscan"}, {25, "memory.stat:pgsteal"}, {26, "memory.stat:pgactivate"},
  {27, "memory.stat:pgdeactivate"}, {28, "memory.stat:pglazyfree"}, {29, "memory.stat:pglazyfreed"},
  {30, "memory.stat:thp_fault_alloc"}, {31, "memory.stat:thp_collapse_alloc"}, {32, "memory.current"},
  {33, "memory.max"}, {34, "memory.swap.current"}, {35, "memory.swap.max"}, {36, "memory.peak"},
  {37, "memory.swap.peak"}, {0}};
static const struct count event_counts[] = {{1, "memory.events:low"}, {2, "memory.events:high"}, {3, "memory.events:max"},
  {4, "memory.events:oom"}, {5, "memory.events:oom_kill"}, {6, "memory.events:oom_group_kill"}, {0}};

/* `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
static void take_device(const char *line, struct buffer *into) {
  static const char *const keys[] = {" rbytes=", " wbytes=", " rios=", " wios="};
  unsigned major_, minor_;
  struct buffer entry = {0};
  if (sscanf(line, "%u:%u", &major_, &minor_) != 2) return;
  put_number(&entry, 1, major_);
  put_number(&entry, 2, minor_);
  for (unsigned i = 0; i < 4; i++) {
    const char *found = strstr(line, keys[i]);
    put_number(&entry, 3 + i, found ? strtoull(found + strlen(keys[i]), NULL, 10) : 0);
  }
  put_message(into, 1, &entry);
}

static void put_part(struct buffer *metrics, unsigned field, const char *directory, const struct count *counts) {
  struct buffer part = {0};
  put_counts(&part, directory, counts);
  put_message(metrics, field, &part);
}

bool put_stats_v2(struct buffer *metrics, const char *cgroups) {
  char path[PATH_MAX];
  struct buffer io = {0};
  if (!cgroup_path(cgroups, "", path, sizeof path) || access(path, F_OK) != 0) return false;
  put_part(metrics, 1, path, pids_counts);
  put_part(metrics, 2, path, cpu_counts);
  put_part(metrics, 4, path, memory_counts);
  each_line(path, "io.stat", take_device, &io);
  put_message(metrics, 6, &io);
  put_part(metrics, 8, path, event_counts);
  return true;
}
