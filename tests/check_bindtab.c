#include "bindtab_int.h"
#include "bindtab_util.h"
#include "failmem.h"
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

/* D-016, Y-001: all 128 bits count. */
START_TEST(one_prefix_two_subscribers)
{
	struct table t = open_table(64, 0, 0, false);
	struct lw4o6_binding b[2] = { binding(0xc0000212, 0, 6, 1, 1), binding(0xc0000212, 0, 6, 2, 2) }, out;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b[i], 0), LW4O6_OK);
	for (int i = 0; i < 2; i++) {
		ck_assert(lw4o6_bindtab_find(t.r, b[i].ipv4, (uint16_t)(1024 * (i + 1)), 0, &out) && same(&out, &b[i]));
		ck_assert(lw4o6_bindtab_find_b4(t.r, &b[i].b4, 0, &out) && same(&out, &b[i]));
	}
	close_table(&t);
}
END_TEST

/* D-023: addresses that no softwire may have; nothing changes. */
START_TEST(refused_addresses)
{
	static const char *const bad_b4[] = { "::", "::1", "ff02::1", "ff0e::1", "fe80::1", "::ffff:192.0.2.1", "2001:db8:a::1",
		                              "2001:db8:a::2" };
	static const char *const bad_br[] = { "::", "::1", "ff0e::1", "fe80::1", "2001:db8:b4::5" };
	static const uint32_t bad_ipv4[] = { 0, 0x00ffffff, 0x7f000001, 0xe0000001, 0xefffffff, 0xf0000000, 0xffffffff };
	struct table t = open_table(64, 0, 0, false);
	struct lw4o6_binding kept = binding(0xc0000201, 0, 0, 0, 5), b;
	uint64_t version;

	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &kept, 0), LW4O6_OK);
	version = lw4o6_bindtab_version(t.r);
	for (size_t i = 0; i < sizeof(bad_b4) / sizeof(*bad_b4); i++) {
		b = binding(0xc0000202, 0, 0, 0, 6);
		b.br = ip6("2001:db8:a::", 2);
		inet_pton(AF_INET6, bad_b4[i], &b.b4);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_EINVAL);
	}
	for (size_t i = 0; i < sizeof(bad_br) / sizeof(*bad_br); i++) {
		b = binding(0xc0000202, 0, 0, 0, 6);
		inet_pton(AF_INET6, bad_br[i], &b.br);
		ck_assert_int_eq(lw4o6_bindtab_set(t.w, &b, 0), LW4O6_EINVAL);
	}
	for (size_t i = 0; i < sizeof(bad_ipv4) / sizeof(*bad_ipv4); i++) {
		b = binding(bad_ipv4[i], 0, 0, 0, 6);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_EINVAL);
		ck_assert_int_eq(lw4o6_bindtab_addr(t.r, b.ipv4, 0), LW4O6_BIND_UNMANAGED);
		ck_assert(!lw4o6_bindtab_find(t.r, b.ipv4, 1, 0, &b));
	}
	b = binding(0xc0000202, 0, 0, 0, 6);
	b.ps = (struct lw4o6_psid){ 4, 13, 0 };
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_bindtab_remove(t.w, b.ipv4, &b.ps), LW4O6_ENOENT);
	ck_assert_uint_eq(lw4o6_bindtab_version(t.r), version);
	ck_assert_uint_eq(lw4o6_bindtab_count(t.r), 1);
	close_table(&t);
}
END_TEST

/* D-025, Y-006: there at the last nanosecond, gone at the next, for every way of asking, and then replaced. */
START_TEST(end_of_life)
{
	struct table t = open_table(64, 0, 0, false);
	struct lw4o6_binding b = binding(0xc0000212, 0, _i ? 6 : 0, 0, 1), out;
	struct lw4o6_bind_key key = { b.ipv4, 5 };
	struct lw4o6_bind_hit hit;

	b.expires = 1000;
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	for (lw4o6_time now = 999; now <= 1000; now++) {
		bool there = now < 1000;

		ck_assert_int_eq(lw4o6_bindtab_find(t.r, b.ipv4, 5, now, &out), there);
		ck_assert_int_eq(lw4o6_bindtab_find_b4(t.r, &b.b4, now, &out), there);
		lw4o6_bindtab_find_burst(t.r, &key, 1, now, &hit);
		ck_assert_int_eq(hit.found, there);
		ck_assert_int_eq(hit.addr, !there ? LW4O6_BIND_UNMANAGED : _i ? LW4O6_BIND_SHARED : LW4O6_BIND_WHOLE);
		ck_assert_int_eq(lw4o6_bindtab_addr(t.r, b.ipv4, now), hit.addr);
	}
	ck_assert_uint_eq(lw4o6_bindtab_count(t.r), 1);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 999), LW4O6_ECONFLICT);
	b.expires = LW4O6_TIME_NONE;
	b.b4 = ip6("2001:db8:b4::", 9);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 1000), LW4O6_OK);
	ck_assert(lw4o6_bindtab_find(t.r, b.ipv4, 5, UINT64_MAX - 1, &out) && same(&out, &b));
	ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, UINT64_MAX - 1, 10), 0);
	ck_assert_uint_eq(lw4o6_bindtab_count(t.r), 1);
	close_table(&t);
}
END_TEST

