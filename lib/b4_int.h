/* What the parts of the B4's data path share. */
#ifndef LW4O6_B4_INT_H
#define LW4O6_B4_INT_H

#include "bucket.h"
#include "outq.h"

#include <lw4o6/b4.h>
#include <lw4o6/frag.h>
#include <lw4o6/icmp.h>
#include <lw4o6/tunnel.h>

enum {
	EVENTS_MAX = 32,
	OUTQ_SIZE = 768 * 1024,
	OUT_OCTETS = 160 * 1024, /* the most that one packet in can become: a datagram with the headers of its pieces */
	OUT_PIECES = 1024,
	SYN_QUOTE = 128,         /* octets kept of an unsolicited SYN */
	SYN_DELAY_S = 6,         /* RFC 5382 REQ-4 */
	PACKET_MAX = 65535,
	TUNNEL_MTU_MIN = LW4O6_IP6_MTU_MIN - LW4O6_IP6_HLEN, /* D-193 */
};

/* The address the B4 itself has inside the softwire (RFC 6333 section 5.7), host order. */
#define B4_WELL_KNOWN 0xc0000002u

enum b4_state { B4_NONE, B4_SUSPENDED, B4_SERVICE };

struct pending_syn {
	struct in_addr remote;
	uint16_t rport, eport;
	lw4o6_time due;
	uint16_t len;             /* 0: cancelled */
	uint8_t quote[SYN_QUOTE];
};

struct lw4o6_b4 {
	struct lw4o6_b4_config cfg; /* effective values */
	struct lw4o6_host host;
	struct lw4o6_counters cnt;
	struct lw4o6_tc_config tc;
	enum b4_state state;
	struct lw4o6_b4_record rec;
	uint32_t link_mtu, lan_mtu; /* in force */
	uint32_t path_mtu;          /* 0: the link's */
	lw4o6_time path_mtu_until;
	struct lw4o6_napt *nat;
	struct lw4o6_frag4 *frag4;
	struct lw4o6_frag6 *frag6;
	struct lw4o6_frag6_ident ident6;
	struct outq outq;
	uint8_t *scratch;           /* 40 octets and a packet: encapsulation without headroom */
	uint64_t flow_key[2];
	struct bucket out4, too_big, out6, in6, echo;
	lw4o6_time reprovision_next;
	uint32_t reprovision_hold;
	bool ports_alarm[LW4O6_NAPT_NSPACES], exhausted[LW4O6_NAPT_NSPACES];
	struct lw4o6_b4_event events[EVENTS_MAX];
	uint32_t ev_first, ev_count;
	struct pending_syn *syns;   /* a ring, oldest first; NULL when the knob is off */
	uint32_t syn_first, syn_count;
	size_t memory;
};

/* A packet under work. It is either in the caller's buffer or in one of ours. */
struct work {
	struct lw4o6_pkt *p;   /* whose verdict this decides; NULL: a held fragment that follows another's */
	enum lw4o6_side side;  /* where it came from: whose drops these are */
	uint8_t *data;         /* the IPv4 packet */
	size_t len, headroom;
	bool in_place;         /* data is in p's buffer and may leave in it */
	int outer_tc;          /* traffic class of the tunnel header, still to be combined; -1: none or done */
	struct lw4o6_ip4 h;
};

/* b4.c */
void b4_event_put(struct lw4o6_b4 *b, const struct lw4o6_b4_event *ev);
bool b4_service(struct lw4o6_b4 *b, lw4o6_time now);

/* b4_emit.c */
void b4_count(struct lw4o6_b4 *b, enum lw4o6_counter c, size_t octets);
void b4_drop(struct lw4o6_b4 *b, const struct work *w, unsigned reason);
uint32_t b4_tunnel_mtu(const struct lw4o6_b4 *b, lw4o6_time now);
void b4_queue(struct lw4o6_b4 *b, enum lw4o6_side side, const uint8_t *data, size_t len);
void b4_send_tunnel(struct lw4o6_b4 *b, struct work *w, lw4o6_time now);
void b4_send_lan(struct lw4o6_b4 *b, struct work *w, bool counted);
void b4_wrap(struct lw4o6_b4 *b, uint8_t *dst, const uint8_t *inner, const struct lw4o6_ip4 *h);
size_t b4_wrap_len(const struct lw4o6_b4 *b);

/* b4_icmp.c */
struct reply4 {
	uint8_t type, code;
	uint16_t mtu;
};
void b4_icmp4_to_lan(struct lw4o6_b4 *b, const struct work *offender, struct reply4 r, lw4o6_time now);
void b4_icmp4_to_tunnel(struct lw4o6_b4 *b, const struct work *offender, struct reply4 r, lw4o6_time now);
bool b4_icmp4_allowed(struct lw4o6_b4 *b, const uint8_t *pkt, const struct lw4o6_ip4 *h, size_t have, struct reply4 r,
                      lw4o6_time now);
void b4_icmp4_sent(struct lw4o6_b4 *b, struct reply4 r, size_t len);
void b4_icmp6(struct lw4o6_b4 *b, const struct lw4o6_ip6 *outer, const uint8_t *pkt, uint8_t type, uint8_t code,
              uint32_t param, lw4o6_time now);

/* b4_lan.c */
void b4_lan_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, lw4o6_time now);

/* b4_tunnel.c */
void b4_tunnel_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, lw4o6_time now);

/* b4_icmp6.c */
void b4_icmp6_packet(struct lw4o6_b4 *b, struct lw4o6_pkt *p, const struct lw4o6_ip6 *outer, size_t off,
                     lw4o6_time now);

/* b4_path.c: from the port to the wire, whole packets and fragments alike. */
enum path_kind { PATH_OUT, PATH_HAIRPIN, PATH_IN };
struct path {
	enum path_kind kind;
	bool new_id;
	uint16_t id;
	struct lw4o6_napt_xlat x;
};
bool b4_decrements_out(const struct lw4o6_b4 *b, const struct work *w);
bool b4_path_find(struct lw4o6_b4 *b, struct work *w, struct path *path, lw4o6_time now);
void b4_path_take(struct lw4o6_b4 *b, struct work *w, const struct path *path, lw4o6_time now);

/* b4_frag.c */
void b4_fragment(struct lw4o6_b4 *b, struct work *w, lw4o6_time now);
void b4_frag_tick(struct lw4o6_b4 *b, lw4o6_time now);

/* b4_syn.c */
void b4_syn_refused(struct lw4o6_b4 *b, const struct work *w, lw4o6_time now);
void b4_syn_sent(struct lw4o6_b4 *b, const struct lw4o6_ip4 *h, const struct lw4o6_napt_xlat *x);
void b4_syn_tick(struct lw4o6_b4 *b, lw4o6_time now);
void b4_syn_clear(struct lw4o6_b4 *b);
lw4o6_time b4_syn_expiry(const struct lw4o6_b4 *b);

#endif
