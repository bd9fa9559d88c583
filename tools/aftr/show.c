#include "config.h"

#include "aftr.h"

void show_counters(const struct lw4o6_aftr *a, lw4o6_time now, void (*line)(void *arg, const char *name, uint64_t v),
                   void *arg)
{
	const struct lw4o6_counters *c = lw4o6_aftr_counters(a);
	struct lw4o6_aftr_gauges g;

	for (unsigned i = 0; i < LW4O6_CNT_B4_DROP_NOT_AFTR; i++) { /* the rest is the B4's */
		const char *octets = lw4o6_counter_octets_name((enum lw4o6_counter)i);

		line(arg, lw4o6_counter_name((enum lw4o6_counter)i), c->packets[i]);
		if (octets)
			line(arg, octets, c->octets[i]);
	}
	lw4o6_aftr_gauges(a, &g, now);
	line(arg, "active-softwire-num", g.active_softwires);
	line(arg, "binding-version", g.binding_version);
	line(arg, "frag6-contexts", g.frag6_contexts);
	line(arg, "frag6-memory", g.frag6_memory);
	line(arg, "frag4-contexts", g.frag4_contexts);
	line(arg, "frag4-memory", g.frag4_memory);
	line(arg, "pmtu-entries", g.pmtu_entries);
}

void show_bindings(const struct binding_counts *c, const struct lw4o6_bindtab *fixed,
                   const struct lw4o6_bindtab *shared, void (*line)(void *arg, const char *name, uint64_t v),
                   void *arg)
{
	uint32_t probe = lw4o6_bindtab_longest_chain(fixed), other = shared ? lw4o6_bindtab_longest_chain(shared) : 0;

	line(arg, "binding-added", c->added);
	line(arg, "binding-modified", c->modified);
	line(arg, "binding-deleted", c->deleted);
	line(arg, "binding-expired", 0); /* a softwire line has no lifetime */
	line(arg, "binding-rejected-overlap", c->rejected_overlap);
	line(arg, "binding-rejected-invalid", c->rejected_invalid);
	line(arg, "binding-rejected-limit", c->rejected_limit);
	line(arg, "binding-probe-max", probe > other ? probe : other);
}
