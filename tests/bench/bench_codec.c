/* The four messages of the exchange (specification 2.3): decode, encode, and memcpy of the same octets. */
#include "bench.h"
#include "../vectors/codec.h"

#include <lw4o6/v4o6.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 1000000 };

struct sample {
	uint8_t octets[1024], out[1024];
	size_t len;
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg inner;
	struct lw4o6_v4o6_extra extra;
	int bad;
};

static void decode(void *arg)
{
	struct sample *s = arg;

	bench_keep(s->octets);
	s->bad |= lw4o6_v4o6_decode(&s->outer, &s->inner, &s->extra, s->octets, s->len);
	bench_keep(s);
}

static void encode(void *arg)
{
	static const uint16_t oro[] = { LW4O6_OPT6_S46_BR, LW4O6_OPT6_S46_BIND_PREFIX };
	struct sample *s = arg;
	struct lw4o6_wr w = lw4o6_wr_init(s->out, sizeof(s->out));
	bool response = s->outer.type == LW4O6_DHCP6_DHCPV4_RESPONSE;
	size_t mark;

	bench_keep(s);
	mark = response ? lw4o6_v4o6_open_response(&w) : lw4o6_v4o6_open_query(&w, false, oro, 2);
	lw4o6_dhcp4_begin(&w, &s->inner.hdr, s->inner.type);
	lw4o6_dhcp4_put_options(&w, &s->inner);
	lw4o6_dhcp4_end(&w);
	lw4o6_v4o6_close(&w, mark);
	if (response) {
		uint8_t hint[17];
		ssize_t n = lw4o6_s46_prefix_encode(hint, sizeof(hint), &s->extra.hint);

		lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BR, &s->extra.br.addr[0], 16);
		lw4o6_opt6_put(&w, LW4O6_OPT6_S46_BIND_PREFIX, hint, (size_t)n);
	}
	s->bad |= lw4o6_wr_done(&w) != (ssize_t)s->len;
	bench_keep(s);
}

static void copy(void *arg)
{
	struct sample *s = arg;

	bench_keep(s->octets);
	memcpy(s->out, s->octets, s->len);
	bench_keep(s->out);
}

static void load(struct sample *s, const char *hex)
{
	char *end;

	for (const char *p = hex; s->len < sizeof(s->octets); p = end) {
		unsigned long v = strtoul(p, &end, 16);

		if (end == p)
			break;
		s->octets[s->len++] = (uint8_t)v;
	}
}

int main(void)
{
	for (int i = 0; i < 4; i++) {
		static struct sample s;
		char name[64];

		s.len = 0;
		load(&s, codec_messages[i].hex);
		snprintf(name, sizeof(name), "codec/%s/decode", codec_messages[i].name);
		bench_run(name, decode, &s, ROUNDS);
		snprintf(name, sizeof(name), "codec/%s/encode", codec_messages[i].name);
		bench_run(name, encode, &s, ROUNDS);
		snprintf(name, sizeof(name), "codec/%s/memcpy", codec_messages[i].name);
		bench_run(name, copy, &s, ROUNDS);
		if (s.bad) {
			fprintf(stderr, "%s: wrong result\n", codec_messages[i].name);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
