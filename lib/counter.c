#include "config.h"

#include <lw4o6/counter.h>

static const struct {
	const char *packets, *octets, *help;
} counters[] = {
#define ROW(id, packets, octets, help) { packets, octets, help },
	LW4O6_COUNTER_LIST(ROW)
#undef ROW
};

const char *lw4o6_counter_name(enum lw4o6_counter c)
{
	return counters[c].packets;
}

const char *lw4o6_counter_octets_name(enum lw4o6_counter c)
{
	return counters[c].octets;
}

const char *lw4o6_counter_help(enum lw4o6_counter c)
{
	return counters[c].help;
}
