/*
 * The server machine: DHCPv6 information service (RFC 8415 section 18.3.6) and DHCPv4 over DHCPv6
 * (RFC 7341) leases of an IPv4 address and port set (RFC 7618) bound to a softwire (RFC 8539).
 *
 * No clock, no sockets, no files. Datagrams are pushed in and answers pulled out; each change of a
 * lease is an event that the host stores and installs, then commits; the ACK waits for that:
 *
 *     lw4o6_server_recv() for each datagram, lw4o6_server_tick()
 *     while lw4o6_server_event(): remember;  write all, flush once;  install all
 *     lw4o6_server_commit() for each, in the same order
 *     while lw4o6_server_send(): send
 */
#ifndef LW4O6_SERVER_H
#define LW4O6_SERVER_H

#include <lw4o6/bindtab.h>
#include <lw4o6/dgram.h>
#include <lw4o6/s46.h>
#include <talloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_server;

/* ---- leases ---- */

/** State of a record; the values are those of DHCPv4 option 156 (RFC 6926 section 6.2.7). */
enum lw4o6_lease_state {
	LW4O6_LEASE_FREE = 1,      /**< no record any more: a stored one with this key is to be forgotten */
	LW4O6_LEASE_ACTIVE = 2,
	LW4O6_LEASE_EXPIRED = 3,
	LW4O6_LEASE_RELEASED = 4,
	LW4O6_LEASE_ABANDONED = 5, /**< declined: in quarantine until @c expires */
	LW4O6_LEASE_RESET = 6,     /**< dropped by the operator; as FREE */
};

enum {
	LW4O6_LEASE_ID_MAX = 255,    /**< client identifier, DHCPv4 option 61 */
	LW4O6_LEASE_RELAY_MAX = 255, /**< what relays said, S-143 */
};

/** Tags in lw4o6_lease.relay: a tag octet, a length octet, that many octets. */
enum lw4o6_lease_tag {
	LW4O6_LEASE_TAG_LINK = 1,          /**< link-address of the innermost relay that has one */
	LW4O6_LEASE_TAG_INTERFACE_ID = 18, /**< the tags below are the DHCPv6 option codes */
	LW4O6_LEASE_TAG_REMOTE_ID = 37,
	LW4O6_LEASE_TAG_SUBSCRIBER_ID = 38,
	LW4O6_LEASE_TAG_LINKLAYER = 79,
	LW4O6_LEASE_TAG_VENDOR_CLASS = 60, /**< DHCPv4 option 60 */
};

/** A record, keyed by (ipv4, ps). Times are wall clock, nanoseconds since 1970 (S-151). */
struct lw4o6_lease {
	uint8_t state;            /**< enum lw4o6_lease_state */
	bool by_hardware;         /**< client_id is htype and chaddr: the client sent no option 61 (S-032) */
	struct in_addr ipv4;
	struct lw4o6_psid ps;     /**< len 0: the whole address */
	struct in6_addr saddr;    /**< softwire source; :: when none is known (S-113) */
	struct in6_addr br;
	struct in6_addr where;    /**< the client's address, as its relay said if there is one; :: unknown */
	uint64_t start;           /**< of the lease */
	uint64_t expires;         /**< end of lease or quarantine; LW4O6_TIME_NONE: never */
	uint64_t last;            /**< last transaction */
	uint64_t since;           /**< start of the state */
	uint64_t saddr_changed;   /**< last accepted change of saddr; 0: never changed */
	uint8_t htype, hlen, chaddr[16];
	uint8_t client_id_len, relay_len;
	uint8_t client_id[LW4O6_LEASE_ID_MAX];
	uint8_t relay[LW4O6_LEASE_RELAY_MAX]; /**< tagged values, opaque */
};

/* ---- configuration ---- */

/** How a client's link is told, in the order in which they are tried (S-036). */
enum lw4o6_server_by {
	LW4O6_BY_RELAY,        /**< a prefix of the innermost non-zero link-address */
	LW4O6_BY_INTERFACE_ID, /**< Interface-Id, innermost first, exact */
	LW4O6_BY_SOURCE,       /**< a prefix of the source of a packet without relay */
	LW4O6_BY_INTERFACE,    /**< the interface a packet without relay, from a link-local address, came in by */
};

