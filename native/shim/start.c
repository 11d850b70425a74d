/* `start`: finds or makes the shim of a group and prints its address. It is called for every container, so it is short. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

enum { LISTENING = 3, EXEC_FAILED = 4, MOST_SPEC = 64 << 20 };

static char why[1024];

/* The annotations that say so, in their order. */
static bool find_group(char group[256]) {
  static const char *const names[] = {"io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"};
  struct buffer text = {0};
  snprintf(group, 256, "%s", shim.id);
  if (!read_file("config.json", &text, MOST_SPEC)) return snprintf(why, sizeof why, "cannot read config.json of the bundle: %s", strerror(errno)), false;
  struct json config = json_of((const char *)text.data, text.size), annotations = json_member(config, "annotations");
  if (!config.at) snprintf(why, sizeof why, "config.json of the bundle is no JSON");
  for (size_t i = 0; i < 2; i++) {
    struct json value = json_member(annotations, names[i]);
    if (value.at && json_text(value, group, 256)) break;
  }
  drop(&text);
  return config.at;
}

/* One more than containerd's own, so that the kernel ends the shim before it. */
static void set_oom_score(int parent) {
  char path[64], text[16];
  struct buffer score = {0};
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", parent);
  if (!read_file(path, &score, 16)) return;
  put_raw(&score, "", 1);
  int value = score.data ? atoi((const char *)score.data) + 1 : 0;
  drop(&score);
  int size = snprintf(text, sizeof text, "%d", value > 1000 ? 1000 : value);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, text, (size_t)size) < 0) close(fd), fd = -1; /* lower than ours: only root may */
  if (fd >= 0) close(fd);
}

static void be_shim(int listening, int failed, int parent) {
  char *argv[] = {"containerd-shim-usnea-v2", "-namespace", shim.space, "-id", shim.id, "-address", shim.containerd,
    "-publish-binary", shim.publisher, shim.debug ? "-debug" : NULL, NULL};
  int null = open("/dev/null", O_RDWR);
  setsid();
  set_oom_score(parent);
  int high = fcntl(listening, F_DUPFD, 64), told = fcntl(failed, F_DUPFD_CLOEXEC, 64);
  for (int i = 0; i < 3; i++) dup2(null, i);
  dup2(high, LISTENING);
  dup2(told, EXEC_FAILED);
  keep_only((const int[]){LISTENING, EXEC_FAILED}, 2);
  fcntl(EXEC_FAILED, F_SETFD, FD_CLOEXEC);
  execv("/proc/self/exe", argv);
  if (write(EXEC_FAILED, &errno, sizeof errno) < 0) _exit(126);
  _exit(127);
}

/* containerd hands the options over on stdin since 1.7; whoever calls us from a terminal hands over nothing. */
static bool join_cgroup(int pid) {
  struct buffer text = {0};
  struct any any = {0};
  struct options options = {0};
  struct stat stat_;
  char path[PATH_MAX], number[16];
  if (fstat(0, &stat_) != 0 || !(S_ISFIFO(stat_.st_mode) || S_ISREG(stat_.st_mode))) return true;
  read_file("/proc/self/fd/0", &text, 1 << 20);
  bool is_joined = true, is_asked = text.size > 0 && decode_any(text.data, text.size, &any) && !read_options(&any, &options) && *options.shim_cgroup;
  if (is_asked) {
    const char *root = is_unified() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    snprintf(path, sizeof path, "%s/%s/cgroup.procs", root, options.shim_cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC), size = snprintf(number, sizeof number, "%d", pid);
    is_joined = fd >= 0 && write(fd, number, (size_t)size) == size;
    if (!is_joined) snprintf(why, sizeof why, "cannot join the cgroup %s of the shim: %s", options.shim_cgroup, strerror(errno));
    if (fd >= 0) close(fd);
  }
  drop(&text);
  free_any(&any);
  free_options(&options);
  return is_joined;
}

static bool launch(int listening, int *pid) {
  int failed[2], error = 0, parent = getppid();
  if (pipe2(failed, O_CLOEXEC) != 0) return snprintf(why, sizeof why, "%s", strerror(errno)), false;
  *pid = fork();
  if (*pid == 0) be_shim(listening, failed[1], parent);
  close(failed[1]);
  bool is_told = *pid > 0 && read(failed[0], &error, sizeof error) > 0;
  close(failed[0]);
  if (*pid < 0 || is_told) snprintf(why, sizeof why, "cannot start the shim: %s", strerror(*pid < 0 ? errno : error));
  return *pid > 0 && !is_told && join_cgroup(*pid);
}

/* containerd reads it when it begins again. */
static bool write_address(const char *address) {
  char name[64];
  snprintf(name, sizeof name, ".address-%d", getpid());
  unlink(name);
  int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  ssize_t size = (ssize_t)strlen(address);
  bool is_written = fd >= 0 && write(fd, address, (size_t)size) == size && rename(name, "address") == 0;
  if (fd >= 0) close(fd);
  if (!is_written) snprintf(why, sizeof why, "cannot write the address into the bundle: %s", strerror(errno)), unlink(name);
  return is_written;
}

int start_shim(void) {
  char group[256], path[128], address[160];
  bool is_shared = false;
  int pid = 0, listening = -1;
  bool is_started = find_group(group) && shim_address(group, path, why, sizeof why);
  if (is_started) listening = bind_address(path, &is_shared, why, sizeof why);
  is_started = is_started && (is_shared || (listening >= 0 && launch(listening, &pid)));
  snprintf(address, sizeof address, "unix://%s", path);
  if (is_started && write_address(address) && printf("%s", address) > 0 && fflush(stdout) == 0) return 0;
  if (pid > 0) kill(pid, SIGKILL);
  if (listening >= 0) unlink(path);
  fprintf(stderr, "usnea shim: %s\n", why);
  return 1;
}
