#include "config.h"

#include "failmem.h"
#include "mem.h"

#include <stdbool.h>
#include <stdint.h>

unsigned failmem_at;

static bool fails(size_t size, size_t n)
{
	if (failmem_at == 1 || (n != 0 && size > SIZE_MAX / n))
		return true;
	if (failmem_at > 1)
		failmem_at--;
	return false;
}

void *mem_zalloc(TALLOC_CTX *ctx, size_t size, size_t n, const char *name)
{
	return fails(size, n) ? NULL : _talloc_zero(ctx, size * n, name);
}

void *mem_realloc(TALLOC_CTX *ctx, void *p, size_t size, size_t n, const char *name)
{
	return fails(size, n) ? NULL : _talloc_realloc(ctx, p, size * n, name);
}
