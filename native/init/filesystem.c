/* A file system that is mounted nowhere yet: fsopen(2), since 5.2. */
#include "init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FSCONFIG_FLAG = 0, FSCONFIG_STRING = 1 };

/* One option of `a,b=c,d="e,f"`, cut off in place: quotes keep commas together, as in SELinux contexts. */
static char *next_option(char **rest) {
  char *start = *rest, *to = start;
  bool quoted = false;
  for (char *at = start;; at++) {
    if (*at == '"') {
      quoted = !quoted;
      continue;
    }
    bool end = *at == '\0', cut = end || (*at == ',' && !quoted);
    *rest = end ? at : at + 1;
    if (cut) {
      *to = '\0';
      return start;
    }
    *to++ = *at;
  }
}

static int configure(int context, char *options) {
  for (char *rest = options; *rest;) {
    char *option = next_option(&rest), *equals = strchr(option, '=');
    if (*option == '\0') continue;
    if (equals) *equals = '\0';
    if (sys_fsconfig(context, equals ? FSCONFIG_STRING : FSCONFIG_FLAG, option, equals ? equals + 1 : NULL) != 0) {
      detail("%.200s", option);
      return errno;
    }
  }
  return 0;
}

int make_filesystem(const struct filesystem *wanted, int *fd) {
  char options[4096];
  int size = snprintf(options, sizeof options, "%s", wanted->data);
  if (size < 0 || size >= (int)sizeof options) return E2BIG;
  int context = sys_fsopen(wanted->fstype);
  if (context < 0) return errno;
  int error = sys_fsconfig(context, FSCONFIG_STRING, "source", wanted->source) != 0 ? errno : configure(context, options);
  if (!error && (*fd = sys_fsmount(context, (unsigned)wanted->attr)) < 0) error = errno;
  close(context);
  return error;
}
