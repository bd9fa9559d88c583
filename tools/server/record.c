#include "config.h"

#include "record.h"

#include <string.h>

enum { RECORD_MAGIC = 0x52346c77 };
static const uint8_t journal_magic[8] = { 'l', 'w', '4', 'o', '6', '\n', 0x1a, 0 };

/* CRC-32C (Castagnoli), reflected, continued from c; the table is made at first use. */
static uint32_t crc32c(uint32_t c, const uint8_t *p, size_t len)
{
	static uint32_t table[256];

	if (table[1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;

			for (int k = 0; k < 8; k++)
				v = v & 1 ? v >> 1 ^ 0x82f63b78u : v >> 1;
			table[i] = v;
		}
	}
	for (; len > 0; len--)
		c = c >> 8 ^ table[(c ^ *p++) & 0xff];
	return c;
}

static uint8_t *put(uint8_t *p, uint64_t v, unsigned octets)
{
	for (; octets > 0; octets--, v >>= 8)
		*p++ = (uint8_t)v;
	return p;
}

static uint64_t get(const uint8_t **p, unsigned octets)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < octets; i++)
		v |= (uint64_t)*(*p)++ << 8 * i;
	return v;
}

static uint8_t *put_octets(uint8_t *p, const void *src, size_t n)
{
	memcpy(p, src, n);
	return p + n;
}

static void get_octets(const uint8_t **p, void *dst, size_t n)
{
	memcpy(dst, *p, n);
	*p += n;
}

/* Of the salt and the record without its own field. */
static uint32_t checksum(uint64_t salt, const uint8_t *p, size_t len)
{
	uint8_t head[8];
	uint32_t c;

	put(head, salt, sizeof(head));
	c = crc32c(UINT32_MAX, head, sizeof(head));
	c = crc32c(c, p, 8);
	return ~crc32c(c, p + 12, len - 12);
}

size_t record_encode(uint8_t *dst, uint64_t salt, const struct lw4o6_lease *l)
{
	size_t len = (RECORD_HEADER + RECORD_FIXED + (size_t)l->client_id_len + l->relay_len + 7) & ~(size_t)7;
	uint8_t *p = dst + RECORD_HEADER;

	memset(dst, 0, len);
	put(put(dst, RECORD_MAGIC, 4), len, 4);
	p = put(p, l->state, 1);
	p = put(p, l->by_hardware, 1);
	p = put(p, l->ps.offset, 1);
	p = put(p, l->ps.len, 1);
	p = put(p, l->ps.id, 2);
	p = put(p, l->client_id_len, 1);
	p = put(p, l->relay_len, 1);
	p = put_octets(p, &l->ipv4, 4);
	p = put(p, l->htype, 1);
	p = put(p, l->hlen, 1);
	p = put(p, 0, 2);
	p = put_octets(p, &l->saddr, 16);
	p = put_octets(p, &l->br, 16);
	p = put_octets(p, &l->where, 16);
	p = put_octets(p, l->chaddr, 16);
	p = put(p, l->start, 8);
	p = put(p, l->expires, 8);
	p = put(p, l->last, 8);
	p = put(p, l->since, 8);
	p = put(p, l->saddr_changed, 8);
	p = put(p, 0, RECORD_FIXED - 120);
	p = put_octets(p, l->client_id, l->client_id_len);
	put_octets(p, l->relay, l->relay_len);
	put(dst + 8, checksum(salt, dst, len), 4);
	return len;
}

size_t record_decode(struct lw4o6_lease *l, uint64_t salt, const uint8_t *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t magic, total, sum;

	if (len < RECORD_HEADER + RECORD_FIXED)
		return 0;
	magic = get(&at, 4);
	total = get(&at, 4);
	sum = get(&at, 4);
	if (magic != RECORD_MAGIC || total < RECORD_HEADER + RECORD_FIXED || total > len || total > RECORD_MAX ||
	    total % 8 != 0 || checksum(salt, p, (size_t)total) != sum)
		return 0;
	at = p + RECORD_HEADER;
	*l = (struct lw4o6_lease){ .state = (uint8_t)get(&at, 1) };
	l->by_hardware = get(&at, 1) != 0;
	l->ps.offset = (uint8_t)get(&at, 1);
	l->ps.len = (uint8_t)get(&at, 1);
	l->ps.id = (uint16_t)get(&at, 2);
	l->client_id_len = (uint8_t)get(&at, 1);
	l->relay_len = (uint8_t)get(&at, 1);
	get_octets(&at, &l->ipv4, 4);
	l->htype = (uint8_t)get(&at, 1);
	l->hlen = (uint8_t)get(&at, 1);
	at += 2;
	get_octets(&at, &l->saddr, 16);
	get_octets(&at, &l->br, 16);
	get_octets(&at, &l->where, 16);
	get_octets(&at, l->chaddr, 16);
	l->start = get(&at, 8);
	l->expires = get(&at, 8);
	l->last = get(&at, 8);
	l->since = get(&at, 8);
	l->saddr_changed = get(&at, 8);
	at = p + RECORD_HEADER + RECORD_FIXED;
	if (RECORD_HEADER + RECORD_FIXED + (size_t)l->client_id_len + l->relay_len > total || l->hlen > 16 ||
	    !lw4o6_psid_valid(&l->ps)) {
		*l = (struct lw4o6_lease){ .state = 0 };
		return (size_t)total;
	}
	get_octets(&at, l->client_id, l->client_id_len);
	get_octets(&at, l->relay, l->relay_len);
	return (size_t)total;
}

void journal_header_encode(uint8_t dst[JOURNAL_HEADER], uint64_t salt)
{
	memset(dst, 0, JOURNAL_HEADER);
	put(put(put_octets(dst, journal_magic, sizeof(journal_magic)), JOURNAL_VERSION, 4), 0, 4);
	put(dst + 16, salt, 8);
}

int journal_header_decode(const uint8_t *p, size_t len, uint32_t *version, uint64_t *salt)
{
	const uint8_t *at = p + sizeof(journal_magic);

	if (len < JOURNAL_HEADER || memcmp(p, journal_magic, sizeof(journal_magic)) != 0)
		return -1;
	*version = (uint32_t)get(&at, 4);
	at += 4;
	*salt = get(&at, 8);
	return *version > JOURNAL_VERSION ? 1 : *version == JOURNAL_VERSION ? 0 : -1;
}
