/* The files of cgroup v1: Documentation/admin-guide/cgroup-v1 of the kernel. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats.h"

enum { TICK_NS = 10000000 }; /* user_hz is 100 on every architecture that we know */

static const struct count memory_counts[] = {
  {1, "memory.stat:cache"}, {2, "memory.stat:rss"}, {3, "memory.stat:rss_huge"}, {4, "memory.stat:mapped_file"},
  {5, "memory.stat:dirty"}, {6, "memory.stat:writeback"}, {7, "memory.stat:pgpgin"}, {8, "memory.stat:pgpgout"},
  {9, "memory.stat:pgfault"}, {10, "memory.stat:pgmajfault"}, {11, "memory.stat:inactive_anon"},
  {12, "memory.stat:active_anon"}, {13, "memory.stat:inactive_file"}, {14, "memory.stat:active_file"},
  {15, "memory.stat:unevictable"}, {16, "memory.stat:hierarchical_memory_limit"},
  {17, "memory.stat:hierarchical_memsw_limit"}, {18, "memory.stat:total_cache"}, {19, "memory.stat:total_rss"},
  {20, "memory.stat:total_rss_huge"}, {21, "memory.stat:total_mapped_file"}, {22, "memory.stat:total_dirty"},
  {23, "memory.stat:total_writeback"}, {24, "memory.stat:total_pgpgin"}, {25, "memory.stat:total_pgpgout"},
  {26, "memory.stat:total_pgfault"}, {27, "memory.stat:total_pgmajfault"}, {28, "memory.stat:total_inactive_anon"},
  {29, "memory.stat:total_active_anon"}, {30, "memory.stat:total_inactive_file"}, {31, "memory.stat:total_active_file"},
  {32, "memory.stat:total_unevictable"}, {0}};
static const struct count oom_counts[] = {{1, "memory.oom_control:oom_kill_disable"}, {2, "memory.oom_control:under_oom"},
  {3, "memory.oom_control:oom_kill"}, {0}};
static const struct count pids_counts[] = {{1, "pids.current"}, {2, "pids.max"}, {0}};
static const struct count throttle_counts[] = {{1, "cpu.stat:nr_periods"}, {2, "cpu.stat:nr_throttled"},
  {3, "cpu.stat:throttled_time"}, {0}};

static void put_memory(struct buffer *metrics, const char *directory) {
  static const char *const parts[] = {"memory", "memory.memsw", "memory.kmem", "memory.kmem.tcp"};
  struct buffer memory = {0}, oom = {0};
  put_counts(&memory, directory, memory_counts);
  for (unsigned i = 0; i < 4; i++) {
    char names[4][64];
    static const char *const ends[] = {"limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt"};
    struct buffer entry = {0};
    for (unsigned k = 0; k < 4; k++) {
      snprintf(names[k], sizeof names[k], "%s.%s", parts[i], ends[k]);
      put_number(&entry, k + 1, count_of(directory, names[k]));
    }
    put_message(&memory, 33 + i, &entry);
  }
  put_message(metrics, 4, &memory);
  put_counts(&oom, directory, oom_counts);
  put_message(metrics, 9, &oom);
}

static void put_cpu(struct buffer *metrics, const char *usage_directory, const char *throttle_directory) {
  struct buffer cpu = {0}, usage = {0}, throttle = {0}, each = {0};
  put_number(&usage, 1, count_of(usage_directory, "cpuacct.usage"));
  put_number(&usage, 2, count_of(usage_directory, "cpuacct.stat:system") * TICK_NS);
  put_number(&usage, 3, count_of(usage_directory, "cpuacct.stat:user") * TICK_NS);
  struct buffer text = {0};
  char path[PATH_MAX * 2];
  snprintf(path, sizeof path, "%s/cpuacct.usage_percpu", usage_directory);
  if (read_file(path, &text, 1 << 16)) {
    put_raw(&text, "", 1);
    char *at = (char *)text.data, *end;
    for (uint64_t value = strtoull(at, &end, 10); at && end != at; value = strtoull(at, &end, 10)) put_varint(&each, value), at = end;
  }
  drop(&text);
  put_bytes(&usage, 4, each.data, each.size); /* packed, as proto3 has repeated numbers */
  drop(&each);
  put_message(&cpu, 1, &usage);
  put_counts(&throttle, throttle_directory, throttle_counts);
  put_message(&cpu, 2, &throttle);
  put_message(metrics, 3, &cpu);
}

static unsigned blkio_field;

/* `8:0 Read 4096`; the line of the sum has no device. */
static void take_block(const char *line, struct buffer *into) {
  unsigned major_, minor_;
  char op[32];
  unsigned long long value;
  struct buffer entry = {0};
  if (sscanf(line, "%u:%u %31s %llu", &major_, &minor_, op, &value) != 4) return;
  put_text(&entry, 1, op);
  put_number(&entry, 3, major_);
  put_number(&entry, 4, minor_);
  put_number(&entry, 5, value);
  put_message(into, blkio_field, &entry);
}

static void put_blocks(struct buffer *metrics, const char *directory) {
  static const char *const files[][2] = {{"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"},
    {"blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"}};
  struct buffer blocks = {0};
  char path[PATH_MAX * 2];
  for (unsigned i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, files[i][0]);
    blkio_field = i + 1;
    each_line(directory, access(path, R_OK) == 0 ? files[i][0] : files[i][1], take_block, &blocks);
  }
  put_message(metrics, 5, &blocks);
}

bool put_stats_v1(struct buffer *metrics, const char *cgroups) {
  char path[PATH_MAX], other[PATH_MAX];
  bool found = false;
  if (cgroup_path(cgroups, "pids", path, sizeof path) && access(path, F_OK) == 0) {
    struct buffer pids = {0};
    put_number(&pids, 1, count_of(path, pids_counts[0].name));
    uint64_t limit = count_of(path, pids_counts[1].name);
    put_number(&pids, 2, limit == UINT64_MAX ? 0 : limit); /* containerd's word for no limit */
    put_message(metrics, 2, &pids);
    found = true;
  }
  if (cgroup_path(cgroups, "cpuacct", path, sizeof path) && access(path, F_OK) == 0) {
    put_cpu(metrics, path, cgroup_path(cgroups, "cpu", other, sizeof other) ? other : path);
    found = true;
  }
  if (cgroup_path(cgroups, "memory", path, sizeof path) && access(path, F_OK) == 0) put_memory(metrics, path), found = true;
  if (cgroup_path(cgroups, "blkio", path, sizeof path) && access(path, F_OK) == 0) put_blocks(metrics, path), found = true;
  return found;
}
