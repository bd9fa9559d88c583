#include "config.h"

#include "state.h"

#include "logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

int state_lock(const char *dir)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

/* ---- DUID: type 4, UUID (RFC 6355), as octets in a file ---- */

static int write_new(int dirfd, const char *name, const void *data, size_t len)
{
	char tmp[64];
	int fd, err = 0;

	snprintf(tmp, sizeof(tmp), "%s.new", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (write(fd, data, len) != (ssize_t)len || fsync(fd) < 0)
		err = errno ? errno : EIO;
	close(fd);
	if (err == 0 && (renameat(dirfd, tmp, dirfd, name) < 0 || fsync(dirfd) < 0))
		err = errno;
	return -err;
}

int state_duid(const char *dir, uint8_t duid[LW4O6_DUID_MAX])
{
	static const char name[] = "server-duid";
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	ssize_t n = 0;

	if (dirfd < 0)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, duid, LW4O6_DUID_MAX);
		close(fd);
		close(dirfd);
		return n < LW4O6_DUID_MIN ? -EPROTO : (int)n;
	}
	if (errno != ENOENT) {
		n = -errno;
	} else {
		duid[0] = 0;
		duid[1] = 4;
		if (getrandom(duid + 2, 16, 0) != 16)
			n = -errno;
		duid[8] = (uint8_t)((duid[8] & 0x0f) | 0x40);
		duid[10] = (uint8_t)((duid[10] & 0x3f) | 0x80);
		if (n == 0)
			n = write_new(dirfd, name, duid, 18);
		if (n == 0)
			n = 18;
	}
	close(dirfd);
	return (int)n;
}

/* ---- the last record of each key ---- */

struct entry {
	uint64_t key; /* 0: free */
	uint64_t at; /* end of the record in the file */
};

struct latest {
	struct entry *e;
	size_t size, used; /* size: power of two */
	struct journal_stats pass; /* of the pass under way */
	bool in_force; /* the records to give */
	int (*fn)(void *arg, const struct lw4o6_lease *l);
	void *arg;
	bool no_memory;
};

static uint64_t key_of(const struct lw4o6_lease *l)
{
	uint32_t a;

	memcpy(&a, &l->ipv4, sizeof(a));
	return (uint64_t)1 << 63 | (uint64_t)a << 26 | (uint64_t)(l->ps.len ? l->ps.offset : 0) << 22 |
	       (uint64_t)l->ps.len << 16 | (l->ps.len ? l->ps.id : 0);
}

static struct entry *slot_of(const struct latest *t, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (t->size - 1);

	while (t->e[i].key && t->e[i].key != key)
		i = (i + 1) & (t->size - 1);
	return &t->e[i];
}

static int note_key(void *arg, const struct lw4o6_lease *l)
{
	struct latest *t = arg;

	if (t->used * 4 >= t->size * 3) {
		struct latest bigger = { .size = t->size * 2 };

		bigger.e = talloc_zero_size(talloc_parent(t->e), bigger.size * sizeof(*t->e));
		t->no_memory = !bigger.e;
		if (!bigger.e)
			return -1;
		for (size_t i = 0; i < t->size; i++)
			if (t->e[i].key)
				*slot_of(&bigger, t->e[i].key) = t->e[i];
		talloc_free(t->e);
		t->e = bigger.e;
		t->size = bigger.size;
	}

	struct entry *e = slot_of(t, key_of(l));

	if (!e->key)
		t->used++;
	*e = (struct entry){ key_of(l), t->pass.length };
	return 0;
}

static int give_last(void *arg, const struct lw4o6_lease *l)
{
	struct latest *t = arg;

	bool in_force = l->state == LW4O6_LEASE_ACTIVE || l->state == LW4O6_LEASE_ABANDONED;

	return in_force == t->in_force && slot_of(t, key_of(l))->at == t->pass.length ? t->fn(t->arg, l) : 0;
}

int state_each(TALLOC_CTX *mem, const char *dir, int (*fn)(void *arg, const struct lw4o6_lease *l), void *arg,
               struct journal_stats *stats, const char **reason)
{
	struct latest t = { .size = 1024, .fn = fn, .arg = arg, .in_force = true };
	struct journal_view *v;
	int r;

