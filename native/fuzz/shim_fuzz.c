/*
 * What reaches the shim from outside: frames and messages of ttrpc, the runtime's log and config.json. The first byte says
 * which decoder gets the rest. Never a crash, a read beyond the end, or memory that stays; what was decoded and is written
 * again is decoded to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "../shim/frame.h"
#include "../shim/json.h"
#include "../shim/message.h"

static void try_frame(const uint8_t *data, size_t size) {
  struct call_envelope call;
  struct field payload;
  if (size < FRAME_HEAD) return;
  struct frame frame = read_head(data);
  size_t rest = size - FRAME_HEAD;
  if (frame.size > rest) frame.size = (uint32_t)rest;
  decode_answer(data + FRAME_HEAD, frame.size, &payload);
  if (!decode_call(data + FRAME_HEAD, frame.size, &call)) return;
  enum method method = find_method(call.method, call.method_size);
  struct request request;
  if (method == METHODS) return;
  decode_request(method, call.payload, call.payload_size, &request);
  free_request(&request);
}

static void try_request(enum method method, const uint8_t *data, size_t size) {
  struct request request, again;
  struct buffer mounts = {0};
  if (decode_request(method, data, size, &request) && method == CREATE) {
    put_mounts(&mounts, 3, &request);
    if (!decode_request(CREATE, mounts.data, mounts.size, &again) || again.mount_count != request.mount_count) abort();
    for (size_t i = 0; i < again.mount_count; i++)
      if (strcmp(again.mounts[i].source, request.mounts[i].source) != 0) abort();
    free_request(&again);
  }
  drop(&mounts);
  free_request(&request);
}

static void try_json(const uint8_t *data, size_t size) {
  char text[64];
  struct json value = json_of((const char *)data, size);
  struct json list = json_member(json_member(value, "linux"), "namespaces");
  if (value.at && (value.at < (const char *)data || value.end > (const char *)data + size)) abort();
  for (struct json one = json_next(&list); one.at; one = json_next(&list)) {
    json_text(json_member(one, "path"), text, sizeof text);
    json_is(json_member(one, "type"), "\"pid\"");
  }
  if (json_text(json_member(value, "msg"), text, sizeof text) && strlen(text) >= sizeof text) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct options options;
  struct checkpoint_options dump;
  if (size == 0) return 0;
  uint8_t which = data[0] % (METHODS + 4);
  data++, size--;
  if (which < METHODS) {
    try_request((enum method)which, data, size);
  } else if (which == METHODS) {
    try_frame(data, size);
  } else if (which == METHODS + 1) {
    try_json(data, size);
  } else if (which == METHODS + 2) {
    decode_options(data, size, &options);
    free_options(&options);
  } else {
    decode_checkpoint(data, size, &dump);
    free_checkpoint(&dump);
  }
  return 0;
}
