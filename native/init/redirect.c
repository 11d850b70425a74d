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
#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

enum { IN_PRIORITY = -150, NAT_PRIORITY = -100, OUT_PRIORITY = 0, PREROUTING = 0, OUTPUT = 3, TCP = 6, UDP = 17, IPV4 = 2, IPV6 = 10 };

static const struct field to_ipv4_net = {NFT_PAYLOAD_NETWORK_HEADER, 16, 1};
static const struct field to_ipv6 = {NFT_PAYLOAD_NETWORK_HEADER, 24, 16};
static const struct field from_port = {NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2};
static const struct field to_port = {NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2};

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

static struct netlink_batch shared;

int redirect_tcp(uint16_t port) {
  struct netlink_batch *batch = &shared;
  begin_batch(batch);
  add_table(batch);
  add_chain(batch, "in", (struct hook){"filter", PREROUTING, IN_PRIORITY});
  accept_loopback(batch, "in");
  accept_loopback6(batch, "in");
  carry_tcp(batch, by_ipv4, port);
  add_chain(batch, "out", (struct hook){"filter", OUTPUT, OUT_PRIORITY});
  accept_loopback(batch, "out");
  accept_loopback6(batch, "out");
  refuse_the_rest(batch);
  return end_batch(batch);
}

/* Behind `redirect_tcp`. */
int redirect_tcp6(uint16_t port) {
  begin_batch(&shared);
  carry_tcp(&shared, by_ipv6, port);
  return end_batch(&shared);
}

/*
 * Questions to other name servers go to a socket that refuses them in words of DNS: some clients wait for an answer even
 * where sending failed. Behind `redirect_tcp`.
 */
int redirect_questions(uint16_t port) {
  const uint16_t dns = htons(53), wire_port = htons(port);
  struct netlink_batch *batch = &shared;
  begin_batch(batch);
  add_chain(batch, "dns", (struct hook){"nat", OUTPUT, NAT_PRIORITY});
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
  struct rule answer = begin_first_rule(batch, "out");
  meta_is(&answer, NFT_META_L4PROTO, UDP);
  payload_is(&answer, from_port, &wire_port);
  accept_it(&answer);
  end_rule(&answer);
  return end_batch(batch);
}
