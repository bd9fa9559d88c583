/* ICMP the AFTR sends, and ICMPv6 it receives about its tunnels (data-plane 3.8, 3.9, 3.12). */
#include "aftr_rig.h"

#define V4 LW4O6_SIDE_IPV4
#define V6 LW4O6_SIDE_IPV6
#define SERVER "198.51.100.7"

static uint8_t p[RIG_PKT];

/* ---- what is never answered ---- */

enum event { UNBOUND, EXPIRED, TOO_BIG, EXPIRED_UP, TOO_BIG_UP, HAIRPIN_UNBOUND, N_EVENTS };
enum class { GOOD, ICMP_ERROR, ICMP_UNKNOWN, LATER_FRAGMENT, N_CLASSES };

/* The packet of an event, to or from the whole address, so that it is the event that happens. */
static size_t make_event(enum event e, enum class c)
{
	static uint8_t l4[3000];
	bool up = e >= EXPIRED_UP;
	const char *src = up ? "192.0.2.99" : SERVER;
	const char *dst = e == HAIRPIN_UNBOUND ? "192.0.2.18" : up ? SERVER : e == UNBOUND ? "192.0.2.77" : "192.0.2.99";
	size_t n = e == TOO_BIG || e == TOO_BIG_UP ? 1480 : 100;

	memset(l4, 0, sizeof(l4));
	l4[0] = c == ICMP_ERROR ? 3 : c == ICMP_UNKNOWN ? 40 : 0;
	size_t len = rig_ip4(p, src, dst, c == ICMP_ERROR || c == ICMP_UNKNOWN ? 1 : 17, l4, n);
	if (c == ICMP_ERROR || c == ICMP_UNKNOWN)
		rig_fix_icmp4(p);
	if (c == LATER_FRAGMENT)
		p[7] = 5;
	if (e == EXPIRED || e == EXPIRED_UP)
		p[8] = 1;
	rig_fix4(p);
	return up ? rig_wrap(p, "2001:db8:99::99", 4, len) : len;
}

/* D-111, D-112, D-113: each event with each class that forbids an answer. */
START_TEST(forbidden)
{
	static const enum lw4o6_counter sent[N_EVENTS] = {
		LW4O6_CNT_ICMP4_OUT_3_1, LW4O6_CNT_ICMP4_OUT_11_0, LW4O6_CNT_ICMP4_OUT_3_4,
		LW4O6_CNT_ICMP4_OUT_11_0, LW4O6_CNT_ICMP4_OUT_3_4, LW4O6_CNT_ICMP4_OUT_3_1,
	};

	for (unsigned e = 0; e < N_EVENTS; e++) {
		for (unsigned k = 0; k < N_CLASSES; k++) {
			struct lw4o6_aftr_config c = rig_config();
			c.ipv4_mtu = 1400;
			struct rig *r = rig_new(&c);
			const struct lw4o6_counters *n = lw4o6_aftr_counters(r->a);
			size_t len = make_event((enum event)e, (enum class)k);
			enum lw4o6_verdict v = rig_give(r, e >= EXPIRED_UP ? V6 : V4, p, len);

			/* a later fragment for a shared address waits for the first */
			ck_assert_int_eq(v, e == HAIRPIN_UNBOUND && k == LATER_FRAGMENT ? LW4O6_VERDICT_HELD :
			                                                                  LW4O6_VERDICT_DROP);
			ck_assert_msg(r->n_out == (k == GOOD), "event %u class %u: %zu out", e, k, r->n_out);
			ck_assert_uint_eq(n->packets[sent[e]], k == GOOD);
			/* unmatched ICMP is silent by itself (D-106) */
			bool silent = k == GOOD || v == LW4O6_VERDICT_HELD ||
			              (k != LATER_FRAGMENT && (e == UNBOUND || e == HAIRPIN_UNBOUND));
			ck_assert_msg(n->packets[LW4O6_CNT_ICMP4_SUPPRESSED_FORBIDDEN] == !silent, "event %u class %u", e, k);
			rig_free(r);
		}
	}
}
END_TEST

