/* The only allocator calls of the library; tests/failmem.c replaces mem.c and fails the n-th. */
#ifndef LW4O6_MEM_H
#define LW4O6_MEM_H

#include <stddef.h>
#include <talloc.h>

/** Zeroed memory for @p n elements of @p size octets, child of @p ctx. NULL on overflow or no memory. */
void *mem_zalloc(TALLOC_CTX *ctx, size_t size, size_t n, const char *name);
/** Grow or shrink; on failure NULL and the old block stays. New octets are not zeroed. */
void *mem_realloc(TALLOC_CTX *ctx, void *p, size_t size, size_t n, const char *name);

#define mem_new(ctx, type) ((type *)mem_zalloc((ctx), sizeof(type), 1, #type))
#define mem_new_array(ctx, type, n) ((type *)mem_zalloc((ctx), sizeof(type), (n), #type))
#define mem_resize_array(ctx, p, type, n) ((type *)mem_realloc((ctx), (p), sizeof(type), (n), #type))

#endif
