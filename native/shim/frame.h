/* ttrpc: frames of ten bytes and data, with a request or a response within. */
#ifndef USNEA_SHIM_FRAME_H
#define USNEA_SHIM_FRAME_H

#include "wire.h"

enum { FRAME_HEAD = 10, MOST_DATA = 4 << 20, FRAME_REQUEST = 1, FRAME_RESPONSE = 2 };

/* google.rpc.Code */
enum code {
  OK = 0, UNKNOWN = 2, INVALID = 3, NOT_FOUND = 5, EXISTS = 6, EXHAUSTED = 8, PRECONDITION = 9, UNIMPLEMENTED = 12,
  INTERNAL = 13, UNAVAILABLE = 14
};

struct frame {
  uint32_t size, stream;
  uint8_t type, flags;
};

struct call_envelope {
  const uint8_t *service, *method, *payload;
  size_t service_size, method_size, payload_size;
};

struct frame read_head(const uint8_t head[FRAME_HEAD]);
bool decode_call(const uint8_t *bytes, size_t size, struct call_envelope *call);
/* The whole frame of an answer. The payload is freed. */
void put_answer(struct buffer *out, uint32_t stream, struct buffer *payload);
void put_failure(struct buffer *out, uint32_t stream, enum code code, const char *message);
/* The whole frame of a request. The payload is freed. */
void put_call(struct buffer *out, uint32_t stream, const char *path[2], struct buffer *payload);
/* What the other side answered: its code, with the message of it as a piece of the bytes. -1 when it is no answer. */
int decode_answer(const uint8_t *bytes, size_t size, struct field *payload);

#endif