	*stats = (struct journal_stats){ 0 };
	r = journal_view(&v, mem, dir, reason);
	if (r < 0)
		return r;
	t.e = talloc_zero_size(v, t.size * sizeof(*t.e));
	r = t.e ? journal_each(v, note_key, &t, &t.pass) : -ENOMEM;
	*stats = t.pass;
	if (r == -ENOMEM || t.no_memory)
		*reason = "out of memory";
	if (r == 0)
		r = journal_each(v, give_last, &t, &t.pass);
	t.in_force = false;
	if (r == 0)
		r = journal_each(v, give_last, &t, &t.pass);
	talloc_free(v);
	return r;
}

/* ---- starting ---- */

struct state {
	struct lw4o6_server *server;
	struct journal *journal;
	struct lw4o6_lease *orphan; /* talloc array: leases of no pool, not yet over */
	uint64_t wall;
	unsigned restored, refused;
};

static bool over(const struct lw4o6_lease *l, uint64_t wall)
{
	return (l->state != LW4O6_LEASE_ACTIVE && l->state != LW4O6_LEASE_ABANDONED) || l->expires <= wall;
}

static int restore_one(void *arg, const struct lw4o6_lease *l)
{
	struct state *st = arg;
	size_t n = st->orphan ? talloc_array_length(st->orphan) : 0;

	if (l->state == LW4O6_LEASE_FREE || l->state == LW4O6_LEASE_RESET)
		return 0;

	int r = lw4o6_server_restore(st->server, l);

	if (r == LW4O6_OK) {
		st->restored++;
	} else if (r == LW4O6_ENOMEM) {
		return -1;
	} else if (!over(l, st->wall)) {
		st->refused++;
		struct lw4o6_lease *o = talloc_realloc(st, st->orphan, struct lw4o6_lease, (unsigned)n + 1);

		if (!o)
			return -1;
		st->orphan = o;
		o[n] = *l;
	}
	return 0;
}

/* For a new journal: the orphans, unless their tuple was leased meanwhile, then the server's records. */
static int source(void *arg, uint32_t *cursor, struct lw4o6_lease *l)
{
	const uint32_t records = UINT32_C(1) << 31;
	struct state *st = arg;
	size_t n = st->orphan ? talloc_array_length(st->orphan) : 0;
	struct lw4o6_lease newer;

	for (; *cursor < n; (*cursor)++) {
		*l = st->orphan[*cursor];
		if (lw4o6_server_find(st->server, l->ipv4, &l->ps, &newer))
			continue;
		(*cursor)++;
		return 1;
	}
	if (*cursor < records)
		*cursor = records;
	*cursor -= records;

	bool more = lw4o6_server_next(st->server, cursor, l);

	*cursor += records;
	return more;
}

struct state *state_open(TALLOC_CTX *mem, const char *dir, uint64_t journal_max, struct lw4o6_server *s, uint64_t wall)
{
	struct state *st = talloc_zero(mem, struct state);
	struct lw4o6_server_usage usage;
	struct journal_stats stats;
	const char *reason = "out of memory";
	int r;

	if (!st)
		return NULL;
	st->server = s;
	st->wall = wall;
	r = state_each(st, dir, restore_one, st, &stats, &reason);
	if (r < 0 && r != -ENOENT) {
		log_error("store-unreadable", "%s/leases: %s (%s); it is left as it is", dir, reason, strerror(-r));
		talloc_free(st);
		return NULL;
	}
	if (stats.damaged > 0)
		log_warning("store-damaged", "%s/leases: %llu damaged octets after %llu records are left out", dir,
		            (unsigned long long)stats.damaged, (unsigned long long)stats.records);
	lw4o6_server_usage(s, &usage);
	if (usage.orphans > 0)
		log_warning("store-foreign", "%s/leases: %u leases are of no pool now; they are kept until they end", dir,
		            usage.orphans);
	if (st->refused > 0)
		log_warning("store-conflict", "%s/leases: %u leases stand against others; kept aside until they end",
		            dir, st->refused);
	st->journal = journal_open(st, dir, journal_max, source, st, &reason);
	if (!st->journal) {
		log_error("store-unwritable", "%s/leases: %s", dir, reason);
		talloc_free(st);
		return NULL;
	}
	log_info("store-open", "%s/leases: %u records", dir, st->restored);
	return st;
}

struct journal *state_journal(struct state *st)
{
	return st->journal;
}
