#include "config.h"

#include <lw4o6/base.h>

const char *lw4o6_strerror(int err)
{
	static const char *const text[] = {
		[-LW4O6_OK] = "success",
		[-LW4O6_EINVAL] = "value out of range",
		[-LW4O6_ENOMEM] = "out of memory",
		[-LW4O6_ENOENT] = "no such entry",
		[-LW4O6_ESPACE] = "buffer too small",
		[-LW4O6_ETRUNC] = "input too short",
		[-LW4O6_EMALF] = "malformed input",
		[-LW4O6_EBADPSID] = "bad PSID, PSID length or offset",
		[-LW4O6_ECONFLICT] = "conflicts with an existing entry",
		[-LW4O6_ENOSPC] = "table full",
		[-LW4O6_EVERSION] = "unknown format version",
		[-LW4O6_EUNKNOWN] = "unknown message type",
	};

	if (err > 0 || (size_t)-err >= sizeof(text) / sizeof(text[0]))
		return "unknown error";
	return text[-err];
}

const char *lw4o6_version(void)
{
	return PACKAGE_VERSION;
}
