#include "frame.h"

#include <string.h>

static uint32_t big_endian(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

struct frame read_head(const uint8_t head[FRAME_HEAD]) {
  return (struct frame){big_endian(head), big_endian(head + 4), head[8], head[9]};
}

bool decode_call(const uint8_t *bytes, size_t size, struct call_envelope *call) {
  struct cursor cursor = open_cursor(bytes, size);
  struct field field;
  *call = (struct call_envelope){0};
  while (next_field(&cursor, &field)) {
    if (field.number < 1 || field.number > 3) continue;
    if (field.kind != WIRE_BYTES) return false;
    if (field.number == 1) call->service = field.bytes, call->service_size = field.size;
    if (field.number == 2) call->method = field.bytes, call->method_size = field.size;
    if (field.number == 3) call->payload = field.bytes, call->payload_size = field.size;
  }
  return !cursor.bad && call->service && call->method;
}

static void put_frame(struct buffer *out, uint32_t stream, uint8_t type, struct buffer *data) {
  uint32_t size = (uint32_t)data->size;
  const uint8_t head[FRAME_HEAD] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size,
    (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream, type, 0};
  if (data->failed || size > MOST_DATA) out->failed = true;
  put_raw(out, head, sizeof head);
  put_raw(out, data->data, size);
  drop(data);
}

void put_answer(struct buffer *out, uint32_t stream, struct buffer *payload) {
  struct buffer data = {0};
  if (payload->failed) data.failed = true;
  put_bytes(&data, 2, payload->data, payload->size);
  drop(payload);
  put_frame(out, stream, FRAME_RESPONSE, &data);
}

void put_failure(struct buffer *out, uint32_t stream, enum code code, const char *message) {
  struct buffer data = {0}, status = {0};
  put_number(&status, 1, code);
  put_text(&status, 2, message);
  put_message(&data, 1, &status);
  put_frame(out, stream, FRAME_RESPONSE, &data);
}

void put_call(struct buffer *out, uint32_t stream, const char *path[2], struct buffer *payload) {
  struct buffer data = {0};
  if (payload->failed) data.failed = true;
  put_text(&data, 1, path[0]);
  put_text(&data, 2, path[1]);
  put_bytes(&data, 3, payload->data, payload->size);
  drop(payload);
  put_frame(out, stream, FRAME_REQUEST, &data);
}

int decode_answer(const uint8_t *bytes, size_t size, struct field *payload) {
  struct cursor cursor = open_cursor(bytes, size);
  struct field field, inner;
  int code = OK;
  *payload = (struct field){0};
  while (next_field(&cursor, &field)) {
    if (field.kind != WIRE_BYTES) continue;
    if (field.number == 2) *payload = field;
    if (field.number != 1) continue;
    struct cursor status = open_cursor(field.bytes, field.size);
    while (next_field(&status, &inner))
      if (inner.number == 1 && inner.kind == WIRE_NUMBER) code = (int)(inner.value & 0xff);
    if (status.bad) return -1;
  }
  return cursor.bad ? -1 : code;
}
