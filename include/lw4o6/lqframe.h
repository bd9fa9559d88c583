/* Leasequery over TCP, RFC 6926 section 6.1: each DHCPv4 message with its size in front. */
#ifndef LW4O6_LQFRAME_H
#define LW4O6_LQFRAME_H

#include <lw4o6/opt.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_LQFRAME_PORT = 67,
	LW4O6_LQFRAME_HLEN = 2,
	LW4O6_LQFRAME_MIN = 240,   /**< a DHCPv4 message has at least this many octets */
	LW4O6_LQFRAME_MAX = 65535, /**< room that holds every message */
};

/** A stream being cut into messages. */
struct lw4o6_lqframe {
	uint8_t *buf;
	size_t room;   /**< octets; a longer message is an error */
	size_t have;   /**< octets of the frame so far, its size field included */
	uint16_t size; /**< of the message, once two octets are there */
	int err;
};

/** @param buf the caller's; used for messages that do not come in one piece. */
LW4O6_API void lw4o6_lqframe_init(struct lw4o6_lqframe *f, uint8_t *buf, size_t room);

/**
 * Take octets off the front of @p in up to the end of a message (C-057).
 * @return 1: *msg is a message, borrowed from @p in or from the buffer until the next call; call again.
 *         0: all of @p in is taken, more is needed.
 *         LW4O6_EMALF: a size below 240; LW4O6_ESPACE: a size over the room. Close the connection:
 *         the stream cannot be read on, and every later call says the same.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_lqframe_next(struct lw4o6_lqframe *f, struct lw4o6_span *in, struct lw4o6_span *msg);

/** Write a size field; the message is written next, then lw4o6_lqframe_close(). @return the mark for it. */
LW4O6_API size_t lw4o6_lqframe_open(struct lw4o6_wr *w);
/** Set the size. LW4O6_EINVAL in @p w when the message has not 240..65535 octets. */
LW4O6_API void lw4o6_lqframe_close(struct lw4o6_wr *w, size_t mark);

#ifdef __cplusplus
}
#endif
#endif
