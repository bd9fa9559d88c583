#include "bindtab_int.h"
#include "bindtab_util.h"
#include "harness.h"

/* D-015, D-017: what goes in comes out, every field, by each port of the set and by no other. */
START_TEST(fields)
{
	struct table t = open_table(64, 0, 0, false);
	struct lw4o6_binding b = binding(0xc0000212, 6, 8, 0x34, 1), out;

	b.mtu = 1280;
	b.owner = 0xdeadbeef;
	b.expires = 77 * LW4O6_SEC;
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	for (uint32_t port = 0; port < 65536; port++) {
		bool found = lw4o6_bindtab_find(t.r, b.ipv4, (uint16_t)port, 0, &out);

		ck_assert_int_eq(found, lw4o6_psid_has_port(&b.ps, (uint16_t)port));
		ck_assert(!found || same(&b, &out));
	}
	ck_assert(lw4o6_bindtab_find_b4(t.r, &b.b4, 0, &out) && same(&b, &out));
	ck_assert_uint_eq(lw4o6_bindtab_count(t.r), 1);
	close_table(&t);
}
END_TEST

/* ---- against a table that is a plain list ---- */

enum { MODEL_MAX = 400 };

struct model {
	struct lw4o6_binding b[MODEL_MAX];
	unsigned n, max;
	bool multi;
};

static bool alive(const struct lw4o6_binding *b, lw4o6_time now)
{
	return b->expires == LW4O6_TIME_NONE || now < b->expires;
}

static void model_drop(struct model *m, unsigned i)
{
	m->b[i] = m->b[--m->n];
}

static int model_put(struct model *m, const struct lw4o6_binding *b, lw4o6_time now, bool replace)
{
	bool same_key = false;
	unsigned n;

	if (m->n >= m->max)
		for (unsigned i = m->n; i-- > 0;)
			if (!alive(&m->b[i], now))
				model_drop(m, i);
	n = m->n;
	for (unsigned i = 0; i < m->n; i++) {
		const struct lw4o6_binding *o = &m->b[i];
		bool key = o->ipv4.s_addr == b->ipv4.s_addr && lw4o6_psid_equal(&o->ps, &b->ps);
		bool other = o->ipv4.s_addr == b->ipv4.s_addr &&
		             (o->ps.len != b->ps.len || o->ps.offset != b->ps.offset);
		bool b4 = !m->multi && !key && lw4o6_ip6_equal(&o->b4, &b->b4);

		if (alive(o, now) && ((key && !replace) || other || b4))
			return LW4O6_ECONFLICT;
		same_key |= key;
		n -= other || b4;
	}
	if (!same_key && n >= m->max)
		return LW4O6_ENOSPC;
	for (unsigned i = m->n; i-- > 0;) {
		const struct lw4o6_binding *o = &m->b[i];
		bool ip = o->ipv4.s_addr == b->ipv4.s_addr;

		if ((ip && lw4o6_psid_equal(&o->ps, &b->ps)) ||
		    (ip && (o->ps.len != b->ps.len || o->ps.offset != b->ps.offset)) ||
		    (!m->multi && lw4o6_ip6_equal(&o->b4, &b->b4)))
			model_drop(m, i);
	}
	m->b[m->n++] = *b;
	return LW4O6_OK;
}

static const struct lw4o6_binding *model_find(const struct model *m, struct in_addr ipv4, uint16_t port, lw4o6_time now)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->b[i].ipv4.s_addr == ipv4.s_addr && lw4o6_psid_has_port(&m->b[i].ps, port) &&
		    alive(&m->b[i], now))
			return &m->b[i];
	return NULL;
}

static enum lw4o6_bind_addr model_addr(const struct model *m, struct in_addr ipv4, lw4o6_time now)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->b[i].ipv4.s_addr == ipv4.s_addr && alive(&m->b[i], now))
			return m->b[i].ps.len == 0 ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED;
	return LW4O6_BIND_UNMANAGED;
}

