/* Packets as the two data paths (aftr.h, b4.h) take and give them. */
#ifndef LW4O6_PKT_H
#define LW4O6_PKT_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which interface of a data path a packet belongs to. */
enum lw4o6_side {
	LW4O6_SIDE_IPV4, /**< AFTR: the Internet; B4: the LAN */
	LW4O6_SIDE_IPV6, /**< the tunnel */
};

/** What became of a packet; exactly one of these for each packet given (D-041). */
enum lw4o6_verdict {
	LW4O6_VERDICT_EMIT4, /**< send data/len, changed in place, on the IPv4 side */
	LW4O6_VERDICT_EMIT6, /**< send data/len, changed in place, on the IPv6 side */
	LW4O6_VERDICT_OUTQ,  /**< replaced by packets in the output queue (fragments, copies, answers) */
	LW4O6_VERDICT_HELD,  /**< kept for reassembly; the buffer is free again */
	LW4O6_VERDICT_LOCAL, /**< for this node's own stack */
	LW4O6_VERDICT_DROP,  /**< dropped; @c reason is the counter that says why. It may have caused an ICMP error in the queue */
};

/**
 * A layer 3 packet in the caller's buffer, which holds @c headroom octets before @c data and
 * @c tailroom behind data + len. With headroom of 48 nothing is copied (D-042); less always works.
 */
struct lw4o6_pkt {
	uint8_t *data;
	size_t len;
	size_t headroom, tailroom;
	enum lw4o6_verdict verdict; /**< out */
	unsigned reason;            /**< out, for DROP: enum lw4o6_counter */
};

/** A packet from a data path's output queue; borrowed until the next call into that data path. */
struct lw4o6_out {
	enum lw4o6_side side;
	const uint8_t *data;
	size_t len;
};

#ifdef __cplusplus
}
#endif
#endif
