/*
 * Netfilter rules of a network namespace whose only way out is a filter of ours. Written as netlink messages: no `nft`
 * program is needed. nft(8) would call them
 *
 *   table inet usnea {
 *     chain in   { type filter hook prerouting priority mangle
 *                  ip daddr 127.0.0.0/8 accept
 *                  ip6 daddr ::1 accept
 *                  meta nfproto ipv4 meta l4proto tcp tproxy ip to 127.0.0.1:PORT accept
 *                  meta nfproto ipv6 meta l4proto tcp tproxy ip6 to [::1]:PORT6 accept }
 *     chain dns  { type nat hook output priority dstnat
 *                  ip daddr 127.0.0.0/8 accept
 *                  meta nfproto ipv4 meta l4proto udp udp dport 53 redirect to :REFUSER }
 *     chain out  { type filter hook output priority filter
 *                  meta l4proto udp udp sport REFUSER accept
 *                  ip daddr 127.0.0.0/8 accept
 *                  ip6 daddr ::1 accept
 *                  meta l4proto tcp accept
 *                  reject with icmpx admin-prohibited }
 *   }
 *
 * The rules of IPv6 and of other name servers are batches of their own: a kernel may lack what they need.
 */
#include "init.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#define TABLE "usnea"

enum { IN_PRIORITY = -150, NAT_PRIORITY = -100, OUT_PRIORITY = 0, PREROUTING = 0, OUTPUT = 3, TCP = 6, UDP = 17, IPV4 = 2, IPV6 = 10 };

static void message(struct netlink_batch *batch, uint16_t type, uint16_t flags) {
  const struct nfgenmsg body = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
  begin_message(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), (uint16_t)(flags | NLM_F_ACK), &body, sizeof body);
}

static void frame(struct netlink_batch *batch, uint16_t type) {
  const struct nfgenmsg body = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  begin_message(batch, type, 0, &body, sizeof body);
}

struct hook {
  const char *type;
  uint32_t number;
  int32_t priority;
};

static void chain(struct netlink_batch *batch, const char *name, struct hook hook) {
  message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  put_text(batch, NFTA_CHAIN_TABLE, TABLE);
  put_text(batch, NFTA_CHAIN_NAME, name);
  size_t nest = open_nest(batch, NLA_F_NESTED | NFTA_CHAIN_HOOK);
  put_be32(batch, NFTA_HOOK_HOOKNUM, hook.number);
  put_be32(batch, NFTA_HOOK_PRIORITY, (uint32_t)hook.priority);
  close_nest(batch, nest);
  put_text(batch, NFTA_CHAIN_TYPE, hook.type);
}

struct rule {
  struct netlink_batch *batch;
  size_t expressions, element, data;
};

static struct rule begin_rule_at(struct netlink_batch *batch, const char *name, uint16_t place) {
  message(batch, NFT_MSG_NEWRULE, (uint16_t)(NLM_F_CREATE | place));
  put_text(batch, NFTA_RULE_TABLE, TABLE);
  put_text(batch, NFTA_RULE_CHAIN, name);
  return (struct rule){.batch = batch, .expressions = open_nest(batch, NLA_F_NESTED | NFTA_RULE_EXPRESSIONS)};
}

static struct rule begin_rule(struct netlink_batch *batch, const char *name) { return begin_rule_at(batch, name, NLM_F_APPEND); }

static void end_rule(struct rule *rule) { close_nest(rule->batch, rule->expressions); }

static void begin_expression(struct rule *rule, const char *name) {
  rule->element = open_nest(rule->batch, NLA_F_NESTED | NFTA_LIST_ELEM);
  put_text(rule->batch, NFTA_EXPR_NAME, name);
  rule->data = open_nest(rule->batch, NLA_F_NESTED | NFTA_EXPR_DATA);
}

