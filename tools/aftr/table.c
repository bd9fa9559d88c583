#include "config.h"

#include "aftr.h"
#include "logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLE_ALIGN = 64 };

/* ---- the softwire lines ---- */

static int static_free(struct static_table *t)
{
	free(t->region);
	return 0;
}

static const char *why(int err)
{
	switch (err) {
	case LW4O6_ECONFLICT:
		return "overlaps with another softwire";
	case LW4O6_EINVAL:
		return "an address that no softwire can have";
	default:
		return lw4o6_strerror(err);
	}
}

struct static_table *static_table_new(TALLOC_CTX *mem, struct settings *s, char *error, size_t room)
{
	struct static_table *t = talloc_zero(mem, struct static_table);
	struct lw4o6_bindtab_config cfg;

	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = s->n_softwires > 0 ? (uint32_t)s->n_softwires : 1;
	cfg.max_br = SOFTWIRE_ADDRS;
	cfg.multi_binding = s->multi_binding;
	if (getrandom(cfg.hash_key, sizeof(cfg.hash_key), 0) < 0)
		cfg.hash_key[0] = 1;

	size_t size = (lw4o6_bindtab_size(&cfg) + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;

	snprintf(error, room, "no memory");
	if (!t || !(t->region = aligned_alloc(TABLE_ALIGN, size)))
		return NULL;
	talloc_set_destructor(t, static_free);
	memset(t->region, 0, size);
	if (lw4o6_bindtab_init(t->region, size, &cfg) != LW4O6_OK ||
	    !(t->tab = lw4o6_bindtab_attach(t, t->region, size, true)))
		return NULL;
	if (s->n_softwires > s->softwire_num_max) {
		s->rejected = LW4O6_ENOSPC;
		snprintf(error, room, "more softwires than softwire-num-max %u", s->softwire_num_max);
		return NULL;
	}
	for (size_t i = 0; i < s->n_softwires; i++) {
		int err = lw4o6_bindtab_add(t->tab, &s->softwires[i].b, 0);

		if (err != LW4O6_OK) {
			s->rejected = err;
			snprintf(error, room, "%s:%u: %s", s->softwires[i].file, s->softwires[i].line, why(err));
			return NULL;
		}
	}
	return t;
}

void binding_rejected(struct binding_counts *c, const struct settings *s)
{
	if (s->rejected == LW4O6_ECONFLICT)
		c->rejected_overlap++;
	else if (s->rejected == LW4O6_EINVAL)
		c->rejected_invalid++;
	else if (s->rejected != LW4O6_OK)
		c->rejected_limit++;
}

/* ---- the server's table ---- */

struct shared_table {
	const char *path;
	void *region;
	size_t size;
	dev_t dev;
	ino_t ino;
	uint64_t epoch;
	struct lw4o6_bindtab *tab;
	bool complained;
};

static void unmap(struct shared_table *t)
{
	talloc_free(t->tab);
	t->tab = NULL;
	if (t->region)
		munmap(t->region, t->size);
	t->region = NULL;
}

static int shared_free(struct shared_table *t)
{
	unmap(t);
	return 0;
}

struct shared_table *shared_table_new(TALLOC_CTX *mem, const char *path)
{
	struct shared_table *t = talloc_zero(mem, struct shared_table);

	if (!t)
		return NULL;
	t->path = path;
	talloc_set_destructor(t, shared_free);
	return t;
}

/* Map what is there now. @return false: no table, *reason says why. */
static bool map(struct shared_table *t, const char **reason)
{
	struct stat st;
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);
	void *region = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		region = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	*reason = strerror(errno);
	if (fd >= 0)
		close(fd);
	if (region == MAP_FAILED)
		return false;
	t->region = region;
	t->size = (size_t)st.st_size;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	t->tab = lw4o6_bindtab_attach(t, region, t->size, false);
	if (!t->tab) {
		*reason = "not a binding table of this version";
		unmap(t);
		return false;
	}
	t->epoch = lw4o6_bindtab_epoch(t->tab);
	return true;
}

static bool is_current(const struct shared_table *t)
{
	struct stat st;

	return t->tab && stat(t->path, &st) == 0 && st.st_dev == t->dev && st.st_ino == t->ino &&
	       (size_t)st.st_size == t->size && lw4o6_bindtab_epoch(t->tab) == t->epoch;
}

bool shared_table_poll(struct shared_table *t)
{
	struct stat st;
	const char *reason = NULL;

	if (is_current(t))
		return false;
	if (t->tab && stat(t->path, &st) < 0)
		return false; /* the server is away: what it left goes on until its lifetimes end */

	struct lw4o6_bindtab *old = t->tab;

	unmap(t);
	if (map(t, &reason)) {
		log_info("table", "%s: %u softwires, version %llu", t->path, lw4o6_bindtab_count(t->tab),
		         (unsigned long long)lw4o6_bindtab_version(t->tab));
		t->complained = false;
		return true;
	}
	if (!t->complained)
		log_warning("table", "%s: %s; waiting for it", t->path, reason);
	t->complained = true;
	return old != NULL;
}

const struct lw4o6_bindtab *shared_table_get(const struct shared_table *t)
{
	return t->tab;
}
