/*
 * containerd-shim-usnea-v2 [-namespace NS] [-id ID] [-address CONTAINERD] [-publish-binary PROGRAM] [-bundle DIR] [-debug]
 * [start | delete | -info | -v]: as containerd calls a shim of its runtime v2. Without an action it is the shim itself.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

struct shim shim;

static struct {
  const char *name;
  char **value;
  bool *truth;
} const flags[] = {
  {"namespace", &shim.space, NULL}, {"id", &shim.id, NULL}, {"address", &shim.containerd, NULL},
  {"publish-binary", &shim.publisher, NULL}, {"bundle", &shim.bundle, NULL}, {"socket", &shim.socket, NULL},
  {"debug", NULL, &shim.debug}, {"info", NULL, &shim.wants_info}, {"v", NULL, &shim.wants_version},
  {"version", NULL, &shim.wants_version}};

/* As Go's flag package reads them: one dash or two, the value after `=` or in the next argument. */
static int read_flag(char **argv) {
  char *name = argv[0] + 1 + (argv[0][1] == '-'), *value = strchr(name, '=');
  size_t size = value ? (size_t)(value - name) : strlen(name);
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (strlen(flags[i].name) != size || strncmp(flags[i].name, name, size) != 0) continue;
    if (flags[i].truth) return *flags[i].truth = !value || strcmp(value + 1, "false") != 0, 1;
    if (!value && !argv[1]) return 0;
    *flags[i].value = value ? value + 1 : argv[1];
    return value ? 1 : 2;
  }
  return 0;
}

static bool read_arguments(char **argv) {
  shim.space = shim.id = shim.containerd = shim.publisher = shim.bundle = shim.socket = shim.action = "";
  while (*argv && **argv == '-') {
    int read = read_flag(argv);
    if (read == 0) return fprintf(stderr, "usnea shim: %s is no flag of a shim, or has no value\n", *argv), false;
    argv += read;
  }
  if (*argv) shim.action = *argv;
  return true;
}

int main(int argc, char **argv) {
  (void)argc;
  if (!read_arguments(argv + 1)) return 1;
  shim.ttrpc = getenv("TTRPC_ADDRESS");
  if (!shim.ttrpc) shim.ttrpc = "";
  snprintf(shim.runtime, sizeof shim.runtime, "%s", find_runtime());
  if (shim.wants_version) return printf("containerd-shim-usnea-v2:\n  Version:  %s\n", USNEA_VERSION) < 0;
  if (shim.wants_info) return print_info();
  if (!*shim.space) return fprintf(stderr, "usnea shim: shim namespace cannot be empty\n"), 1;
  if (!is_good_id(shim.space) || !is_good_id(shim.id)) return fprintf(stderr, "usnea shim: a namespace or an id that containerd does not allow\n"), 1;
  if (strcmp(shim.action, "start") == 0) return start_shim();
  if (strcmp(shim.action, "delete") == 0) return delete_dead();
  if (!*shim.action) return stay();
  return fprintf(stderr, "usnea shim: %s is none of start and delete\n", shim.action), 1;
}
