/* `delete`: the shim is dead, or never answered. Nothing of the container may stay. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

static int init_pid(const char *bundle) {
  char path[PATH_MAX];
  struct buffer text = {0};
  snprintf(path, sizeof path, "%s/init.pid", bundle);
  read_file(path, &text, 32);
  put_raw(&text, "", 1);
  int pid = text.data ? atoi((const char *)text.data) : 0;
  drop(&text);
  return pid > 0 ? pid : 0;
}

/* The socket that the dead one left. Where somebody answers, others of the group live on. */
static void remove_socket(const char *bundle) {
  char name[PATH_MAX];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct buffer text = {0};
  snprintf(name, sizeof name, "%s/address", bundle);
  bool is_read = read_file(name, &text, 256);
  put_raw(&text, "", 1);
  const char *path = is_read && text.data && strncmp((const char *)text.data, "unix:///", 8) == 0 ? (const char *)text.data + 7 : "";
  if (*path && strlen(path) < sizeof address.sun_path) {
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED) unlink(path);
    if (fd >= 0) close(fd);
  }
  drop(&text);
}

static bool print(struct buffer *told) {
  bool is_told = !told->failed && fwrite(told->data, 1, told->size, stdout) == told->size && fflush(stdout) == 0;
  drop(told);
  return is_told;
}

int delete_dead(void) {
  char here[PATH_MAX];
  struct container container = {.id = shim.id, .bundle = *shim.bundle ? shim.bundle : getcwd(here, sizeof here)};
  struct command command;
  struct result result = {0};
  struct buffer told = {0};
  if (!container.bundle) return fprintf(stderr, "usnea shim: the bundle is gone: %s\n", strerror(errno)), 1;
  bool is_there;
  if (!load_options(container.bundle, &container.options, &is_there)) return fprintf(stderr, "usnea shim: what is kept of the options in %s is none\n", container.bundle), 1;
  begin_command(&command, &container, "delete");
  add(&command, "--force");
  add(&command, container.id);
  /* containerd calls us after every shim; one that ended in peace has left nothing. */
  if (is_there && !run(&command, "delete after the death of the shim", &result)) tell("warning", "%s", result.message);
  unmount_rootfs(container.bundle, true);
  remove_socket(container.bundle);
  put_number(&told, 1, (uint64_t)init_pid(container.bundle));
  put_number(&told, 2, 128 + SIGKILL);
  put_time(&told, 3, wall_clock());
  return print(&told) ? 0 : 1;
}
