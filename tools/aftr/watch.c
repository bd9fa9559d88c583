/* What an operator should hear of: rates over their thresholds (D-347), and a sample of the drops (D-346). */
#include "config.h"

#include "aftr.h"
#include "logsink.h"

#include <stdio.h>

enum { TRACE_LINES = 10, TRACE_OCTETS = 64 }; /* lines a second, octets a line */

static const struct {
	const char *name;
	enum lw4o6_counter parts[8]; /* ends with COUNT */
} rates[WATCH_RATES] = {
	[WATCH_SOURCE_CHECK] = { "source-check", { LW4O6_CNT_DROP_V6_SPOOFED, LW4O6_CNT_DROP_V6_BR_MISMATCH,
		                                   LW4O6_CNT_DROP_V6_PORT_UNBOUND, LW4O6_CNT_DROP_V6_ADDRESS_UNBOUND,
		                                   LW4O6_CNT_COUNT } },
	[WATCH_NO_BINDING] = { "no-binding", { LW4O6_CNT_DROP_V4_ADDRESS_UNBOUND, LW4O6_CNT_DROP_V4_PORT_UNBOUND,
		                               LW4O6_CNT_DROP_ICMP4_UNBOUND, LW4O6_CNT_COUNT } },
	[WATCH_FRAGMENTS] = { "fragments", { LW4O6_CNT_FRAG4_IN, LW4O6_CNT_FRAG6_IN, LW4O6_CNT_COUNT } },
	[WATCH_ICMP_SUPPRESSED] = { "icmp-suppressed", { LW4O6_CNT_ICMP4_SUPPRESSED_RATE,
		                                         LW4O6_CNT_ICMP6_SUPPRESSED_RATE, LW4O6_CNT_COUNT } },
};

/* One alarm per crossing; it ends below three quarters of the threshold. */
static void judge(struct watch *w, unsigned i, const char *name, const char *unit, uint64_t v)
{
	uint32_t limit = w->limit[i];

	if (limit == 0)
		return;
	if (!w->raised[i] && v >= limit) {
		w->raised[i] = true;
		log_warning("alarm", "%s: %llu%s, threshold %u", name, (unsigned long long)v, unit, limit);
	} else if (w->raised[i] && v < (uint64_t)limit * 3 / 4) {
		w->raised[i] = false;
		log_info("alarm", "%s: over, %llu%s", name, (unsigned long long)v, unit);
	}
}

void watch_tick(struct watch *w, const struct lw4o6_aftr *a, uint32_t softwire_num_max, lw4o6_time now)
{
	const struct lw4o6_counters *c = lw4o6_aftr_counters(a);
	lw4o6_time past = now - w->at;
	struct lw4o6_aftr_gauges g;

	if (past < LW4O6_SEC)
		return;
	for (unsigned i = 0; i < WATCH_RATES; i++) {
		uint64_t sum = 0;

		for (const enum lw4o6_counter *p = rates[i].parts; *p != LW4O6_CNT_COUNT; p++)
			sum += c->packets[*p];
		if (w->at != 0)
			judge(w, i, rates[i].name, " a second",
			      (uint64_t)((double)(sum - w->last[i]) * 1e9 / (double)past));
		w->last[i] = sum;
	}
	w->at = now;
	w->traced = 0;
	lw4o6_aftr_gauges(a, &g, now);
	judge(w, WATCH_TABLE_FILL, "table-fill", " percent", (uint64_t)g.active_softwires * 100 / softwire_num_max);
}

void watch_drop(struct watch *w, const struct lw4o6_pkt *p)
{
	char hex[2 * TRACE_OCTETS + 1] = "";

	if (!w->trace || w->traced >= TRACE_LINES)
		return;
	w->traced++;
	for (size_t i = 0; i < p->len && i < TRACE_OCTETS; i++)
		snprintf(hex + 2 * i, 3, "%02x", p->data[i]);
	log_debug("drop", "%s %s", lw4o6_counter_name((enum lw4o6_counter)p->reason), hex);
}
