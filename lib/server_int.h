/* What the files of the server machine share. */
#ifndef LW4O6_SERVER_INT_H
#define LW4O6_SERVER_INT_H

#include "bucket.h"
#include "mem.h"

#include <lw4o6/server.h>
#include <lw4o6/v4o6.h>
#include <string.h>

enum {
	NONE = UINT32_MAX,      /* no record, no position */
	NO_POOL = UINT16_MAX,   /* pool of a lease from before the pools were changed */
	CHUNK_SHIFT = 10,       /* records are allocated 1024 at a time and never move */
	ANSWER_ROOM = 4096,     /* octets of an answer without relay headers, at most */
	REPLY_ROOM = 12288,     /* with them */
	KEY_ID_MAX = 235,       /* longest Interface-Id that a record always holds */
	UDP_LIMIT = 1232,       /* S-046 */
	EXPIRE_PER_CALL = 64,
	BUCKETS = 4096,
};

/* Never stored or sent: a tuple on offer to a client that has no record with it. */
#define STATE_HELD 0

/* ---- a set of numbers that yields its i-th member (server_pick.c) ---- */

enum { PICK_LEVELS = 5 };
struct pickset {
	uint64_t *bits;
	uint32_t *sum[PICK_LEVELS]; /* sum[l][i]: members among 64^(l+2) numbers from i * 64^(l+2) */
	unsigned levels;
	uint32_t n, count;
};
int pick_init(struct pickset *p, TALLOC_CTX *mem, uint32_t n);
void pick_fill(struct pickset *p);
bool pick_has(const struct pickset *p, uint32_t i);
void pick_add(struct pickset *p, uint32_t i);
void pick_remove(struct pickset *p, uint32_t i);
/* How many members are less than i. */
uint32_t pick_rank(const struct pickset *p, uint32_t i);
/* The member with r members before it; r < count. */
uint32_t pick_select(const struct pickset *p, uint32_t r);

/* ---- hash of record numbers (server_index.c) ---- */

enum index_kind { IX_CLIENT, IX_HOLD, IX_TUPLE, IX_SADDR, IX_COUNT };
struct index_slot {
	uint32_t no; /* record number + 1; 0: free */
	uint32_t hash;
};
struct hash_index {
	struct index_slot *slot;
	uint32_t size;  /* power of two */
	uint32_t used;
};

/* ---- records (server_lease.c) ---- */

struct lease {
	struct in6_addr saddr, br, where;
	struct in6_addr subscriber; /* key of the limits; of this process alone */
	uint64_t start, expires, last, since, saddr_changed;
	uint64_t hold;    /* end of an offer; 0: none */
	uint64_t request; /* digest of the last REQUEST that was accepted (S-045) */
	uint8_t *blob;    /* client id, then what relays said */
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	uint32_t tuple;    /* number in its pool */
	uint32_t heap_pos; /* NONE: no timer; of a free record: the next free one */
	uint32_t older, newer; /* neighbours among the former leases; record number + 1, 0: none */
	uint16_t pool;
	uint16_t pending;  /* changes that wait for their commit */
	uint8_t state, client_id_len, relay_len;
	uint8_t htype, hlen, chaddr[16];
	bool by_hardware, fixed, linked;
	bool stale; /* among the former leases that make room */
};

struct prefix_count {
	struct in6_addr prefix;
	uint32_t active; /* 0: free slot */
};

struct blob_free {
	struct blob_free *next;
};
enum { BLOB_STEP = 32, BLOB_CLASSES = 16 };

/* ---- changes under way (server_tx.c) ---- */

struct change {
	uint32_t no;
	bool created;        /* the record is new: undoing frees it */
	bool light;          /* paused, not unlinked */
	struct lease before;
	uint8_t *blob;       /* the record's blob after this change */
	struct lw4o6_server_event ev;
};

struct tx {
	unsigned n, given, committed;
	bool final;   /* not undone whatever becomes of it: time made it, or it undoes another */
	enum { TX_STANDS, TX_FALLS, TX_FELL } fate; /* falls: is being undone with an earlier one that it rests on */
	enum lw4o6_commit result;
	struct change c[2];
};

