/* `-info`, since containerd 2: the options come in on stdin, a containerd.types.RuntimeInfo goes out. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "shim.h"

static bool print_features(const struct options *options, struct buffer *info) {
  struct container container = {.id = "", .bundle = "/nonexistent", .options = *options};
  struct command command = {.container = &container, .stdio = {-1, -1, -1}};
  struct result result = {0};
  struct buffer features = {0};
  add(&command, *options->binary ? options->binary : shim.runtime);
  add(&command, "features");
  command.output = &features;
  /* Not every runtime has the verb; then nothing is told of it. */
  if (run(&command, "features", &result) && json_of((const char *)features.data, features.size).at)
    put_any(info, 4, "types.containerd.io/opencontainers/runtime-spec/1/features/Features", &features);
  drop(&features);
  return !info->failed;
}

int print_info(void) {
  struct buffer input = {0}, info = {0}, version = {0};
  struct any any = {0};
  struct options options = {0};
  const char *wrong = NULL;
  if (!isatty(0)) read_file("/proc/self/fd/0", &input, 1 << 20);
  if (input.size > 0 && !decode_any(input.data, input.size, &any)) wrong = "what came in on stdin are no options";
  if (!wrong) wrong = read_options(&any, &options);
  if (wrong) return fprintf(stderr, "usnea shim: %s\n", wrong), 1;
  put_text(&info, 1, "io.containerd.usnea.v2");
  put_text(&version, 1, USNEA_VERSION);
  put_message(&info, 2, &version);
  put_bytes(&info, 3, input.data, input.size);
  bool is_printed = print_features(&options, &info) && fwrite(info.data, 1, info.size, stdout) == info.size && fflush(stdout) == 0;
  return is_printed ? 0 : 1;
}
