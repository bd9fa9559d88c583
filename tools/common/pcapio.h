/* Captures in and out: the only file that knows libpcap. */
#ifndef COMMON_PCAPIO_H
#define COMMON_PCAPIO_H

#include <lw4o6/base.h>
#include <talloc.h>

struct pcapio_in;
struct pcapio_out;

/**
 * Open a capture (pcap or pcapng) of Ethernet frames, with or without an 802.1Q tag, or of raw IP.
 * Closed when the result is freed. @return NULL with the reason in error.
 */
struct pcapio_in *pcapio_open(TALLOC_CTX *mem, const char *path, char *error, size_t room);
/**
 * The next IP packet; frames of other types are passed over.
 * @param when  timestamp in nanoseconds since 1970
 * @param data  layer 3, valid until the next call
 * @return 1; 0: end of the capture; -1 with the reason in error.
 */
int pcapio_next(struct pcapio_in *in, lw4o6_time *when, const uint8_t **data, size_t *len, char *error, size_t room);

/** Create a capture of raw IP packets. @return NULL with the reason in error. */
struct pcapio_out *pcapio_create(TALLOC_CTX *mem, const char *path, char *error, size_t room);
void pcapio_write(struct pcapio_out *out, lw4o6_time when, const uint8_t *data, size_t len);
/** Flush and close. @return 0, or -1: something could not be written. */
int pcapio_finish(struct pcapio_out *out);

#endif
