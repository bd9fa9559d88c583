#include "config.h"

#include "aftr_int.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { LOG_RATE = 1, LOG_BURST = 5 }; /* lines a second that packets can cause (D-222, D-345) */

void aftr_log(struct lw4o6_aftr *a, enum lw4o6_log_level level, const char *id, const char *text)
{
	if (a->host.log)
		a->host.log(a->host.arg, level, id, text);
}

/* The source check failed: who sent it and what it pretended, never where to (D-343). */
void aftr_log_refused(struct lw4o6_aftr *a, const struct work *w, unsigned reason)
{
	char outer[INET6_ADDRSTRLEN], inner[INET_ADDRSTRLEN], text[256];

	if (!a->host.log)
		return;
	if (!bucket_take(&a->log, LOG_RATE, LOG_BURST, w->now)) {
		a->log_held++;
		return;
	}
	inet_ntop(AF_INET6, &w->o.src, outer, sizeof(outer));
	inet_ntop(AF_INET, &w->h.src, inner, sizeof(inner));
	snprintf(text, sizeof(text), "%s: from %s as %s port %u (%llu lines suppressed)",
	         lw4o6_counter_name((enum lw4o6_counter)reason), outer, inner, w->key,
	         (unsigned long long)a->log_held);
	a->log_held = 0;
	aftr_log(a, LW4O6_LOG_INFO, "aftr-refused", text);
}

/* D-167: once per crossing, before the table is full. */
void aftr_frag_alarm(struct lw4o6_aftr *a)
{
	struct lw4o6_frag_usage u;
	char text[128];

	for (unsigned family = 4; family <= 6; family += 2) {
		if (family == 4 ? !lw4o6_frag4_alarm(a->frag4) : !lw4o6_frag6_alarm(a->frag6))
			continue;
		if (family == 4)
			lw4o6_frag4_usage(a->frag4, &u);
		else
			lw4o6_frag6_usage(a->frag6, &u);
		snprintf(text, sizeof(text), "IPv%u reassembly: %u of %u contexts, %zu of %zu octets", family,
		         u.contexts, u.contexts_max, u.memory, u.memory_max);
		aftr_log(a, LW4O6_LOG_WARNING, "aftr-frag-alarm", text);
	}
}
