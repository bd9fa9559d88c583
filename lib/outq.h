/* The output queue of a data path: packets of any size in one ring, in the order they were put. */
#ifndef LW4O6_OUTQ_H
#define LW4O6_OUTQ_H

#include <lw4o6/pkt.h>
#include <talloc.h>

struct outq {
	uint8_t *ring;
	size_t size; /* octets of ring, a multiple of 8 */
	size_t head; /* where the next packet is put */
	size_t tail; /* where the next packet is taken */
	size_t used; /* octets between tail and head, records and padding included */
};

/** Allocate the ring. @return LW4O6_OK or LW4O6_ENOMEM. */
int outq_init(struct outq *q, TALLOC_CTX *mem, size_t size);
/** Room for one packet of up to @p len octets, contiguous; NULL when the ring is too full. Nothing is queued until outq_commit(). */
uint8_t *outq_reserve(struct outq *q, size_t len);
/** Queue the packet written to the last reservation; @p len <= what was reserved. */
void outq_commit(struct outq *q, enum lw4o6_side side, size_t len);
/** Take the oldest packet. @return false when empty. The data stays valid until the next reserve. */
bool outq_next(struct outq *q, struct lw4o6_out *out);
/** Is there room for @p len octets of packets, however they are cut (at most @p n of them)? */
bool outq_has_room(const struct outq *q, size_t len, unsigned n);

#endif
