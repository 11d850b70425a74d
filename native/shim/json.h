/*
 * JSON, only to look something up: config.json has the annotations and namespaces, the runtime's log the reason of a
 * failure. Nothing is built; a value is a piece of the text.
 */
#ifndef USNEA_SHIM_JSON_H
#define USNEA_SHIM_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json {
  const char *at, *end; /* both NULL: there is no such value */
};

/* The value that a text is, without the space around it; nothing when it is not whole. */
struct json json_of(const char *text, size_t size);
/* The member of an object. Of a name that is there twice the last one counts, as everywhere. */
struct json json_member(struct json object, const char *name);
/* Goes through an array: the element, and `array` becomes what follows it. */
struct json json_next(struct json *array);
/* Copies a string, decoded; false when it is none, or does not fit. */
bool json_text(struct json value, char *into, size_t room);
bool json_is(struct json value, const char *word);

#endif
