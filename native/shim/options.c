/* What containerd sends along with a creation, and where it is kept for `delete`, which may come after our death. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

static const char options_file[] = "usnea-options";

static bool is_of(const struct any *any, const char *type) {
  const char *name = any->type ? strrchr(any->type, '/') : NULL;
  name = name ? name + 1 : any->type ? any->type : "";
  return strcmp(name, type) == 0;
}

/* runtimeoptions.v1.Options names a file of settings. We have none to read, and would not act as it says. */
static bool names_settings(const struct any *any) {
  struct cursor cursor = open_cursor(any->bytes, any->size);
  struct field field;
  bool found = false;
  while (next_field(&cursor, &field)) found = found || (field.number > 1 && field.kind == WIRE_BYTES && field.size > 0);
  return found || cursor.bad;
}

const char *read_options(const struct any *any, struct options *options) {
  bool is_runc = is_of(any, "containerd.runc.v1.Options");
  bool is_other = is_of(any, "runtimeoptions.v1.Options");
  if (!is_runc && !is_other && any->size > 0) return "the options are of a type that is not known: containerd.runc.v1.Options is";
  if (is_other && names_settings(any)) return "options of type runtimeoptions.v1.Options name a configuration, and this runtime has none: use those of runc";
  if (!decode_options(is_runc ? any->bytes : NULL, is_runc ? any->size : 0, options)) {
    free_options(options);
    return "the options are no message of containerd.runc.v1.Options";
  }
  return NULL;
}

/* Beside the bundle's config.json, where only its owner reads. */
bool save_options(const struct container *container, const struct any *any) {
  char path[PATH_MAX];
  size_t size = is_of(any, "containerd.runc.v1.Options") ? any->size : 0;
  snprintf(path, sizeof path, "%s/%s", container->bundle, options_file);
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool is_saved = fd >= 0 && (size == 0 || write(fd, any->bytes, size) == (ssize_t)size);
  if (fd >= 0) close(fd);
  return is_saved;
}

/* With it `delete` is told that nothing is left to do. */
void forget_options(const char *bundle) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", bundle, options_file);
  unlink(path);
}

bool load_options(const char *bundle, struct options *options, bool *is_there) {
  char path[PATH_MAX];
  struct buffer text = {0};
  snprintf(path, sizeof path, "%s/%s", bundle, options_file);
  *is_there = access(path, F_OK) == 0;
  bool is_read = read_file(path, &text, 1 << 20);
  bool is_good = decode_options(is_read ? text.data : NULL, is_read ? text.size : 0, options);
  drop(&text);
  return is_good;
}

/* We lie in native/build of a checkout, in native/prebuilt/MACHINE of the package, or somewhere beside it; else PATH knows. */
const char *find_runtime(void) {
  static const char *const places[] = {"../../bin/usnea", "../../../bin/usnea", "usnea"};
  char self[PATH_MAX], path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
  if (size <= 0) return "usnea";
  self[size] = 0;
  *(strrchr(self, '/') + 1) = 0;
  for (size_t i = 0; i < 3; i++) {
    int length = snprintf(path, sizeof path, "%s%s", self, places[i]);
    char *real = length < (int)sizeof path && access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
    if (real) return real;
  }
  return "usnea";
}