/* Y-006: reaping goes in order of the end of life and stops at its limit. */
START_TEST(reap_is_bounded)
{
	struct table t = open_table(100, 0, 0, false);

	for (uint32_t i = 0; i < 100; i++) {
		struct lw4o6_binding b = binding(0xc0000200 + i, 0, 0, 0, i);

		b.expires = i % 2 ? LW4O6_TIME_NONE : 1000 - i;
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, 901, 100), 0);
	ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, 950, 10), 10);
	ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, 950, 100), 15);
	ck_assert_uint_eq(lw4o6_bindtab_reap(t.w, 5000, 100), 25);
	ck_assert_uint_eq(lw4o6_bindtab_count(t.r), 50);
	close_table(&t);
}
END_TEST

/* D-029, D-028: at the limit adds fail, replacing does not; each limit, and room again after a removal. */
START_TEST(limits)
{
	struct table t = open_table(2, 1, 1, false);
	struct lw4o6_binding b = binding(0xc0000201, 0, 1, 0, 1), other_br = binding(0xc0000201, 0, 1, 1, 2), out;
	struct lw4o6_binding other_ip = binding(0xc0000202, 0, 1, 0, 3);

	other_br.br = ip6("2001:db8:a::", 2);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &other_br, 0), LW4O6_ENOSPC);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &other_ip, 0), LW4O6_ENOSPC);
	other_br.br = b.br;
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &other_br, 0), LW4O6_OK);
	b.b4 = ip6("2001:db8:b4::", 77);
	ck_assert_int_eq(lw4o6_bindtab_set(t.w, &b, 0), LW4O6_OK);
	ck_assert(lw4o6_bindtab_find(t.r, b.ipv4, 0, 0, &out) && same(&out, &b));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(lw4o6_bindtab_remove(t.w, b.ipv4, i ? &b.ps : &other_br.ps), LW4O6_OK);
	ck_assert_int_eq(lw4o6_bindtab_addr(t.r, b.ipv4, 0), LW4O6_BIND_UNMANAGED);
	other_ip.br = ip6("2001:db8:a::", 3);
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &other_ip, 0), LW4O6_OK);
	close_table(&t);
}
END_TEST

/* D-029: any table holds as many softwires as it is for, whatever they look like, and however often they change. */
START_TEST(any_shape_fits)
{
	static const uint8_t shapes[][3] = { { 0, 0, 1 }, { 0, 6, 64 }, { 0, 6, 1 }, { 0, 6, 20 }, { 0, 16, 3 }, { 4, 12, 7 }, { 6, 2, 4 } };
	unsigned a = shapes[_i][0], k = shapes[_i][1], used = shapes[_i][2];
	struct table t = open_table(3000, 0, 0, false);
	struct lw4o6_binding b;
	struct test_rng rng = { 8 };

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 3000; i++) {
			b = binding(0xc6120000 + i / used, a, k, i % used * 37 % (1u << k), i);
			ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
		}
		b = binding(0xcb007101, 0, 0, 0, 5000);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_ENOSPC);
		for (uint32_t i = 0; i < 3000; i++) {
			struct lw4o6_binding out;

			b = binding(0xc6120000 + i / used, a, k, i % used * 37 % (1u << k), i);
			ck_assert(lw4o6_bindtab_find(t.r, b.ipv4, (uint16_t)lw4o6_psid_nth_port(&b.ps, 0), 0, &out) && same(&out, &b));
			if (round < 2 || test_rand(&rng) % 2)
				ck_assert_int_eq(lw4o6_bindtab_remove(t.w, b.ipv4, &b.ps), LW4O6_OK);
		}
	}
	close_table(&t);
}
END_TEST

