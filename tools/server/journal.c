#include "config.h"

#include "journal.h"

#include "logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "leases"
#define NEW_NAME "leases.new"

enum {
	ZEROED = 1 << 20,        /* octets zeroed ahead, so that a flush writes no metadata */
	COMPACT_PER_TURN = 2048, /* records */
	COMPACT_FLUSH = 8 << 20,
	RETRY_S = 1,
};

/* A file being appended to. */
struct log_file {
	int fd;
	uint64_t length, zeroed; /* end of the last record; end of the zeros behind it */
	uint64_t salt;
};

struct journal {
	char *dir;
	int dirfd;
	uint64_t max, live; /* live: length after the last compaction */
	struct log_file file, next;
	bool compacting, broken;
	lw4o6_time retry;
	uint32_t cursor;
	uint64_t unflushed;
	journal_source *source;
	void *arg;
	struct lw4o6_lease *batch;
	size_t batch_n;
	uint8_t *octets; /* a batch encoded */
};

/* ---- reading ---- */

/* The next whole record at or after *at, in steps of eight; *at moves there. @return its length; 0: none. */
static size_t find_record(const uint8_t *p, uint64_t len, uint64_t salt, uint64_t *at, struct lw4o6_lease *l)
{
	for (; *at + RECORD_HEADER <= len; *at += 8) {
		size_t n = record_decode(l, salt, p + *at, (size_t)(len - *at));

		if (n > 0)
			return n;
	}
	return 0;
}

/*
 * Behind the last record are zeros, or a torn record. What is damaged before others, as by a lost page, is
 * skipped: records that were acknowledged may follow.
 */
static int read_records(const uint8_t *p, uint64_t len, uint64_t salt, int (*fn)(void *arg, const struct lw4o6_lease *l),
                        void *arg, struct journal_stats *stats)
{
	uint64_t at = stats->length = JOURNAL_HEADER;
	struct lw4o6_lease l;
	size_t n;

	while ((n = find_record(p, len, salt, &at, &l)) > 0) {
		stats->damaged += at - stats->length;
		stats->records++;
		at += n;
		stats->length = at;
		if (l.state != 0 && fn(arg, &l) != 0)
			return -ECANCELED;
	}
	while (len > stats->length && p[len - 1] == 0)
		len--;
	stats->damaged += len - stats->length;
	return 0;
}

struct journal_view {
	uint8_t *p;
	size_t mapped;
	uint64_t len, salt; /* len: what the first pass found, so that every pass sees the same */
};

static int view_free(struct journal_view *v)
{
	if (v->p)
		munmap(v->p, v->mapped);
	return 0;
}

static int view_map(struct journal_view *v, const char *dir, const char **reason)
{
	char path[4096];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" NAME, dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_size == 0) {
		close(fd);
		*reason = "is empty";
		return -EPROTO;
	}

	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	int r = p == MAP_FAILED ? -errno : 0;

	close(fd);
	if (r < 0)
		return r;
	v->p = p;
	v->len = v->mapped = (size_t)st.st_size;
	return 0;
}

int journal_view(struct journal_view **out, TALLOC_CTX *mem, const char *dir, const char **reason)
{
	struct journal_view *v = talloc_zero(mem, struct journal_view);
	uint32_t version;
	int r;

	*reason = "out of memory";
	if (!v)
		return -ENOMEM;
	talloc_set_destructor(v, view_free);
	*reason = "cannot be read";
	r = view_map(v, dir, reason);
	if (r == 0) {
		int header = journal_header_decode(v->p, v->mapped, &version, &v->salt);

		if (header != 0) {
			*reason = header == 1 ? "was written by a newer version" : "is not a lease store";
			r = -EPROTO;
		}
	}
	if (r < 0) {
		talloc_free(v);
		return r;
	}
	*out = v;
	return 0;
}

int journal_each(struct journal_view *v, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
                 struct journal_stats *stats)
{
	int r;

