/* One option body, its code in front: decode, encode, decode is a fixed point; nothing is written on error. */
#include "fuzz.h"

#include <lw4o6/s46.h>

static void portparams(const uint8_t *body, size_t len)
{
	struct lw4o6_psid ps = { 99, 99, 99 }, again;
	uint8_t out[4];

	if (lw4o6_s46_portparams_decode(&ps, body, len) != LW4O6_OK) {
		FUZZ_ASSERT(ps.offset == 99 && ps.len == 99 && ps.id == 99);
		return;
	}
	FUZZ_ASSERT(lw4o6_psid_valid(&ps));
	FUZZ_ASSERT(lw4o6_s46_portparams_encode(out, sizeof(out), &ps) == 4);
	FUZZ_ASSERT(ps.len == 0 || memcmp(out, body, 4) == 0);
	FUZZ_ASSERT(lw4o6_s46_portparams_decode(&again, out, 4) == LW4O6_OK);
	FUZZ_ASSERT(memcmp(&ps, &again, sizeof(ps)) == 0);
}

static void prefix(const uint8_t *body, size_t len)
{
	struct lw4o6_s46_prefix p, again;
	uint8_t out[17];

	if (lw4o6_s46_prefix_decode(&p, body, len) != LW4O6_OK)
		return;
	FUZZ_ASSERT(lw4o6_s46_prefix_encode(out, sizeof(out), &p) == (ssize_t)len);
	FUZZ_ASSERT(lw4o6_s46_prefix_encode(out, len - 1, &p) == LW4O6_ESPACE);
	FUZZ_ASSERT(lw4o6_s46_prefix_decode(&again, out, len) == LW4O6_OK);
	FUZZ_ASSERT(p.len == again.len && memcmp(&p.prefix, &again.prefix, 16) == 0);
}

static void servers(const uint8_t *body, size_t len)
{
	struct lw4o6_s46_servers s;

	if (lw4o6_s46_servers_decode(&s, body, len) != LW4O6_OK)
		return;
	FUZZ_ASSERT(s.present && s.n <= LW4O6_S46_SERVERS_MAX && (s.n == 0) == (len == 0));
	for (unsigned i = 0; i < s.n; i++) {
		for (unsigned j = 0; j < i; j++)
			FUZZ_ASSERT(memcmp(&s.addr[i], &s.addr[j], 16) != 0);
	}
}

static void lw(const uint8_t *body, size_t len)
{
	struct lw4o6_s46_lw a, b;
	uint8_t out[512], out2[512];

	if (lw4o6_s46_lw_decode(&a, body, len) != LW4O6_OK)
		return;

	struct lw4o6_wr count = lw4o6_wr_init(NULL, 0), w = lw4o6_wr_init(out, sizeof(out));

	lw4o6_s46_lw_put(&count, &a);
	lw4o6_s46_lw_put(&w, &a);

	ssize_t n = lw4o6_wr_done(&w);

	FUZZ_ASSERT(n > 4 && lw4o6_wr_done(&count) == n);
	FUZZ_ASSERT(lw4o6_s46_lw_decode(&b, out + 4, (size_t)n - 4) == LW4O6_OK);
	w = lw4o6_wr_init(out2, sizeof(out2));
	lw4o6_s46_lw_put(&w, &b);
	FUZZ_ASSERT(lw4o6_wr_done(&w) == n && memcmp(out, out2, (size_t)n) == 0);
}

static void priority(const uint8_t *body, size_t len)
{
	struct lw4o6_s46_priority p;

	if (lw4o6_s46_priority_decode(&p, body, len) != LW4O6_OK)
		return;
	FUZZ_ASSERT(len >= 2 && len % 2 == 0 && p.n <= LW4O6_S46_PRIORITY_MAX && p.n <= len / 2);
	for (unsigned i = 0; i < p.n; i++) {
		for (unsigned j = 0; j < i; j++)
			FUZZ_ASSERT(p.code[i] != p.code[j]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	switch (fuzz_u8(&data, &size)) {
	case LW4O6_OPT6_4O6_SERVER:
		servers(data, size);
		break;
	case LW4O6_OPT6_S46_PORTPARAMS:
		portparams(data, size);
		break;
	case LW4O6_OPT6_S46_CONT_LW:
		lw(data, size);
		break;
	case LW4O6_OPT6_S46_PRIORITY:
		priority(data, size);
		break;
	case LW4O6_OPT6_S46_BIND_PREFIX:
		prefix(data, size);
		break;
	}
	return 0;
}