struct reply {
	uint64_t wait;     /* event that must be committed first; 0: ready */
	bool dead;
	struct sockaddr_in6 from, to;
	unsigned ifindex;
	enum lw4o6_server_counter sent; /* what it counts as */
	size_t len, nak_len; /* the NAK that replaces it stands at data + REPLY_ROOM */
	uint8_t *data;
};

/* ---- the configuration as the machine uses it (server_config.c) ---- */

struct range {
	uint32_t first, last; /* host order */
	uint32_t base;        /* addresses of the pool before this range */
	uint16_t pool;
};

struct pool {
	struct lw4o6_server_pool cfg;
	uint32_t addresses, sets, tuples; /* sets: leasable PSIDs */
	uint16_t *psid;     /* of each set; NULL for whole addresses */
	uint32_t *set_of;   /* of each PSID; NONE: never leased */
	struct pickset free, stale; /* never leased or forgotten; released or expired with a record */
	uint32_t *blocked; /* of each tuple: leases of no pool that overlap it; NULL: none ever */
	uint32_t next;      /* round robin */
};

struct server_link {
	struct lw4o6_server_link cfg;
	unsigned *pools; /* in order of preference */
	unsigned n_pools;
	bool has_full, has_shared;
};

/* A query being worked on; spans borrow from the datagram. */
struct query {
	const struct lw4o6_dgram *in;
	uint64_t t; /* wall clock of this server */
	struct lw4o6_dhcp6_relays relays;
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;
	struct server_link *link;
	struct in6_addr where, peer; /* peer: the client's own address, link-local or not */
	struct in6_addr subscriber;
	struct lw4o6_span id;
	bool by_hardware;
	bool wants_ports; /* option 159 in the PRL */
	bool u;
	uint64_t digest;
	uint8_t hw_id[18];
};

struct lw4o6_server {
	struct lw4o6_server_config cfg;
	struct lw4o6_host host;
	uint64_t wall;      /* wall clock minus monotonic clock at creation */
	uint64_t key[2];
	uint64_t seed;      /* of the choice of tuples */
	struct server_link *links;
	struct pool *pools;
	struct range *ranges;
	size_t n_ranges;
	uint32_t *fixed_by_id, *fixed_by_tuple;         /* orders of cfg.fixed */
	uint32_t *prebind_by_duid, *prebind_by_prefix;  /* orders of cfg.prebinds */
	size_t n_prebind_duid, n_prebind_prefix;

	struct lease **chunk;
	uint32_t chunks, records, free_record, made, active, max_records;
	uint32_t orphans; /* records of no pool */
	uint32_t oldest, newest; /* former lease; record number + 1, 0: none */
	struct hash_index index[IX_COUNT];
	uint32_t *heap, heap_n, heap_room;
	struct prefix_count *prefix;
	uint32_t prefix_size, prefix_used;
	struct blob_free *blobs[BLOB_CLASSES];
	uint8_t *blob_chunk;
	size_t blob_left;

	struct tx *tx; /* ring */
	uint32_t tx_size, tx_head, tx_n, tx_given; /* tx_given: of these, wholly given out */
	uint64_t next_id;
	struct reply *reply; /* ring */
	uint32_t reply_size, reply_head, reply_n;

	struct bucket *bucket, log_bucket;
	uint64_t counter[LW4O6_SRV_COUNT];
	struct query q;
};

static inline void count(struct lw4o6_server *s, enum lw4o6_server_counter c)
{
	s->counter[c]++;
}

static inline struct lease *lease_at(const struct lw4o6_server *s, uint32_t no)
{
	return &s->chunk[no >> CHUNK_SHIFT][no & ((1u << CHUNK_SHIFT) - 1)];
}

