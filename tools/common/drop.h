/* Give up privileges once descriptors are open. */
#ifndef COMMON_DROP_H
#define COMMON_DROP_H

#include <stddef.h>
#include <stdint.h>

/**
 * Become @p user (NULL: stay who we are), keep only the capabilities in @p keep (bit n = capability n,
 * linux/capability.h) and never gain any again. @return 0, or -1 with the reason in error.
 */
int drop_privileges(const char *user, uint64_t keep, char *error, size_t room);

#endif
