#include "config.h"

#include "mem.h"

#include <stdint.h>

void *mem_zalloc(TALLOC_CTX *ctx, size_t size, size_t n, const char *name)
{
	if (n != 0 && size > SIZE_MAX / n)
		return NULL;
	return _talloc_zero(ctx, size * n, name);
}

void *mem_realloc(TALLOC_CTX *ctx, void *p, size_t size, size_t n, const char *name)
{
	if (n != 0 && size > SIZE_MAX / n)
		return NULL;
	return _talloc_realloc(ctx, p, size * n, name);
}
