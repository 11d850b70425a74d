/* Protocol buffers, as much of them as the shim speaks: protobuf.dev/programming-guides/encoding. */
#ifndef USNEA_SHIM_WIRE_H
#define USNEA_SHIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Grows as it is written. After one failed allocation it takes nothing more, so only the end must be checked. */
struct buffer {
  uint8_t *data;
  size_t size, room;
  bool failed;
};

void put_raw(struct buffer *buffer, const void *bytes, size_t size);
void put_varint(struct buffer *buffer, uint64_t value);
/* As proto3 has it, what is 0 or empty is not written. */
void put_number(struct buffer *buffer, unsigned field, uint64_t value);
void put_bytes(struct buffer *buffer, unsigned field, const void *bytes, size_t size);
void put_text(struct buffer *buffer, unsigned field, const char *text);
/* A message is written even when it is empty. It is freed. */
void put_message(struct buffer *buffer, unsigned field, struct buffer *message);
/* google.protobuf.Timestamp of the nanoseconds since 1970; 0 writes nothing. */
void put_time(struct buffer *buffer, unsigned field, int64_t nanoseconds);
/* google.protobuf.Any. The value is freed. */
void put_any(struct buffer *buffer, unsigned field, const char *type, struct buffer *value);
void drop(struct buffer *buffer);

struct cursor {
  const uint8_t *at, *end;
  bool bad;
};

enum wire_kind { WIRE_NUMBER = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct field {
  uint32_t number;
  enum wire_kind kind;
  uint64_t value;
  const uint8_t *bytes;
  size_t size;
};

struct cursor open_cursor(const uint8_t *bytes, size_t size);
/* False at the end, and when what follows is no field: then `bad` is set. */
bool next_field(struct cursor *cursor, struct field *field);

#endif