struct lw4o6_server_selector {
	enum lw4o6_server_by by;
	unsigned link;                  /**< index in links */
	struct lw4o6_s46_prefix prefix; /**< BY_RELAY, BY_SOURCE */
	struct lw4o6_span id;           /**< BY_INTERFACE_ID */
	unsigned ifindex;               /**< BY_INTERFACE */
};

/** What clients of one link are told. links[0] serves those that no selector matches. */
struct lw4o6_server_link {
	const char *name;                 /**< for texts */
	struct lw4o6_s46_servers servers; /**< option 88: absent, empty, or a list (S-014) */
	struct lw4o6_s46_br_list br;      /**< option 90 in a REPLY, and in container 96 without its own */
	struct lw4o6_s46_priority priority; /**< option 111; n = 0: absent */
	bool has_refresh;
	uint32_t refresh_s;               /**< option 32; >= 600 */
	uint32_t sol_max_rt_s, inf_max_rt_s; /**< options 82, 83; 60..86400, 0: absent */
	const struct lw4o6_s46_prefix *saddr_prefixes; /**< option 109 must be in one of them (S-121); n 0: any */
	size_t n_saddr_prefixes;
};

struct lw4o6_server_range {
	struct in_addr first, last; /**< inclusive */
};

/** Addresses to lease. Pools are disjoint. */
struct lw4o6_server_pool {
	const char *name;
	const struct lw4o6_server_range *ranges;
	size_t n_ranges;
	uint8_t offset, psid_len;       /**< a and k of all its sets; k = 0: whole addresses */
	const uint16_t *excluded;       /**< PSIDs never leased */
	size_t n_excluded;
	const unsigned *links;          /**< only for these links; n_links 0: for all */
	size_t n_links;
	struct lw4o6_s46_br_list br;    /**< option 90; n >= 1 */
	bool has_hint;
	struct lw4o6_s46_prefix hint;   /**< option 137 */
};

/** A client that always gets the same tuple; the tuple lies in a pool and is leased to nobody else (S-080). */
struct lw4o6_server_fixed {
	struct lw4o6_span client_id;
	struct in_addr ipv4;
	struct lw4o6_psid ps;
};

/** A deterministic binding, told in container 96 (RFC 7598 section 5.3). */
struct lw4o6_server_prebind {
	struct lw4o6_span duid;       /**< for the client with this DUID; p NULL: for clients inside @c prefix */
	struct lw4o6_s46_prefix prefix;
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	struct lw4o6_s46_br_list br;  /**< n = 0: those of the link */
};

/** A DHCPv4 option that is sent when the client lists it. */
struct lw4o6_server_option {
	uint8_t code;
	struct lw4o6_span value;
};

struct lw4o6_server_portrange {
	uint16_t first, last; /**< inclusive */
};

struct lw4o6_server_config {
	size_t size;                  /**< set by lw4o6_server_config_init() */
	struct lw4o6_span duid;       /**< option 2, 3..130 octets (S-020) */
	struct in_addr server_id;     /**< option 54 (S-043) */
	const struct in_addr *aliases; /**< further values of option 54 that are ours */
	size_t n_aliases;
	const struct lw4o6_server_link *links; /**< at least one */
	size_t n_links;
	const struct lw4o6_server_selector *selectors;
	size_t n_selectors;
	const struct lw4o6_server_pool *pools;
	size_t n_pools;
	const struct lw4o6_server_fixed *fixed;
	size_t n_fixed;
	const struct lw4o6_server_prebind *prebinds;
	size_t n_prebinds;
	const struct lw4o6_server_option *options;
	size_t n_options;
	const struct lw4o6_server_portrange *reserved; /**< ports of no shared lease; n_reserved 0: none (S-063) */
	size_t n_reserved;
	uint32_t offer_hold_s;        /**< 5..600; default 60 */
	uint32_t lease_min_s, lease_default_s, lease_max_s; /**< default 300, 3600, 86400; max 0xffffffff: infinite allowed */
	uint32_t t1_s, t2_s;          /**< options 58, 59; 0: 0.5 and 0.875 of the lease */
	uint32_t quarantine_s;        /**< of declined tuples; default 86400; 0: until cleared */
	uint32_t saddr_interval_s;    /**< between two changes of a softwire source; default 60; 0: off */
	bool saddr_reject_drop;       /**< a refused change gets silence instead of an ACK with the old one (S-116) */
	bool optional_saddr;          /**< serve clients without option 109; they get no binding (S-113) */
	bool optional_client_id;      /**< whole addresses for clients without option 61 (S-032) */
	bool honour_with_full;        /**< whole addresses also for clients that list 159 (S-071) */
	bool always_send_br;          /**< option 90 also when not asked for (S-039) */
	bool no_extend;               /**< a renewal gets the time that is left (S-100) */
	bool round_robin;             /**< new tuples in turn instead of at random (S-076) */
	uint32_t prefix_limit;        /**< active leases per prefix; default 0: no limit (S-079) */
	uint8_t prefix_len;           /**< 1..128; default 56; also of rate_per_s */
	uint32_t rate_per_s, rate_burst; /**< queries of one prefix (S-154); default 100, 200; rate 0: no limit */
	uint16_t client_port, relay_port; /**< answers go there; default 546, 547; 0: where the query came from */
	uint32_t max_leases;          /**< records kept; default 0: as many as the pools hold. The oldest former lease makes room */
	uint32_t queue;               /**< answers and changes under way; default 256 */
	uint32_t owner;               /**< owner of the bindings in events */
};
LW4O6_API void lw4o6_server_config_init_sized(struct lw4o6_server_config *cfg, size_t size);
/** Fill in the defaults. The default reserved ports are 0-1023. */
#define lw4o6_server_config_init(cfg) lw4o6_server_config_init_sized((cfg), sizeof(*(cfg)))

