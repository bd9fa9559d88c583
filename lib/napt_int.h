/* What the parts of the translator share. Index 0 of each table means "none". */
#ifndef LW4O6_NAPT_INT_H
#define LW4O6_NAPT_INT_H

#include "bucket.h"
#include "siphash.h"

#include <lw4o6/frag.h>
#include <lw4o6/icmp.h>
#include <lw4o6/napt.h>

enum {
	NPORTS = 65536,
	CHAIN_MAX = 48,     /* longest hash chain that takes another entry (D-035) */
	WHEEL_SHIFT = 28,   /* a tick is 2^28 ns, 268 ms */
	WHEEL_SLOTS = 4096,
	ID_SLOTS = 4096,    /* rewritten identifications remembered for D-310 */
	RANDOM_WORDS = 64,
};

/*
 * Free ports of one kind. Positions, not ports: even indexes of the set come first, then the
 * odd ones, so that a parity is one half and a uniform choice in it is two short scans.
 */
struct pool {
	uint64_t bit[NPORTS / 64];
	uint16_t group[32]; /* set bits of each 32 words */
	uint32_t half[2];
};

enum mapping_kind { MAPPING_FREE, MAPPING_LIVE, MAPPING_QUARANTINE };

struct mapping {
	struct in_addr addr;   /* internal endpoint */
	uint16_t iport, eport; /* host order */
	uint8_t space, kind;
	bool forward;
	bool spoke_tcp, spoke_udp; /* with joint: the internal endpoint has used the protocol (D-279) */
	uint32_t sessions;
	uint32_t hash_next;
	uint32_t prev, next;   /* quarantine, oldest first; or free list (next) */
	lw4o6_time until;      /* of the quarantine */
};

/* Which end sent the packet that opened a session. */
enum dir { DIR_OUT, DIR_IN };

struct session {
	struct in_addr addr, remote;
	uint16_t iport, eport, rport;
	uint8_t proto, state;
	lw4o6_time deadline;
	uint32_t mapping;
	uint32_t hash_next;
	uint32_t peer_next;          /* chain of sessions with distinct (endpoint, remote address); first of each only */
	uint32_t sib_next, sib_prev; /* ring of those that share them */
	uint32_t wheel_next, wheel_prev;
	uint16_t slot;               /* of the wheel */
	bool used, peer_first;
	bool by_remote;              /* opened from outside */
};

/* What TCP told about its windows; [DIR_OUT] is what the internal end sent (D-292). */
struct tcp_track {
	uint32_t end[2], ack[2];
	uint16_t win[2];
	uint8_t scale[2];
	uint8_t seen; /* bit per direction: end valid (1, 2), ack valid (4, 8), scale offered (16, 32) */
};

struct host_entry {
	struct in_addr addr;
	uint32_t ports[LW4O6_NAPT_NSPACES], sessions;
	uint32_t next;
	struct bucket rate;
};

struct id_entry {
	struct in_addr dst;
	uint16_t old_id, new_id;
	uint8_t proto;
	lw4o6_time until;
};

/* Key of a session. */
struct flow {
	struct in_addr addr, remote;
	uint16_t iport, rport;
	uint8_t proto;
};

struct lw4o6_napt {
	struct lw4o6_napt_config cfg; /* effective values */
	struct lw4o6_host host;
	struct lw4o6_counters *cnt;
	bool have_pool;
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	uint32_t nports;
	uint64_t key[2];

	struct pool fresh[LW4O6_NAPT_NSPACES], stale[LW4O6_NAPT_NSPACES];
	uint32_t *ext[LW4O6_NAPT_NSPACES]; /* external port -> mapping */
	uint32_t in_use[LW4O6_NAPT_NSPACES], live[LW4O6_NAPT_NSPACES];

	struct mapping *maps;
	uint32_t maps_max, maps_free, maps_top;
	uint32_t quarantine_first, quarantine_last;
	uint32_t *map_hash;
	uint32_t map_mask;

	struct session *sess;
	struct tcp_track *tcp;
	uint32_t sess_free, sess_top, sess_count, by_remote;
	uint32_t *sess_hash, *peer_hash;
	uint32_t sess_mask;
	uint32_t chain_max;

	uint32_t wheel[WHEEL_SLOTS];
	uint64_t wheel_busy[WHEEL_SLOTS / 64];
	uint64_t wheel_pos; /* the next tick to look at */

	struct lw4o6_napt_forward *forwards;
	uint32_t n_forwards;

	struct host_entry *hosts; /* NULL without limits */
	uint32_t *host_hash;
	uint32_t host_free, host_mask, host_hand;

	struct lw4o6_frag4_ident ident;
	struct id_entry *ids;

	struct {
		struct flow f;
		uint32_t hash;
	} memo[LW4O6_NAPT_BURST]; /* what lw4o6_napt_warm() has computed, in the order of the packets */
	unsigned memo_next, memo_count;

	uint32_t random[RANDOM_WORDS], random_left;
	size_t memory;
};

