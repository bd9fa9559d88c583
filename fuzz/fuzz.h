/*
 * What every target shares. A target is one function over (octets, length) that asserts something;
 * libFuzzer or driver.c calls it.
 */
#ifndef LW4O6_FUZZ_FUZZ_H
#define LW4O6_FUZZ_FUZZ_H

#include <lw4o6/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold for any input; NDEBUG does not switch it off. */
#define FUZZ_ASSERT(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/** Take an octet from the front of the input; 0 when it is used up. */
static inline uint8_t fuzz_u8(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	(*size)--;
	return *(*data)++;
}

static inline uint16_t fuzz_be16(const uint8_t **data, size_t *size)
{
	uint8_t high = fuzz_u8(data, size);

	return (uint16_t)(high << 8 | fuzz_u8(data, size));
}

#endif
