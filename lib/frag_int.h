/*
 * What IPv6 reassembly and IPv4 reassembly share: contexts found by a keyed hash, listed by age,
 * counted per group (a source, a softwire), and the octets that their fragments hold, in blocks.
 * All memory is taken at creation (D-044, D-166, D-184).
 */
#ifndef LW4O6_FRAG_INT_H
#define LW4O6_FRAG_INT_H

#include <lw4o6/frag.h>

#define FRAG_NONE UINT32_MAX

enum {
	FRAG_KEY = 40,         /* longest key, octets */
	FRAG_BLOCK = 256,
	FRAG_BLOCK_DATA = FRAG_BLOCK - 14,
	FRAG_NOT_DOOMED = LW4O6_CNT_COUNT,
};

/** A piece of held octets. All but @c next is for the first block of a fragment. */
struct frag_block {
	uint32_t next;
	uint32_t stored;  /* octets in the chain */
	uint32_t counted; /* layer 3 octets of the fragment as it was received */
	uint16_t skip;    /* octets of headers in front of the payload */
	uint8_t data[FRAG_BLOCK_DATA];
};

/** A fragment that was seen; those of a context are sorted by offset and never overlap. */
struct frag_piece {
	uint16_t off, len; /* octets of the payload */
	uint32_t block;    /* FRAG_NONE: it has passed, nothing is held */
};

/* Lists by age: of all contexts, and of those of a group. */
struct frag_list {
	uint32_t oldest, newest;
};

struct frag_link {
	uint32_t older, newer;
};

/* A context is in at most one group of each slot. */
enum { FRAG_TO, FRAG_FROM, FRAG_SLOTS, FRAG_LIST_ALL = FRAG_SLOTS, FRAG_LISTS };

struct frag_ctx {
	uint8_t key[FRAG_KEY];
	uint64_t serial;   /* unique; grows with every new context */
	lw4o6_time due;
	uint64_t mark;     /* of the first fragment. IPv4 virtual: hash of its front; IPv6: offset of Next Header */
	uint32_t hash_next;
	struct frag_link link[FRAG_LISTS];
	uint32_t group[FRAG_SLOTS];
	uint32_t npieces, nheld, blocks;
	uint32_t have, end; /* octets seen; where the datagram ends */
	uint16_t doomed;    /* FRAG_NOT_DOOMED, or the counter of every fragment that still comes */
	uint8_t ecn;        /* bit n: ECN value n was seen */
	bool end_known;
	bool allowed;       /* IPv4 virtual: the first fragment has passed */
	uint8_t side;       /* enum lw4o6_side */
};

struct frag_group_key {
	uint8_t id[16];
	uint64_t kind;
};

struct frag_group {
	struct frag_group_key key;
	uint32_t hash_next, slot;
	struct frag_list list;
	uint32_t contexts;
	uint32_t blocks, pos[2]; /* held, and places in the heaps; only of slot FRAG_FROM */
};

enum { FRAG_HEAP_CONTEXTS, FRAG_HEAP_BLOCKS };

struct frag_config {
	uint32_t contexts, pieces, alarm_percent;
	size_t memory, max_packet, key_len;
	const uint64_t *hash_key;
	struct lw4o6_counters *counters;
	bool ipv4;
	lw4o6_time timeout;
	unsigned quota_global; /* counter of a global eviction */
};

struct frag_table {
	struct lw4o6_counters *counters;
	uint64_t hash_key[2], serial;
	size_t key_len;
	lw4o6_time timeout;
	unsigned quota_global;
	bool ipv4;

	struct frag_ctx *ctx;
	struct frag_piece *piece; /* @c pieces of them for each context */
	uint32_t contexts, pieces, used, free_ctx;
	uint32_t *bucket, mask;
	struct frag_list all;

	struct frag_group *group;
	uint32_t free_group;
	uint32_t *group_bucket, group_mask;
	uint32_t *heap[2], nheap; /* the heaviest source first */

	struct frag_block *block;
	uint32_t blocks, used_blocks, free_block;

	uint8_t *out; /* one whole packet, behind LW4O6_FRAG_HEADROOM octets */
	uint32_t alarm_percent;
	bool above, alarm;
};