/* Every way of asking gives the model's answer. */
static void compare(const struct table *t, const struct model *m, struct test_rng *rng, lw4o6_time now)
{
	struct lw4o6_bind_key keys[100];
	struct lw4o6_bind_hit hits[100];
	struct lw4o6_binding out;
	uint32_t cursor = 0, n = 0;

	for (int i = 0; i < 100; i++)
		keys[i] = (struct lw4o6_bind_key){ ip4(0xc0000200 + (uint32_t)test_rand(rng) % 24), (uint16_t)test_rand(rng) };
	lw4o6_bindtab_find_burst(t->r, keys, 100, now, hits);
	for (int i = 0; i < 100; i++) {
		const struct lw4o6_binding *want = model_find(m, keys[i].ipv4, keys[i].port, now);

		ck_assert_int_eq(lw4o6_bindtab_find(t->r, keys[i].ipv4, keys[i].port, now, &out), want != NULL);
		ck_assert(!want || same(&out, want));
		ck_assert_int_eq(hits[i].found, want != NULL);
		ck_assert_int_eq(hits[i].addr, model_addr(m, keys[i].ipv4, now));
		ck_assert_int_eq(lw4o6_bindtab_addr(t->r, keys[i].ipv4, now), hits[i].addr);
		if (want)
			ck_assert(hits[i].mtu == want->mtu && memcmp(&hits[i].b4, &want->b4, 16) == 0 &&
			          memcmp(&hits[i].br, &want->br, 16) == 0 && hits[i].slot < m->max);
	}
	while (lw4o6_bindtab_next(t->r, &cursor, &out)) {
		unsigned i = 0;

		while (i < m->n && !same(&m->b[i], &out))
			i++;
		ck_assert_uint_lt(i, m->n);
		n++;
	}
	ck_assert_uint_eq(n, m->n);
	ck_assert_uint_eq(lw4o6_bindtab_count(t->r), m->n);
	for (unsigned i = 0; i < 40; i++) {
		struct in6_addr b4 = ip6("2001:db8:b4::", i);
		bool want = false;

		for (unsigned j = 0; j < m->n; j++)
			want |= lw4o6_ip6_equal(&m->b[j].b4, &b4) && alive(&m->b[j], now);
		ck_assert_int_eq(lw4o6_bindtab_find_b4(t->r, &b4, now, &out), want);
		ck_assert(!want || (lw4o6_ip6_equal(&out.b4, &b4) && alive(&out, now)));
	}
}

/* The digest of a table is that of another one with the same entries, filled in another order. */
static void compare_digest(const struct table *t, const struct model *m)
{
	struct table o = open_table(m->max, 0, 0, true);

	for (unsigned i = m->n; i-- > 0;)
		ck_assert_int_eq(lw4o6_bindtab_add(o.w, &m->b[i], 0), LW4O6_OK);
	ck_assert_uint_eq(lw4o6_bindtab_digest(o.r), lw4o6_bindtab_digest(t->r));
	close_table(&o);
}

static struct lw4o6_binding random_binding(struct test_rng *rng, lw4o6_time now)
{
	static const uint8_t sets[][2] = { { 0, 6 }, { 6, 8 }, { 0, 0 }, { 4, 12 }, { 0, 16 }, { 15, 1 }, { 0, 2 } };
	uint32_t ipv4 = 0xc0000200 + (uint32_t)test_rand(rng) % 24;
	/* An address mostly keeps its parameters, else there would be conflicts only. */
	uint32_t kind = test_rand(rng) % 16 ? ipv4 % 7 : (uint32_t)test_rand(rng) % 7;
	uint32_t k = sets[kind][1];
	struct lw4o6_binding b = binding(ipv4, sets[kind][0], k, (unsigned)(test_rand(rng) % (1u << k)),
	                                 (uint32_t)test_rand(rng) % 500);

