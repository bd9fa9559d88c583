#include "config.h"

#include "aftr.h"
#include "logsink.h"
#include "pcapio.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN4, IN6, OUT4, OUT6, HEADROOM = 64, ROOM = 262144 };

/* One capture with its next packet. */
struct source {
	struct pcapio_in *in;
	bool ready;
	lw4o6_time when;
	const uint8_t *data;
	size_t len;
};

struct run {
	struct lw4o6_aftr *a;
	struct source in[2];
	struct pcapio_out *out[2];
	uint64_t seed;
	lw4o6_time now, first; /* first: time of the first packet; 0: none */
	uint8_t buf[HEADROOM + ROOM];
	char error[512];
};

/* splitmix64 from the seed: the same run gives the same identifications. */
static void seeded(void *arg, void *dst, size_t len)
{
	struct run *r = arg;

	for (uint8_t *p = dst; len > 0; len--) {
		uint64_t z = r->seed += 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		*p++ = (uint8_t)(z >> 56);
	}
}

static int fill(struct run *r, struct source *s)
{
	if (s->ready || !s->in)
		return 0;

	int got = pcapio_next(s->in, &s->when, &s->data, &s->len, r->error, sizeof(r->error));

	s->ready = got == 1;
	return got < 0 ? -1 : 0;
}

static void emit(struct run *r, enum lw4o6_side side, const uint8_t *data, size_t len)
{
	struct pcapio_out *out = r->out[side == LW4O6_SIDE_IPV4 ? 0 : 1];

	if (out)
		pcapio_write(out, r->now, data, len);
}

static void drain(struct run *r)
{
	struct lw4o6_out out;

	while (lw4o6_aftr_next_out(r->a, &out))
		emit(r, out.side, out.data, out.len);
}

/* A burst of one, so that the order of the output is that of the causes. */
static void one(struct run *r, struct source *s, enum lw4o6_side side)
{
	struct lw4o6_pkt p = { .data = r->buf + HEADROOM, .len = s->len < ROOM ? s->len : ROOM, .headroom = HEADROOM };

	r->now = s->when > r->now ? s->when : r->now; /* captures may step back, time does not */
	if (r->first == 0)
		r->first = r->now;
	memcpy(p.data, s->data, p.len);
	s->ready = false;
	lw4o6_aftr_tick(r->a, r->now);
	drain(r);
	while (lw4o6_aftr_run(r->a, side, &p, 1, r->now) == 0)
		drain(r);
	if (p.verdict == LW4O6_VERDICT_EMIT4)
		emit(r, LW4O6_SIDE_IPV4, p.data, p.len);
	else if (p.verdict == LW4O6_VERDICT_EMIT6)
		emit(r, LW4O6_SIDE_IPV6, p.data, p.len);
	drain(r);
}

static int pump(struct run *r)
{
	for (;;) {
		if (fill(r, &r->in[0]) < 0 || fill(r, &r->in[1]) < 0)
			return -1;

		bool four = r->in[0].ready && (!r->in[1].ready || r->in[0].when <= r->in[1].when);

		if (!four && !r->in[1].ready)
			return 0;
		one(r, &r->in[four ? 0 : 1], four ? LW4O6_SIDE_IPV4 : LW4O6_SIDE_IPV6);
	}
}

static bool is_none(const char *file)
{
	return strcmp(file, "-") == 0;
}

static int open_all(struct run *r, const char *const files[4])
{
	for (int i = 0; i < 2; i++) {
		if (!is_none(files[IN4 + i]) &&
		    !(r->in[i].in = pcapio_open(r, files[IN4 + i], r->error, sizeof(r->error))))
			return -1;
		if (!is_none(files[OUT4 + i]) &&
		    !(r->out[i] = pcapio_create(r, files[OUT4 + i], r->error, sizeof(r->error))))
			return -1;
	}
	return 0;
}

static int finish_all(struct run *r)
{
	int bad = 0;

	for (int i = 0; i < 2; i++)
		if (r->out[i] && pcapio_finish(r->out[i]) < 0)
			bad = -1;
	if (bad < 0)
		snprintf(r->error, sizeof(r->error), "cannot write a capture");
	return bad;
}

static void print(void *arg, const char *name, uint64_t v)
{
	(void)arg;
	printf("%s %llu\n", name, (unsigned long long)v);
}

int replay(TALLOC_CTX *mem, struct settings *s, const char *const files[4], const char *seed)
{
	struct run *r = talloc_zero(mem, struct run);
	struct lw4o6_host host = logsink_host();
	struct lw4o6_aftr_config cfg = s->cfg;
	struct static_table *tab;

	logsink_open("lw4o6-aftr", LW4O6_LOG_WARNING, false);
	if (!r || !(tab = static_table_new(r, s, r->error, sizeof(r->error))))
		return EXIT_MEMORY;
	if (seed) {
		r->seed = strtoull(seed, NULL, 0);
		host = (struct lw4o6_host){ .arg = r, .random = seeded };
	}
	if (s->table)
		log_warning("replay", "table %s is not used: a replay knows the softwire lines only", s->table);

	cfg.no_ttl_ipv4 = s->ttl_ipv4_set && !s->ttl_ipv4;
	cfg.no_ttl_ipv6 = s->ttl_ipv6_set && !s->ttl_ipv6;

	int err = lw4o6_aftr_new(r, &r->a, &cfg, &host);

	if (err != LW4O6_OK) {
		log_error("settings", "%s", lw4o6_strerror(err));
		return err == LW4O6_ENOMEM ? EXIT_MEMORY : EXIT_CONFIG;
	}
	lw4o6_aftr_set_table(r->a, 0, tab->tab);
	if (open_all(r, files) < 0 || pump(r) < 0 || finish_all(r) < 0) {
		log_error("replay", "%s", r->error);
		return EXIT_FILE;
	}

	struct binding_counts bindings = { .added = s->n_softwires };

	show_counters(r->a, r->now, print, NULL);
	show_bindings(&bindings, tab->tab, NULL, print, NULL);
	print(NULL, "discontinuity-time", r->first / LW4O6_SEC);
	return EXIT_OK;
}
