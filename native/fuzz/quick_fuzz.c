/*
 * What usnea-quick reads: the shortcut of a container, its own arguments, and texts of /proc and /etc. The first byte says
 * which reader gets the rest. Never a crash or a read beyond the end; what is taken lies inside of the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../quick/shortcut.h"

enum { MOST_WORDS = 16 };

static void demand(const char *text, size_t size, const char *found) {
  if (found && (found < text || found + strlen(found) >= text + size)) abort();
}

static void try_shortcut(const char *text, size_t size) {
  struct shortcut shortcut;
  if (!read_shortcut(text, size, &shortcut)) return;
  const char *const found[] = {shortcut.of,      shortcut.id,     shortcut.boot, shortcut.pid,    shortcut.born,
                               shortcut.freezer, shortcut.freeze, shortcut.head, shortcut.middle, shortcut.tail,
                               shortcut.go};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) demand(text, size, found[i]);
  if (shortcut.home_count < 0 || shortcut.home_count > MOST_HOMES || !shortcut.id || atoi(shortcut.pid) <= 0) abort();
  for (int i = 0; i < shortcut.home_count; i++) {
    demand(text, size, shortcut.homes[i].path);
    if (shortcut.homes[i].made < 1 || shortcut.homes[i].path[0] != '/') abort();
  }
}

/* `text` ends with a NUL; every newline ends a word. */
static void try_words(char *text) {
  char *words[MOST_WORDS];
  struct call call;
  int count = 0;
  for (char *word = strtok(text, "\n"); word && count < MOST_WORDS; word = strtok(NULL, "\n")) words[count++] = word;
  if (!read_call(count, words, &call)) return;
  if (call.verb >= VERBS || call.verb_at >= count || strchr(call.id, '/') || call.signal < 0 || call.signal > 64) abort();
  if (call.root && !is_plain_path(call.root)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char *text = malloc(size), name[32];
  struct fate fate;
  if (!text) return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  if (data[0] % 4 == 0) try_shortcut(text, size);
  else if (data[0] % 4 == 1) try_words(text);
  else if (data[0] % 4 == 2) read_stat(text, &fate);
  else if (find_user(text, size > 1 ? data[1] % 10u : 0, name, sizeof name) == 1 && strchr(name, ':')) abort();
  free(text);
  return 0;
}
