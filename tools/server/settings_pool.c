#include "config.h"

#include "settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* FIRST-LAST, PREFIX or ADDR. */
static int read_range(struct conf_line *line, const char *text, struct lw4o6_server_range *r)
{
	char *copy = talloc_strdup(line->mem, text), *dash = copy ? strchr(copy, '-') : NULL;
	unsigned len;

	if (!copy)
		return conf_fail(line, "out of memory");
	if (dash) {
		*dash = '\0';
		return conf_ipv4(line, copy, &r->first) < 0 || conf_ipv4(line, dash + 1, &r->last) < 0 ? -1 : 0;
	}
	if (conf_prefix4(line, copy, &r->first, &len) < 0)
		return -1;
	r->last.s_addr = r->first.s_addr | htonl(len == 0 ? UINT32_MAX : (uint32_t)(((uint64_t)1 << (32 - len)) - 1));
	return 0;
}

/* Numbers and ranges of numbers with commas between. */
static int read_numbers(struct conf_line *line, const char *text, uint32_t max,
                        int (*add)(struct conf_line *line, void *arg, uint32_t first, uint32_t last), void *arg)
{
	char *copy = talloc_strdup(line->mem, text), *save = NULL;

	if (!copy)
		return conf_fail(line, "out of memory");
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(item, '-');
		uint64_t first, last;

		if (dash)
			*dash++ = '\0';
		if (conf_uint(line, item, 0, max, &first) < 0 || conf_uint(line, dash ? dash : item, first, max, &last) < 0 ||
		    add(line, arg, (uint32_t)first, (uint32_t)last) < 0)
			return -1;
	}
	return 0;
}

static int add_excluded(struct conf_line *line, void *arg, uint32_t first, uint32_t last)
{
	struct lw4o6_server_pool *p = arg;
	uint16_t *list = (uint16_t *)(uintptr_t)p->excluded;

	for (uint32_t id = first; id <= last; id++) {
		uint16_t *x = settings_append(line, &list, sizeof(*x));

		if (!x)
			return -1;
		*x = (uint16_t)id;
		p->excluded = list;
		p->n_excluded++;
	}
	return 0;
}

static int add_ranges(struct conf_line *line, struct lw4o6_server_pool *p, const char *text)
{
	struct lw4o6_server_range *list = NULL;
	char *copy = talloc_strdup(line->mem, text), *save = NULL;

	for (char *item = copy ? strtok_r(copy, ",", &save) : NULL; item; item = strtok_r(NULL, ",", &save)) {
		struct lw4o6_server_range *r = settings_append(line, &list, sizeof(*r));

		if (!r || read_range(line, item, r) < 0)
			return -1;
		p->ranges = list;
		p->n_ranges++;
	}
	return p->n_ranges ? 0 : conf_fail(line, "'%s' names no address", text);
}

static int read_small(struct conf_line *line, const char *text, uint64_t max, uint8_t *v)
{
	uint64_t n;

	if (conf_uint(line, text, 0, max, &n) < 0)
		return -1;
	*v = (uint8_t)n;
	return 0;
}

static int pool_word(struct conf_line *line, struct settings *s, struct lw4o6_server_pool *p, const char *word, const char *value)
{
	unsigned len;

	if (strcmp(word, "psid-len") == 0)
		return read_small(line, value, 16, &p->psid_len);
	if (strcmp(word, "offset") == 0)
		return read_small(line, value, 15, &p->offset);
	if (strcmp(word, "exclude") == 0)
		return read_numbers(line, value, UINT16_MAX, add_excluded, p);
	if (strcmp(word, "br") == 0) {
		if (p->br.n == LW4O6_S46_BR_MAX)
			return conf_fail(line, "more than %d br", LW4O6_S46_BR_MAX);
		return conf_ipv6(line, value, &p->br.addr[p->br.n++]);
	}
	if (strcmp(word, "hint") == 0) {
		p->has_hint = true;
		if (conf_prefix6(line, value, &p->hint.prefix, &len) < 0)
			return -1;
		p->hint.len = (uint8_t)len;
		return 0;
	}
	if (strcmp(word, "link") == 0) {
		unsigned *list = (unsigned *)(uintptr_t)p->links, *x = settings_append(line, &list, sizeof(*x));
		int link = settings_link(line, s, value);

		if (!x || link < 0)
			return -1;
		*x = (unsigned)link;
		p->links = list;
		p->n_links++;
		return 0;
	}
	return conf_fail(line, "'%s' is none of psid-len, offset, exclude, br, hint, link", word);
}

