#include "config.h"

#include "pcapio.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

enum {
	SNAPLEN = 262144,
	ETHER_HLEN = 14,
	VLAN_HLEN = 4,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
};

struct pcapio_in {
	pcap_t *p;
	int link;
};

struct pcapio_out {
	pcap_t *p;
	pcap_dumper_t *d;
};

static int in_close(struct pcapio_in *in)
{
	pcap_close(in->p);
	return 0;
}

struct pcapio_in *pcapio_open(TALLOC_CTX *mem, const char *path, char *error, size_t room)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);

	if (!p) {
		snprintf(error, room, "%s: %s", path, why);
		return NULL;
	}

	struct pcapio_in *in = talloc_zero(mem, struct pcapio_in);
	int link = pcap_datalink(p);

	if (in) {
		*in = (struct pcapio_in){ p, link };
		talloc_set_destructor(in, in_close);
	} else {
		pcap_close(p);
		snprintf(error, room, "no memory");
		return NULL;
	}
	if (link != DLT_EN10MB && link != DLT_RAW && link != DLT_IPV4 && link != DLT_IPV6) {
		snprintf(error, room, "%s: link type %d is neither Ethernet nor raw IP", path, link);
		talloc_free(in);
		return NULL;
	}
	return in;
}

static unsigned type_at(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* @return octets in front of the IP packet, or -1: none in this frame. */
static int ethernet_hlen(const uint8_t *p, size_t len)
{
	int hlen = ETHER_HLEN;

	if (len < ETHER_HLEN)
		return -1;
	if (type_at(p + 12) == TYPE_VLAN) {
		hlen += VLAN_HLEN;
		if (len < ETHER_HLEN + VLAN_HLEN)
			return -1;
	}

	unsigned type = type_at(p + hlen - 2);

	return type == TYPE_IPV4 || type == TYPE_IPV6 ? hlen : -1;
}

int pcapio_next(struct pcapio_in *in, lw4o6_time *when, const uint8_t **data, size_t *len, char *error, size_t room)
{
	for (;;) {
		struct pcap_pkthdr *h;
		const u_char *p;
		int got = pcap_next_ex(in->p, &h, &p);

		if (got == PCAP_ERROR_BREAK)
			return 0;
		if (got != 1) {
			snprintf(error, room, "%s", pcap_geterr(in->p));
			return -1;
		}

		int skip = in->link == DLT_EN10MB ? ethernet_hlen(p, h->caplen) : 0;

		if (skip < 0)
			continue;
		/* with nanosecond precision tv_usec holds nanoseconds */
		*when = (lw4o6_time)h->ts.tv_sec * LW4O6_SEC + (lw4o6_time)h->ts.tv_usec;
		*data = p + skip;
		*len = h->caplen - (size_t)skip;
		return 1;
	}
}

static int out_close(struct pcapio_out *out)
{
	if (out->d)
		pcap_dump_close(out->d);
	if (out->p)
		pcap_close(out->p);
	return 0;
}

struct pcapio_out *pcapio_create(TALLOC_CTX *mem, const char *path, char *error, size_t room)
{
	struct pcapio_out *out = talloc_zero(mem, struct pcapio_out);

	if (!out) {
		snprintf(error, room, "no memory");
		return NULL;
	}
	talloc_set_destructor(out, out_close);
	out->p = pcap_open_dead(DLT_RAW, SNAPLEN);
	out->d = out->p ? pcap_dump_open(out->p, path) : NULL;
	if (!out->d) {
		snprintf(error, room, "%s: %s", path, out->p ? pcap_geterr(out->p) : "no memory");
		talloc_free(out);
		return NULL;
	}
	return out;
}

void pcapio_write(struct pcapio_out *out, lw4o6_time when, const uint8_t *data, size_t len)
{
	struct pcap_pkthdr h = { .caplen = (bpf_u_int32)len, .len = (bpf_u_int32)len };

	h.ts.tv_sec = (time_t)(when / LW4O6_SEC);
	h.ts.tv_usec = (suseconds_t)(when % LW4O6_SEC / 1000);
	pcap_dump((u_char *)out->d, &h, data);
}

int pcapio_finish(struct pcapio_out *out)
{
	int bad = pcap_dump_flush(out->d) != 0 || ferror(pcap_dump_file(out->d));

	talloc_free(out);
	return bad ? -1 : 0;
}