	b.br = ip6("2001:db8:a::", (uint32_t)test_rand(rng) % 3);
	b.owner = (uint32_t)test_rand(rng);
	b.mtu = (uint16_t)test_rand(rng);
	if (test_rand(rng) % 2)
		b.expires = now + test_rand(rng) % 300;
	return b;
}

/*
 * D-017, D-019, D-020, D-022, D-025, D-029, D-030, D-021, D-033, Y-004: random changes, a clock that runs, and
 * writers that come and go; with room to spare and with none, one entry per B4 and several.
 */
START_TEST(like_a_list)
{
	static const struct {
		uint32_t max;
		bool multi;
	} rows[] = { { 300, false }, { 60, false }, { 7, true }, { 300, true }, { 1, false } };
	struct model m = { .max = rows[_i].max, .multi = rows[_i].multi };
	struct table t = open_table(m.max, 0, 0, m.multi);
	struct test_rng rng = { 99 + (uint64_t)_i };
	lw4o6_time now = 1000;

	for (int step = 0; step < 6000; step++) {
		struct lw4o6_binding b = random_binding(&rng, now);
		uint64_t version = lw4o6_bindtab_version(t.r), digest = lw4o6_bindtab_digest(t.r);
		unsigned op = (unsigned)(test_rand(&rng) % 8), n = m.n;
		int got, want;

		if (op < 4 && m.n > 0 && test_rand(&rng) % 2) {
			struct lw4o6_binding *o = &m.b[test_rand(&rng) % m.n];

			b.ipv4 = o->ipv4;
			b.ps = o->ps;
			if (test_rand(&rng) % 2)
				b.b4 = o->b4;
		}
		if (op < 6) {
			want = model_put(&m, &b, now, op < 4);
			got = op < 4 ? lw4o6_bindtab_set(t.w, &b, now) : lw4o6_bindtab_add(t.w, &b, now);
			ck_assert_int_eq(got, want);
			if (got == LW4O6_OK)
				ck_assert_uint_gt(lw4o6_bindtab_version(t.r), version);
			else if (m.n == n)
				ck_assert(lw4o6_bindtab_version(t.r) == version && lw4o6_bindtab_digest(t.r) == digest);
		} else if (op == 6 && m.n > 0) {
			unsigned i = (unsigned)(test_rand(&rng) % m.n);

			ck_assert_int_eq(lw4o6_bindtab_remove(t.w, m.b[i].ipv4, &m.b[i].ps), LW4O6_OK);
			ck_assert_int_eq(lw4o6_bindtab_remove(t.w, m.b[i].ipv4, &m.b[i].ps), LW4O6_ENOENT);
			model_drop(&m, i);
		} else if (test_rand(&rng) % 8 == 0) {
			unsigned reaped = 0;

			for (unsigned i = m.n; i-- > 0;)
				if (!alive(&m.b[i], now))
					model_drop(&m, i), reaped++;
			ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, now, MODEL_MAX), reaped);
		}
		now += test_rand(&rng) % 4;
		if (step % 16 == 0)
			compare(&t, &m, &rng, now);
		if (step % 500 == 499) {
			compare_digest(&t, &m);
			talloc_free(t.w);
			/* Every second writer finds the table as a writer that died leaves it. */
			if (step % 1000 == 999)
				((struct bt_hdr *)t.region)->dirty = 1;
			digest = lw4o6_bindtab_digest(t.r);
			t.w = lw4o6_bindtab_attach(t.mem, t.region, t.size, true);
			ck_assert_uint_eq(digest, lw4o6_bindtab_digest(t.r));
			compare(&t, &m, &rng, now);
		}
	}
	close_table(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bindtab");
	TCase *tc = tcase_create("bindtab");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, fields);
	tcase_add_loop_test(tc, like_a_list, 0, 5);
	suite_add_tcase(s, tc);
	return test_main(s);
}
