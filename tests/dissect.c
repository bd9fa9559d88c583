/*
 * dissect FILE: the DHCPv6 messages of a capture (UDP 546 and 547), DHCPv4 messages (UDP 67 and 68)
 * and leasequery (TCP 67), a line per frame, message and option, two spaces deeper per level.
 * A check on the wire that shares the printer, not the state machines, with what it looks at.
 */
#include <lw4o6/ip.h>
#include <lw4o6/lqframe.h>
#include <lw4o6/print.h>

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS = 32 };

struct octets {
	const uint8_t *p;
	size_t len;
};

/* One direction of a leasequery connection. */
struct flow {
	bool used;
	uint8_t key[12]; /* addresses and ports */
	uint32_t next;   /* sequence number */
	struct lw4o6_lqframe frame;
	uint8_t buf[LW4O6_LQFRAME_MAX];
};

static struct flow flows[FLOWS];
static unsigned long frame_number;

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* Drop n octets from the front. @return false when there are fewer. */
static bool skip(struct octets *o, size_t n)
{
	if (o->len < n)
		return false;
	o->p += n;
	o->len -= n;
	return true;
}

static void print_frame(int family, const uint8_t *src, const uint8_t *dst)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	printf("frame %lu %s > %s\n", frame_number, inet_ntop(family, src, from, sizeof(from)),
	       inet_ntop(family, dst, to, sizeof(to)));
}

static void print_message(struct octets o, bool v4)
{
	static struct lw4o6_walk w;
	struct lw4o6_item item;
	char line[LW4O6_ITEM_STRLEN];

	if (v4)
		lw4o6_walk_init4(&w, o.p, o.len);
	else
		lw4o6_walk_init6(&w, o.p, o.len);
	while (lw4o6_walk_next(&w, &item)) {
		int indent = 2 * (int)(item.depth + 1);

		printf("%*s%s\n", indent, "", lw4o6_item_str(&item, line, sizeof(line)));
	}
}

static void udp(int family, const uint8_t *src, const uint8_t *dst, struct octets o)
{
	if (o.len < 8)
		return;

	unsigned sport = be16(o.p), dport = be16(o.p + 2), len = be16(o.p + 4);
	bool v6 = sport == 546 || sport == 547 || dport == 546 || dport == 547;
	bool v4 = sport == 67 || sport == 68 || dport == 67 || dport == 68;

	if (!v6 && !v4)
		return;
	print_frame(family, src, dst);
	skip(&o, 8);
	if (len < 8 || len - 8 > o.len) {
		printf("  malformed udp: length %u, %zu octets captured\n", len, o.len + 8);
		return;
	}
	o.len = len - 8;
	print_message(o, !v6);
}

static struct flow *find_flow(const uint8_t key[12], bool make)
{
	struct flow *spare = NULL;

	for (int i = 0; i < FLOWS; i++) {
		if (flows[i].used && memcmp(flows[i].key, key, 12) == 0)
			return &flows[i];
		if (!flows[i].used && !spare)
			spare = &flows[i];
	}
	if (!make || !spare)
		return NULL;
	spare->used = true;
	memcpy(spare->key, key, 12);
	lw4o6_lqframe_init(&spare->frame, spare->buf, sizeof(spare->buf));
	return spare;
}

/* Segments in order only; what was seen before is left out, a gap ends the reading of that direction. */
static void tcp(const uint8_t *src, const uint8_t *dst, struct octets o)
{
	uint8_t key[12];
	uint32_t seq;
	struct flow *f;
	bool shown = false;
	int r;

	if (o.len < 20 || (be16(o.p) != LW4O6_LQFRAME_PORT && be16(o.p + 2) != LW4O6_LQFRAME_PORT))
		return;
	memcpy(key, src, 4);
	memcpy(key + 4, dst, 4);
	memcpy(key + 8, o.p, 4);
	seq = be32(o.p + 4);
	bool syn = o.p[13] & 0x02;
	if (!skip(&o, (o.p[12] >> 4) * 4u))
		return;
	f = find_flow(key, syn || o.len > 0);
	if (!f)
		return;
	if (syn || f->next == 0) {
		lw4o6_lqframe_init(&f->frame, f->buf, sizeof(f->buf));
		f->next = seq + syn;
	}
	seq += syn;
	int32_t behind = (int32_t)(f->next - seq);
	if (behind > 0 && !skip(&o, (size_t)behind))
		return;
	if (o.len == 0)
		return;
	struct lw4o6_span in = { o.p, o.len }, msg;
	f->next += (uint32_t)o.len;
	if (behind < 0) {
		print_frame(AF_INET, src, dst);
		printf("  malformed tcp: %d octets are missing\n", -behind);
		f->frame.err = LW4O6_EMALF;
		return;
	}
	while ((r = lw4o6_lqframe_next(&f->frame, &in, &msg)) == 1) {
		if (!shown)
			print_frame(AF_INET, src, dst);
		shown = true;
		print_message((struct octets){ msg.p, msg.len }, true);
	}
	if (r < 0 && in.len > 0) {
		print_frame(AF_INET, src, dst);
		printf("  malformed tcp: %s\n", lw4o6_strerror(r));
	}
}

