#include "wire.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t size) {
  if (buffer->failed) return false;
  if (buffer->room - buffer->size >= size) return true;
  size_t room = buffer->room ? buffer->room * 2 : 128;
  while (room - buffer->size < size) room *= 2;
  uint8_t *data = realloc(buffer->data, room);
  if (!data) return !(buffer->failed = true);
  buffer->data = data;
  buffer->room = room;
  return true;
}

void put_raw(struct buffer *buffer, const void *bytes, size_t size) {
  if (size == 0 || !make_room(buffer, size)) return;
  memcpy(buffer->data + buffer->size, bytes, size);
  buffer->size += size;
}

void put_varint(struct buffer *buffer, uint64_t value) {
  uint8_t bytes[10];
  size_t size = 0;
  do {
    bytes[size] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>= 7;
    size++;
  } while (value);
  put_raw(buffer, bytes, size);
}

static void put_tag(struct buffer *buffer, unsigned field, enum wire_kind kind) { put_varint(buffer, field << 3 | kind); }

void put_number(struct buffer *buffer, unsigned field, uint64_t value) {
  if (value == 0) return;
  put_tag(buffer, field, WIRE_NUMBER);
  put_varint(buffer, value);
}

static void put_block(struct buffer *buffer, unsigned field, const void *bytes, size_t size) {
  put_tag(buffer, field, WIRE_BYTES);
  put_varint(buffer, size);
  put_raw(buffer, bytes, size);
}

void put_bytes(struct buffer *buffer, unsigned field, const void *bytes, size_t size) {
  if (size > 0) put_block(buffer, field, bytes, size);
}

void put_text(struct buffer *buffer, unsigned field, const char *text) {
  if (text) put_bytes(buffer, field, text, strlen(text));
}

void drop(struct buffer *buffer) {
  free(buffer->data);
  *buffer = (struct buffer){0};
}

void put_message(struct buffer *buffer, unsigned field, struct buffer *message) {
  if (message->failed) buffer->failed = true;
  put_block(buffer, field, message->data, message->size);
  drop(message);
}

void put_time(struct buffer *buffer, unsigned field, int64_t nanoseconds) {
  if (nanoseconds <= 0) return;
  struct buffer time = {0};
  put_number(&time, 1, (uint64_t)(nanoseconds / 1000000000));
  put_number(&time, 2, (uint64_t)(nanoseconds % 1000000000));
  put_message(buffer, field, &time);
}

void put_any(struct buffer *buffer, unsigned field, const char *type, struct buffer *value) {
  struct buffer any = {0};
  put_text(&any, 1, type);
  put_message(&any, 2, value);
  put_message(buffer, field, &any);
}

struct cursor open_cursor(const uint8_t *bytes, size_t size) {
  static const uint8_t nothing;
  if (!bytes) bytes = &nothing, size = 0;
  return (struct cursor){bytes, bytes + size, false};
}

static uint64_t get_varint(struct cursor *cursor) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
    uint8_t byte = *cursor->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  cursor->bad = true;
  return 0;
}

static bool get_block(struct cursor *cursor, struct field *field, uint64_t size) {
  if (cursor->bad || size > (uint64_t)(cursor->end - cursor->at)) return !(cursor->bad = true);
  field->bytes = cursor->at;
  field->size = (size_t)size;
  cursor->at += size;
  return true;
}

bool next_field(struct cursor *cursor, struct field *field) {
  if (cursor->bad || cursor->at == cursor->end) return false;
  uint64_t tag = get_varint(cursor);
  *field = (struct field){.number = (uint32_t)(tag >> 3), .kind = tag & 7};
  if (cursor->bad || tag > UINT32_MAX || field->number == 0) return !(cursor->bad = true);
  if (field->kind == WIRE_NUMBER) {
    field->value = get_varint(cursor);
    return !cursor->bad;
  }
  if (field->kind == WIRE_BYTES) return get_block(cursor, field, get_varint(cursor));
  if (field->kind == WIRE_FIXED64) return get_block(cursor, field, 8);
  if (field->kind == WIRE_FIXED32) return get_block(cursor, field, 4);
  return !(cursor->bad = true); /* groups, which proto3 has none of */
}
