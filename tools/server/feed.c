#include "config.h"

#include "feed.h"

#include "clock.h"
#include "logsink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REAP_PER_TURN = 64 };

struct feed {
	struct lw4o6_bindtab *table;
	void *region;
	size_t size;
	int fd;
	bool log;
};

static int feed_free(struct feed *f)
{
	if (f->region)
		munmap(f->region, f->size);
	if (f->fd >= 0)
		close(f->fd);
	return 0;
}

static int map(struct feed *f)
{
	void *p = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	f->region = p;
	return 0;
}

/* The table that is there, if it is of our kind. @return 1: attached; 0: not; -errno. */
static int attach_old(struct feed *f, const char *path)
{
	struct stat st;

	f->fd = open(path, O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(f->fd, &st) < 0 || flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if ((size_t)st.st_size == f->size && map(f) == 0) {
		f->table = lw4o6_bindtab_attach(f, f->region, f->size, true);
		if (f->table)
			return 1;
		munmap(f->region, f->size);
		f->region = NULL;
	}
	close(f->fd);
	f->fd = -1;
	return 0;
}

static int make_new(struct feed *f, const char *tmp, const struct lw4o6_bindtab_config *cfg)
{
	int r;

	f->fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (f->fd < 0 || flock(f->fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(f->fd, (off_t)f->size) < 0)
		return -errno;
	/* So that a full file system says so now, and not by a signal at a write. */
	r = posix_fallocate(f->fd, 0, (off_t)f->size);
	if (r != 0)
		return -r;
	r = map(f);
	if (r == 0 && lw4o6_bindtab_init(f->region, f->size, cfg) != LW4O6_OK)
		r = -EINVAL;
	if (r == 0) {
		f->table = lw4o6_bindtab_attach(f, f->region, f->size, true);
		r = f->table ? 0 : -ENOMEM;
	}
	return r;
}

/* Set an entry; one in its way is outdated, because the leases are the truth. */
static bool set_surely(struct feed *f, const struct lw4o6_binding *b, lw4o6_time now)
{
	struct lw4o6_binding other;
	int r = lw4o6_bindtab_set(f->table, b, now);

	if (r == LW4O6_ECONFLICT && lw4o6_bindtab_find_b4(f->table, &b->b4, now, &other) &&
	    lw4o6_bindtab_remove(f->table, other.ipv4, &other.ps) == LW4O6_OK)
		r = lw4o6_bindtab_set(f->table, b, now);
	return r == LW4O6_OK;
}

static int static_binding(const struct settings *set, size_t i, struct lw4o6_binding *b)
{
	const struct lw4o6_server_prebind *p = &set->server.prebinds[i];

	*b = (struct lw4o6_binding){ .ipv4 = p->ipv4, .ps = p->ps, .expires = LW4O6_TIME_NONE, .owner = FEED_STATIC,
		                     .br = p->br.n ? p->br.addr[0] : set->server.links[0].br.addr[0] };
	if (p->prefix.len == 128) {
		b->b4 = p->prefix.prefix;
		return LW4O6_OK;
	}
	return lw4o6_psid_b4_addr(&b->b4, &p->prefix.prefix, p->prefix.len, p->ipv4, &p->ps);
}

/* Is this static entry still configured? */
static bool still_static(const struct settings *set, const struct lw4o6_binding *b)
{
	struct lw4o6_binding x;

	for (size_t i = 0; i < set->server.n_prebinds; i++)
		if (static_binding(set, i, &x) == LW4O6_OK && x.ipv4.s_addr == b->ipv4.s_addr && lw4o6_psid_equal(&x.ps, &b->ps))
			return true;
	return false;
}

static void remove_outdated(struct feed *f, const struct settings *set, const struct lw4o6_server *s)
{
	struct lw4o6_binding b;
	struct lw4o6_lease l;
	uint32_t cursor = 0;

	while (lw4o6_bindtab_next(f->table, &cursor, &b)) {
		bool keep = true;

		if (b.owner == FEED_LEASE)
			keep = lw4o6_server_find(s, b.ipv4, &b.ps, &l) && lw4o6_server_binding(s, &l, &b);
		else if (b.owner == FEED_STATIC)
			keep = still_static(set, &b);
		if (!keep && lw4o6_bindtab_remove(f->table, b.ipv4, &b.ps) != LW4O6_OK)
			log_warning("table-remove", "an outdated binding stays in the table");
	}
}

static void synchronise(struct feed *f, const struct settings *set, const struct lw4o6_server *s, lw4o6_time now)
{
	struct lw4o6_lease l;
	struct lw4o6_binding b;
	uint32_t cursor = 0, refused = 0;

	remove_outdated(f, set, s);
	for (size_t i = 0; i < set->server.n_prebinds; i++)
		if (static_binding(set, i, &b) != LW4O6_OK || !set_surely(f, &b, now))
			refused++;
	while (lw4o6_server_next(s, &cursor, &l))
		if (lw4o6_server_binding(s, &l, &b) && b.expires > now && !set_surely(f, &b, now))
			refused++;
	if (refused)
		log_error("table-refused", "the binding table refused %u entries; is table-size too small?", refused);
}

struct feed *feed_open(TALLOC_CTX *mem, const struct settings *set, const struct lw4o6_server *s, lw4o6_time now)
{
	struct feed *f = talloc_zero(mem, struct feed);
	struct lw4o6_bindtab_config cfg;
	char *tmp = talloc_asprintf(f, "%s.new", set->table);
	int r;

	if (!f || !tmp) {
		talloc_free(f);
		return NULL;
	}
	f->fd = -1;
	f->log = set->log_bindings;
	talloc_set_destructor(f, feed_free);
	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = set->table_size;
	if (getrandom(cfg.hash_key, sizeof(cfg.hash_key), 0) != (ssize_t)sizeof(cfg.hash_key))
		cfg.max_softwires = 0;
	f->size = lw4o6_bindtab_size(&cfg);
	r = attach_old(f, set->table);
	if (r == 1) {
		synchronise(f, set, s, now);
	} else if (r == 0) {
		r = make_new(f, tmp, &cfg);
		if (r == 0) {
			synchronise(f, set, s, now);
			r = rename(tmp, set->table) < 0 ? -errno : 1;
		}
	}
	if (r < 0) {
		log_error("table", "%s: %s", set->table, r == -EWOULDBLOCK ? "another program writes it" : strerror(-r));
		talloc_free(f);
		return NULL;
	}
	log_info("table-open", "%s: %u bindings", set->table, lw4o6_bindtab_count(f->table));
	return f;
}

static const char *reason(const struct lw4o6_server_event *ev)
{
	switch (ev->lease.state) {
	case LW4O6_LEASE_ACTIVE: return ev->kind == LW4O6_SERVER_ADD ? "leased" : "renewed";
	case LW4O6_LEASE_EXPIRED: return "expired";
	case LW4O6_LEASE_RELEASED: return "released";
	case LW4O6_LEASE_ABANDONED: return "declined";
	default: return "dropped";
	}
}

/* Who had these ports from when on: with this line alone a subscriber can be traced (D-341, RFC 7422 section 3). */
static void log_binding(const struct feed *f, const struct lw4o6_server_event *ev, lw4o6_time now)
{
	static const char *const what[] = { [LW4O6_SERVER_ADD] = "added", [LW4O6_SERVER_MODIFY] = "modified",
		                            [LW4O6_SERVER_DELETE] = "deleted" };
	const struct lw4o6_binding *b = &ev->binding;
	char ipv4[INET_ADDRSTRLEN], b4[INET6_ADDRSTRLEN], when[32];
	uint64_t wall = clock_wall(), left = b->expires > now ? (b->expires - now) / LW4O6_SEC : 0;
	time_t s = (time_t)(wall / LW4O6_SEC);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (ev->kind == LW4O6_SERVER_DELETE)
		left = 0;
	log_info("binding", "%s at %s.%03uZ b4 %s ipv4 %s offset %u psid-len %u psid %u ports %d-%d lifetime %llu version %llu"
	         " reason %s", what[ev->kind], when, (unsigned)(wall / LW4O6_MSEC % 1000),
	         inet_ntop(AF_INET6, &ev->lease.saddr, b4, sizeof(b4)), inet_ntop(AF_INET, &b->ipv4, ipv4, sizeof(ipv4)),
	         b->ps.offset, b->ps.len, b->ps.id, lw4o6_psid_nth_port(&b->ps, 0),
	         lw4o6_psid_nth_port(&b->ps, lw4o6_psid_nports(&b->ps) - 1), (unsigned long long)left,
	         (unsigned long long)lw4o6_bindtab_version(f->table), reason(ev));
}

bool feed_apply(struct feed *f, const struct lw4o6_server_event *ev, lw4o6_time now)
{
	int r = LW4O6_OK;

	switch (ev->kind) {
	case LW4O6_SERVER_ADD:
	case LW4O6_SERVER_MODIFY:
		r = lw4o6_bindtab_set(f->table, &ev->binding, now);
		break;
	case LW4O6_SERVER_DELETE:
		/* It may be gone already: reaped. */
		if (lw4o6_bindtab_remove(f->table, ev->binding.ipv4, &ev->binding.ps) == LW4O6_ENOENT)
			r = LW4O6_OK;
		break;
	case LW4O6_SERVER_RECORD:
		break;
	}
	if (r != LW4O6_OK)
		log_warning("table-refused", "the binding table refused a lease: %s", lw4o6_strerror(r));
	else if (f->log && ev->kind != LW4O6_SERVER_RECORD)
		log_binding(f, ev, now);
	return r == LW4O6_OK;
}

void feed_reap(struct feed *f, lw4o6_time now)
{
	lw4o6_bindtab_reap(f->table, now, REAP_PER_TURN);
}

uint32_t feed_count(const struct feed *f)
{
	return lw4o6_bindtab_count(f->table);
}