/* server_index.c */
uint64_t hash_client(const struct lw4o6_server *s, bool by_hardware, const uint8_t *id, size_t len);
uint32_t index_client(const struct lw4o6_server *s, enum index_kind kind, bool by_hardware, const uint8_t *id, size_t len);
uint32_t index_tuple(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps);
uint32_t index_saddr(const struct lw4o6_server *s, const struct in6_addr *saddr);
void index_put(struct lw4o6_server *s, enum index_kind kind, uint32_t no);
void index_del(struct lw4o6_server *s, enum index_kind kind, uint32_t no);
/* Room for @p n entries in every index. */
int index_reserve(struct lw4o6_server *s, uint32_t n);
/*
 * Whom the limits count, S-079 and S-154: the prefix around an address. Link-local addresses say nothing of
 * where: then it is this address on this link (NULL: unknown) behind this Interface-Id (p NULL: none).
 */
struct in6_addr subscriber_of(const struct lw4o6_server *s, const struct in6_addr *peer, const struct in6_addr *link,
                              struct lw4o6_span id);
/* Active leases of a subscriber; add changes the number. */
uint32_t prefix_active(const struct lw4o6_server *s, const struct in6_addr *subscriber);
void prefix_add(struct lw4o6_server *s, const struct in6_addr *subscriber, int add);
int prefix_reserve(struct lw4o6_server *s, uint32_t n);
uint64_t prefix_hash(const struct lw4o6_server *s, const struct in6_addr *subscriber);

/* server_lease.c */
/*
 * A record for a free tuple, or the one it has, without links and client. With as many records as allowed the
 * oldest former lease makes room. NONE: no memory, or nothing to make room unless @p surely.
 */
uint32_t lease_take(struct lw4o6_server *s, unsigned pool, uint32_t tuple, bool surely);
/* A record of no pool; what overlaps it is not leased until it is freed. NONE: no memory, or a lease overlaps it. */
uint32_t lease_take_orphan(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, bool *conflict);
/* Forget a record, which must be unlinked. */
void lease_free(struct lw4o6_server *s, uint32_t no);
/* Take a record out of, or put it into, the indexes, sets and timers that fit its state. It is found by its tuple all the time. */
void lease_unlink(struct lw4o6_server *s, uint32_t no);
void lease_link(struct lw4o6_server *s, uint32_t no);
/* The same, when neither state nor source change in between: timer and prefix only. */
void lease_pause(struct lw4o6_server *s, uint32_t no);
void lease_resume(struct lw4o6_server *s, uint32_t no);
/* A change of the record is settled. */
void lease_settle(struct lw4o6_server *s, uint32_t no);
/* Note client and relay data. false: no memory, nothing changed. The old blob stays allocated when keep. */
bool lease_set_client(struct lw4o6_server *s, struct lease *l, const struct query *q, bool keep);
uint8_t *blob_new(struct lw4o6_server *s, size_t len);
void blob_free(struct lw4o6_server *s, uint8_t *blob, size_t len);
static inline size_t blob_len(const struct lease *l)
{
	return (size_t)l->client_id_len + l->relay_len;
}
void lease_export(const struct lease *l, struct lw4o6_lease *out);
/* The record whose time comes first; NONE: none has a time. */
uint32_t timer_first(const struct lw4o6_server *s);
uint64_t timer_of(const struct lease *l);