/* D-017, D-021: many softwires; the map's two buckets and the chains stay what they are. */
START_TEST(many)
{
	enum { N = 1 << 17 };
	struct table t = open_table(N, N / 64, 0, false);
	struct test_rng rng = { 4 };
	struct lw4o6_binding out;

	for (uint32_t i = 0; i < N; i++) {
		struct lw4o6_binding b = binding(0x0b000000 + i / 64 * 5, 0, 6, i % 64, i);

		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	for (int n = 0; n < 100000; n++) {
		uint32_t i = (uint32_t)(test_rand(&rng) % N);
		struct in6_addr b4 = ip6("2001:db8:b4::", i);

		ck_assert(lw4o6_bindtab_find(t.r, ip4(0x0b000000 + i / 64 * 5), (uint16_t)(i % 64 * 1024 + 9), 0, &out));
		ck_assert(lw4o6_ip6_equal(&out.b4, &b4));
		ck_assert(lw4o6_bindtab_find_b4(t.r, &b4, 0, &out) && out.ps.id == i % 64);
	}
	ck_assert_uint_le(lw4o6_bindtab_longest_chain(t.r), 12);
	close_table(&t);
}
END_TEST

/* D-035: addresses that collide under one key do not under another. */
START_TEST(keyed_index)
{
	static const uint64_t known[2] = { 0, 0 };
	struct table t = open_table(1024, 0, 0, false);
	uint32_t n = 0;

	for (uint32_t i = 0; n < 200; i++) {
		struct in6_addr b4 = ip6("2001:db8:b4::", i);

		if (bt_range((uint32_t)siphash(known, &b4, 16), 1024) != 0)
			continue;

		struct lw4o6_binding b = binding(0xc6120000 + n++, 0, 0, 0, i);

		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	ck_assert_uint_le(lw4o6_bindtab_longest_chain(t.r), 6);
	close_table(&t);
}
END_TEST

/* What is not a table, or not of this size, is not attached to; making one anew shows, and loses no version. */
START_TEST(regions)
{
	struct lw4o6_bindtab_config cfg;
	struct table t = open_table(64, 0, 0, false);
	struct lw4o6_binding b = binding(0xc0000201, 0, 0, 0, 1);
	uint64_t epoch = lw4o6_bindtab_epoch(t.r), version;

	lw4o6_bindtab_config_init(&cfg);
	cfg.max_softwires = 64;
	ck_assert_int_eq(lw4o6_bindtab_init(t.region, t.size - 1, &cfg), LW4O6_ESPACE);
	ck_assert_int_eq(lw4o6_bindtab_init((uint8_t *)t.region + 8, t.size, &cfg), LW4O6_EINVAL);
	ck_assert_int_eq(lw4o6_bindtab_init(NULL, t.size, &cfg), LW4O6_EINVAL);
	ck_assert_ptr_null(lw4o6_bindtab_attach(t.mem, t.region, t.size - 1, false));
	ck_assert_ptr_null(lw4o6_bindtab_attach(t.mem, t.region, 16, true));
	ck_assert_ptr_null(lw4o6_bindtab_attach(t.mem, NULL, t.size, false));
	ck_assert_ptr_null(lw4o6_bindtab_attach(t.mem, (uint8_t *)t.region + 8, t.size - 8, false));
	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	version = lw4o6_bindtab_version(t.r);
	talloc_free(t.w);
	ck_assert_int_eq(lw4o6_bindtab_init(t.region, t.size, &cfg), LW4O6_OK);
	ck_assert_uint_ne(lw4o6_bindtab_epoch(t.r), epoch);
	ck_assert_uint_gt(lw4o6_bindtab_version(t.r), version);
	t.w = lw4o6_bindtab_attach(t.mem, t.region, t.size, true);
	ck_assert_uint_eq(lw4o6_bindtab_count(t.w), 0);
	ck_assert_uint_eq(lw4o6_bindtab_digest(t.w), 0);
	((struct bt_hdr *)t.region)->magic++;
	ck_assert_ptr_null(lw4o6_bindtab_attach(t.mem, t.region, t.size, false));
	close_table(&t);
	cfg.max_softwires = UINT32_MAX;
	ck_assert_uint_eq(lw4o6_bindtab_size(&cfg), 0);
	cfg.max_softwires = 0;
	ck_assert_uint_gt(lw4o6_bindtab_size(&cfg), 65536 * 32);
}
END_TEST

static void survive_damage(unsigned octets, uint64_t seed, bool dirty)
{
	struct test_rng rng = { seed };
	struct table t = open_table(200, 0, 3, true);
	size_t from = offsetof(struct bt_hdr, moves);
	struct lw4o6_bind_key keys[64];
	struct lw4o6_bind_hit hits[64];
	struct lw4o6_binding b;

	for (uint32_t i = 0; i < 200; i++) {
		b = binding(0xc0000200 + i % 40, 0, 3, i / 40, i);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	talloc_free(t.w);
	for (unsigned n = 0; n < octets; n++)
		((uint8_t *)t.region)[from + test_rand(&rng) % (t.size - from)] ^= (uint8_t)(1 + test_rand(&rng) % 255);
	for (int round = 0; round < 20; round++) {
		uint32_t cursor = 0, steps = 0;

		for (int i = 0; i < 64; i++)
			keys[i] = (struct lw4o6_bind_key){ ip4(0xc0000200 + (uint32_t)test_rand(&rng) % 42), (uint16_t)test_rand(&rng) };
		lw4o6_bindtab_find_burst(t.r, keys, 64, 0, hits);
		for (int i = 0; i < 64; i++) {
			struct in6_addr b4 = ip6("2001:db8:b4::", (uint32_t)i);

			ck_assert(!hits[i].found || hits[i].slot < 200);
			lw4o6_bindtab_find(t.r, keys[i].ipv4, keys[i].port, 0, &b);
			lw4o6_bindtab_find_b4(t.r, &b4, 0, &b);
		}
		while (lw4o6_bindtab_next(t.r, &cursor, &b))
			steps++;
		ck_assert_uint_le(steps, 200);
		lw4o6_bindtab_longest_chain(t.r);
	}
	((struct bt_hdr *)t.region)->dirty |= dirty;
	t.w = lw4o6_bindtab_attach(t.mem, t.region, t.size, true);
	ck_assert_ptr_nonnull(t.w);
	for (uint32_t cursor = 0; lw4o6_bindtab_next(t.w, &cursor, &b); cursor = 0)
		ck_assert_int_eq(lw4o6_bindtab_remove(t.w, b.ipv4, &b.ps), LW4O6_OK);
	ck_assert_uint_eq(lw4o6_bindtab_count(t.w), 0);
	for (uint32_t i = 0; i < 200; i++) {
		b = binding(0xc0000200 + i % 40, 0, 3, i / 40, i);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	close_table(&t);
}

/* Nobody trusts an index: readers and the next writer get through any damage behind the settings. */
START_TEST(damaged_region)
{
	for (unsigned i = 0; i < 60; i++)
		survive_damage(1u << i % 12, 31 + i, i & 1);
}
END_TEST

/* Whichever allocation fails, there is no handle, nothing is left, and the table is as it was. */
START_TEST(out_of_memory)
{
	struct table t = open_table(64, 0, 0, false);
	unsigned n = 1;

	talloc_free(t.w);
	talloc_free(t.r);
	/* Once as a writer that repairs. */
	((struct bt_hdr *)t.region)->dirty = (uint64_t)_i;
	for (t.w = NULL;; n++) {
		failmem_at = n;
		t.w = lw4o6_bindtab_attach(t.mem, t.region, t.size, true);
		failmem_at = 0;
		if (t.w)
			break;
		ck_assert_uint_eq(talloc_total_blocks(t.mem), 1);
	}
	ck_assert_uint_gt(n, 5);
	failmem_at = 1;
	t.r = lw4o6_bindtab_attach(t.mem, t.region, t.size, false);
	ck_assert_ptr_null(t.r);
	/* Changes allocate nothing. */
	struct lw4o6_binding b = binding(0xc0000201, 0, 0, 0, 1);

	ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	failmem_at = 0;
	t.r = lw4o6_bindtab_attach(t.mem, t.region, t.size, false);
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

	for (int step = 0; step < 4000; step++) {
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
	tcase_add_test(tc, one_prefix_two_subscribers);
	tcase_add_test(tc, refused_addresses);
	tcase_add_loop_test(tc, end_of_life, 0, 2);
	tcase_add_test(tc, reap_is_bounded);
	tcase_add_test(tc, limits);
	tcase_add_loop_test(tc, any_shape_fits, 0, 7);
	tcase_add_test(tc, many);
	tcase_add_test(tc, keyed_index);
	tcase_add_test(tc, regions);
	tcase_add_test(tc, damaged_region);
	tcase_add_loop_test(tc, out_of_memory, 0, 2);
	tcase_add_loop_test(tc, like_a_list, 0, 5);
	suite_add_tcase(s, tc);
	return test_main(s);
}
