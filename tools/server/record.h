/* A lease as octets in the journal. */
#ifndef SERVER_RECORD_H
#define SERVER_RECORD_H

#include <lw4o6/dhcp6.h>
#include <lw4o6/server.h>

/*
 * The journal is a header and records, all integers little-endian.
 *
 * Header, 64 octets: magic "lw4o6\n\x1a\0" (8), version (4), zero (4), salt (8), zero.
 * Record: magic (4), octets in all, a multiple of 8 (4), CRC-32C of the salt and of the record without this
 * field (4), zero (4), then the lease. The last record of a key (address, port set) counts. Zeros follow the
 * last record. The salt is random: a client cannot hide a record in its identifier for a damaged journal to reveal.
 */
enum {
	JOURNAL_VERSION = 1,
	JOURNAL_HEADER = 64,
	RECORD_HEADER = 16,
	RECORD_FIXED = 136,
	RECORD_MAX = RECORD_HEADER + RECORD_FIXED + LW4O6_LEASE_ID_MAX + LW4O6_LEASE_RELAY_MAX + 8,
};

/** @return octets written to dst, which has RECORD_MAX. */
size_t record_encode(uint8_t *dst, uint64_t salt, const struct lw4o6_lease *l);
/**
 * @return octets of the record at p; 0: none that is whole and undamaged.
 * A record whose content makes no sense is one all the same, with l->state 0.
 */
size_t record_decode(struct lw4o6_lease *l, uint64_t salt, const uint8_t *p, size_t len);

void journal_header_encode(uint8_t dst[JOURNAL_HEADER], uint64_t salt);
/** @return 0; -1: not a journal; 1: of a newer version, given in *version. */
int journal_header_decode(const uint8_t *p, size_t len, uint32_t *version, uint64_t *salt);

#endif
