/* The lease store: an append-only journal in the state directory (S-101, S-150). */
#ifndef SERVER_JOURNAL_H
#define SERVER_JOURNAL_H

#include "record.h"

#include <talloc.h>

struct journal;

/** What reading a journal found. */
struct journal_stats {
	uint64_t records, damaged; /**< whole ones; octets that were none, a torn end included */
	uint64_t length;           /**< octets up to the end of the last whole record */
};

/**
 * Read a journal, the oldest record first. Never changes the file, so it may be done beside a running server.
 * @param fn returns 0, or non-zero to stop
 * @return 0; -ENOENT: no such file; -EPROTO: not a journal, or of a newer version; another -errno. *reason says why, in static storage.
 */
int journal_read(const char *dir, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
                 struct journal_stats *stats, const char **reason);

struct journal_view;
/**
 * The same in several passes over one file, whatever becomes of its name meanwhile. Free it with talloc_free().
 * @return as journal_read()
 */
int journal_view(struct journal_view **out, TALLOC_CTX *mem, const char *dir, const char **reason);
/**
 * One pass. What is appended after the first pass is not seen by later ones.
 * @param stats  set by the pass; inside of fn, its length is the end of the record: the same in each pass
 * @return 0; -ECANCELED: stopped by fn
 */
int journal_each(struct journal_view *v, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
                 struct journal_stats *stats);

/** Gives the leases that a new file begins with: 1 with *l filled, 0 at the end. Called until it says 0. */
typedef int journal_source(void *arg, uint32_t *cursor, struct lw4o6_lease *l);

/**
 * Begin a new journal with what @p source gives, and put it in place of the old one: what was damaged or
 * outdated is gone, and nothing is ever appended behind a torn record.
 * @param max  octets after which journal_compact() begins
 * @return NULL with *reason set; the old journal is as it was.
 */
struct journal *journal_open(TALLOC_CTX *mem, const char *dir, uint64_t max, journal_source *source, void *arg,
                             const char **reason);

enum { BATCH_MAX = 512 };
/** Add a record to the batch; more than BATCH_MAX make its flush fail. */
void journal_add(struct journal *j, const struct lw4o6_lease *l);
/**
 * Write the batch and flush it to stable storage.
 * @return 0, or -errno: nothing of the batch may be relied on. Later batches are refused as well until a whole
 * new file could be written, which is tried again after a while.
 */
int journal_flush(struct journal *j, lw4o6_time now);
/** Do a little of a compaction when the journal has grown; call once a turn, with no batch open. */
void journal_compact(struct journal *j);
/** Is a compaction under way, so that journal_compact() should be called soon? */
bool journal_busy(const struct journal *j);
/** Octets in use. */
uint64_t journal_length(const struct journal *j);

#endif