/* D-114: no ICMPv6 about an ICMPv6 error, also inside fragments and behind extension headers. */
START_TEST(forbidden6)
{
	struct rig *r = rig_new(NULL);
	uint8_t frag[16] = { 58, 0, 0, 1, 0, 0, 0, 1, 1 }; /* 1/0, first fragment, not a multiple of 8 */

	memcpy(p, frag, 16);
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 44, 13));
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv6=1 frag6-in=1 drop-frag6-bad-length=1 icmp6-suppressed-forbidden=1");
	memcpy(p, frag, 16);
	p[0] = 4;
	p[8] = 0x45;
	rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 44, 13));
	ck_assert_uint_eq(r->n_out, 1);
	ck_assert(r->out[0].data[40] == 4 && r->out[0].data[41] == 0 && r->out[0].data[47] == 4);
	rig_counted(r, "rcvd-ipv6=1 frag6-in=1 drop-frag6-bad-length=1 out-icmpv6-error=1 icmp6-out-4-0=1");
	rig_clear(r);

	/* behind the very header complained about: an unknown option; a routing header with a segment left */
	static const struct {
		uint8_t next, head[8];
		const char *counted;
	} heads[] = {
		{ 60, { 58, 0, 0x80, 4 }, "icmp6-out-4-2=1" },
		{ 43, { 58, 0, 0, 1 }, "icmp6-out-4-0=1" },
	};
	static const uint8_t types[] = { 1, 137, 128 };

	for (unsigned i = 0; i < 6; i++) {
		char want[200];

		memcpy(p, heads[i % 2].head, 8);
		memset(p + 8, 0, 8);
		p[8] = types[i / 2];
		rig_give(r, V6, p, rig_wrap(p, RIG_B4A, heads[i % 2].next, 16));
		ck_assert_uint_eq(r->n_out, types[i / 2] == 128);
		snprintf(want, sizeof(want), "drop-v6-ext-header=1 %s %s", r->n_out ? "out-icmpv6-error=1" : "",
		         r->n_out ? heads[i % 2].counted : "icmp6-suppressed-forbidden=1");
		rig_counted(r, want);
		rig_clear(r);
	}
	rig_free(r);
}
END_TEST

/* ---- rates and switches ---- */

/* D-126, D-128: burst B, then N a second; a flood of A does not silence B; too-big has its own bucket. */
START_TEST(buckets)
{
	struct lw4o6_aftr_config c = rig_config();
	c.softwire_rate = 5;
	c.softwire_burst = 4;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V6a");

	for (unsigned i = 0; i < 100; i++)
		rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=100 drop-v6-spoofed=100 out-icmpv6-error=4 icmp6-out-1-5=4 icmp6-suppressed-rate=96");
	r->now += LW4O6_SEC;
	for (unsigned i = 0; i < 100; i++)
		rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=100 drop-v6-spoofed=100 out-icmpv6-error=4 icmp6-out-1-5=4 icmp6-suppressed-rate=96");
	r->now += LW4O6_SEC / 5;
	rig_give(r, V6, p, len);
	rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=2 drop-v6-spoofed=2 out-icmpv6-error=1 icmp6-out-1-5=1 icmp6-suppressed-rate=1");

	struct in6_addr b = rig_a6(RIG_B4B);
	memcpy(p + 8, &b, 16);
	p[60] = 0xd0; /* B uses a port of A */
	rig_give(r, V6, p, len);
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 out-icmpv6-error=1 icmp6-out-1-5=1");
	rig_clear(r);

	/* a flood of TTL 1 from one network; path MTU discovery goes on, and another network is answered */
	len = rig_vector(p, "V1d");
	p[8] = 1;
	rig_fix4(p);
	for (unsigned i = 0; i < 100; i++)
		rig_give(r, V4, p, len);
	rig_counted(r, "rcvd-ipv4=100 drop-v4-ttl=100 out-icmpv4-error=4 icmp4-out-11-0=4 icmp4-suppressed-rate=96");
	rig_send(r, V4, "V3a");
	rig_counted(r, "rcvd-ipv4=1 drop-v4-mtu-df=1 out-icmpv4-error=1 icmp4-out-3-4=1");
	p[12] = 203;
	rig_fix4(p);
	rig_give(r, V4, p, len);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-ttl=1 out-icmpv4-error=1 icmp4-out-11-0=1");
	rig_free(r);
}
END_TEST