/* server_pool.c */
struct in_addr pool_addr(const struct lw4o6_server *s, unsigned pool, uint32_t tuple);
struct lw4o6_psid pool_ps(const struct pool *p, uint32_t tuple);
/* The pool and number of a tuple. false: not leasable here. */
bool pool_find(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, unsigned *pool, uint32_t *tuple);
/* The pool of an address, NONE without. */
uint32_t pool_of_addr(const struct lw4o6_server *s, struct in_addr ipv4, uint32_t *address);
bool pool_on_link(const struct server_link *l, unsigned pool);
/* May this client be given a tuple of this pool? */
bool pool_suits(const struct lw4o6_server *s, const struct query *q, unsigned pool);
/* Choose a tuple for a DISCOVER, S-064 (3) and (4). */
bool pool_choose(struct lw4o6_server *s, const struct query *q, unsigned *pool, uint32_t *tuple);
bool pool_fixed_of(const struct lw4o6_server *s, const struct query *q, unsigned *pool, uint32_t *tuple);
bool pool_is_fixed(const struct lw4o6_server *s, unsigned pool, uint32_t tuple);
/* Of nobody, or only remembered: may the client it is fixed for have it? */
bool pool_is_vacant(const struct lw4o6_server *s, unsigned pool, uint32_t tuple);
/* Is a former lease of this client fixed for another by now? */
bool pool_is_barred(const struct lw4o6_server *s, const struct query *q, const struct lease *l);
/* Does a lease of no pool overlap it? */
bool pool_is_blocked(const struct lw4o6_server *s, unsigned pool, uint32_t tuple);
/* Is something in force of a pool in the way of a lease of no pool? */
bool pool_overlaps(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps);
/* Keep what overlaps a lease of no pool out of use, or let it be used again. false: no memory. */
bool pool_block(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps);
void pool_unblock(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps);
/* Free, or only remembered as somebody's former lease. */
bool pool_available(const struct lw4o6_server *s, unsigned pool, uint32_t tuple);

/* server_config.c */
int server_load(struct lw4o6_server *s, const struct lw4o6_server_config *cfg, char *reason);

/* server_tx.c */
bool tx_room(const struct lw4o6_server *s, uint32_t n);
struct tx *tx_begin(struct lw4o6_server *s);
/* Note the record as it is before a change; unlinks it. light: neither state nor source will change. */
struct change *tx_change(struct lw4o6_server *s, struct tx *tx, uint32_t no, bool created, bool light);
/* Link the record again and describe the change. */
void tx_changed(struct lw4o6_server *s, struct change *c, enum lw4o6_server_event_kind kind);
/* The event an answer waits for. */
uint64_t tx_last_id(const struct lw4o6_server *s);
/* The newest change of this record that waits for its commit; 0: none. */
uint64_t tx_of_lease(const struct lw4o6_server *s, uint32_t no);
void lease_end(struct lw4o6_server *s, uint32_t no, uint8_t state, uint64_t t, bool final);

/* server_recv.c */
/* End what has run out by t, at most n of them. */
void server_run_out(struct lw4o6_server *s, uint64_t t, unsigned n);

/* server_info.c */
void server_information(struct lw4o6_server *s, struct query *q);

/* server_query.c */
void server_query(struct lw4o6_server *s, struct query *q);
/* End the offer of a record, if it is on offer. */
void hold_end(struct lw4o6_server *s, uint32_t no);

/* server_request.c */
void server_request(struct lw4o6_server *s, struct query *q);
void server_release(struct lw4o6_server *s, struct query *q);
void server_decline(struct lw4o6_server *s, struct query *q);

/* server_reply.c */
struct reply *reply_open(struct lw4o6_server *s, const struct query *q, struct lw4o6_wr *w, size_t *marks);
void reply_close(struct lw4o6_server *s, const struct query *q, struct reply *r, struct lw4o6_wr *w, const size_t *marks,
                 enum lw4o6_server_counter sent, uint64_t wait);
void reply_nak(struct lw4o6_server *s, const struct query *q, enum lw4o6_server_counter why, const char *text);
void reply_offer(struct lw4o6_server *s, const struct query *q, const struct lease *l, uint32_t lease_s);
void reply_ack(struct lw4o6_server *s, const struct query *q, const struct lease *l, uint64_t wait);
void reply_inform(struct lw4o6_server *s, const struct query *q);
/* An event was committed, or not: what becomes of the answers that wait for one of first..last. */
void reply_release(struct lw4o6_server *s, uint64_t first, uint64_t last, enum lw4o6_commit result);
uint32_t lease_seconds(const struct lw4o6_server *s, const struct query *q);
uint32_t seconds_left(const struct lease *l, uint64_t t);

void server_log(struct lw4o6_server *s, enum lw4o6_log_level level, const char *id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
