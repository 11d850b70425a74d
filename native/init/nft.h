/* Rules of netfilter as netlink messages, in the order in which nft(8) would say them. All go into one table of family inet. */
#ifndef USNEA_NFT_H
#define USNEA_NFT_H

#include "netlink.h"

#define NFT_TABLE "usnea"

/* All messages of a batch are taken, or none. `end_batch` returns 0 or an errno. */
void begin_batch(struct netlink_batch *batch);
int end_batch(struct netlink_batch *batch);

struct hook {
  const char *type;
  uint32_t number;
  int32_t priority;
};

void add_table(struct netlink_batch *batch);
void add_chain(struct netlink_batch *batch, const char *name, struct hook hook);

struct rule {
  struct netlink_batch *batch;
  size_t expressions, element, data;
};

struct rule begin_rule(struct netlink_batch *batch, const char *chain);
/* Before those that are there. */
struct rule begin_first_rule(struct netlink_batch *batch, const char *chain);
void end_rule(struct rule *rule);

/* Puts what the expression needs into `rule->batch` between the two. */
void begin_expression(struct rule *rule, const char *name);
void end_expression(struct rule *rule);

struct field {
  uint32_t base, offset, size;
};

/* NFT_META_… */
void meta_is(struct rule *rule, uint32_t key, uint8_t value);
void payload_is(struct rule *rule, struct field field, const void *value);
/* A register gets a value. */
void load(struct rule *rule, uint32_t into, const void *value, size_t size);
void accept_it(struct rule *rule);

#endif