/** Room for the reason of a refused configuration. */
#define LW4O6_SERVER_REASON 256

/**
 * Create a server. The configuration is copied.
 * @param wall    wall clock at @p now, nanoseconds since 1970; later steps of it do not matter (S-151)
 * @param reason  LW4O6_SERVER_REASON octets; says why on LW4O6_EINVAL and LW4O6_ECONFLICT (S-062)
 * @return LW4O6_OK with *out set; LW4O6_EINVAL, LW4O6_ECONFLICT: the configuration is refused; LW4O6_ENOMEM.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_server_new(struct lw4o6_server **out, TALLOC_CTX *mem, const struct lw4o6_server_config *cfg,
                     const struct lw4o6_host *host, lw4o6_time now, uint64_t wall, char *reason);

/* ---- the machine ---- */

/**
 * Hand over one received datagram.
 * @param now monotonic, never less than in an earlier call.
 * @return LW4O6_OK: dealt with, which includes "dropped": see the counters.
 *         LW4O6_ENOMEM: nothing changed; the peer will ask again.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_server_recv(struct lw4o6_server *s, const struct lw4o6_dgram *in, lw4o6_time now);

/**
 * Next answer into out->data, out->room octets. An ACK appears only after its commit.
 * @return its length; 0: none waits; LW4O6_ESPACE: out->len says how much it needs, and it still waits.
 */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_server_send(struct lw4o6_server *s, struct lw4o6_dgram *out, lw4o6_time now);

enum lw4o6_server_event_kind {
	LW4O6_SERVER_ADD,    /**< store the record, set the binding */
	LW4O6_SERVER_MODIFY, /**< store the record, set the binding: same key */
	LW4O6_SERVER_DELETE, /**< store the record, remove the binding of its key */
	LW4O6_SERVER_RECORD, /**< store the record; it has no binding */
};

/** A change to store and install. */
struct lw4o6_server_event {
	uint64_t id;
	enum lw4o6_server_event_kind kind;
	struct lw4o6_lease lease;     /**< the record as it is from now on */
	struct lw4o6_binding binding; /**< ADD, MODIFY: to set; DELETE: its ipv4 and ps. Expiry on the monotonic clock */
};

/** Next change. @return 1 with *ev filled, 0 when there is none. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_server_event(struct lw4o6_server *s, struct lw4o6_server_event *ev);

/** What became of a change. */
enum lw4o6_commit {
	LW4O6_COMMIT_OK,
	LW4O6_COMMIT_NOT_STORED, /**< not on stable storage and not installed: undone, no answer (S-101) */
	LW4O6_COMMIT_REFUSED,    /**< stored, but the binding table refused it: undone by a new event, NAK (Y-011) */
};
/** Report on a change, in the order of the events. @return LW4O6_OK, or LW4O6_ENOENT: no such change is under way. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_server_commit(struct lw4o6_server *s, uint64_t id, enum lw4o6_commit result);

/** When lw4o6_server_tick() has work; LW4O6_TIME_NONE: never. May be in the past. */
LW4O6_API lw4o6_time lw4o6_server_expiry(const struct lw4o6_server *s);
/** End what has run out. @return LW4O6_OK. Bounded work a call: ask lw4o6_server_expiry() again. */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_server_tick(struct lw4o6_server *s, lw4o6_time now);