/* pool NAME shared|full RANGE[,RANGE...] [WORD VALUE]... */
int set_pool(struct conf_line *line, void *settings)
{
	static const char *const kinds[] = { "shared", "full", NULL };
	struct settings *s = settings;
	struct lw4o6_server_pool *p = settings_append(line, &s->pools, sizeof(*p));
	int kind;

	if (!p || conf_word(line, line->argv[2], kinds, &kind) < 0)
		return -1;
	p->name = line->argv[1];
	if (add_ranges(line, p, line->argv[3]) < 0)
		return -1;
	if (line->argc % 2 != 0)
		return conf_fail(line, "'%s' has no value", line->argv[line->argc - 1]);
	for (unsigned i = 4; i < line->argc; i += 2)
		if (pool_word(line, s, p, line->argv[i], line->argv[i + 1]) < 0)
			return -1;
	if (kind == 0 && p->psid_len == 0)
		return conf_fail(line, "a shared pool needs psid-len 1..16");
	if (kind == 1 && (p->psid_len != 0 || p->offset != 0 || p->n_excluded != 0))
		return conf_fail(line, "a full pool has no psid-len, offset or exclude");
	return 0;
}

/* psid N psid-len K offset A, in any order among other words of a line. */
static int read_ports(struct conf_line *line, unsigned from, struct lw4o6_psid *ps)
{
	const char *id = conf_named(line, from, "psid"), *len = conf_named(line, from, "psid-len"),
	           *offset = conf_named(line, from, "offset");
	uint64_t n = 0, k = 0, a = 0;

	if ((id && conf_uint(line, id, 0, UINT16_MAX, &n) < 0) || (len && conf_uint(line, len, 0, 16, &k) < 0) ||
	    (offset && conf_uint(line, offset, 0, 15, &a) < 0))
		return -1;
	if (lw4o6_psid_init(ps, (unsigned)a, (unsigned)k, (unsigned)n) != LW4O6_OK || (!len && (id || offset)))
		return conf_fail(line, "psid, psid-len and offset do not fit together");
	return 0;
}

/* fixed CLIENT-ID IPV4 [psid N psid-len K [offset A]] */
int set_fixed(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct lw4o6_server_fixed *f = settings_append(line, &s->fixed, sizeof(*f));
	uint8_t id[LW4O6_LEASE_ID_MAX];
	size_t n = sizeof(id);

	if (!f || conf_hex(line, line->argv[1], id, &n) < 0 || conf_ipv4(line, line->argv[2], &f->ipv4) < 0 ||
	    read_ports(line, 3, &f->ps) < 0)
		return -1;
	f->client_id = (struct lw4o6_span){ talloc_memdup(line->mem, id, n), n };
	return f->client_id.p ? 0 : conf_fail(line, "out of memory");
}

/* prebind PREFIX IPV4 [psid N psid-len K [offset A]] [br ADDR]... [duid HEX] */
int set_prebind(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct lw4o6_server_prebind *b = settings_append(line, &s->prebinds, sizeof(*b));
	const char *duid = conf_named(line, 3, "duid");
	uint8_t octets[LW4O6_DUID_MAX];
	size_t n = sizeof(octets);
	unsigned len;

	if (!b || conf_prefix6(line, line->argv[1], &b->prefix.prefix, &len) < 0 ||
	    conf_ipv4(line, line->argv[2], &b->ipv4) < 0 || read_ports(line, 3, &b->ps) < 0)
		return -1;
	b->prefix.len = (uint8_t)len;
	for (unsigned i = 3; i + 1 < line->argc; i += 2) {
		static const char *const words[] = { "psid", "psid-len", "offset", "br", "duid", NULL };
		int word;

		if (conf_word(line, line->argv[i], words, &word) < 0)
			return -1;
		if (word != 3)
			continue;
		if (b->br.n == LW4O6_S46_BR_MAX)
			return conf_fail(line, "more than %d br", LW4O6_S46_BR_MAX);
		if (conf_ipv6(line, line->argv[i + 1], &b->br.addr[b->br.n++]) < 0)
			return -1;
	}
	if (!duid)
		return 0;
	if (conf_hex(line, duid, octets, &n) < 0)
		return -1;
	b->duid = (struct lw4o6_span){ talloc_memdup(line->mem, octets, n), n };
	return b->duid.p ? 0 : conf_fail(line, "out of memory");
}

static int add_reserved(struct conf_line *line, void *arg, uint32_t first, uint32_t last)
{
	struct settings *s = arg;
	struct lw4o6_server_portrange *r = settings_append(line, &s->reserved, sizeof(*r));

	if (!r)
		return -1;
	*r = (struct lw4o6_server_portrange){ (uint16_t)first, (uint16_t)last };
	return 0;
}

/* reserved-ports none | LIST... */
int set_reserved(struct conf_line *line, void *settings)
{
	struct settings *s = settings;

	s->reserved_set = true;
	if (line->argc == 2 && strcmp(line->argv[1], "none") == 0)
		return 0;
	for (unsigned i = 1; i < line->argc; i++)
		if (read_numbers(line, line->argv[i], UINT16_MAX, add_reserved, s) < 0)
			return -1;
	return 0;
}