	*stats = (struct journal_stats){ 0 };
	r = read_records(v->p, v->len, v->salt, fn, arg, stats);
	v->len = v->len > stats->length ? stats->length : v->len;
	return r;
}

int journal_read(const char *dir, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
                 struct journal_stats *stats, const char **reason)
{
	struct journal_view *v;
	int r;

	*stats = (struct journal_stats){ 0 };
	r = journal_view(&v, NULL, dir, reason);
	if (r < 0)
		return r;
	r = journal_each(v, fn, arg, stats);
	talloc_free(v);
	return r;
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *p, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Zeros up to at least @p end. */
static int extend(struct log_file *f, uint64_t end)
{
	static const uint8_t zeros[65536];

	while (f->zeroed < end) {
		uint64_t target = f->zeroed + ZEROED;

		for (; f->zeroed < target; f->zeroed += sizeof(zeros)) {
			int r = write_all(f->fd, zeros, sizeof(zeros), f->zeroed);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int append(struct log_file *f, const uint8_t *p, size_t len)
{
	int r = extend(f, f->length + len);

	if (r == 0)
		r = write_all(f->fd, p, len, f->length);
	if (r == 0)
		f->length += len;
	return r;
}

static int begin_file(struct journal *j, struct log_file *f)
{
	uint8_t header[JOURNAL_HEADER];

	*f = (struct log_file){ .fd = openat(j->dirfd, NEW_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640) };
	if (f->fd < 0 || getrandom(&f->salt, sizeof(f->salt), 0) != (ssize_t)sizeof(f->salt))
		return -errno;
	journal_header_encode(header, f->salt);
	return append(f, header, sizeof(header));
}

static void drop_file(struct journal *j, struct log_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	unlinkat(j->dirfd, NEW_NAME, 0);
	f->fd = -1;
}

/* The new file is whole: make it the journal. */
static int put_in_place(struct journal *j, struct log_file *f)
{
	if (fsync(f->fd) < 0 || renameat(j->dirfd, NEW_NAME, j->dirfd, NAME) < 0)
		return -errno;
	if (j->file.fd >= 0)
		close(j->file.fd);
	j->file = *f;
	j->live = f->length;
	f->fd = -1;
	if (fsync(j->dirfd) < 0) {
		/* The name may still lead to the old file after a crash: what is appended here proves nothing. */
		j->broken = true;
		return -errno;
	}
	return 0;
}

/* Up to n records of the source. @return 1: more; 0: that was all; -errno. */
static int copy_some(struct journal *j, struct log_file *f, unsigned n)
{
	struct lw4o6_lease l;
	uint8_t buf[64 * 1024];
	size_t used = 0;
	int r = 0, more = 1;

	while (n-- > 0 && r == 0 && (more = j->source(j->arg, &j->cursor, &l)) == 1) {
		used += record_encode(buf + used, f->salt, &l);
		if (used > sizeof(buf) - RECORD_MAX) {
			r = append(f, buf, used);
			used = 0;
		}
	}
	if (r == 0 && used > 0)
		r = append(f, buf, used);
	return r < 0 ? r : more;
}

static int rewrite(struct journal *j)
{
	struct log_file f;
	int r = begin_file(j, &f);

	j->cursor = 0;
	while (r == 0) {
		r = copy_some(j, &f, COMPACT_PER_TURN);
		if (r == 0) {
			r = put_in_place(j, &f);
			break;
		}
		if (r == 1)
			r = 0;
	}
	if (r < 0)
		drop_file(j, &f);
	return r;
}

static int journal_free(struct journal *j)
{
	drop_file(j, &j->next);
	if (j->file.fd >= 0)
		close(j->file.fd);
	if (j->dirfd >= 0)
		close(j->dirfd);
	return 0;
}

struct journal *journal_open(TALLOC_CTX *mem, const char *dir, uint64_t max, journal_source *source, void *arg,
                             const char **reason)
{
	struct journal *j = talloc_zero(mem, struct journal);
	int r;

	*reason = "out of memory";
	if (!j)
		return NULL;
	j->file.fd = j->next.fd = j->dirfd = -1;
	talloc_set_destructor(j, journal_free);
	j->max = max;
	j->source = source;
	j->arg = arg;
	j->dir = talloc_strdup(j, dir);
	j->batch = talloc_array(j, struct lw4o6_lease, BATCH_MAX);
	j->octets = talloc_array(j, uint8_t, BATCH_MAX * RECORD_MAX);
	j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = j->dirfd < 0 ? -errno : rewrite(j);
	if (!j->dir || !j->batch || !j->octets || r < 0) {
		if (r < 0)
			*reason = strerror(-r);
		talloc_free(j);
		return NULL;
	}
	return j;
}

void journal_add(struct journal *j, const struct lw4o6_lease *l)
{
	if (j->batch_n < BATCH_MAX)
		j->batch[j->batch_n] = *l;
	j->batch_n++;
}

static int write_batch(struct journal *j, struct log_file *f)
{
	size_t n = 0;

	if (j->batch_n > BATCH_MAX)
		return -ENOBUFS;
	for (size_t i = 0; i < j->batch_n; i++)
		n += record_encode(j->octets + n, f->salt, &j->batch[i]);
	return append(f, j->octets, n);
}

static void give_up_compacting(struct journal *j)
{
	drop_file(j, &j->next);
	j->compacting = false;
}

/*
 * After a failed flush the kernel may have thrown the data away and forgotten about it, so a second
 * flush of the same file proves nothing: only a new file will do.
 */
static int mend(struct journal *j, lw4o6_time now)
{
	if (now < j->retry)
		return -EIO;
	j->retry = now + RETRY_S * LW4O6_SEC;
	give_up_compacting(j);

	int r = rewrite(j);

	if (r < 0)
		return r;
	j->broken = false;
	log_warning("store-works", "%s: the lease store works again", j->dir);
	return 0;
}

int journal_flush(struct journal *j, lw4o6_time now)
{
	int r = 0;

	if (j->broken)
		r = mend(j, now);
	if (r == 0)
		r = write_batch(j, &j->file);
	if (r == 0 && fdatasync(j->file.fd) < 0)
		r = -errno;
	if (r == 0 && j->compacting && write_batch(j, &j->next) < 0)
		give_up_compacting(j);
	j->batch_n = 0;
	if (r < 0 && !j->broken) {
		j->broken = true;
		j->retry = now + RETRY_S * LW4O6_SEC;
		log_error("store-failed", "%s: %s; no lease is given or changed until this is mended", j->dir, strerror(-r));
	}
	return r;
}

void journal_compact(struct journal *j)
{
	int r;

	if (j->broken || (!j->compacting && j->file.length < (j->max > 2 * j->live ? j->max : 2 * j->live)))
		return;
	if (!j->compacting) {
		j->cursor = 0;
		j->unflushed = 0;
		r = begin_file(j, &j->next);
		j->compacting = true;
	} else {
		uint64_t before = j->next.length;

		r = copy_some(j, &j->next, COMPACT_PER_TURN);
		j->unflushed += j->next.length - before;
		if (r == 0)
			r = put_in_place(j, &j->next) < 0 ? -errno : 2;
		else if (r == 1 && j->unflushed > COMPACT_FLUSH) {
			j->unflushed = 0;
			r = fdatasync(j->next.fd) < 0 ? -errno : 1;
		}
	}
	if (r == 2) {
		j->compacting = false;
		log_info("store-compacted", "%s: %llu octets", j->dir, (unsigned long long)j->file.length);
	} else if (r < 0) {
		log_warning("store-not-compacted", "%s: %s", j->dir, strerror(-r));
		give_up_compacting(j);
		j->live = j->file.length; /* not again at once */
	}
}

uint64_t journal_length(const struct journal *j)
{
	return j->file.length;
}

bool journal_busy(const struct journal *j)
{
	return j->compacting;
}