/* frag_table.c */
int frag_table_init(struct frag_table *t, TALLOC_CTX *mem, const struct frag_config *cfg);
/** Add 1 packet to a reason and to the sums it belongs to (data-plane section 5.1). */
void frag_count_drop(struct frag_table *t, unsigned reason, unsigned side, size_t octets);
uint32_t frag_find(const struct frag_table *t, const uint8_t *key);
/** A new context, evicting if need be. @p now starts its timeout. */
uint32_t frag_new(struct frag_table *t, const uint8_t *key, unsigned side, lw4o6_time now);
/** When a group has @p limit contexts, drop its oldest for @p reason: one more is about to come. */
void frag_limit(struct frag_table *t, unsigned slot, const struct frag_group_key *key, uint32_t limit,
                unsigned reason);
/** Put a context into a group. Every context must be in one of slot FRAG_FROM. */
void frag_join(struct frag_table *t, uint32_t i, unsigned slot, const struct frag_group_key *key);
void frag_leave(struct frag_table *t, uint32_t i, unsigned slot);
uint32_t frag_group_find(const struct frag_table *t, unsigned slot, const struct frag_group_key *key);
/** End a context that holds nothing. */
void frag_forget(struct frag_table *t, uint32_t i);
/** Drop what a context holds for @p reason and forget it. */
void frag_drop(struct frag_table *t, uint32_t i, unsigned reason);
/** Drop what a context holds, and remember its key to drop what still comes. */
void frag_doom(struct frag_table *t, uint32_t i, unsigned reason);
/** A context whose time is over, or FRAG_NONE. */
uint32_t frag_due(const struct frag_table *t, lw4o6_time now);
void frag_flush(struct frag_table *t, unsigned reason);
void frag_flush_group(struct frag_table *t, unsigned slot, const struct frag_group_key *key, unsigned reason);
lw4o6_time frag_expiry(const struct frag_table *t);
void frag_usage(const struct frag_table *t, struct lw4o6_frag_usage *u);
/** Usage has changed: watch the alarm share (D-167). */
void frag_watch(struct frag_table *t);
bool frag_alarm(struct frag_table *t);

/* frag_heap.c: the groups of slot FRAG_FROM, heaviest first */
void frag_heap_add(struct frag_table *t, uint32_t g);
void frag_heap_remove(struct frag_table *t, uint32_t g);
/** The weight or the oldest context of a group has changed. */
void frag_heap_update(struct frag_table *t, uint32_t g);

/* frag_hold.c */
enum frag_fit {
	FRAG_FIT_NEW,
	FRAG_FIT_SAME,     /* exactly one that was seen, the same octets if that one is held */
	FRAG_FIT_OVERLAP,
};
static inline struct frag_piece *frag_pieces(const struct frag_table *t, uint32_t i)
{
	return t->piece + (size_t)i * t->pieces;
}
/** How does a fragment fit between those that were seen? @p at: its place, or that of its like. */
enum frag_fit frag_fit(const struct frag_table *t, uint32_t i, const uint8_t *payload, uint32_t off, uint32_t len,
                       bool more, uint32_t *at);
/** Note a fragment as seen; t->pieces must have room. */
void frag_note(struct frag_table *t, uint32_t i, uint32_t at, uint32_t off, uint32_t len, bool more,
               uint32_t block);
/**
 * Copy a fragment, evicting if need be. @return its first block; FRAG_NONE: no room, and the
 * context may be gone.
 */
uint32_t frag_hold(struct frag_table *t, uint32_t i, const uint8_t *pkt, size_t skip, size_t len, size_t counted);
/** Copy octets [from, from + len) of a held fragment. */
void frag_copy(const struct frag_table *t, uint32_t block, size_t from, size_t len, uint8_t *dst);
/** Give back what a piece holds, uncounted; the piece stays as one that has passed. */
void frag_release(struct frag_table *t, uint32_t i, struct frag_piece *p);
/** All octets up to a known end have been seen. */
static inline bool frag_is_complete(const struct frag_ctx *c)
{
	return c->end_known && c->have == c->end;
}
/**
 * Write the headers of the first fragment (@p skip of it) and all payloads to t->out; nothing is
 * released. @return octets; all pieces are held and fit.
 */
size_t frag_join_payloads(const struct frag_table *t, uint32_t i, size_t skip);
/** ECN of the whole from the values seen (D-159, D-183); -1: a forbidden mix. */
int frag_ecn(unsigned seen);

#endif
