#include "json.h"

#include <stdint.h>
#include <string.h>

enum { DEEPEST = 128 };

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\' && ++at == end) return NULL;
  return at < end ? at + 1 : NULL;
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
}

/* The end of the value that begins at `at`, or NULL. Brackets are counted, what lies between them is not judged. */
static const char *skip_value(const char *at, const char *end) {
  char open[DEEPEST];
  int depth = 0;
  do {
    at = skip_space(at, end);
    if (at == end) return NULL;
    if (*at == '{' || *at == '[') {
      if (depth == DEEPEST) return NULL;
      open[depth++] = *at++;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0 || open[--depth] != (*at == '}' ? '{' : '[')) return NULL;
      at++;
    } else if (*at == '"') {
      if (!(at = skip_string(at, end))) return NULL;
    } else if (is_word(*at)) {
      while (at < end && is_word(*at)) at++;
    } else if ((*at == ',' || *at == ':') && depth > 0) {
      at++;
    } else {
      return NULL;
    }
  } while (depth > 0);
  return at;
}

struct json json_of(const char *text, size_t size) {
  const char *end = text + size, *at = skip_space(text, end), *over = at < end ? skip_value(at, end) : NULL;
  return over ? (struct json){at, over} : (struct json){NULL, NULL};
}

static struct json step(const char **at, const char *end) {
  *at = skip_space(*at, end);
  struct json value = json_of(*at, (size_t)(end - *at));
  if (value.at) *at = skip_space(value.end, end);
  return value;
}

static bool pass(const char **at, const char *end, char mark) {
  *at = skip_space(*at, end);
  return *at < end && **at == mark && ++*at;
}

struct json json_member(struct json object, const char *name) {
  struct json found = {NULL, NULL};
  char key[256];
  if (!object.at || *object.at != '{') return found;
  const char *at = object.at + 1, *end = object.end - 1;
  do {
    struct json named = step(&at, end);
    if (!named.at || !pass(&at, end, ':')) break;
    struct json value = step(&at, end);
    if (!value.at) break;
    if (json_text(named, key, sizeof key) && strcmp(key, name) == 0) found = value;
  } while (pass(&at, end, ','));
  return found;
}

struct json json_next(struct json *array) {
  struct json none = {NULL, NULL};
  if (!array->at || array->at >= array->end) return none;
  const char *at = array->at + 1, *end = array->end - 1; /* at first `[`, then `,` */
  if (*array->at != '[' && *array->at != ',') return none;
  struct json value = step(&at, end);
  *array = (struct json){at, array->end};
  return value;
}

static int hex4(const char *at, const char *end) {
  int value = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* UTF-8 of a character of the first plane; halves of surrogates become one question mark each. */
static size_t put_rune(char *into, int rune) {
  if (rune < 0x80) return into[0] = (char)rune, 1;
  if (rune < 0x800) return into[0] = (char)(0xc0 | rune >> 6), into[1] = (char)(0x80 | (rune & 0x3f)), 2;
  if (rune >= 0xd800 && rune < 0xe000) return into[0] = '?', 1;
  into[0] = (char)(0xe0 | rune >> 12);
  into[1] = (char)(0x80 | (rune >> 6 & 0x3f));
  return into[2] = (char)(0x80 | (rune & 0x3f)), 3;
}

static char unescaped(char c) {
  static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
  const char *found = c ? strchr(from, c) : NULL;
  return found ? to[found - from] : c;
}

bool json_text(struct json value, char *into, size_t room) {
  if (!value.at || *value.at != '"') return false;
  const char *end = value.end - 1;
  size_t size = 0;
  for (const char *at = value.at + 1; at < end; at++) {
    if (size + 4 > room) return false;
    if (*at != '\\') {
      into[size++] = *at;
    } else if (*++at == 'u') {
      int rune = hex4(at + 1, end);
      if (rune <= 0) return false;
      size += put_rune(into + size, rune);
      at += 4;
    } else {
      into[size++] = unescaped(*at);
    }
  }
  if (size >= room || memchr(into, 0, size)) return false;
  into[size] = 0;
  return true;
}

bool json_is(struct json value, const char *word) {
  size_t size = strlen(word);
  return value.at && (size_t)(value.end - value.at) == size && memcmp(value.at, word, size) == 0;
}
