#include "config.h"

#include "run.h"

#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *state_name(uint8_t state)
{
	switch (state) {
	case LW4O6_LEASE_ACTIVE: return "active";
	case LW4O6_LEASE_EXPIRED: return "expired";
	case LW4O6_LEASE_RELEASED: return "released";
	case LW4O6_LEASE_ABANDONED: return "declined";
	default: return "free";
	}
}

/* UTC, to the second; "-" for no time, "never" for the end that never comes. */
static const char *when(uint64_t t, char dst[32])
{
	time_t s = (time_t)(t / LW4O6_SEC);
	struct tm tm;

	if (t == LW4O6_TIME_NONE)
		return "never";
	if (t == 0 || !gmtime_r(&s, &tm))
		return "-";
	strftime(dst, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return dst;
}

static const char *hex(const uint8_t *p, size_t n, char *dst)
{
	dst[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(dst + 2 * i, 3, "%02x", p[i]);
	return n ? dst : "-";
}

static const char *address(const struct in6_addr *a, char dst[INET6_ADDRSTRLEN])
{
	return IN6_IS_ADDR_UNSPECIFIED(a) ? "-" : inet_ntop(AF_INET6, a, dst, INET6_ADDRSTRLEN);
}

static int show_one(void *arg, const struct lw4o6_lease *l)
{
	char ipv4[INET_ADDRSTRLEN], saddr[INET6_ADDRSTRLEN], br[INET6_ADDRSTRLEN], where[INET6_ADDRSTRLEN];
	char end[32], start[32], last[32], changed[32], id[2 * LW4O6_LEASE_ID_MAX + 1], relay[2 * LW4O6_LEASE_RELAY_MAX + 1];
	const char *form = *(const bool *)arg ? "%s,%u,%u,%u,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n"
	                                      : "%s psid %u psid-len %u offset %u %s source %s br %s expires %s start %s last %s"
	                                        " changed %s client %s at %s relay %s\n";

	if (l->state == LW4O6_LEASE_FREE || l->state == LW4O6_LEASE_RESET)
		return 0;
	return printf(form, inet_ntop(AF_INET, &l->ipv4, ipv4, sizeof(ipv4)), l->ps.id, l->ps.len, l->ps.offset,
	              state_name(l->state), address(&l->saddr, saddr), address(&l->br, br), when(l->expires, end),
	              when(l->start, start), when(l->last, last), when(l->saddr_changed, changed),
	              hex(l->client_id, l->client_id_len, id), address(&l->where, where), hex(l->relay, l->relay_len, relay)) < 0;
}

int show_leases(TALLOC_CTX *mem, const struct settings *set, bool csv)
{
	struct journal_stats stats;
	const char *reason;

	if (csv)
		printf("ipv4,psid,psid-len,offset,state,source,br,expires,start,last,changed,client,at,relay\n");

	int r = state_each(mem, set->state_dir, show_one, &csv, &stats, &reason);

	if (r < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "%s/leases: %s\n", set->state_dir, r == -EPROTO ? reason : strerror(r < 0 ? -r : errno));
		return EXIT_FILE;
	}
	if (stats.damaged > 0)
		fprintf(stderr, "%s/leases: %llu damaged octets left out\n", set->state_dir, (unsigned long long)stats.damaged);
	return EXIT_OK;
}