/* D-126 to D-128: the global buckets of both families and of too-big messages. */
START_TEST(global_buckets)
{
	struct lw4o6_aftr_config c = rig_config();
	c.icmp6_rate = c.icmp4_rate = c.too_big_rate = 10;
	c.icmp6_burst = c.icmp4_burst = c.too_big_burst = 7;
	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V1b");

	for (unsigned i = 0; i < 200; i++) { /* random outer sources, section 7 */
		p[9] = 9;
		p[10] = (uint8_t)i;
		rig_give(r, V6, p, len);
	}
	rig_counted(r, "rcvd-ipv6=200 drop-v6-spoofed=200 out-icmpv6-error=7 icmp6-out-1-5=7 icmp6-suppressed-rate=193");
	rig_clear(r);
	len = rig_vector(p, "V1d");
	p[22] = 0x10;
	for (unsigned i = 0; i < 200; i++) {
		p[13] = (uint8_t)i;
		rig_fix4(p);
		rig_give(r, V4, p, len);
	}
	rig_counted(r, "rcvd-ipv4=200 drop-v4-port-unbound=200 out-icmpv4-error=7 icmp4-out-3-1=7 icmp4-suppressed-rate=193");
	rig_clear(r);
	for (unsigned i = 0; i < 20; i++)
		rig_send(r, V4, "V3a");
	rig_counted(r, "rcvd-ipv4=20 drop-v4-mtu-df=20 out-icmpv4-error=7 icmp4-out-3-4=7 icmp4-suppressed-rate=13");
	rig_free(r);
}
END_TEST

