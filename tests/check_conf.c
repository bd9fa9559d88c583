#include "harness.h"

#include "conf.h"

#include <arpa/inet.h>

struct settings {
	uint8_t small;
	uint64_t big;
	bool flag;
	int word;
	const char *text;
	struct in_addr v4;
	struct in6_addr v6;
	unsigned calls;
};

static int on_call(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct in6_addr p6;
	struct in_addr p4;
	unsigned len;
	uint8_t hex[4];
	size_t n = sizeof(hex);

	s->calls++;
	if (strcmp(line->argv[1], "p4") == 0)
		return conf_prefix4(line, line->argv[2], &p4, &len);
	if (strcmp(line->argv[1], "p6") == 0)
		return conf_prefix6(line, line->argv[2], &p6, &len);
	if (strcmp(line->argv[1], "hex") == 0)
		return conf_hex(line, line->argv[2], hex, &n);
	return conf_fail(line, "no %s", line->argv[1]);
}

static const char *const words[] = { "on", "forward", "drop", NULL };
static const struct conf_keyword keywords[] = {
	CONF_UINT_ROW("small", struct settings, small, 1, 255),
	CONF_UINT_ROW("big", struct settings, big, 0, UINT64_MAX),
	CONF_BOOL_ROW("flag", struct settings, flag),
	CONF_WORD_ROW("word", struct settings, word, words),
	CONF_TEXT_ROW("text", struct settings, text),
	CONF_IPV4_ROW("v4", struct settings, v4),
	CONF_IPV6_ROW("v6", struct settings, v6),
	CONF_CALL_ROW("call", 2, 3, on_call),
	{ 0 },
};

static const struct {
	const char *text, *error; /* error NULL: accepted */
} rows[] = {
	{ "", NULL },
	{ "# only a comment\n\n   \t# another\n", NULL },
	{ "small 255 # trailing\nflag on\nword drop\r\n", NULL },
	{ "big 4G\ntext a/b\nv4 192.0.2.1\nv6 2001:db8::1", NULL },
	{ "call p4 192.0.2.0/24\ncall p6 2001:db8::/32\ncall hex 00:aA:ff\ncall p4 192.0.2.1\n", NULL },
	{ "\nnonsense 1\n", "f:2: unknown keyword 'nonsense'" },
	{ "small 0", "f:1: 0 is out of range 1..255" },
	{ "small 256", "f:1: 256 is out of range 1..255" },
	{ "small -1", "f:1: '-1' is not a number" },
	{ "small 1x", "f:1: '1x' is not a number" },
	{ "big 18446744073709551616", "f:1: '18446744073709551616' is not a number" },
	{ "big 17179869184G", "f:1: '17179869184G' is not a number" },
	{ "small", "f:1: 'small' takes 1 value, not 0" },
	{ "small 1 2", "f:1: 'small' takes 1 value, not 2" },
	{ "call p4", "f:1: 'call' takes 2 to 3 values, not 1" },
	{ "flag maybe", "f:1: 'maybe' is neither on nor off" },
	{ "word off", "f:1: 'off' is none of on, forward, drop" },
	{ "small 1\n\nsmall 2", "f:3: 'small' was set already in line 1" },
	{ "v4 2001:db8::1", "f:1: '2001:db8::1' is not an IPv4 address" },
	{ "v6 192.0.2.1", "f:1: '192.0.2.1' is not an IPv6 address" },
	{ "call p4 192.0.2.1/24", "f:1: '192.0.2.1/24' has bits set behind its length" },
	{ "call p4 192.0.2.0/33", "f:1: 33 is out of range 0..32" },
	{ "call p6 2001:db8::/129", "f:1: 129 is out of range 0..128" },
	{ "call hex 0", "f:1: '0' is not a list of hex octets" },
	{ "call hex 0011223344", "f:1: '0011223344' is longer than 4 octets" },
};

/* D-036: a bad line is named with its number and reason. */
START_TEST(lines)
{
	struct settings s = { 0 };
	char error[200] = "", *text = strdup(rows[_i].text);
	TALLOC_CTX *mem = talloc_new(NULL);
	int r = conf_parse("f", text, keywords, &s, mem, error, sizeof(error));

	ck_assert_str_eq(error, rows[_i].error ? rows[_i].error : "");
	ck_assert_int_eq(r, rows[_i].error ? -1 : 0);
	ck_assert_uint_eq(talloc_total_blocks(mem), 1);
	talloc_free(mem);
	free(text);
}
END_TEST

START_TEST(values)
{
	struct settings s = { 0 };
	char error[200] = "", text[] = "small 0x10\nbig 3k\nflag yes\nword forward\ntext hello\nv4 192.0.2.1\nv6 ::1\n";
	TALLOC_CTX *mem = talloc_new(NULL);

	ck_assert_int_eq(conf_parse("f", text, keywords, &s, mem, error, sizeof(error)), 0);
	ck_assert_uint_eq(s.small, 16);
	ck_assert_uint_eq(s.big, 3072);
	ck_assert(s.flag);
	ck_assert_int_eq(s.word, 1);
	ck_assert_str_eq(s.text, "hello");
	ck_assert_uint_eq(ntohl(s.v4.s_addr), 0xc0000201);
	ck_assert_uint_eq(s.v6.s6_addr[15], 1);
	talloc_free(mem);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");

	tcase_add_loop_test(tc, lines, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, values);
	suite_add_tcase(s, tc);
	return test_main(s);
}