/* @tag keeps the uses of the hash apart. */
enum { TAG_MAPPING = 0x100, TAG_PEER = 0x200, TAG_HOST = 0x300 };
static inline uint32_t napt_hash(const struct lw4o6_napt *n, struct in_addr addr, struct in_addr remote,
                                 uint16_t iport, uint16_t rport, unsigned tag)
{
	uint64_t k[2] = {
		(uint64_t)addr.s_addr << 32 | remote.s_addr,
		(uint64_t)iport << 48 | (uint64_t)rport << 32 | tag,
	};

	return (uint32_t)siphash(n->key, k, sizeof(k));
}

/* napt_ports.c */
uint32_t napt_random_below(struct lw4o6_napt *n, uint32_t limit);
bool napt_port_reserved(const struct lw4o6_napt *n, unsigned space, uint16_t port);
void napt_pools_fill(struct lw4o6_napt *n);
int napt_port_choose(struct lw4o6_napt *n, unsigned space, uint16_t iport);
void napt_pool_set(struct lw4o6_napt *n, struct pool *p, uint16_t port, bool on);
bool napt_pool_has(const struct lw4o6_napt *n, const struct pool *p, uint16_t port);

/* napt_timer.c */
void napt_wheel_insert(struct lw4o6_napt *n, uint32_t i);
void napt_wheel_remove(struct lw4o6_napt *n, uint32_t i);
void napt_set_deadline(struct lw4o6_napt *n, uint32_t i, lw4o6_time deadline);
bool napt_session_over(struct lw4o6_napt *n, uint32_t i, lw4o6_time now);

/* napt_table.c */
uint32_t napt_mapping_find(const struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport);
uint32_t napt_mapping_at(const struct lw4o6_napt *n, unsigned space, uint16_t eport);
uint32_t napt_mapping_make(struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport, uint16_t eport);
void napt_mapping_end(struct lw4o6_napt *n, uint32_t m, lw4o6_time now);
void napt_quarantine_release(struct lw4o6_napt *n, uint32_t m);
void napt_quarantine_age(struct lw4o6_napt *n, lw4o6_time now);
void napt_tables_clear(struct lw4o6_napt *n);

/* napt_session.c */
uint32_t napt_session_find(struct lw4o6_napt *n, const struct flow *f, lw4o6_time now);
bool napt_peer_known(struct lw4o6_napt *n, const struct flow *f, lw4o6_time now);
unsigned napt_session_room(struct lw4o6_napt *n, lw4o6_time now);
uint32_t napt_session_make(struct lw4o6_napt *n, const struct flow *f, uint32_t m, enum dir by, lw4o6_time now,
                           lw4o6_time lifetime);
void napt_session_end(struct lw4o6_napt *n, uint32_t i, lw4o6_time now);

/* napt_tcp.c */
struct tcp_seg {
	uint32_t seq, ack, len; /* len: payload, and one each for SYN and FIN */
	uint16_t win;
	uint8_t flags;
	int scale;              /* window scale option; -1: none */
};
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };
bool napt_tcp_read(struct tcp_seg *t, const uint8_t *l4, size_t len);
void napt_tcp_open(struct lw4o6_napt *n, uint32_t i, const struct tcp_seg *t, enum dir d, lw4o6_time now);
void napt_tcp_step(struct lw4o6_napt *n, uint32_t i, const struct tcp_seg *t, enum dir d, lw4o6_time now);

/* napt_host.c */
int napt_hosts_new(struct lw4o6_napt *n);
void napt_hosts_clear(struct lw4o6_napt *n);
unsigned napt_host_may_map(struct lw4o6_napt *n, unsigned space, struct in_addr addr, lw4o6_time now);
unsigned napt_host_may_session(struct lw4o6_napt *n, struct in_addr addr);
void napt_host_mapping(struct lw4o6_napt *n, unsigned space, struct in_addr addr, bool more);
void napt_host_session(struct lw4o6_napt *n, struct in_addr addr, bool more);

/* napt_forward.c */
uint32_t napt_forwards_apply(struct lw4o6_napt *n);

/* napt_resolve.c */
int napt_space_of(const struct lw4o6_napt *n, uint8_t proto);
unsigned napt_mapping_get(struct lw4o6_napt *n, unsigned space, struct in_addr addr, uint16_t iport, lw4o6_time now,
                          uint32_t *m, bool *made);
bool napt_filter_passes(struct lw4o6_napt *n, const struct flow *f, uint32_t m, lw4o6_time now);
void napt_xlat_same(struct lw4o6_napt_xlat *x, const struct lw4o6_ip4 *h);

/* napt_icmp.c */
unsigned napt_icmp_out(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x);
unsigned napt_icmp_in(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now, struct lw4o6_napt_xlat *x);
unsigned napt_icmp_hairpin(struct lw4o6_napt *n, const struct lw4o6_napt_pkt *p, lw4o6_time now,
                           struct lw4o6_napt_xlat *x);

/* napt_id.c */
int32_t napt_id_restore(const struct lw4o6_napt *n, const struct lw4o6_ip4 *quoted, lw4o6_time now);

#endif
