/* What the files of the AFTR's data path share. */
#ifndef LW4O6_AFTR_INT_H
#define LW4O6_AFTR_INT_H

#include "bucket.h"
#include "outq.h"

#include <lw4o6/aftr.h>
#include <lw4o6/icmp.h>
#include <lw4o6/tunnel.h>

enum {
	BURST = LW4O6_BIND_BURST,
	SLOT_NONE = UINT32_MAX, /* a hit without state of its own */
	REASON_NONE = LW4O6_CNT_COUNT,
	ADDRS_MAX = 64,
	NET_BUCKETS = 1024,
	/* What one packet can put into the output queue: a whole datagram released from reassembly, cut at 1280,
	 * with all the headers. */
	OUT_ROOM = 112 * 1024,
	OUT_PACKETS = 512,
};

/* Traffic of a softwire: one cache line. */
struct sw_hot {
	uint64_t rcvd4, rcvd4_octets, sent6, sent6_octets;
	uint64_t rcvd6, rcvd6_octets, sent4, sent4_octets;
};

/* Tells which softwire a slot's state is about; 0: none yet. */
struct sw_tag {
	uint32_t tag;
	uint16_t pmtu; /* path MTU below the link's, or 0 */
	bool own;      /* the B4 address is one of ours: never used (D-080) */
};

struct sw_cold {
	struct in6_addr b4;
	lw4o6_time pmtu_at; /* of the last decrease */
	struct bucket icmp4, icmp6;
	uint64_t hairpin, hairpin_octets, drop4, drop4_octets, drop6, drop6_octets;
};

/* A packet on its way. The first half is filled by the pure parsing stage. */
struct work {
	struct lw4o6_pkt *pkt;
	uint8_t *ip;               /* the IPv4 packet within it */
	struct lw4o6_ip4 h;        /* its header as received */
	struct lw4o6_ip6 o;        /* tunnel side: outer header */
	struct lw4o6_ports ports;
	enum lw4o6_port_kind kind;
	unsigned reason;           /* parsing failed: drop so; REASON_NONE */
	unsigned key_reason;       /* no port to look up: on a shared address drop so; REASON_NONE */
	uint16_t key;              /* the port */
	uint8_t tos;               /* to leave with */
	bool plain;                /* tunnel side: next header is 4 */
	bool whole;                /* a reassembled packet: what it was made of is counted already */
	bool tunnel;               /* it came out of the tunnel */
	bool tos_done;             /* tunnel side: DSCP and ECN are combined already */
	bool hairpin;              /* second half of a hairpin */
	const struct lw4o6_bind_hit *from; /* tunnel side, once checked: the softwire it came from */
	lw4o6_time now;
};

/* What the first fragment of a datagram decided for the later ones. */
struct frag_decision {
	uint16_t up, down; /* ports to look up for the source and, in a hairpin, for the destination */
	bool down_ok;      /* down was found */
};

struct lw4o6_aftr {
	struct lw4o6_aftr_config cfg;
	struct lw4o6_host host;
	struct lw4o6_counters cnt;
	struct lw4o6_tc_config tc;
	uint8_t remap[64];
	struct in6_addr addrs[ADDRS_MAX];
	struct lw4o6_aftr_prefix6 *access;
	struct lw4o6_aftr_prefix4 *martians;
	size_t hlen;                /* octets of a tunnel header */
	bool antispoof, pmtu;
	uint64_t key[2];

	const struct lw4o6_bindtab *tab[LW4O6_AFTR_TABLES];
	struct sw_hot *hot;         /* 2 x softwires_max: a table's slots each */
	struct sw_tag *tag;
	struct sw_cold *cold;
	uint32_t pmtu_entries;

	struct lw4o6_frag6 *frag6;
	struct lw4o6_frag4 *frag4;
	struct lw4o6_frag6_ident ident;
	struct outq q;
	uint8_t *scratch;           /* room for one packet with tunnel header */
	lw4o6_time expiry;

	struct bucket icmp4, icmp6, too_big, icmp4_in, icmp6_in, echo, log;
	uint64_t log_held;          /* lines the log's bucket kept back */
	struct bucket net4[NET_BUCKETS], net6[NET_BUCKETS]; /* by hashed network, for those without a softwire */
	bool no_source_logged;

	struct work work[BURST];
	struct lw4o6_bind_key keys[BURST], keys2[BURST];
	struct lw4o6_bind_hit hits[BURST], hits2[BURST];
};

static inline void aftr_count(struct lw4o6_aftr *a, enum lw4o6_counter c, size_t octets)
{
	a->cnt.packets[c]++;
	a->cnt.octets[c] += octets;
}

/* Is this one of our softwire addresses? */
static inline bool aftr_is_own6(const struct lw4o6_aftr *a, const struct in6_addr *x)
{
	for (size_t i = 0; i < a->cfg.n_addrs; i++)
		if (lw4o6_ip6_equal(&a->addrs[i], x))
			return true;
	return false;
}

static inline bool aftr_is_own4(const struct lw4o6_aftr *a, struct in_addr x, bool tunnel)
{
	return x.s_addr != 0 && (x.s_addr == a->cfg.icmp4_source_internet.s_addr ||
	                         (tunnel && x.s_addr == a->cfg.icmp4_source_tunnel.s_addr));
}

/* Does the payload length of a tunnel packet hold @p inner octets and what the tunnel header adds behind byte 40? */
static inline bool aftr_fits_tunnel(const struct lw4o6_aftr *a, size_t inner)
{
	return inner <= (size_t)UINT16_MAX + LW4O6_IP6_HLEN - a->hlen;
}

