#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

/* A line as containerd writes its own. It goes to a fifo that may have no reader: then it is lost, and nobody waits. */
void tell(const char *level, const char *format, ...) {
  char text[2048], line[4096];
  if (strcmp(level, "debug") == 0 && !shim.debug) return;
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  time_t now = time(NULL);
  struct tm parts;
  char when[32];
  gmtime_r(&now, &parts);
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
  int size = snprintf(line, sizeof line, "time=\"%s\" level=%s msg=\"", when, level);
  for (const char *at = text; *at && size < (int)sizeof line - 64; at++) {
    if (*at == '"' || *at == '\\') line[size++] = '\\';
    line[size++] = (unsigned char)*at < ' ' ? ' ' : *at;
  }
  size += snprintf(line + size, sizeof line - (size_t)size, "\" runtime=io.containerd.usnea.v2 id=%.76s\n",
                   shim.id ? shim.id : "");
  if (write(2, line, (size_t)size) < 0) return;
}
