/* The parts of lw4o6-aftr. */
#ifndef TOOLS_AFTR_H
#define TOOLS_AFTR_H

#include "conf.h"

#include <lw4o6/aftr.h>

enum { SOFTWIRE_ADDRS = 64 };

/** A `softwire` line. */
struct softwire_line {
	struct lw4o6_binding b;
	bool has_br;
	const char *file;
	unsigned line;
};

struct ipv4_route {
	struct in_addr addr;
	unsigned len;
};

enum watch_kind {
	WATCH_SOURCE_CHECK,
	WATCH_NO_BINDING,
	WATCH_FRAGMENTS,
	WATCH_ICMP_SUPPRESSED,
	WATCH_RATES, /* the ones that are counted a second */
	WATCH_TABLE_FILL = WATCH_RATES,
	WATCH_KINDS,
};

struct settings {
	struct lw4o6_aftr_config cfg; /**< lists point into this struct's own arrays */
	struct lw4o6_aftr_addr addrs[SOFTWIRE_ADDRS];
	struct lw4o6_aftr_prefix6 *access;
	struct lw4o6_aftr_prefix4 *martians;
	uint8_t remap[64];
	struct softwire_line *softwires;
	size_t n_softwires;
	struct ipv4_route *routes;
	size_t n_routes;
	uint32_t softwire_num_max;
	bool multi_binding, allow_icmp4, accept_icmp6;
	bool ttl_ipv4, ttl_ipv6, ttl_ipv4_set, ttl_ipv6_set;
	int df_mode, ecn_encap, flow_label, dscp_decap, source_route, icmp_tos;
	uint32_t alarm[WATCH_KINDS]; /**< thresholds; 0: none */
	const char *table, *tun, *user;
	int rejected; /**< why the library refused a softwire line; LW4O6_OK: it did not */
};

/** The table of keywords, and the settings before any line. */
extern const struct conf_keyword settings_keywords[];
void settings_init(struct settings *s);
/** What no single line can tell; completes s->cfg. tool.check. */
int settings_check(void *settings, char *error, size_t room);

/* ---- binding tables ---- */

/** The table of the `softwire` lines. */
struct static_table {
	void *region;
	struct lw4o6_bindtab *tab;
};
/** @return NULL with the reason in error. Freed with its parent. */
struct static_table *static_table_new(TALLOC_CTX *mem, struct settings *s, char *error, size_t room);

/** What became of softwire lines (section 5.4). Those of the server's table are counted by the server. */
struct binding_counts {
	uint64_t added, modified, deleted, rejected_overlap, rejected_invalid, rejected_limit;
};
/** Count a refused load. */
void binding_rejected(struct binding_counts *c, const struct settings *s);

/** The server's table, a file mapped for reading. */
struct shared_table;
struct shared_table *shared_table_new(TALLOC_CTX *mem, const char *path);
/** Map the file when it is new or was made anew. @return true: shared_table_get() changed. */
bool shared_table_poll(struct shared_table *t);
/** @return NULL while there is no table. */
const struct lw4o6_bindtab *shared_table_get(const struct shared_table *t);

/* ---- running ---- */

/** Every counter and gauge as one call of @p line each. */
void show_counters(const struct lw4o6_aftr *a, lw4o6_time now, void (*line)(void *arg, const char *name, uint64_t v),
                   void *arg);

/** The counters of the tables: @p fixed, and @p shared or NULL. */
void show_bindings(const struct binding_counts *c, const struct lw4o6_bindtab *fixed,
                   const struct lw4o6_bindtab *shared, void (*line)(void *arg, const char *name, uint64_t v),
                   void *arg);

/** Alarms and the trace of drops. */
struct watch {
	uint32_t limit[WATCH_KINDS];
	bool raised[WATCH_KINDS];
	uint64_t last[WATCH_RATES];
	lw4o6_time at;
	bool trace;      /**< log a sample of the drops, at debug level */
	unsigned traced; /**< lines in this second */
};
/** To be called about once a second. */
void watch_tick(struct watch *w, const struct lw4o6_aftr *a, uint32_t softwire_num_max, lw4o6_time now);
/** A packet was dropped. */
void watch_drop(struct watch *w, const struct lw4o6_pkt *p);

/** Captures through the data path. @param files IN4 IN6 OUT4 OUT6, "-" for none. @return exit code. */
int replay(TALLOC_CTX *mem, struct settings *s, const char *const files[4], const char *seed);

struct tool;
/** Forward between the softwires and the IPv4 Internet until a signal ends it. @return exit code. */
int live(TALLOC_CTX *mem, struct settings *s, const struct tool *tool);

#endif