static void ipv4(struct octets o)
{
	struct lw4o6_ip4 h;
	const uint8_t *p = o.p;

	if (lw4o6_ip4_decode(&h, o.p, o.len) != LW4O6_IP4_OK || lw4o6_ip4_is_fragment(&h))
		return;
	o.len = h.total;
	skip(&o, h.hlen);
	if (h.protocol == LW4O6_IPPROTO_UDP)
		udp(AF_INET, p + 12, p + 16, o);
	else if (h.protocol == LW4O6_IPPROTO_TCP)
		tcp(p + 12, p + 16, o);
}

static void ipv6(struct octets o)
{
	const uint8_t *p = o.p;

	if (o.len < LW4O6_IP6_HLEN)
		return;
	uint8_t next = p[6];
	size_t payload = be16(p + 4);
	skip(&o, LW4O6_IP6_HLEN);
	if (payload < o.len)
		o.len = payload;
	while (next == LW4O6_IPPROTO_HOPOPTS || next == LW4O6_IPPROTO_ROUTING || next == LW4O6_IPPROTO_DSTOPTS) {
		if (o.len < 8)
			return;
		next = o.p[0];
		if (!skip(&o, (o.p[1] + 1u) * 8))
			return;
	}
	if (next == LW4O6_IPPROTO_UDP)
		udp(AF_INET6, p + 8, p + 24, o);
}

/* Behind the link layer: by version, since that is what every kind of link agrees on. */
static void ip(struct octets o)
{
	if (o.len > 0 && o.p[0] >> 4 == 4)
		ipv4(o);
	else if (o.len > 0 && o.p[0] >> 4 == 6)
		ipv6(o);
}

static void ethertype(unsigned type, struct octets o)
{
	while ((type == 0x8100 || type == 0x88a8) && o.len >= 4) {
		type = be16(o.p + 2);
		skip(&o, 4);
	}
	if (type == 0x0800 || type == 0x86dd)
		ip(o);
}

/* @return false for a kind of link that is not known here. */
static bool link_layer(int type, struct octets o)
{
	const uint8_t *p = o.p;

	switch (type) {
	case DLT_EN10MB:
		if (skip(&o, 14))
			ethertype(be16(p + 12), o);
		return true;
	case DLT_LINUX_SLL:
		if (skip(&o, 16))
			ethertype(be16(p + 14), o);
		return true;
	case DLT_LINUX_SLL2:
		if (skip(&o, 20))
			ethertype(be16(p), o);
		return true;
	case DLT_NULL:
	case DLT_LOOP:
		if (skip(&o, 4))
			ip(o);
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		ip(o);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *data;
	pcap_t *pcap;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: dissect FILE\n");
		return EXIT_FAILURE;
	}
	pcap = pcap_open_offline(argv[1], err);
	if (!pcap) {
		fprintf(stderr, "dissect: %s\n", err);
		return EXIT_FAILURE;
	}
	while ((r = pcap_next_ex(pcap, &h, &data)) == 1) {
		frame_number++;
		if (!link_layer(pcap_datalink(pcap), (struct octets){ data, h->caplen })) {
			fprintf(stderr, "dissect: link type %d is not known\n", pcap_datalink(pcap));
			pcap_close(pcap);
			return EXIT_FAILURE;
		}
	}
	if (r == PCAP_ERROR)
		fprintf(stderr, "dissect: %s\n", pcap_geterr(pcap));
	pcap_close(pcap);
	return r == PCAP_ERROR ? EXIT_FAILURE : EXIT_SUCCESS;
}