/* D-129: each class has its switch; D-118: without an address nothing goes to the Internet, with one log line. */
START_TEST(switches)
{
	static const struct { uint8_t off4, off6; enum event e; const char *counted; } rows[] = {
		{ LW4O6_AFTR_ICMP4_3_1, 0, UNBOUND, "rcvd-ipv4=1 drop-v4-address-unbound=1 icmp4-suppressed-policy=1" },
		{ LW4O6_AFTR_ICMP4_11_0, 0, EXPIRED, "rcvd-ipv4=1 drop-v4-ttl=1 icmp4-suppressed-policy=1" },
		{ LW4O6_AFTR_ICMP4_3_4, 0, TOO_BIG, "rcvd-ipv4=1 drop-v4-mtu-df=1 icmp4-suppressed-policy=1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lw4o6_aftr_config c = rig_config();
		c.no_icmp4 = rows[i].off4;
		struct rig *r = rig_new(&c);

		rig_give(r, V4, p, make_event(rows[i].e, GOOD));
		rig_nothing(r);
		rig_counted(r, rows[i].counted);
		rig_free(r);
	}

	struct lw4o6_aftr_config c = rig_config();
	c.no_icmp6 = LW4O6_AFTR_ICMP6_1_5;
	c.no_icmp4 = LW4O6_AFTR_ICMP4_RELAY;
	c.link_mtu = 1540;
	struct rig *r = rig_new(&c);
	rig_send(r, V6, "V6a");
	rig_counted(r, "rcvd-ipv6=1 drop-v6-spoofed=1 icmp6-suppressed-policy=1");
	rig_send(r, V6, "V7a");
	rig_nothing(r);
	rig_counted(r, "pmtu-decreased=1 icmp4-suppressed-policy=1");
	rig_free(r);

	c = rig_config();
	c.icmp4_source_internet.s_addr = 0;
	r = rig_new(&c);
	for (unsigned i = 0; i < 10; i++)
		rig_give(r, V4, p, make_event(EXPIRED, GOOD));
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=10 drop-v4-ttl=10 icmp4-suppressed-policy=10");
	ck_assert_uint_eq(r->lines, 1);
	rig_free(r);
}
END_TEST

/* D-122: DSCP of the offender, or CS6. */
START_TEST(tos_of_errors)
{
	for (int cs6 = 0; cs6 < 2; cs6++) {
		struct lw4o6_aftr_config c = rig_config();
		c.icmp_tos_cs6 = cs6;
		struct rig *r = rig_new(&c);
		size_t len = make_event(EXPIRED, GOOD);

		p[1] = 0xbb;
		rig_fix4(p);
		rig_give(r, V4, p, len);
		ck_assert_uint_eq(r->out[0].data[1], cs6 ? 0xc0 : 0xb8);
		rig_free(r);
	}
}
END_TEST

/* D-222, D-345: refusals are logged, a flood of them is not. */
START_TEST(log_is_limited)
{
	struct rig *r = rig_new(NULL);
	size_t len = rig_vector(p, "V6a");

	for (unsigned i = 0; i < 1000; i++)
		rig_give(r, V6, p, len), rig_clear(r);
	ck_assert_uint_le(r->lines, 5);
	r->now += 10 * LW4O6_SEC;
	rig_give(r, V6, p, len);
	ck_assert_msg(strstr(r->line, RIG_B4A) && strstr(r->line, "192.0.2.18") && strstr(r->line, "54300") &&
	              strstr(r->line, "995 lines"), "%s", r->line);
	ck_assert_ptr_null(strstr(r->line, SERVER));
	rig_free(r);
}
END_TEST

/* ---- errors from inside the tunnel ---- */

/* V7a with its ICMPv6 type, code, second word and one more octet changed. */
static size_t tunnel_error(unsigned type, unsigned code, uint32_t word, size_t at, uint8_t value)
{
	size_t len = rig_vector(p, "V7a");

	p[40] = (uint8_t)type;
	p[41] = (uint8_t)code;
	p[44] = (uint8_t)(word >> 24);
	p[45] = (uint8_t)(word >> 16);
	p[46] = (uint8_t)(word >> 8);
	p[47] = (uint8_t)word;
	if (at)
		p[at] = value;
	rig_fix_icmp6(p, len);
	return len;
}

static const struct {
	const char *row;
	unsigned type, code;
	uint32_t word;
	size_t at;
	uint8_t value;
	bool fix_inner;
	const char *counted;
	unsigned out;
} errors[] = {
	{ "D-135", 2, 0, 1400, 0, 0, false, "pmtu-decreased=1 icmp-relay-too-big=1 icmp4-out-3-4=1 out-icmpv4-error=1", 1 },
	{ "D-137 code 7", 2, 7, 1400, 0, 0, false,
	  "pmtu-decreased=1 icmp-relay-too-big=1 icmp4-out-3-4=1 out-icmpv4-error=1", 1 },
	{ "D-136 1279", 2, 0, 1279, 0, 0, false, "drop-icmp6-ptb-small=1", 0 },
	{ "D-136 32 bits", 2, 0, 0x00010578, 0, 0, false,
	  "icmp-relay-too-big=1 icmp4-out-3-4=1 out-icmpv4-error=1", 1 },
	{ "D-193 1280", 2, 0, 1280, 0, 0, false,
	  "pmtu-decreased=1 icmp-relay-too-big=1 icmp4-out-3-4=1 out-icmpv4-error=1", 1 },
	{ "D-135 DF clear", 2, 0, 1400, 88 + 6, 0, true, "pmtu-decreased=1", 0 },
	{ "D-134 1/0", 1, 0, 0, 0, 0, false, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1", 1 },
	{ "D-134 1/3", 1, 3, 0, 0, 0, false, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1", 1 },
	{ "D-134 1/5", 1, 5, 0, 0, 0, false, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1", 1 },
	{ "D-134 3/0", 3, 0, 0, 0, 0, false, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1", 1 },
	{ "D-134 3/1", 3, 1, 0, 0, 0, false, "drop-icmp6-type=1", 0 },
	{ "D-134 4/0 elsewhere", 4, 0, 6, 0, 0, false, "drop-icmp6-type=1", 0 },
	{ "D-134 unknown error", 100, 0, 0, 0, 0, false, "drop-icmp6-type=1", 0 },
	{ "D-145 unknown informational", 200, 0, 0, 0, 0, false, "drop-icmp6-type=1", 0 },
	{ "D-145 echo reply", 129, 0, 0, 0, 0, false, "drop-icmp6-type=1", 0 },
	{ "D-133 quoted source is not ours", 1, 0, 0, 48 + 23, 9, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 quoted destination is no B4", 1, 0, 0, 48 + 39, 9, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 quoted next header", 1, 0, 0, 48 + 6, 17, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 quoted version", 1, 0, 0, 48, 0x45, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 inner destination", 1, 0, 0, 88 + 19, 0x13, true, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 inner port is B's", 1, 0, 0, 88 + 22, 0xd4, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 inner port is nobody's", 1, 0, 0, 88 + 22, 0x10, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-133 inner checksum", 1, 0, 0, 88 + 10, 0, false, "drop-icmp6-embedded-mismatch=1", 0 },
	{ "D-140 inner source martian", 1, 0, 0, 88 + 12, 127, true, "icmp4-suppressed-forbidden=1", 0 },
	{ "D-140 inner fragment", 1, 0, 0, 88 + 7, 5, true, "icmp4-suppressed-forbidden=1", 0 },
};

START_TEST(tunnel_errors)
{
	struct lw4o6_aftr_config c = rig_config();
	c.link_mtu = 1540;
	struct rig *r = rig_new(&c);
	size_t len = tunnel_error(errors[_i].type, errors[_i].code, errors[_i].word, errors[_i].at, errors[_i].value);

	if (errors[_i].fix_inner) {
		rig_fix4(p + 88);
		rig_fix_icmp6(p, len);
	}
	rig_give(r, V6, p, len);
	rig_counted(r, errors[_i].counted);
	ck_assert_msg(r->n_out == errors[_i].out, "%s: %zu out", errors[_i].row, r->n_out);
	if (r->n_out == 1) { /* D-117, D-139: to the inner source, quoting the inner packet as it was in the quote */
		const uint8_t *d = r->out[0].data;

		ck_assert_int_eq(r->out[0].side, V4);
		ck_assert_uint_eq(r->out[0].len, 576);
		ck_assert(memcmp(d + 16, p + 88 + 12, 4) == 0);
		ck_octets(d + 28, 548, p + 88, 548);
	}
	rig_free(r);
}
END_TEST

/* D-133, D-138: checksum, and quotes of every length: PMTU is learnt without the inner packet, nothing relayed. */
START_TEST(tunnel_error_cut)
{
	struct lw4o6_aftr_config c = rig_config();
	c.link_mtu = 1540;

	for (size_t quote = 0; quote < 80; quote++) {
		struct rig *r = rig_new(&c);
		size_t len = 48 + quote;

		rig_vector(p, "V7a");
		p[4] = 0;
		p[5] = (uint8_t)(len - 40);
		rig_fix_icmp6(p, len);
		rig_give(r, V6, p, len);
		if (quote < 40)
			rig_counted(r, "drop-icmp6-truncated=1");
		else if (quote < 40 + 28)
			rig_counted(r, "pmtu-decreased=1 icmp-relay-unusable=1");
		else
			rig_counted(r, "pmtu-decreased=1 icmp-relay-too-big=1 icmp4-out-3-4=1 out-icmpv4-error=1");
		rig_free(r);
	}

	struct rig *r = rig_new(&c);
	size_t len = rig_vector(p, "V7a");
	p[1000] ^= 1;
	rig_give(r, V6, p, len);
	rig_counted(r, "drop-icmp6-checksum=1");
	/* without an inner packet the outer ends must do */
	for (unsigned i = 0; i < 2; i++) {
		rig_vector(p, "V7a");
		p[48 + (i ? 23 : 39)] ^= 1;
		p[4] = 0;
		p[5] = 48;
		rig_fix_icmp6(p, 88);
		rig_give(r, V6, p, 88);
		rig_counted(r, "drop-icmp6-embedded-mismatch=1");
	}
	rig_free(r);
}
END_TEST

/* D-134: type 4 counts when the limit option is ours and the pointer is in it. */
START_TEST(limit_option_error)
{
	struct lw4o6_aftr_config c = rig_config();
	c.encap_limit = true;
	struct rig *r = rig_new(&c);
	uint8_t v7[1280];

	rig_vector(v7, "V7a");
	memset(p, 0, 8);
	p[0] = 4;
	p[7] = 44;
	memcpy(p + 8, v7 + 48, 40);
	p[8 + 6] = 60;
	unhex(p + 48, 8, "04 00 04 01 04 01 01 00");
	memcpy(p + 56, v7 + 88, 200);
	size_t len = rig_wrap(p, "2001:db8:aaaa::9", 58, 256);
	rig_fix_icmp6(p, len);
	rig_give(r, V6, p, len);
	rig_counted(r, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1");
	p[47] = 6;
	rig_fix_icmp6(p, len);
	rig_give(r, V6, p, len);
	rig_counted(r, "drop-icmp6-type=1");
	rig_free(r);
}
END_TEST

/* D-139: the inner packet of a hairpin: the error goes to its sender through his softwire. */
START_TEST(relay_into_softwire)
{
	struct rig *r = rig_new(NULL);
	struct in6_addr a = rig_a6(RIG_B4A);
	uint8_t v5[100];

	rig_vector(v5, "V5b");
	memset(p, 0, 8);
	p[0] = 1;
	memcpy(p + 8, v5, 76);
	size_t len = rig_wrap(p, "2001:db8:aaaa::9", 58, 84);
	rig_fix_icmp6(p, len);
	rig_give(r, V6, p, len);
	rig_counted(r, "icmp-relay-unreachable=1 icmp4-out-3-1=1 out-icmpv4-error=1 sent-ipv6=1");
	ck_assert_int_eq(r->out[0].side, V6);
	ck_assert(memcmp(r->out[0].data + 24, &a, 16) == 0);
	rig_free(r);
}
END_TEST

/* D-135, D-022: a B4 with two entries; the path MTU is lowered for the one whose packet was too big. */
START_TEST(path_mtu_of_the_entry)
{
	struct rig *r = rig_new(NULL);
	struct lw4o6_binding b = { .ipv4 = rig_a4("192.0.2.77"), .b4 = rig_a6(RIG_B4A), .br = rig_a6(RIG_AFTR),
		                   .expires = LW4O6_TIME_NONE };
	struct lw4o6_aftr_softwire sw;
	struct lw4o6_bindtab_config bc;

	lw4o6_bindtab_config_init(&bc);
	bc.max_softwires = 4;
	bc.hash_key[0] = 1;
	size_t size = (lw4o6_bindtab_size(&bc) + 63) & ~(size_t)63;
	void *region = aligned_alloc(64, size);
	memset(region, 0, size);
	ck_assert_int_eq(lw4o6_bindtab_init(region, size, &bc), LW4O6_OK);
	struct lw4o6_bindtab *second = lw4o6_bindtab_attach(r->mem, region, size, true);
	ck_assert_int_eq(lw4o6_psid_init(&b.ps, 0, 0, 0), LW4O6_OK);
	ck_assert_int_eq(lw4o6_bindtab_set(second, &b, r->now), LW4O6_OK);
	lw4o6_aftr_set_table(r->a, 1, second);

	struct in6_addr from = rig_a6(RIG_AFTR), to = rig_a6(RIG_B4A);
	size_t len = rig_wrap(p, RIG_B4A, 4, rig_udp(p, SERVER, 80, "192.0.2.77", 4000, 100));
	memcpy(p + 8, &from, 16);
	memcpy(p + 24, &to, 16);
	memmove(p + 8, p, len);
	memset(p, 0, 8);
	p[0] = 2;
	p[6] = 1400 >> 8;
	p[7] = 1400 & 0xff;
	len = rig_wrap(p, "2001:db8:aaaa::9", 58, 8 + len);
	rig_fix_icmp6(p, len);
	rig_give(r, V6, p, len);
	ck_assert(lw4o6_aftr_softwire(r->a, b.ipv4, 4000, r->now, &sw));
	ck_assert_uint_eq(sw.tunnel_mtu, 1360);
	ck_assert_uint_eq(lw4o6_aftr_counters(r->a)->packets[LW4O6_CNT_PMTU_DECREASED], 1);
	rig_free(r);
	free(region);
}
END_TEST

static uint32_t mtu_of_a(struct rig *r)
{
	struct lw4o6_aftr_softwire sw;

	ck_assert(lw4o6_aftr_softwire(r->a, rig_a4("192.0.2.18"), 53250, r->now, &sw));
	return sw.tunnel_mtu;
}

/* D-135, D-191, D-203: lowered, never raised, aged; D-198: an ICMPv4 3/4 from the Internet changes nothing. */
START_TEST(path_mtu)
{
	struct lw4o6_aftr_config c = rig_config();
	c.link_mtu = 1540;
	struct rig *r = rig_new(&c);
	struct lw4o6_aftr_gauges g;

	rig_give(r, V6, p, tunnel_error(2, 0, 1400, 0, 0));
	ck_assert_uint_eq(mtu_of_a(r), 1360);
	rig_give(r, V6, p, tunnel_error(2, 0, 1450, 0, 0));
	ck_assert_uint_eq(mtu_of_a(r), 1360);
	rig_give(r, V6, p, tunnel_error(2, 0, 1300, 0, 0));
	ck_assert_uint_eq(mtu_of_a(r), 1260);
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.pmtu_entries, 1);
	rig_clear(r);
	size_t len = rig_vector(p, "V2a");
	p[20] = 3;
	p[21] = 4;
	p[27] = 68;
	rig_fix_icmp4(p);
	rig_give(r, V4, p, len);
	ck_assert_uint_eq(mtu_of_a(r), 1260);

	/* in force: fragments are cut for it */
	len = rig_udp(p, SERVER, 80, "192.0.2.18", 53250, 1300);
	p[6] = 0;
	rig_fix4(p);
	rig_clear(r);
	rig_give(r, V4, p, len);
	ck_assert_uint_eq(r->n_out, 2);
	ck_assert_uint_le(r->out[0].len, 1300);

	r->now += 600 * LW4O6_SEC - 1;
	ck_assert_uint_eq(mtu_of_a(r), 1260);
	r->now += 1;
	ck_assert_uint_eq(mtu_of_a(r), 1500);
	rig_clear(r);
	rig_give(r, V4, p, len);
	ck_assert_uint_eq(r->n_out, 1);
	lw4o6_aftr_gauges(r->a, &g, r->now);
	ck_assert_uint_eq(g.pmtu_entries, 0);
	rig_free(r);

	c.pmtu_age_s = UINT32_MAX; /* never */
	r = rig_new(&c);
	rig_give(r, V6, p, tunnel_error(2, 0, 1400, 0, 0));
	r->now += 100000 * LW4O6_SEC;
	ck_assert_uint_eq(mtu_of_a(r), 1360);
	rig_free(r);
}
END_TEST

/* D-192: static, and the default of an anycast address; D-143: the switch and the input rate. */
START_TEST(path_mtu_off)
{
	struct lw4o6_aftr_addr any = { rig_a6(RIG_AFTR), true };
	struct lw4o6_aftr_config c = rig_config();

	for (unsigned i = 0; i < 2; i++) {
		c = rig_config();
		if (i == 0)
			c.pmtu = LW4O6_AFTR_OFF;
		else
			c.addrs = &any;
		struct rig *r = rig_new(&c);
		rig_give(r, V6, p, tunnel_error(2, 0, 1400, 0, 0));
		ck_assert_uint_eq(mtu_of_a(r), 1460);
		rig_counted(r, "drop-icmp6-policy=1");
		rig_free(r);
	}
	c.pmtu = LW4O6_AFTR_ON;
	struct rig *r = rig_new(&c);
	rig_give(r, V6, p, tunnel_error(2, 0, 1400, 0, 0));
	ck_assert_uint_eq(mtu_of_a(r), 1360);
	rig_free(r);

	c = rig_config();
	c.ignore_icmp6_errors = true;
	r = rig_new(&c);
	rig_give(r, V6, p, tunnel_error(1, 0, 0, 0, 0));
	rig_nothing(r);
	rig_counted(r, "drop-icmp6-policy=1");
	rig_free(r);

	c = rig_config();
	c.icmp6_in_rate = 3;
	r = rig_new(&c);
	for (unsigned i = 0; i < 5; i++)
		rig_give(r, V6, p, tunnel_error(1, 0, 0, 0, 0));
	rig_counted(r, "icmp-relay-unreachable=3 icmp4-out-3-1=3 out-icmpv4-error=3 drop-icmp6-rate=2");
	rig_free(r);
}
END_TEST

/* D-140: relayed errors have the rate of the softwire they are about. */
START_TEST(relay_rate)
{
	struct lw4o6_aftr_config c = rig_config();
	c.softwire_burst = 4;
	struct rig *r = rig_new(&c);

	for (unsigned i = 0; i < 20; i++)
		rig_give(r, V6, p, tunnel_error(1, 0, 0, 0, 0));
	rig_counted(r, "icmp-relay-unreachable=4 icmp4-out-3-1=4 out-icmpv4-error=4 icmp4-suppressed-rate=16");
	rig_free(r);
}
END_TEST

/* D-144: ping6 is answered, at a rate. */
START_TEST(ping6)
{
	struct lw4o6_aftr_config c = rig_config();
	c.icmp6_rate = 5;
	c.icmp6_burst = 5;
	struct rig *r = rig_new(&c);
	uint8_t echo[20] = { 128, 0, 0, 0, 1, 2, 3, 4, 'p', 'i', 'n', 'g' };

	for (unsigned i = 0; i < 8; i++) {
		memcpy(p, echo, 20);
		size_t len = rig_wrap(p, "2001:db8:aaaa::9", 58, 20);
		rig_fix_icmp6(p, len);
		rig_give(r, V6, p, len);
	}
	ck_assert_uint_eq(r->n_out, 5);
	const uint8_t *d = r->out[0].data;
	ck_assert(d[40] == 129 && memcmp(d + 44, p + 44, 16) == 0);
	ck_assert(memcmp(d + 8, p + 24, 16) == 0 && memcmp(d + 24, p + 8, 16) == 0);
	struct in6_addr src, dst;
	memcpy(&src, d + 8, 16);
	memcpy(&dst, d + 24, 16);
	ck_assert_uint_eq(lw4o6_cksum_finish(lw4o6_cksum_add(lw4o6_cksum_pseudo6(&src, &dst, 20, 58), d + 40, 20)), 0);
	rig_counted(r, "drop-icmp6-rate=3");
	rig_free(r);
}
END_TEST

/* D-144, D-161: a ping that came in fragments is answered in fragments, none of which counts as a tunnel packet. */
START_TEST(ping6_large)
{
	struct rig *r = rig_new(NULL);
	static uint8_t whole[RIG_PKT], back[RIG_PKT];
	enum { BODY = 3008 };

	memset(whole, 0x5a, BODY);
	memcpy(whole, "\x80\0\0\0\1\2\3\4", 8);
	size_t len = rig_wrap(whole, RIG_B4A, 58, BODY), got = 0;

	rig_fix_icmp6(whole, len);
	for (size_t off = 0; off < BODY; off += 1200) {
		size_t n = BODY - off < 1200 ? BODY - off : 1200;

		memset(p, 0, 8);
		p[0] = 58;
		p[2] = (uint8_t)(off >> 8);
		p[3] = (uint8_t)((off & 0xf8) | (off + n < BODY));
		p[7] = 9;
		memcpy(p + 8, whole + 40 + off, n);
		rig_give(r, V6, p, rig_wrap(p, RIG_B4A, 44, 8 + n));
	}
	ck_assert_uint_eq(r->n_out, 3);
	memcpy(back, r->out[0].data, 40);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(r->out[i].len <= 1500 && r->out[i].data[6] == 44 && r->out[i].data[40] == 58);
		memcpy(back + 40 + got, r->out[i].data + 48, r->out[i].len - 48);
		got += r->out[i].len - 48;
	}
	ck_assert_uint_eq(got, BODY);
	ck_assert(back[40] == 129 && memcmp(back + 44, whole + 44, BODY - 4) == 0);
	ck_assert(memcmp(back + 8, whole + 24, 16) == 0 && memcmp(back + 24, whole + 8, 16) == 0);
	whole[40] = 129;
	memcpy(whole + 8, back + 8, 32);
	rig_fix_icmp6(whole, len);
	ck_octets(back + 40, BODY, whole + 40, BODY);
	rig_counted(r, "rcvd-ipv6=3 frag6-in=3 ipv6-fragments-reassembled=3 frag6-out-packets=1 frag6-out-fragments=3");
	rig_free(r);
}
END_TEST

/* D-070, D-186: the reply to a large ping from the Internet never exceeds the MTU of that side. */
START_TEST(ping4_large)
{
	struct lw4o6_aftr_config c = rig_config();
	c.ipv4_mtu = 1000;
	struct rig *r = rig_new(&c);
	static uint8_t echo[1400] = { 8 };
	size_t len = rig_ip4(p, "198.51.100.7", "203.0.113.1", 1, echo, sizeof(echo));

	rig_fix_icmp4(p);
	rig_give(r, V4, p, len);
	rig_nothing(r);
	rig_counted(r, "rcvd-ipv4=1 drop-v4-local=1");
	p[6] = 0;
	rig_fix4(p);
	ck_assert_int_eq(rig_give(r, V4, p, len), LW4O6_VERDICT_OUTQ);
	ck_assert_uint_eq(r->n_out, 2);
	ck_assert(r->out[0].len <= 1000 && r->out[1].len <= 1000 && r->out[0].data[20] == 0);
	ck_assert_uint_eq(r->out[0].len + r->out[1].len, len + 20);
	rig_counted(r, "rcvd-ipv4=1 frag4-out-packets=1 frag4-out-fragments=2");
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("aftr_icmp");
	TCase *t = tcase_create("icmp");

	tcase_set_timeout(t, 30); /* a busy machine */
	tcase_add_test(t, forbidden);
	tcase_add_test(t, forbidden6);
	tcase_add_test(t, buckets);
	tcase_add_test(t, global_buckets);
	tcase_add_test(t, switches);
	tcase_add_test(t, tos_of_errors);
	tcase_add_test(t, log_is_limited);
	tcase_add_loop_test(t, tunnel_errors, 0, (int)(sizeof(errors) / sizeof(errors[0])));
	tcase_add_test(t, tunnel_error_cut);
	tcase_add_test(t, limit_option_error);
	tcase_add_test(t, relay_into_softwire);
	tcase_add_test(t, path_mtu);
	tcase_add_test(t, path_mtu_of_the_entry);
	tcase_add_test(t, path_mtu_off);
	tcase_add_test(t, relay_rate);
	tcase_add_test(t, ping6);
	tcase_add_test(t, ping6_large);
	tcase_add_test(t, ping4_large);
	suite_add_tcase(s, t);
	return test_main(s);
}
