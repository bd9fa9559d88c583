/* The settings of lw4o6-b4: every keyword reaches the structure it is for, and bad values are refused by line. */
#include "harness.h"

#include "b4.h"

#include <arpa/inet.h>

static char error[512];

static int parse(struct b4_settings *s, TALLOC_CTX *mem, const char *text)
{
	char *copy = talloc_strdup(mem, text);

	b4_settings_init(s);
	if (conf_parse("b4.conf", copy, b4_keywords, s, mem, error, sizeof(error)) < 0)
		return -1;
	return b4_settings_check(s, error, sizeof(error));
}

/* The defaults are those of control-plane 1.8 and data-plane 4, apart from the TTL, which the kernel counts. */
START_TEST(defaults)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	static struct b4_settings s;

	ck_assert_msg(parse(&s, mem, "interface wan0\n") == 0, "%s", error);
	ck_assert_str_eq(s.interface, "wan0");
	ck_assert(s.default_route && s.manage_forwarding && !s.release_on_exit);
	ck_assert_uint_eq(ntohl(s.tun_address.s_addr), 0xc0000002);
	ck_assert_uint_eq(s.client.start_delay_ms, 0);
	ck_assert_uint_eq(s.client.saddr_mode, LW4O6_CLIENT_SADDR_NEW);
	ck_assert(!s.client.no_4o6 && !s.client.no_lw && !s.client.prefer_lw && !s.client.no_reprovision);
	ck_assert(s.b4.no_ttl_out && s.b4.no_ttl_in);
	ck_assert(!s.b4.no_mss_clamp && !s.b4.no_answer_ping && !s.b4.tunnel_private_destinations);
	ck_assert(!s.b4.ignore_icmpv6_errors && !s.b4.no_icmp4_errors && !s.b4.no_icmp6_errors);
	ck_assert_uint_eq(s.b4.exhausted_code, 13);
	ck_assert_uint_eq(s.b4.n_internal, 0);
	ck_assert(!s.nat.no_parity);
	ck_assert_ptr_eq(s.b4.nat, &s.nat);
	talloc_free(mem);
}
END_TEST

START_TEST(values)
{
	static const char text[] =
		"interface wan0\nlan-prefix 192.168.1.0/24\ndelegated-prefix 2001:db8:12::/56\ntun home\n"
		"dhcpv4-start-delay 0\noffer-collect 2\npsid-len-hint 8\nsoftwire-address 2001:db8::5\n"
		"release-on-exit on\npreference container\nreprovision-on-1-5 off\nduid 00:04:01:02\niaid 7\n"
		"request-option 42\nstatic-server 2001:db8::547\nlink-mtu 1400\nttl-decrement-out on\n"
		"dscp-encap 46\ndscp-decap pipe\necn-encap compat\nflow-label hash\ndf-mode tunnel-fragment\n"
		"pmtu static\nmss-clamp 1300\nfrag4-mode drop\nnat-filter-udp eif\nnat-filter-tcp apdf\n"
		"nat-parity off\nnat-exhausted-code none\nsyn-unsolicited delayed\nnat-atomic-id zero\n"
		"nat-answer-ping off\ndrop-private-destinations off\naccept-icmpv6-errors off\n"
		"forward tcp 1300 192.168.1.10:22\nforward udp 1301 192.168.1.11\nreserved-ports 2000-2010 tcp\n";
	TALLOC_CTX *mem = talloc_new(NULL);
	static struct b4_settings s;

	ck_assert_msg(parse(&s, mem, text) == 0, "%s", error);
	ck_assert_uint_eq(s.b4.n_internal, 2); /* the prefix, and that of the device */
	ck_assert_uint_eq(ntohl(s.b4.internal[1].addr.s_addr), 0xc0000000);
	ck_assert_uint_eq(s.b4.internal[1].len, 29);
	ck_assert_uint_eq(s.delegated[0].len, 56);
	ck_assert_uint_eq(s.client.start_delay_ms, LW4O6_CLIENT_NO_DELAY);
	ck_assert_uint_eq(s.client.offer_collect_ms, 2000);
	ck_assert_uint_eq(s.client.psid_len_hint, 8);
	ck_assert_uint_eq(s.client.saddr_mode, LW4O6_CLIENT_SADDR_FIXED);
	ck_assert(s.release_on_exit && s.client.prefer_lw && s.client.no_reprovision && s.b4.no_reprovision);
	ck_assert_uint_eq(s.client.duid_len, 4);
	ck_assert_uint_eq(s.client.iaid, 7);
	ck_assert(s.client.prl_len == 1 && s.client.prl[0] == 42);
	ck_assert(s.client.static_servers && s.client.servers.n == 1);
	ck_assert_uint_eq(s.link_mtu, 1400);
	ck_assert(!s.b4.no_ttl_out && s.b4.no_ttl_in);
	ck_assert(s.b4.dscp_encap_fixed && s.b4.dscp_encap_value == 46 && s.b4.dscp_pipe);
	ck_assert(s.b4.ecn_compat && s.b4.flow_label_hash && s.b4.tunnel_fragment && s.b4.pmtu_static);
	ck_assert_uint_eq(s.b4.mss_clamp, 1300);
	ck_assert_uint_eq(s.b4.frag4_mode, LW4O6_B4_FRAG4_DROP);
	ck_assert(s.nat.filter_udp == LW4O6_NAPT_EIF && s.nat.filter_tcp == LW4O6_NAPT_APDF);
	ck_assert(s.nat.no_parity && s.nat.atomic_id_zero && s.b4.syn_unsolicited_3_3);
	ck_assert_uint_eq(s.b4.exhausted_code, 255);
	ck_assert(s.b4.no_answer_ping && s.b4.tunnel_private_destinations && s.b4.ignore_icmpv6_errors);
	ck_assert_uint_eq(s.n_forwards, 2);
	ck_assert(s.forward[0].protocol == 6 && s.forward[0].port == 1300 && s.forward[0].inner_port == 22);
	ck_assert(s.forward[1].protocol == 17 && s.forward[1].inner_port == 1301);
	ck_assert(s.nat.n_reserved == 1 && s.nat.reserved[0].first == 2000 && s.nat.reserved[0].last == 2010);
	talloc_free(mem);
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "", "'interface' is missing" },
	{ "interface a_name_that_is_too_long\n", "too long" },
	{ "interface w\nsoftwire-address some\n", "b4.conf:2:" },
	{ "interface w\nsoftwire-address fe80::1\n", "b4.conf:2:" },
	{ "interface w\n\npsid-len-hint 17\n", "b4.conf:3:" },
	{ "interface w\nduid 0001\n", "b4.conf:2:" },
	{ "interface w\nlink-mtu 1279\n", "b4.conf:2:" },
	{ "interface w\npayload-mtu 1239\n", "b4.conf:2:" },
	{ "interface w\nnat-udp-timeout 119\n", "b4.conf:2:" },
	{ "interface w\nnat-tcp-timeout 7439\n", "b4.conf:2:" },
	{ "interface w\ndscp-encap 64\n", "b4.conf:2:" },
	{ "interface w\nmss-clamp low\n", "b4.conf:2:" },
	{ "interface w\nforward sctp 1 192.168.1.1\n", "b4.conf:2:" },
	{ "interface w\nforward tcp 0 192.168.1.1\n", "b4.conf:2:" },
	{ "interface w\nforward tcp 5 192.168.1.1\nforward tcp 5 192.168.1.2\n", "port 5 appears twice" },
	{ "interface w\nreserved-ports 20-10\n", "b4.conf:2:" },
	{ "interface w\nlan-prefix 192.168.1.1/24\n", "b4.conf:2:" },
	{ "interface w\nirt-max 599\n", "b4.conf:2:" },
	{ "interface w\ndhcp4o6 off\ncontainer-96 off\n", "nothing is left" },
	{ "interface w\nrequest-option 255\n", "b4.conf:2:" },
	{ "interface w\nsome-keyword 1\n", "b4.conf:2:" },
};

