/* The state directory: lock, DUID, and the leases that the server starts with. */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "journal.h"

/** Lock the directory against a second server. @return descriptor to keep, or -errno. */
int state_lock(const char *dir);
/** The server's DUID: read, or made and stored (S-020). @return its length, or -errno. */
int state_duid(const char *dir, uint8_t duid[LW4O6_DUID_MAX]);

struct state;
/**
 * Give the stored leases back to @p s (S-150) and begin a new journal. Leases outside of the pools are kept
 * in the journal until they end, so that a pool missing by mistake loses nothing.
 * @return NULL: why is in the log.
 */
struct state *state_open(TALLOC_CTX *mem, const char *dir, uint64_t journal_max, struct lw4o6_server *s, uint64_t wall);
struct journal *state_journal(struct state *st);

/** Call @p fn with the last record of each key, leases and quarantines in force first. @return as journal_read(). */
int state_each(TALLOC_CTX *mem, const char *dir, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
               struct journal_stats *stats, const char **reason);

#endif
