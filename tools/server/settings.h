/* The settings of lw4o6-server, and what the library is told of them. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "conf.h"
#include "logsink.h"

#include <lw4o6/dhcp6.h>
#include <lw4o6/server.h>

enum { MAX_INTERFACES = 64 };

/** A link and what its lines set; what they do not is taken from the default link. */
struct link_setting {
	struct lw4o6_server_link link;
	bool has_servers, has_br, has_priority, has_refresh, has_sol, has_inf;
	struct lw4o6_s46_prefix *saddr; /**< talloc array */
};

struct settings {
	struct lw4o6_server_config server; /**< complete after settings_check() */
	const char *interface[MAX_INTERFACES];
	unsigned n_interfaces;
	struct in6_addr listen;
	uint16_t port;
	bool site_multicast;
	const char *user, *state_dir, *run_dir, *table;
	uint32_t table_size;
	uint64_t journal_max; /**< octets; compacted beyond */
	/* Talloc arrays that the lines fill; links[0] is the default link. */
	struct link_setting *links;
	struct lw4o6_server_link *plain_links;
	struct lw4o6_server_selector *selectors;
	struct lw4o6_server_pool *pools;
	struct lw4o6_server_fixed *fixed;
	struct lw4o6_server_prebind *prebinds;
	struct lw4o6_server_option *options;
	struct lw4o6_server_portrange *reserved;
	struct in_addr *aliases;
	const char **selector_interface; /**< name for each selector by interface, NULL for others */
	bool reserved_set, has_hint;
	struct lw4o6_s46_prefix hint;
	bool log_bindings;
	bool require_saddr, require_client_id, extend; /**< the library has the opposite as default */
	int saddr_reject, allocation;
	uint8_t duid[LW4O6_DUID_MAX];
	size_t duid_len; /**< 0: made once and kept in the state directory */
	TALLOC_CTX *mem;
};

extern const struct conf_keyword settings_keywords[];

/** Defaults. @return 0, or -1: no memory. */
int settings_init(struct settings *s, TALLOC_CTX *mem);
/** What no single line can tell, S-062. @return 0, or -1 with the reason. */
int settings_check(void *settings, char *error, size_t room);
/** Look up the interfaces of `link NAME interface IF`. @return 0, or -1 with the reason. */
int settings_resolve(struct settings *s, char *error, size_t room);

/* settings_pool.c: the longer lines */
int set_pool(struct conf_line *line, void *settings);
int set_fixed(struct conf_line *line, void *settings);
int set_prebind(struct conf_line *line, void *settings);
int set_reserved(struct conf_line *line, void *settings);
/** Append a zeroed element to a talloc array. @param array address of the array's pointer. @return it, or NULL with the line marked. */
void *settings_append(struct conf_line *line, void *array, size_t size);
/** Index of a link by name, made when it is new. @return -1: no memory. */
int settings_link(struct conf_line *line, struct settings *s, const char *name);

#endif