/* ---- records ---- */

/**
 * Put back a stored record, before the first datagram. An active one whose time has passed while nobody
 * ran comes back expired. Makes no event. A lease or quarantine of no pool is kept until it ends, and with it
 * its binding; tuples that overlap it are not leased, and its client is told no when it renews (S-061).
 * @return LW4O6_OK; LW4O6_ENOENT: its tuple is in no pool now, and it is not in force; LW4O6_ECONFLICT: its tuple, client or source
 *         is taken by an earlier one; LW4O6_EINVAL: not a valid record; LW4O6_ENOMEM; LW4O6_ENOSPC: a former
 *         lease beyond max_leases. What is in force is never refused for that: hand it over first.
 */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_server_restore(struct lw4o6_server *s, const struct lw4o6_lease *lease);
/** Step through the records. @param cursor 0 to start. @return true with *out filled; false at the end. */
LW4O6_API bool lw4o6_server_next(const struct lw4o6_server *s, uint32_t *cursor, struct lw4o6_lease *out);
/** The binding of an active record. @return false when it has none: not active, or no softwire source (Y-003). */
LW4O6_API bool lw4o6_server_binding(const struct lw4o6_server *s, const struct lw4o6_lease *lease,
                                    struct lw4o6_binding *out);
/** The record of a tuple. @return false when there is none. */
LW4O6_API bool lw4o6_server_find(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps,
                                 struct lw4o6_lease *out);
/**
 * Drop a lease or end a quarantine by the operator's word (S-137); makes an event.
 * @return LW4O6_OK; LW4O6_ENOENT: no record of this tuple; LW4O6_ENOSPC: too many changes under way.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_server_reset(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, lw4o6_time now);

/* ---- counters ---- */