/* One token; a negative rate has no limit. */
static inline bool aftr_take(struct bucket *b, int32_t rate, int32_t burst, lw4o6_time now)
{
	return rate < 0 || bucket_take(b, (uint32_t)rate, burst < 0 ? UINT32_MAX : (uint32_t)burst, now);
}

/* aftr_table.c */
void aftr_lookup(const struct lw4o6_aftr *a, const struct lw4o6_bind_key *keys, unsigned n, lw4o6_time now,
                 struct lw4o6_bind_hit *hits);
void aftr_find(const struct lw4o6_aftr *a, struct in_addr ipv4, uint16_t port, lw4o6_time now,
               struct lw4o6_bind_hit *hit);
bool aftr_find_b4(const struct lw4o6_aftr *a, const struct in6_addr *b4, lw4o6_time now, struct lw4o6_binding *out);
bool aftr_managed(const struct lw4o6_aftr *a, struct in_addr ipv4, lw4o6_time now);
uint32_t aftr_slot_of_b4(struct lw4o6_aftr *a, const struct in6_addr *b4, lw4o6_time now);
struct sw_tag *aftr_touch(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit);
uint64_t aftr_softwire_id(const struct lw4o6_aftr *a, const struct in6_addr *b4);
size_t aftr_tunnel_mtu(struct lw4o6_aftr *a, const struct lw4o6_bind_hit *hit, lw4o6_time now);
void aftr_pmtu_lower(struct lw4o6_aftr *a, uint32_t slot, uint32_t mtu, lw4o6_time now);

/* aftr_emit.c */
void aftr_drop(struct lw4o6_aftr *a, struct work *w, unsigned reason);
void aftr_emit6(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *to, size_t mtu);
void aftr_emit4(struct lw4o6_aftr *a, struct work *w);
/* The same for a packet of our own, which sent-ipv4 does not count. */
void aftr_reply4(struct lw4o6_aftr *a, struct work *w);
/* Cut the tunnel packet at @p mtu into the output queue (D-161). @param to NULL: ICMPv6 of our own */
void aftr_cut6(struct lw4o6_aftr *a, const uint8_t *pkt, size_t len, size_t mtu, const struct lw4o6_bind_hit *to);
/* Move a packet that lives in a table's buffer into the output queue. */
void aftr_requeue(struct lw4o6_aftr *a, struct lw4o6_pkt *pkt);

/* aftr_down.c: towards a softwire */
void aftr_down_key(struct work *w);
bool aftr_source_routed(const struct work *w);
void aftr_down_burst(struct lw4o6_aftr *a, unsigned n, lw4o6_time now);
void aftr_down_parse(const struct lw4o6_aftr *a, struct work *w);
void aftr_down_finish(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool from_managed);
void aftr_down_forward(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit);
/* Steps 5 to 7. @return false: refused, the drop is counted and answered. */
bool aftr_down_admit(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit);
void aftr_down_hairpin(struct lw4o6_aftr *a, struct work *w, const struct frag_decision *d);

/* aftr_up.c: out of a softwire */
void aftr_up_burst(struct lw4o6_aftr *a, unsigned n, lw4o6_time now);
void aftr_up_parse(const struct lw4o6_aftr *a, struct work *w);
void aftr_up_inner(const struct lw4o6_aftr *a, struct work *w, size_t off);
void aftr_up_finish(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool to_managed);
bool aftr_up_check(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit);
void aftr_up_forward(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *from, bool to_managed,
                     const struct frag_decision *d);

/* aftr_ext.c: extension headers and IPv6 fragments */
void aftr_up_chain(struct lw4o6_aftr *a, struct work *w);

/* aftr_frag.c: IPv4 fragments for and from shared addresses */
void aftr_down_fragment(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit);
void aftr_up_fragment(struct lw4o6_aftr *a, struct work *w, const struct lw4o6_bind_hit *hit, bool to_managed);

/* aftr_icmp.c */
struct offender4 {
	const uint8_t *p;
	size_t len;                        /* octets present */
	const struct lw4o6_ip4 *h;
	const struct lw4o6_bind_hit *from; /* the softwire it came from; NULL: the Internet, or not known */
	uint32_t slot;                     /* whose share of the rate it takes; SLOT_NONE: that of its source's network */
	bool relay;
};
void aftr_icmp4(struct lw4o6_aftr *a, const struct offender4 *o, uint8_t type, uint8_t code, uint16_t mtu,
                lw4o6_time now);
void aftr_icmp4_about(struct lw4o6_aftr *a, const struct work *w, uint8_t type, uint8_t code, uint16_t mtu);
/* About a tunnel packet as received. */
void aftr_icmp6(struct lw4o6_aftr *a, const uint8_t *pkt, size_t len, uint8_t type, uint8_t code, uint32_t param,
                lw4o6_time now);
void aftr_icmp6_about(struct lw4o6_aftr *a, const struct work *w, uint8_t type, uint8_t code, uint32_t param);
void aftr_local4(struct lw4o6_aftr *a, struct work *w);

/* aftr_log.c */
void aftr_log(struct lw4o6_aftr *a, enum lw4o6_log_level level, const char *id, const char *text);
void aftr_frag_alarm(struct lw4o6_aftr *a);
void aftr_log_refused(struct lw4o6_aftr *a, const struct work *w, unsigned reason);

/* aftr_icmp6.c */
void aftr_icmp6_in(struct lw4o6_aftr *a, struct work *w, size_t off);

#endif
