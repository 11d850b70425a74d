/* What containerd names as input and output, opened: fifos, files and loggers. No opening waits for the other side. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

struct reason {
  char *text;
  size_t room;
};

static bool fail(const struct reason *why, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(why->text, why->room, format, list);
  va_end(list);
  return false;
}

static void close_one(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void clear_stdio(struct stdio *io) {
  *io = (struct stdio){.child = {-1, -1, -1}, .from_host = -1, .held = -1, .to_host = {-1, -1}, .logger_reads = {-1, -1}, .console = -1};
}

void close_child_side(struct stdio *io) {
  for (int i = 0; i < 3; i++) close_one(&io->child[i]);
  for (int i = 0; i < 2; i++) close_one(&io->logger_reads[i]);
}

void close_stdio(struct process *process) {
  struct stdio *io = &process->io;
  for (int i = 0; i < LANES; i++) close_lane(io->lanes[i]);
  close_child_side(io);
  close_one(&io->from_host);
  close_one(&io->held);
  for (int i = 0; i < 2; i++) close_one(&io->to_host[i]);
  close_one(&io->console);
}

bool is_drained(const struct process *process) { return !process->io.lanes[1] && !process->io.lanes[2]; }

/* From now on the input ends when its last writer does. */
void release_input(struct process *process) { close_one(&process->io.held); }

void close_input(struct process *process) {
  release_input(process);
  close_lane(process->io.lanes[0]);
  for (int i = 1; i < LANES; i++) hurry(process->io.lanes[i]);
}

/* The inode is looked at before it is opened: opening a device does something, and a fifo may wait. */
static int open_named(const char *path, int for_fifo, int for_other, const struct reason *why) {
  char name[64];
  struct stat stat_ = {0};
  int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0 || fstat(place, &stat_) != 0) {
    fail(why, "cannot open %s: %s", path, strerror(errno));
    return -1;
  }
  bool is_known = S_ISFIFO(stat_.st_mode) || S_ISREG(stat_.st_mode) || S_ISCHR(stat_.st_mode);
  snprintf(name, sizeof name, "/proc/self/fd/%d", place);
  int fd = is_known ? open(name, (S_ISFIFO(stat_.st_mode) ? for_fifo : for_other) | O_CLOEXEC | O_NOCTTY) : -1;
  if (fd < 0) fail(why, "cannot open %s: %s", path, is_known ? strerror(errno) : "neither a fifo nor a file");
  close(place);
  return fd;
}

static void make_parents(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0755);
    *slash = '/';
  }
}

static int open_file(const char *uri, const struct reason *why) {
  char path[PATH_MAX];
  decode_percent(uri, strlen(uri), path, sizeof path);
  if (*path != '/') return fail(why, "no absolute path in file://%s", uri), -1;
  make_parents(path);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (fd < 0) fail(why, "cannot open %s: %s", path, strerror(errno));
  return fd;
}

static const char *after(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : NULL;
}

static bool is_binary(const char *out) { return after(out, "binary://") || after(out, "binary-v2://"); }

/* With both ends of a fifo open here a reader may leave and another come, and nobody gets SIGPIPE. */
static bool open_output(const char *out, int *fd, const struct reason *why) {
  const char *file = after(out, "file://"), *fifo = after(out, "fifo://");
  if (!*out) return true;
  if (!file && !fifo && strstr(out, "://")) return fail(why, "unknown STDIO scheme %.*s", (int)strcspn(out, ":"), out);
  *fd = file ? open_file(file, why) : open_named(fifo ? fifo : out, O_RDWR | O_NONBLOCK, O_WRONLY | O_APPEND | O_NONBLOCK, why);
  return *fd >= 0;
}

static bool make_pipe(int *ours, int *theirs, int which, const struct options *options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  *ours = ends[which == 0];
  *theirs = ends[which != 0];
  if ((options->io_uid || options->io_gid) && fchown(*theirs, options->io_uid, options->io_gid) != 0) tell("warning", "cannot give a pipe away: %s", strerror(errno));
  return true;
}

static bool open_logger(struct process *process, const struct options *options, const struct reason *why) {
  struct stdio *io = &process->io;
  int writes[2] = {-1, -1};
  for (int i = 0; i < 2; i++)
    if (!make_pipe(&io->logger_reads[i], &writes[i], 1, options)) return close_one(&writes[0]), fail(why, "%s", strerror(errno));
  if (process->terminal) {
    io->to_host[0] = writes[0];
    close_one(&writes[1]);
  } else {
    io->child[1] = writes[0];
    io->child[2] = writes[1];
  }
  return true;
}

static bool open_input(struct process *process, const struct options *options, const struct reason *why) {
  struct stdio *io = &process->io;
  struct stat stat_;
  if (!*process->in) return true;
  int fd = open_named(process->in, O_RDONLY | O_NONBLOCK, O_RDONLY, why);
  if (fd < 0) return false;
  if (fstat(fd, &stat_) == 0 && !S_ISFIFO(stat_.st_mode) && !process->terminal) {
    io->child[0] = fd;
    return true;
  }
  io->from_host = fd;
  io->held = open_named(process->in, O_WRONLY | O_NONBLOCK, O_RDONLY, why);
  if (io->held < 0) return false;
  if (process->terminal) return true;
  int ours;
  if (!make_pipe(&ours, &io->child[0], 0, options)) return fail(why, "%s", strerror(errno));
  io->from_host = -1;
  open_lane(LANE_INPUT, process, fd, ours);
  return true;
}

static bool open_outputs(struct process *process, const struct options *options, const struct reason *why) {
  struct stdio *io = &process->io;
  const char *names[2] = {process->out, process->terminal ? "" : process->err};
  for (int i = 0; i < 2; i++) {
    int ours, fd = -1;
    if (!open_output(names[i], &fd, why)) return false;
    if (process->terminal || fd < 0) {
      io->to_host[i] = fd;
      continue;
    }
    if (!make_pipe(&ours, &io->child[i + 1], 1, options)) return close(fd), fail(why, "%s", strerror(errno));
    open_lane(LANE_OUTPUT, process, ours, fd);
  }
  return true;
}

/* A stream that nobody named is /dev/null, also where only the reason of a failure would be read from. */
static bool fill_gaps(struct process *process, const struct reason *why) {
  for (int i = 0; i < 3 && !process->terminal; i++)
    if (process->io.child[i] < 0 && (process->io.child[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
      return fail(why, "cannot open /dev/null: %s", strerror(errno));
  return true;
}

bool open_stdio(struct process *process, const struct options *options, char *text, size_t room) {
  const struct reason why = {text, room};
  bool is_open = open_input(process, options, &why) &&
                 (is_binary(process->out) ? open_logger : open_outputs)(process, options, &why) && fill_gaps(process, &why);
  if (!is_open) close_stdio(process);
  return is_open;
}

void attach_console(struct process *process, int console) {
  struct stdio *io = &process->io;
  io->console = console;
  int out = console >= 0 ? fcntl(console, F_DUPFD_CLOEXEC, 3) : -1, in = console >= 0 ? fcntl(console, F_DUPFD_CLOEXEC, 3) : -1;
  if (out >= 0) open_lane(LANE_OUTPUT, process, out, io->to_host[0]), io->to_host[0] = -1;
  if (in >= 0 && io->from_host >= 0) open_lane(LANE_INPUT, process, io->from_host, in), io->from_host = -1;
  else if (in >= 0) close(in);
}
