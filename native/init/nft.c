#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

static void message(struct netlink_batch *batch, uint16_t type, uint16_t flags) {
  const struct nfgenmsg body = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
  begin_message(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), (uint16_t)(flags | NLM_F_ACK), &body, sizeof body);
}

static void frame(struct netlink_batch *batch, uint16_t type) {
  const struct nfgenmsg body = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  begin_message(batch, type, 0, &body, sizeof body);
}

void begin_batch(struct netlink_batch *batch) {
  memset(batch, 0, sizeof *batch);
  frame(batch, NFNL_MSG_BATCH_BEGIN);
}

int end_batch(struct netlink_batch *batch) {
  frame(batch, NFNL_MSG_BATCH_END);
  return send_batch(NETLINK_NETFILTER, batch);
}

void add_table(struct netlink_batch *batch) {
  message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
  put_text(batch, NFTA_TABLE_NAME, NFT_TABLE);
}

void add_chain(struct netlink_batch *batch, const char *name, struct hook hook) {
  message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  put_text(batch, NFTA_CHAIN_TABLE, NFT_TABLE);
  put_text(batch, NFTA_CHAIN_NAME, name);
  size_t nest = open_nest(batch, NLA_F_NESTED | NFTA_CHAIN_HOOK);
  put_be32(batch, NFTA_HOOK_HOOKNUM, hook.number);
  put_be32(batch, NFTA_HOOK_PRIORITY, (uint32_t)hook.priority);
  close_nest(batch, nest);
  put_text(batch, NFTA_CHAIN_TYPE, hook.type);
}

static struct rule begin_rule_at(struct netlink_batch *batch, const char *name, uint16_t place) {
  message(batch, NFT_MSG_NEWRULE, (uint16_t)(NLM_F_CREATE | place));
  put_text(batch, NFTA_RULE_TABLE, NFT_TABLE);
  put_text(batch, NFTA_RULE_CHAIN, name);
  return (struct rule){.batch = batch, .expressions = open_nest(batch, NLA_F_NESTED | NFTA_RULE_EXPRESSIONS)};
}

struct rule begin_rule(struct netlink_batch *batch, const char *chain) { return begin_rule_at(batch, chain, NLM_F_APPEND); }

struct rule begin_first_rule(struct netlink_batch *batch, const char *chain) { return begin_rule_at(batch, chain, 0); }

void end_rule(struct rule *rule) { close_nest(rule->batch, rule->expressions); }

void begin_expression(struct rule *rule, const char *name) {
  rule->element = open_nest(rule->batch, NLA_F_NESTED | NFTA_LIST_ELEM);
  put_text(rule->batch, NFTA_EXPR_NAME, name);
  rule->data = open_nest(rule->batch, NLA_F_NESTED | NFTA_EXPR_DATA);
}

void end_expression(struct rule *rule) {
  close_nest(rule->batch, rule->data);
  close_nest(rule->batch, rule->element);
}

static void put_value(struct rule *rule, uint16_t type, const void *value, size_t size) {
  size_t nest = open_nest(rule->batch, (uint16_t)(NLA_F_NESTED | type));
  put(rule->batch, NFTA_DATA_VALUE, value, size);
  close_nest(rule->batch, nest);
}

static void equals(struct rule *rule, const void *value, size_t size) {
  begin_expression(rule, "cmp");
  put_be32(rule->batch, NFTA_CMP_SREG, NFT_REG_1);
  put_be32(rule->batch, NFTA_CMP_OP, NFT_CMP_EQ);
  put_value(rule, NFTA_CMP_DATA, value, size);
  end_expression(rule);
}

void meta_is(struct rule *rule, uint32_t key, uint8_t value) {
  begin_expression(rule, "meta");
  put_be32(rule->batch, NFTA_META_DREG, NFT_REG_1);
  put_be32(rule->batch, NFTA_META_KEY, key);
  end_expression(rule);
  equals(rule, &value, sizeof value);
}

void payload_is(struct rule *rule, struct field field, const void *value) {
  begin_expression(rule, "payload");
  put_be32(rule->batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
  put_be32(rule->batch, NFTA_PAYLOAD_BASE, field.base);
  put_be32(rule->batch, NFTA_PAYLOAD_OFFSET, field.offset);
  put_be32(rule->batch, NFTA_PAYLOAD_LEN, field.size);
  end_expression(rule);
  equals(rule, value, field.size);
}

void load(struct rule *rule, uint32_t into, const void *value, size_t size) {
  begin_expression(rule, "immediate");
  put_be32(rule->batch, NFTA_IMMEDIATE_DREG, into);
  put_value(rule, NFTA_IMMEDIATE_DATA, value, size);
  end_expression(rule);
}

void accept_it(struct rule *rule) {
  begin_expression(rule, "immediate");
  put_be32(rule->batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  size_t data = open_nest(rule->batch, NLA_F_NESTED | NFTA_IMMEDIATE_DATA);
  size_t verdict = open_nest(rule->batch, NLA_F_NESTED | NFTA_DATA_VERDICT);
  put_be32(rule->batch, NFTA_VERDICT_CODE, NF_ACCEPT);
  close_nest(rule->batch, verdict);
  close_nest(rule->batch, data);
  end_expression(rule);
}
