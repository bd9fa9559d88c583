#include "vectors.h"

#include <lw4o6/print.h>

enum { TEXT = 8192 };

static void append(char *text, const char *line, unsigned depth)
{
	size_t n = strlen(text);

	ck_assert_uint_lt(n + 2 * depth + strlen(line) + 2, TEXT);
	snprintf(text + n, TEXT - n, "%*s%s\n", 2 * (int)depth, "", line);
}

static void print(char text[TEXT], const uint8_t *buf, size_t len, bool v4)
{
	struct lw4o6_walk w;
	struct lw4o6_item item;
	char line[LW4O6_ITEM_STRLEN];

	text[0] = '\0';
	if (v4)
		lw4o6_walk_init4(&w, buf, len);
	else
		lw4o6_walk_init6(&w, buf, len);
	while (lw4o6_walk_next(&w, &item))
		append(text, lw4o6_item_str(&item, line, sizeof(line)), item.depth);
}

#define CID "iaid=1 duid=000400112233445566778899aabbccddeeff"

/* Messages of 2.3 to 2.5 as people see them. */
START_TEST(vectors)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "RENEW",
		  "msg 20 DHCPV4-QUERY u=1\n"
		  "  option 6 ORO codes=90,137\n"
		  "  option 87 DHCPV4_MSG length=301\n"
		  "    msg 3 REQUEST op=1 xid=0x11223345 secs=0 flags=0x0000 ciaddr=192.0.2.18 yiaddr=0.0.0.0 siaddr=0.0.0.0 "
		  "giaddr=0.0.0.0 htype=1 chaddr=00:00:5e:00:53:01\n"
		  "      option 53 MESSAGE_TYPE type=3 name=REQUEST\n"
		  "      option 61 CLIENT_ID " CID "\n"
		  "      option 55 PARAMETER_REQUEST_LIST codes=1,159\n"
		  "      option 57 MAX_MESSAGE_SIZE value=1400\n"
		  "      option 159 V4_PORTPARAMS offset=0 psid-len=8 psid=52 ports=256\n"
		  "      option 109 DHCP4O6_S46_SADDR address=2001:db8:12:3400:0:c000:212:34\n" },
		{ "NAK",
		  "msg 21 DHCPV4-RESPONSE u=0\n"
		  "  option 87 DHCPV4_MSG length=298\n"
		  "    msg 6 NAK op=2 xid=0x11223344 secs=0 flags=0x0000 ciaddr=0.0.0.0 yiaddr=0.0.0.0 siaddr=0.0.0.0 "
		  "giaddr=0.0.0.0 htype=1 chaddr=00:00:5e:00:53:01\n"
		  "      option 53 MESSAGE_TYPE type=6 name=NAK\n"
		  "      option 54 SERVER_ID address=198.51.100.1\n"
		  "      option 56 MESSAGE text=\"source address in use\"\n"
		  "      option 61 CLIENT_ID " CID "\n" },
		{ "INFORMATION-REQUEST",
		  "msg 11 INFORMATION-REQUEST xid=0xa1b2c3\n"
		  "  option 1 CLIENTID duid=000400112233445566778899aabbccddeeff\n"
		  "  option 6 ORO codes=32,83,88,96,111\n"
		  "  option 8 ELAPSED_TIME seconds=0.00\n" },
		{ "REPLY-LW",
		  "msg 7 REPLY xid=0xa1b2c3\n"
		  "  option 2 SERVERID duid=000200007ed96c77346f362d7331\n"
		  "  option 1 CLIENTID duid=000400112233445566778899aabbccddeeff\n"
		  "  option 88 DHCP4_O_DHCP6_SERVER addresses=\n"
		  "  option 96 S46_CONT_LW\n"
		  "    option 90 S46_BR address=2001:db8:ffff::1\n"
		  "    option 92 S46_V4V6BIND ipv4=192.0.2.18 prefix=2001:db8:12:3400::/56\n"
		  "      option 93 S46_PORTPARAMS offset=0 psid-len=8 psid=52 ports=256\n"
		  "  option 111 S46_PRIORITY codes=88,96\n"
		  "  option 32 INFORMATION_REFRESH_TIME seconds=600\n" },
		{ "SOLICIT",
		  "msg 1 SOLICIT xid=0x0a0b0c\n"
		  "  option 1 CLIENTID duid=000400112233445566778899aabbccddeeff\n"
		  "  option 3 IA_NA iaid=1 t1=0 t2=0\n"
		  "  option 25 IA_PD iaid=2 t1=0 t2=0\n"
		  "  option 6 ORO codes=82,88,96,111\n"
		  "  option 8 ELAPSED_TIME seconds=0.00\n" },
		{ "LQ-LEASEQUERYSTATUS",
		  "msg 17 LEASEQUERYSTATUS op=2 xid=0x01020305 secs=0 flags=0x0000 ciaddr=0.0.0.0 yiaddr=0.0.0.0 siaddr=0.0.0.0 "
		  "giaddr=0.0.0.0 htype=0 chaddr=\n"
		  "  option 53 MESSAGE_TYPE type=17 name=LEASEQUERYSTATUS\n"
		  "  option 54 SERVER_ID address=198.51.100.1\n"
		  "  option 151 STATUS_CODE status=6 name=ConnectionActive text=\"\"\n"
		  "  option 152 BASE_TIME time=1704984636 utc=2024-01-11T14:50:36Z\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[VECTOR_MAX];
		char text[TEXT];
		bool lq = strncmp(rows[i].name, "LQ-", 3) == 0;

		if (lq) {
			size_t n = vector_octets(buf, &codec_leasequery[N_LEASEQUERY - 1]);

			print(text, buf + 2, n - 2, true);
		} else {
			print(text, buf, vector_named(buf, rows[i].name), false);
		}
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

/* Every option not in a vector: a message with this one body. */
START_TEST(bodies)
{
	static const struct {
		const char *hex, *line;
	} rows[] = {
		{ "00 03 00 28 00 00 00 01 00 00 07 08 00 00 0b 40 00 05 00 18 20 01 0d b8 00 12 34 00 00 00 00 00 00 00 00 0a "
		  "00 00 0e 10 00 00 1c 20",
		  "  option 3 IA_NA iaid=1 t1=1800 t2=2880\n"
		  "    option 5 IAADDR address=2001:db8:12:3400::a preferred=3600 valid=7200\n" },
		{ "00 19 00 29 00 00 00 02 00 00 07 08 00 00 0b 40 00 1a 00 19 00 00 0e 10 ff ff ff ff 38 20 01 0d b8 00 12 34 "
		  "00 00 00 00 00 00 00 00 00",
		  "  option 25 IA_PD iaid=2 t1=1800 t2=2880\n"
		  "    option 26 IAPREFIX prefix=2001:db8:12:3400::/56 preferred=3600 valid=infinite\n" },
		{ "00 04 00 08 00 00 00 07 00 0d 00 00", "  option 4 IA_TA iaid=7\n    malformed 13: length 0, at least 2\n" },
		{ "00 07 00 01 ff", "  option 7 PREFERENCE value=255\n" },
		{ "00 0c 00 10 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01", "  option 12 UNICAST address=2001:db8::1\n" },
		{ "00 0d 00 07 00 05 61 00 22 5c 7e", "  option 13 STATUS_CODE status=5 name=UseMulticast text=\"a\\x00\\x22\\x5c~\"\n" },
		{ "00 0e 00 00", "  option 14 RAPID_COMMIT\n" },
		{ "00 0b 00 0b 01 02 03 00 00 00 00 00 00 00 01", "  option 11 AUTH data=0102030000000000000001\n" },
		{ "00 10 00 06 00 00 01 37 aa bb", "  option 16 VENDOR_CLASS enterprise=311 data=aabb\n" },
		{ "00 08 00 02 04 d2", "  option 8 ELAPSED_TIME seconds=12.34\n" },
		{ "00 52 00 04 00 00 0e 10", "  option 82 SOL_MAX_RT seconds=3600\n" },
		{ "00 20 00 04 ff ff ff ff", "  option 32 INFORMATION_REFRESH_TIME seconds=infinite\n" },
		{ "00 89 00 01 00", "  option 137 S46_BIND_IPV6_PREFIX prefix=::/0\n" },
		{ "00 58 00 20 20 01 0d b8 00 04 00 00 00 00 00 00 00 00 05 47 20 01 0d b8 00 04 00 00 00 00 00 00 00 00 05 48",
		  "  option 88 DHCP4_O_DHCP6_SERVER addresses=2001:db8:4::547,2001:db8:4::548\n" },
		{ "fd e8 00 03 01 02 03", "  option 65000 unknown data=010203\n" },
		{ "00 5d 00 04 06 08 34 00", "  option 93 S46_PORTPARAMS offset=6 psid-len=8 psid=52 ports=252 misplaced\n" },
		{ "00 5c 00 14 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 34 00",
		  "  option 92 S46_V4V6BIND ipv4=192.0.2.18 prefix=2001:db8:12:3400::/56 misplaced\n" },
		{ "00 87 00 02 02 22", "  option 135 RELAY_PORT value=546 misplaced\n" },
		{ "00 5e 00 2a 00 59 00 15 00 08 18 c0 00 02 00 28 20 01 0d b8 00 00 5d 00 04 00 08 34 00 "
		  "00 5a 00 0d 20 01 0d b8 ff ff 00 00 00 00 00 00 00",
		  "  option 94 S46_CONT_MAPE\n"
		  "    option 89 S46_RULE flags=0x00 ea-len=8 ipv4=192.0.2.0/24 prefix=2001:db8::/40\n"
		  "      malformed 93: PSID without a whole IPv4 address\n"
		  "    malformed 90: length 13, not 16\n" },
		{ "00 5f 00 0b 00 5b 00 07 30 20 01 0d b8 00 64",
		  "  option 95 S46_CONT_MAPT\n    option 91 S46_DMR prefix=2001:db8:64::/48\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[VECTOR_MAX] = { 7, 1, 2, 3 };
		size_t n = 4 + unhex(buf + 4, sizeof(buf) - 4, rows[i].hex);
		uint8_t *p = exact(buf, n);
		char text[TEXT], want[TEXT];

		snprintf(want, sizeof(want), "msg 7 REPLY xid=0x010203\n%s", rows[i].line);
		print(text, p, n, false);
		ck_assert_str_eq(text, want);
		free(p);
	}
}
END_TEST

/* The same for DHCPv4; split options are shown joined where they begin (C-043). */
START_TEST(bodies4)
{
	static const struct {
		const char *hex, *line;
	} rows[] = {
		{ "33 04 ff ff ff ff", "  option 51 LEASE_TIME seconds=infinite\n" },
		{ "3d 07 01 00 00 5e 00 53 01", "  option 61 CLIENT_ID type=1 id=00005e005301\n" },
		{ "37 01 01 33 04 00 00 00 05 37 02 9f 33", "  option 55 PARAMETER_REQUEST_LIST codes=1,159,51\n"
		                                            "  option 51 LEASE_TIME seconds=5\n" },
		{ "52 08 01 02 68 69 02 02 01 02", "  option 82 RELAY_AGENT_INFORMATION 1=6869 2=0102\n" },
		{ "5c 08 c0 00 02 12 c0 00 02 13", "  option 92 ASSOCIATED_IP addresses=192.0.2.18,192.0.2.19\n" },
		{ "9c 01 04", "  option 156 DHCP_STATE state=4 name=RELEASED\n" },
		{ "9c 01 09", "  option 156 DHCP_STATE state=9 name=unknown\n" },
		{ "98 04 00 00 00 00", "  option 152 BASE_TIME time=0 utc=1970-01-01T00:00:00Z\n" },
		{ "98 04 38 bd 36 ff", "  option 152 BASE_TIME time=951924479 utc=2000-03-01T15:27:59Z\n" },
		{ "98 04 38 bb e5 80", "  option 152 BASE_TIME time=951838080 utc=2000-02-29T15:28:00Z\n" },
		{ "98 04 ff ff ff ff", "  option 152 BASE_TIME time=4294967295 utc=2106-02-07T06:28:15Z\n" },
		{ "97 04 01 6e 6f 21", "  option 151 STATUS_CODE status=1 name=UnspecFail text=\"no!\"\n" },
		{ "9f 04 00 00 00 00", "  option 159 V4_PORTPARAMS offset=0 psid-len=0 psid=0 ports=65536\n" },
		{ "0c 02 68 69", "  option 12 unknown data=6869\n" },
		{ "0c 01 68 0c 01 69", "  option 12 unknown data=68\n  option 12 unknown data=69\n" },
		{ "9f 04 00 08 00 34", "  malformed 159: PSID has set padding bits (right-justified by the sender?)\n" },
		{ "9f 04 00 08 34 00 9f 04 00 08 35 00", "  malformed 159: length 8, not 4\n" },
		{ "9f 04 0a 08 34 00", "  malformed 159: offset 10 and PSID length 8 exceed 16 bits\n" },
		{ "9f 04 10 08 34 00", "  malformed 159: offset 16 is over 15\n" },
		{ "9f 04 00 11 34 00", "  malformed 159: PSID length 17 is over 16\n" },
		{ "97 03 00 61 00", "  malformed 151: NUL in the text\n" },
		{ "52 03 01 05 00", "  malformed 82: sub-option 1 runs past the end\n" },
		{ "33 05 00", "  malformed 51: runs past the end\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[VECTOR_MAX] = { 1, 1, 0 };
		char text[TEXT], want[TEXT];

		memcpy(buf + 236, "\x63\x82\x53\x63\x35\x01\x01", 7);
		size_t n = 243 + unhex(buf + 243, sizeof(buf) - 243, rows[i].hex);
		uint8_t *p = exact(buf, n);

		snprintf(want, sizeof(want),
		         "msg 1 DISCOVER op=1 xid=0x00000000 secs=0 flags=0x0000 ciaddr=0.0.0.0 yiaddr=0.0.0.0 siaddr=0.0.0.0 "
		         "giaddr=0.0.0.0 htype=1 chaddr=\n  option 53 MESSAGE_TYPE type=1 name=DISCOVER\n%s", rows[i].line);
		/* the type is not read from options that cannot be walked */
		char *name = strstr(rows[i].line, "runs past the end\n") && buf[243] == 51 ? strstr(want, "1 DISCOVER") : NULL;

		if (name)
			memcpy(name, "0 unknown ", 10), memmove(name + 9, name + 10, strlen(name + 10) + 1);
		print(text, p, n, true);
		ck_assert_str_eq(text, want);
		free(p);
	}
}
END_TEST

#define HEAD12 "0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
#define BR "00 5a 00 10 20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 01 "

/* Where and why: the path of codes and the octet. */
START_TEST(faults)
{
	static const struct {
		const char *hex;
		int err;
		const char *text;
	} rows[] = {
		{ "07 01 02", LW4O6_ETRUNC, "message at octet 0: 3 octets, a header has 4" },
		{ "0c 01 02 03", LW4O6_ETRUNC, "message at octet 0: 4 octets, a header has 34" },
		{ "63 01 02 03", LW4O6_EUNKNOWN, "message at octet 0: unknown message type" },
		{ "07 01 02 03 00 01", LW4O6_ETRUNC, "option 1 at octet 4: 2 octets left, an option has 4 or more" },
		{ "07 01 02 03 00 01 00 05 00", LW4O6_ETRUNC, "option 1 at octet 6: length 5 runs past the end, 1 octets left" },
		{ "07 01 02 03 00 01 00 02 00 01", LW4O6_EMALF, "option 1 at octet 8: length 2, at least 3" },
		{ "07 01 02 03 00 01 00 03 00 01 02 00 01 00 03 00 01 02", LW4O6_EMALF, "option 1 at octet 15: stands twice" },
		{ "14 00 00 00", LW4O6_EMALF, "option 87 at octet 4: missing" },
		{ "14 00 00 00 00 57 00 02 01 01", LW4O6_ETRUNC, "option 87 at octet 8: 2 octets, a header has 240" },
		{ HEAD12, LW4O6_EMALF, "option 9 at octet 34: missing" },
		{ HEAD12 "00 09 00 02 0b 01", LW4O6_ETRUNC, "option 9 at octet 38: 2 octets, a header has 4" },
		{ HEAD12 "00 09 00 09 0b 01 02 03 00 06 00 01 00", LW4O6_EMALF, "option 9 / 6 at octet 46: length 1 is no multiple of 2" },
		{ "07 01 02 03 00 60 00 2c " BR "00 5c 00 14 c0 00 02 12 38 20 01 0d b8 00 12 34 00 5d 00 04 00 08 00 34",
		  LW4O6_EBADPSID, "option 96 / 92 / 93 at octet 50: PSID has set padding bits (right-justified by the sender?)" },
		{ "07 01 02 03 00 60 00 04 00 5c 00 00", LW4O6_EMALF, "option 96 at octet 8: no valid S46_BR" },
		{ "07 01 02 03 00 60 00 18 " BR "00 59 00 00", LW4O6_EMALF, "option 96 at octet 28: S46_RULE may not be in it" },
		{ "07 01 02 03 00 60 00 18 " BR "00 60 00 00", LW4O6_EMALF, "option 96 at octet 28: S46_CONT_LW may not be in it" },
		{ "07 01 02 03 00 60 00 2c " BR "00 5c 00 08 c0 00 02 12 10 20 01 00 00 5c 00 08 c0 00 02 12 10 20 01 00", LW4O6_EMALF,
		  "option 96 at octet 40: a second S46_V4V6BIND" },
		{ "07 01 02 03 00 60 00 1d " BR "00 5c 00 05 c0 00 02 12 81", LW4O6_EMALF,
		  "option 96 / 92 at octet 36: prefix length 129 is over 128" },
		{ "07 01 02 03 00 89 00 09 38 20 01 0d b8 00 12 34 00", LW4O6_EMALF,
		  "option 137 at octet 8: prefix length 56 needs 7 octets, there are 8" },
		{ "07 01 02 03 00 58 00 01 20", LW4O6_EMALF, "option 88 at octet 8: length 1 is no multiple of 16" },
		{ "07 01 02 03 00 6f 00 04 00 58 00 58", LW4O6_EMALF, "option 111 at octet 10: code 88 stands twice" },
		{ "07 01 02 03 00 03 00 0c 00 00 00 01 00 00 00 09 00 00 00 08", LW4O6_EMALF, "option 3 at octet 12: T1 9 is after T2 8" },
		{ "07 01 02 03 00 03 00 28 00 00 00 01 00 00 00 00 00 00 00 00 00 05 00 18 20 01 0d b8 00 00 00 00 00 00 00 00 "
		  "00 00 00 01 00 00 00 09 00 00 00 08",
		  LW4O6_EMALF, "option 3 / 5 at octet 40: preferred lifetime 9 is over valid lifetime 8" },
		{ "07 01 02 03 00 19 00 29 00 00 00 01 00 00 00 00 00 00 00 00 00 1a 00 19 00 00 00 01 00 00 00 01 81 "
		  "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01",
		  LW4O6_EMALF, "option 25 / 26 at octet 32: prefix length 129 is over 128" },
		{ "07 01 02 03 00 5e 00 0d 00 59 00 09 00 31 18 c0 00 02 00 08 20", LW4O6_EMALF,
		  "option 94 / 89 at octet 13: EA length 49 is over 48" },
		{ "07 01 02 03 00 5e 00 0d 00 59 00 09 00 30 21 c0 00 02 00 08 20", LW4O6_EMALF,
		  "option 94 / 89 at octet 14: IPv4 prefix length 33 is over 32" },
		{ "07 01 02 03 00 5e 00 0d 00 59 00 09 00 30 20 c0 00 02 00 09 20", LW4O6_EMALF,
		  "option 94 / 89 at octet 19: prefix length 9 needs 2 octets, there are 1" },
		{ "07 01 02 03 00 60 00 1d " BR "00 5c 00 05 c0 00 02 12 38", LW4O6_EMALF,
		  "option 96 / 92 at octet 36: prefix length 56 needs 7 octets, there are 0" },
		{ "07 01 02 03 00 5d 00 04 00 08 00 34", LW4O6_OK, "" }, /* misplaced, so nobody reads it */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[VECTOR_MAX];
		size_t n = unhex(buf, sizeof(buf), rows[i].hex);
		uint8_t *p = exact(buf, n);
		struct lw4o6_fault f;
		char text[TEXT];

		ck_assert_msg(lw4o6_fault_find6(&f, p, n) == rows[i].err, "%s", rows[i].hex);
		if (rows[i].err != LW4O6_OK) {
			lw4o6_fault_str(&f, text, sizeof(text));
			ck_assert_str_eq(text, rows[i].text);
			ck_assert_uint_le(f.offset, n);
		}
		/* the walk goes on behind it */
		print(text, p, n, false);
		free(p);
	}
}
END_TEST

/* The same in the DHCPv4 message, over DHCPv6 and alone. */
START_TEST(faults4)
{
	static const struct {
		size_t at;
		uint8_t value;
		int err;
		const char *text;
	} rows[] = {
		{ 0, 3, LW4O6_EMALF, "option 87 at octet 8: op 3" },
		{ 2, 17, LW4O6_EMALF, "option 87 at octet 10: hardware address of 17 octets, at most 16" },
		{ 239, 0, LW4O6_EMALF, "option 87 at octet 244: no magic cookie" },
		{ 240, 254, LW4O6_EMALF, "option 87 / 53 at octet 306: missing" },
		{ 242, 19, LW4O6_EUNKNOWN, "option 87 / 53 at octet 250: unknown message type 19" },
		{ 244, 5, LW4O6_EMALF, "option 87 / 54 at octet 253: length 5, not 4" },
	};
	uint8_t buf[VECTOR_MAX];
	char text[LW4O6_FAULT_STRLEN];
	struct lw4o6_fault f;
	size_t n = vector_named(buf, "NAK");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *octet = buf + 8 + rows[i].at, old = *octet;

		*octet = rows[i].value;
		ck_assert_int_eq(lw4o6_fault_find6(&f, buf, n), rows[i].err);
		ck_assert_str_eq(lw4o6_fault_str(&f, text, sizeof(text)), rows[i].text);
		ck_assert_int_eq(lw4o6_fault_find4(&f, buf + 8, n - 8), rows[i].err);
		ck_assert_uint_eq(f.n, rows[i].at < 240 ? 0 : 1);
		*octet = old;
	}
}
END_TEST

/* C-034: of 33 relays the last is one too many, at the end of a path of 32. */
START_TEST(too_many_relays)
{
	static uint8_t buf[2][4096];
	struct lw4o6_fault f;
	char text[LW4O6_FAULT_STRLEN];
	size_t n = 4;

	memcpy(buf[0], "\x0b\x01\x02\x03", 4);
	for (unsigned level = 1; level <= 33; level++) {
		struct lw4o6_wr w = lw4o6_wr_init(buf[level % 2], sizeof(buf[0]));
		uint8_t head[LW4O6_DHCP6_RELAY_HLEN] = { LW4O6_DHCP6_RELAY_FORW };

		lw4o6_wr_put(&w, head, sizeof(head));
		lw4o6_opt6_put(&w, LW4O6_OPT6_RELAY_MSG, buf[(level - 1) % 2], n);
		n = w.len;
		ck_assert_int_eq(lw4o6_fault_find6(&f, buf[level % 2], n), level <= 32 ? LW4O6_OK : LW4O6_EMALF);
	}
	ck_assert_uint_eq(f.n, 32);
	ck_assert_uint_eq(f.offset, 32 * 38);
	ck_assert_str_eq(f.reason, "more than 32 relays");
	ck_assert_ptr_nonnull(strstr(lw4o6_fault_str(&f, text, sizeof(text)), "9 / 9 at octet 1216: more than 32 relays"));
}
END_TEST

/* No vector has a fault; one cut short has, but where the cut leaves whole options. */
START_TEST(vectors_are_sound)
{
	struct lw4o6_fault f;
	uint8_t buf[VECTOR_MAX];

	for (size_t i = 0; i < N_MESSAGES; i++) {
		size_t n = vector_octets(buf, &codec_messages[i]);

		ck_assert_int_eq(lw4o6_fault_find6(&f, buf, n), LW4O6_OK);
		for (size_t cut = 0; cut < n; cut++) {
			struct lw4o6_dhcp6_msg m;
			uint8_t *p = exact(buf, cut);

			if (cut > 0 && buf[0] != 12 && buf[0] != 13 && lw4o6_dhcp6_decode(&m, p, cut) != LW4O6_OK)
				ck_assert_int_ne(lw4o6_fault_find6(&f, p, cut), LW4O6_OK);
			else
				(void)!lw4o6_fault_find6(&f, p, cut);
			free(p);
		}
	}
	for (size_t i = 0; i < N_LEASEQUERY; i++) {
		size_t n = vector_octets(buf, &codec_leasequery[i]);

		ck_assert_int_eq(lw4o6_fault_find4(&f, buf + 2, n - 2), LW4O6_OK);
	}
}
END_TEST

/* Lines end in "..." when the room is short, and are terminated in any room. */
START_TEST(short_room)
{
	struct lw4o6_item item = { .kind = LW4O6_ITEM_OPT6, .code = 65000, .body = { (const uint8_t *)"\x01\x02\x03\x04", 4 } };
	char text[64];

	ck_assert_str_eq(lw4o6_item_str(&item, text, 64), "option 65000 unknown data=01020304");
	ck_assert_str_eq(lw4o6_item_str(&item, text, 35), "option 65000 unknown data=01020304");
	ck_assert_str_eq(lw4o6_item_str(&item, text, 34), "option 65000 unknown data=0102...");
	for (size_t room = 0; room < 34; room++) {
		char *exactly = malloc(room + 1);

		ck_assert_ptr_nonnull(exactly);
		lw4o6_item_str(&item, exactly, room);
		if (room > 0)
			ck_assert_uint_lt(strlen(exactly), room);
		free(exactly);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("print");
	TCase *tc = tcase_create("print");

	tcase_add_test(tc, vectors);
	tcase_add_test(tc, bodies);
	tcase_add_test(tc, bodies4);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, faults4);
	tcase_add_test(tc, too_many_relays);
	tcase_add_test(tc, vectors_are_sound);
	tcase_add_test(tc, short_room);
	suite_add_tcase(s, tc);
	return test_main(s);
}