START_TEST(refused)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	static struct b4_settings s;

	ck_assert_msg(parse(&s, mem, bad[_i].text) < 0, "accepted: %s", bad[_i].text);
	ck_assert_msg(strstr(error, bad[_i].error) != NULL, "'%s' lacks '%s'", error, bad[_i].error);
	talloc_free(mem);
}
END_TEST

/* Port ranges as the record and the hook have them, and no octet beyond the room. */
START_TEST(ranges)
{
	struct lw4o6_psid ps;
	char text[64];

	ck_assert_int_eq(lw4o6_psid_init(&ps, 0, 6, 52), LW4O6_OK);
	b4_ranges(&ps, true, text, sizeof(text));
	ck_assert_str_eq(text, "\"53248-54271\"");
	ck_assert_int_eq(lw4o6_psid_init(&ps, 6, 8, 0x34), LW4O6_OK);
	ck_assert_uint_lt(b4_ranges(&ps, false, text, sizeof(text)), sizeof(text));
	ck_assert_str_eq(text, "1232-1235 2256-2259 3280-3283 4304-4307 5328-5331");
}
END_TEST

/* B-066, B-069: what a stored lease has left: never more than when it was stored, nothing after a clock that went back. */
START_TEST(lease_left)
{
	static const struct {
		uint64_t written, end, wall, want;
	} rows[] = {
		{ 1000, 4600, 1000, 3600 },       { 1000, 4600, 4599, 1 }, { 1000, 4600, 4600, 0 },
		{ 1000, 4600, UINT64_MAX, 0 },    { 1000, 4600, 999, 0 },  { 1763900000, 1763903600, 12, 0 },
		{ UINT64_MAX, 4600, 1000, 0 }, /* the line is missing */
		{ 5000, 4600, 4500, 0 },
	};

	ck_assert_uint_eq(b4_state_lease_left(rows[_i].written, rows[_i].end, rows[_i].wall), rows[_i].want);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("b4_settings");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, defaults);
	tcase_add_test(tc, values);
	tcase_add_loop_test(tc, refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, ranges);
	tcase_add_loop_test(tc, lease_left, 0, 8);
	suite_add_tcase(s, tc);
	return test_main(s);
}