static void end_expression(struct rule *rule) {
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

static void meta_is(struct rule *rule, uint32_t key, uint8_t value) {
  begin_expression(rule, "meta");
  put_be32(rule->batch, NFTA_META_DREG, NFT_REG_1);
  put_be32(rule->batch, NFTA_META_KEY, key);
  end_expression(rule);
  equals(rule, &value, sizeof value);
}

struct field {
  uint32_t base, offset, size;
};

static const struct field to_ipv4_net = {NFT_PAYLOAD_NETWORK_HEADER, 16, 1};
static const struct field to_ipv6 = {NFT_PAYLOAD_NETWORK_HEADER, 24, 16};
static const struct field from_port = {NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2};
static const struct field to_port = {NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2};

static void payload_is(struct rule *rule, struct field field, const void *value) {
  begin_expression(rule, "payload");
  put_be32(rule->batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
  put_be32(rule->batch, NFTA_PAYLOAD_BASE, field.base);
  put_be32(rule->batch, NFTA_PAYLOAD_OFFSET, field.offset);
  put_be32(rule->batch, NFTA_PAYLOAD_LEN, field.size);
  end_expression(rule);
  equals(rule, value, field.size);
}

static void load(struct rule *rule, uint32_t into, const void *value, size_t size) {
  begin_expression(rule, "immediate");
  put_be32(rule->batch, NFTA_IMMEDIATE_DREG, into);
  put_value(rule, NFTA_IMMEDIATE_DATA, value, size);
  end_expression(rule);
}

static void accept_it(struct rule *rule) {
  begin_expression(rule, "immediate");
  put_be32(rule->batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  size_t data = open_nest(rule->batch, NLA_F_NESTED | NFTA_IMMEDIATE_DATA);
  size_t verdict = open_nest(rule->batch, NLA_F_NESTED | NFTA_DATA_VERDICT);
  put_be32(rule->batch, NFTA_VERDICT_CODE, NF_ACCEPT);
  close_nest(rule->batch, verdict);
  close_nest(rule->batch, data);
  end_expression(rule);
}

/* The command's own servers: the loopback of the namespace is its own. */
static void accept_loopback(struct netlink_batch *batch, const char *name) {
  const uint8_t first = 127;
  struct rule rule = begin_rule(batch, name);
  meta_is(&rule, NFT_META_NFPROTO, IPV4);
  payload_is(&rule, to_ipv4_net, &first);
  accept_it(&rule);
  end_rule(&rule);
}

static void accept_loopback6(struct netlink_batch *batch, const char *name) {
  const uint8_t address[16] = {[15] = 1};
  struct rule rule = begin_rule(batch, name);
  meta_is(&rule, NFT_META_NFPROTO, IPV6);
  payload_is(&rule, to_ipv6, address);
  accept_it(&rule);
  end_rule(&rule);
}

struct way {
  uint8_t family, protocol;
  const void *address;
  uint32_t size;
};

static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
static const struct way by_ipv4 = {IPV4, NFPROTO_IPV4, loopback4, sizeof loopback4};
static const struct way by_ipv6 = {IPV6, NFPROTO_IPV6, loopback6, sizeof loopback6};

static void carry_tcp(struct netlink_batch *batch, struct way way, uint16_t port) {
  const uint16_t wire_port = htons(port);
  struct rule rule = begin_rule(batch, "in");
  meta_is(&rule, NFT_META_NFPROTO, way.family);
  meta_is(&rule, NFT_META_L4PROTO, TCP);
  load(&rule, NFT_REG_1, way.address, way.size);
  load(&rule, NFT_REG_2, &wire_port, sizeof wire_port);
  begin_expression(&rule, "tproxy");
  put_be32(batch, NFTA_TPROXY_FAMILY, way.protocol);
  put_be32(batch, NFTA_TPROXY_REG_ADDR, NFT_REG_1);
  put_be32(batch, NFTA_TPROXY_REG_PORT, NFT_REG_2);
  end_expression(&rule);
  accept_it(&rule);
  end_rule(&rule);
}

static void refuse_the_rest(struct netlink_batch *batch) {
  const uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
  struct rule tcp = begin_rule(batch, "out");
  meta_is(&tcp, NFT_META_L4PROTO, TCP);
  accept_it(&tcp);
  end_rule(&tcp);
  struct rule rest = begin_rule(batch, "out");
  begin_expression(&rest, "reject");
  put_be32(batch, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
  put(batch, NFTA_REJECT_ICMP_CODE, &code, sizeof code);
  end_expression(&rest);
  end_rule(&rest);
}

static void begin(struct netlink_batch *batch) {
  memset(batch, 0, sizeof *batch);
  frame(batch, NFNL_MSG_BATCH_BEGIN);
}

static int end(struct netlink_batch *batch) {
  frame(batch, NFNL_MSG_BATCH_END);
  return send_batch(NETLINK_NETFILTER, batch);
}

static struct netlink_batch shared;

int redirect_tcp(uint16_t port) {
  struct netlink_batch *batch = &shared;
  begin(batch);
  message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
  put_text(batch, NFTA_TABLE_NAME, TABLE);
  chain(batch, "in", (struct hook){"filter", PREROUTING, IN_PRIORITY});
  accept_loopback(batch, "in");
  accept_loopback6(batch, "in");
  carry_tcp(batch, by_ipv4, port);
  chain(batch, "out", (struct hook){"filter", OUTPUT, OUT_PRIORITY});
  accept_loopback(batch, "out");
  accept_loopback6(batch, "out");
  refuse_the_rest(batch);
  return end(batch);
}

/* Behind `redirect_tcp`. */
int redirect_tcp6(uint16_t port) {
  begin(&shared);
  carry_tcp(&shared, by_ipv6, port);
  return end(&shared);
}

/*
 * Questions to other name servers go to a socket that refuses them in words of DNS: some clients wait for an answer even
 * where sending failed. Behind `redirect_tcp`.
 */
int redirect_questions(uint16_t port) {
  const uint16_t dns = htons(53), wire_port = htons(port);
  struct netlink_batch *batch = &shared;
  begin(batch);
  chain(batch, "dns", (struct hook){"nat", OUTPUT, NAT_PRIORITY});
  accept_loopback(batch, "dns");
  struct rule rule = begin_rule(batch, "dns");
  meta_is(&rule, NFT_META_NFPROTO, IPV4);
  meta_is(&rule, NFT_META_L4PROTO, UDP);
  payload_is(&rule, to_port, &dns);
  load(&rule, NFT_REG_1, &wire_port, sizeof wire_port);
  begin_expression(&rule, "redir");
  put_be32(batch, NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1);
  put_be32(batch, NFTA_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  end_expression(&rule);
  end_rule(&rule);
  struct rule answer = begin_rule_at(batch, "out", 0); /* the first one */
  meta_is(&answer, NFT_META_L4PROTO, UDP);
  payload_is(&answer, from_port, &wire_port);
  accept_it(&answer);
  end_rule(&answer);
  return end(batch);
}
