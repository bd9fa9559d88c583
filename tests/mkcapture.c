/*
 * mkcapture LINK FILE: the vectors of vectors/codec.h as a capture, to try dissect on. LINK is ether,
 * vlan, raw or sll. DHCPv6 messages go over UDP/IPv6; the DHCPv4 messages in them again over UDP/IPv4;
 * leasequery over TCP, cut into segments that do not respect the frames, one of them sent twice.
 */
#include "vectors/codec.h"

#include <lw4o6/cksum.h>
#include <stdbool.h>

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINK_MAX = 18, IP6 = 40, IP4 = 20, UDP = 8, TCP = 20, ROOM = 4096 };

static pcap_dumper_t *dump;
static int link_type, seconds;
static bool vlan;

static void be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Write an IP packet, its link header put in front. */
static void write_packet(const uint8_t *packet, size_t len)
{
	uint8_t frame[LINK_MAX + ROOM] = { 0 };
	unsigned type = packet[0] >> 4 == 4 ? 0x0800 : 0x86dd;
	size_t n = 0;

	if (link_type == DLT_EN10MB) {
		n = 14;
		if (vlan) {
			be16(frame + 12, 0x8100);
			be16(frame + 14, 100);
			n = 18;
		}
		be16(frame + n - 2, type);
	} else if (link_type == DLT_LINUX_SLL) {
		n = 16;
		be16(frame + 2, 1);
		be16(frame + 14, type);
	}
	memcpy(frame + n, packet, len);

	struct pcap_pkthdr h = { .ts = { seconds++, 0 }, .caplen = (bpf_u_int32)(n + len), .len = (bpf_u_int32)(n + len) };

	pcap_dump((u_char *)dump, &h, frame);
}

static void fill_udp(uint8_t *p, unsigned sport, unsigned dport, size_t len)
{
	be16(p, sport);
	be16(p + 2, dport);
	be16(p + 4, UDP + len);
}

static void write_udp6(const uint8_t *msg, size_t len)
{
	uint8_t p[ROOM] = { 0x60 };
	bool from_server = msg[0] == 7 || msg[0] == 13 || msg[0] == 21;

	be16(p + 4, UDP + len);
	p[6] = 17;
	p[7] = 64;
	memcpy(p + (from_server ? 8 : 24), "\x20\x01\x0d\xb8\0\4\0\0\0\0\0\0\0\0\5\x47", 16);
	memcpy(p + (from_server ? 24 : 8), "\x20\x01\x0d\xb8\0\x12\x34\0\2\0\x5e\xff\xfe\0\x53\1", 16);
	fill_udp(p + IP6, from_server ? 547 : 546, from_server ? 546 : 547, len);
	memcpy(p + IP6 + UDP, msg, len);
	uint32_t sum = lw4o6_cksum_add(0, p + 8, 32);
	sum = lw4o6_cksum_add(sum + 17 + (uint32_t)(UDP + len), p + IP6, UDP + len);
	be16(p + IP6 + 6, lw4o6_cksum_finish(sum));
	write_packet(p, IP6 + UDP + len);
}

static void fill_ip4(uint8_t *p, uint8_t protocol, bool from_server, size_t len)
{
	p[0] = 0x45;
	be16(p + 2, IP4 + len);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + (from_server ? 12 : 16), "\xc6\x33\x64\x01", 4);
	memcpy(p + (from_server ? 16 : 12), "\xc0\x00\x02\x12", 4);
	be16(p + 10, lw4o6_cksum_finish(lw4o6_cksum_add(0, p, IP4)));
}

static void write_udp4(const uint8_t *msg, size_t len)
{
	uint8_t p[ROOM] = { 0 };
	bool from_server = msg[0] == 2;

	fill_ip4(p, 17, from_server, UDP + len);
	fill_udp(p + IP4, from_server ? 67 : 68, from_server ? 68 : 67, len);
	memcpy(p + IP4 + UDP, msg, len);
	write_packet(p, IP4 + UDP + len);
}

static void write_tcp4(const uint8_t *data, size_t len, uint32_t seq)
{
	uint8_t p[ROOM] = { 0 };

	fill_ip4(p, 6, true, TCP + len);
	be16(p + IP4, 67);
	be16(p + IP4 + 2, 40000);
	be16(p + IP4 + 4, seq >> 16);
	be16(p + IP4 + 6, seq & 0xffff);
	p[IP4 + 12] = 0x50;
	p[IP4 + 13] = 0x10;
	memcpy(p + IP4 + TCP, data, len);
	write_packet(p, IP4 + TCP + len);
}

static size_t octets(uint8_t *dst, const char *hex)
{
	size_t n = 0;
	char *end;

	for (const char *p = hex;; p = end) {
		unsigned long v = strtoul(p, &end, 16);

		if (end == p)
			return n;
		dst[n++] = (uint8_t)v;
	}
}

/* The DHCPv4 message in a message that is not relayed. */
static void write_inner(const uint8_t *msg, size_t len)
{
	for (size_t i = 4; msg[0] >= 20 && i + 4 <= len;) {
		size_t n = (size_t)(msg[i + 2] << 8 | msg[i + 3]);

		if (msg[i + 1] == 87)
			write_udp4(msg + i + 4, n);
		i += 4 + n;
	}
}

int main(int argc, char **argv)
{
	static uint8_t stream[ROOM];
	uint8_t msg[ROOM];
	size_t n = 0;
	uint32_t seq = 1000;

	if (argc != 3)
		return EXIT_FAILURE;
	vlan = strcmp(argv[1], "vlan") == 0;
	link_type = strcmp(argv[1], "raw") == 0 ? DLT_RAW : strcmp(argv[1], "sll") == 0 ? DLT_LINUX_SLL : DLT_EN10MB;
	pcap_t *pcap = pcap_open_dead(link_type, 65535);
	dump = pcap ? pcap_dump_open(pcap, argv[2]) : NULL;
	if (!dump)
		return EXIT_FAILURE;
	for (size_t i = 0; i < sizeof(codec_messages) / sizeof(codec_messages[0]); i++) {
		size_t len = octets(msg, codec_messages[i].hex);

		write_udp6(msg, len);
		write_inner(msg, len);
	}
	for (size_t i = 0; i < sizeof(codec_leasequery) / sizeof(codec_leasequery[0]); i++)
		n += octets(stream + n, codec_leasequery[i].hex);
	for (size_t at = 0, len; at < n; at += len) {
		len = n - at < 301 ? n - at : 301;
		write_tcp4(stream + at, len, seq + (uint32_t)at);
		if (at == 301)
			write_tcp4(stream + at - 20, len, seq + (uint32_t)at - 20);
	}
	pcap_dump_close(dump);
	pcap_close(pcap);
	return EXIT_SUCCESS;
}
