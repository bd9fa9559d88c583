/* The binding table shared with the AFTR: a file that both map (Y-010). */
#ifndef SERVER_FEED_H
#define SERVER_FEED_H

#include "settings.h"

struct feed;

/** Owners of table entries. Entries of others are left alone (Y-007). */
enum { FEED_LEASE = 1, FEED_STATIC = 2 };

/**
 * Open the table, make it when it is not there or of another size or version, and bring it equal to the
 * leases and deterministic bindings without removing what stays valid (Y-008).
 * @return NULL: why is in the log.
 */
struct feed *feed_open(TALLOC_CTX *mem, const struct settings *set, const struct lw4o6_server *s, lw4o6_time now);
/** Do what an event says. @return true, or false: the table refused it (Y-011). */
bool feed_apply(struct feed *f, const struct lw4o6_server_event *ev, lw4o6_time now);
/** Remove what has run out; bounded work a call. */
void feed_reap(struct feed *f, lw4o6_time now);
uint32_t feed_count(const struct feed *f);

#endif