/** X(enumerator, name, help) */
#define LW4O6_SERVER_COUNTER_LIST(X) \
	X(RCVD, "rcvd", "datagrams received") \
	X(RCVD_RELAYED, "rcvd-relayed", "of these, through a relay") \
	X(RCVD_INFO, "rcvd-information-request", "Information-requests") \
	X(RCVD_DISCOVER, "rcvd-discover", "DISCOVERs") \
	X(RCVD_REQUEST, "rcvd-request", "REQUESTs") \
	X(RCVD_RELEASE, "rcvd-release", "RELEASEs") \
	X(RCVD_DECLINE, "rcvd-decline", "DECLINEs") \
	X(RCVD_INFORM, "rcvd-inform", "INFORMs") \
	X(SENT, "sent", "answers sent") \
	X(SENT_REPLY, "sent-reply", "REPLYs to Information-requests") \
	X(SENT_OFFER, "sent-offer", "OFFERs") \
	X(SENT_ACK, "sent-ack", "ACKs to REQUESTs") \
	X(SENT_ACK_INFORM, "sent-ack-inform", "ACKs to INFORMs") \
	X(SENT_NAK, "sent-nak", "NAKs") \
	X(DROP_SHORT, "drop-short", "framing too short or overrun") \
	X(DROP_MALFORMED, "drop-malformed", "malformed DHCPv6 message") \
	X(DROP_TYPE, "drop-type", "DHCPv6 type that no server takes") \
	X(DROP_STATEFUL, "drop-stateful", "stateful DHCPv6, not served") \
	X(DROP_UNICAST, "drop-unicast", "sent to a unicast address, and must not be") \
	X(DROP_OTHER_SERVER, "drop-other-server", "Information-request for another server") \
	X(DROP_INFO_IA, "drop-info-ia", "Information-request with an IA option") \
	X(DROP_V4_MALFORMED, "drop-v4-malformed", "malformed DHCPv4 message") \
	X(DROP_V4_TYPE, "drop-v4-type", "DHCPv4 type that is no query") \
	X(DROP_V4_OP, "drop-v4-op", "op is not BOOTREQUEST") \
	X(DROP_GIADDR, "drop-giaddr", "giaddr is set") \
	X(DROP_NO_CLIENT_ID, "drop-no-client-id", "no client identifier") \
	X(DROP_NO_PRL_PORTS, "drop-no-prl-ports", "option 159 not asked for, only shared addresses to give") \
	X(DROP_RATE, "drop-rate", "prefix over its query rate") \
	X(DROP_PREFIX_LIMIT, "drop-prefix-limit", "prefix over its number of leases") \
	X(DROP_EXHAUSTED, "drop-exhausted", "nothing free in the pools") \
	X(DROP_REQUEST_FORM, "drop-request-form", "REQUEST in none of its forms") \
	X(DROP_NOT_CHOSEN, "drop-not-chosen", "REQUEST for another server; our offer ends") \
	X(DROP_UNKNOWN_CLIENT, "drop-unknown-client", "init-reboot of a client we do not know") \
	X(DROP_FOREIGN, "drop-foreign", "renewal of a tuple that is not ours") \
	X(DROP_SADDR, "drop-saddr", "refused change of softwire source, by policy silent") \
	X(DROP_RELEASE, "drop-release", "RELEASE that matches no lease of its sender") \
	X(DROP_DECLINE, "drop-decline", "DECLINE of what its sender does not hold") \
	X(DROP_NOT_STORED, "drop-not-stored", "ACKs withheld: not on stable storage") \
	X(DROP_TOO_BIG, "drop-too-big", "answer larger than a datagram may be") \
	X(DROP_QUEUE, "drop-queue", "too many answers or changes under way") \
	X(DROP_MEMORY, "drop-memory", "no memory, or as many records as allowed") \
	X(OPT_REPEATED, "opt-repeated", "repeated singleton options ignored") \
	X(DUPLICATE, "duplicate", "repeated REQUESTs answered again") \
	X(NAK_MISMATCH, "nak-mismatch", "NAK: not the tuple offered or leased") \
	X(NAK_TAKEN, "nak-taken", "NAK: the tuple is somebody else's") \
	X(NAK_NOT_FOUND, "nak-not-found", "NAK: no such lease, but the tuple is ours") \
	X(NAK_LINK, "nak-link", "NAK: the tuple is not for this link") \
	X(NAK_SADDR_CONFLICT, "nak-saddr-conflict", "NAK: softwire source in use") \
	X(NAK_SADDR_INVALID, "nak-saddr-invalid", "NAK: softwire source missing or invalid") \
	X(NAK_REFUSED, "nak-refused", "NAK: the binding table refused it") \
	X(SADDR_CHANGED, "saddr-changed", "softwire source changes") \
	X(SADDR_CONFLICT, "saddr-conflict", "changes refused: source in use") \
	X(SADDR_TOO_SOON, "saddr-too-soon", "changes refused: too soon after the last") \
	X(SADDR_INVALID, "saddr-invalid", "changes refused: source invalid") \
	X(LEASE_ADDED, "lease-added", "leases begun") \
	X(LEASE_RENEWED, "lease-renewed", "leases extended") \
	X(LEASE_RELEASED, "lease-released", "leases released") \
	X(LEASE_EXPIRED, "lease-expired", "leases run out") \
	X(LEASE_DECLINED, "lease-declined", "tuples declined") \
	X(LEASE_RESET, "lease-reset", "leases and quarantines ended by the operator") \
	X(UNDONE, "undone", "changes taken back")

enum lw4o6_server_counter {
#define LW4O6_SERVER_COUNTER_ENUM(id, name, help) LW4O6_SRV_##id,
	LW4O6_SERVER_COUNTER_LIST(LW4O6_SERVER_COUNTER_ENUM)
#undef LW4O6_SERVER_COUNTER_ENUM
	LW4O6_SRV_COUNT
};
/** @return the value since creation. @p c < LW4O6_SRV_COUNT. */
LW4O6_API uint64_t lw4o6_server_counter(const struct lw4o6_server *s, enum lw4o6_server_counter c);
LW4O6_API const char *lw4o6_server_counter_name(enum lw4o6_server_counter c);
LW4O6_API const char *lw4o6_server_counter_help(enum lw4o6_server_counter c);

/** How full the server is. */
struct lw4o6_server_usage {
	uint32_t active, records;   /**< leases; records of all states and offers */
	uint32_t orphans;           /**< of the records, leases and quarantines of no pool */
	uint64_t tuples, free;      /**< in all pools; never leased or forgotten */
};
LW4O6_API void lw4o6_server_usage(const struct lw4o6_server *s, struct lw4o6_server_usage *u);

#ifdef __cplusplus
}
#endif
#endif
