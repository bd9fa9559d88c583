/*
 * The B4's provisioning machine: stateless DHCPv6 (RFC 8415), DHCPv4 over DHCPv6 (RFC 7341) with a
 * port set (RFC 7618) and a softwire source (RFC 8539), or a configured softwire (RFC 7598, container 96).
 * No clock, no sockets, no netlink: the program hands in what happened and takes out what to do.
 *
 * One turn of the program: lw4o6_client_recv() for each datagram, lw4o6_client_tick(), then always
 * lw4o6_client_event() until it gives 0, lw4o6_client_send() until it gives 0, and sleep until
 * lw4o6_client_expiry(). A RELEASE or DECLINE is not given before the events that take the tunnel down.
 */
#ifndef LW4O6_CLIENT_H
#define LW4O6_CLIENT_H

#include <lw4o6/dgram.h>
#include <lw4o6/dhcp4.h>
#include <lw4o6/dhcp6.h>
#include <lw4o6/psid.h>
#include <lw4o6/s46.h>
#include <talloc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_client;

enum {
	LW4O6_CLIENT_ADDRS_MAX = 64, /**< addresses and prefixes of the link that are kept */
	LW4O6_CLIENT_DNS_MAX = 4,
	LW4O6_CLIENT_PRL_MAX = 32,
	LW4O6_CLIENT_MSG_MAX = 1232, /**< no message is longer, so this much room always suffices */
};
/** For the delays of the configuration: none, where 0 stands for the default. */
#define LW4O6_CLIENT_NO_DELAY UINT32_MAX

/** Where the softwire's address comes from (B-072). */
enum lw4o6_client_saddr {
	LW4O6_CLIENT_SADDR_NEW,      /**< made for the softwire: RFC 7597 section 6 identifier in the chosen prefix */
	LW4O6_CLIENT_SADDR_EXISTING, /**< an address the link already has in that prefix */
	LW4O6_CLIENT_SADDR_FIXED,    /**< @c saddr; made when the link does not have it */
};

struct lw4o6_client_config {
	size_t size; /**< set by lw4o6_client_config_init() */

	/* identity (B-003, B-042) */
	uint8_t duid[LW4O6_DUID_MAX]; /**< required */
	size_t duid_len;              /**< octets, 3..130 */
	uint32_t iaid;                /**< of option 61 */
	uint8_t htype, hlen;          /**< link-layer address; 0, 0 when there is none */
	uint8_t chaddr[16];

	/* DHCPv6 */
	uint16_t server_port;     /**< 0: 547 (B-002) */
	uint16_t client_port;     /**< 0: 546 */
	bool static_servers;      /**< use @c servers and no DHCPv6; not conforming to RFC 7341 section 5 (B-001) */
	bool want_dns;            /**< request option 23 too (B-084) */
	bool no_4o6, no_lw;       /**< do not use option 88; do not use option 96 */
	bool prefer_lw;           /**< without a usable option 111: 96 before 88 (B-036) */
	struct lw4o6_s46_servers servers;
	uint32_t irt_max_s;       /**< longest information refresh time; 0: none (B-014) */

	/* DHCPv4 over DHCPv6 */
	uint32_t start_delay_ms;   /**< before the first DISCOVER; 0: random 1..10 s (B-050) */
	uint32_t offer_collect_ms; /**< 0: none with one target, 1 s with several (B-053) */
	uint32_t saddr_retry_s;    /**< 0: 60; 0..10 s are added at random (B-078) */
	uint32_t client_rate;      /**< packets in any 20 s, up to 1000; 0: 20 (B-005) */
	uint16_t max_message;      /**< option 57; 0: 1400 */
	uint8_t psid_len_hint;     /**< k asked for in DISCOVER; 0: no hint */
	bool whole_address_only;   /**< do not ask for option 159 */
	bool prefer_shared;        /**< take a shared address before a whole one (B-053) */
	bool restrict_servers;     /**< answers only from the addresses of option 88 (B-045) */
	bool release_on_mismatch;  /**< give the lease up at the second mismatch of the source (B-078) */
	bool no_reprovision;       /**< ignore lw4o6_client_icmp_1_5() (B-082) */
	uint8_t prl[LW4O6_CLIENT_PRL_MAX]; /**< further codes of option 55 beside 1 and 159 */
	uint8_t prl_len;

	/* softwire */
	enum lw4o6_client_saddr saddr_mode;
	struct in6_addr saddr; /**< for LW4O6_CLIENT_SADDR_FIXED */
};
LW4O6_API void lw4o6_client_config_init_sized(struct lw4o6_client_config *cfg, size_t size);
#define lw4o6_client_config_init(cfg) lw4o6_client_config_init_sized((cfg), sizeof(*(cfg)))

/**
 * Make a machine. It does nothing before lw4o6_client_link() says the link is up.
 * @return NULL: no memory, or a setting out of range (B-003: DUID; k > 16; offer-collect > 10 s; irt-max < 600).
 */
LW4O6_API struct lw4o6_client *lw4o6_client_new(TALLOC_CTX *mem, const struct lw4o6_client_config *cfg,
                                                const struct lw4o6_host *host);

/* ---- what happened ---- */

/**
 * One datagram that arrived on port 546 of the interface. @c to need not be set.
 * @param now monotonic ns, never less than in an earlier call; this holds for every call that takes the time.
 * @return LW4O6_OK: dealt with, which includes "dropped": see the counters.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_client_recv(struct lw4o6_client *c, const struct lw4o6_dgram *in, lw4o6_time now);

/** An address of the link, or a prefix in which addresses may be made. Global scope only; others are left out. */
struct lw4o6_client_addr {
	struct in6_addr addr;
	uint8_t prefix_len;  /**< of the on-link prefix; 128 when unknown */
	bool prefix_only;    /**< no address of ours, for example a delegated prefix */
	bool deprecated;     /**< preferred lifetime is over */
	lw4o6_time preferred_until; /**< absolute; LW4O6_TIME_NONE: for ever. Only orders candidates */
};

/** The link as it is now. Tentative and duplicate addresses are left out. */
struct lw4o6_client_link {
	bool up;
	bool has_linklocal;
	struct in6_addr linklocal;
	const struct lw4o6_client_addr *addr; /**< borrowed for the call; the first LW4O6_CLIENT_ADDRS_MAX count */
	size_t n;
};
/** Report the whole link after every change. Addresses the machine asked for may be in the list or not. */
LW4O6_API void lw4o6_client_link(struct lw4o6_client *c, const struct lw4o6_client_link *link, lw4o6_time now);

/** An address that LW4O6_CLIENT_EV_ADDR_ADD asked for is ready (DAD done), or @p ok false: duplicate, refused, or lost later (B-073). */
LW4O6_API void lw4o6_client_addr_ready(struct lw4o6_client *c, const struct in6_addr *addr, bool ok, lw4o6_time now);

/** The data path saw a valid ICMPv6 1/5 from the AFTR about a packet of ours (B-082). */
LW4O6_API void lw4o6_client_icmp_1_5(struct lw4o6_client *c, lw4o6_time now);

/** Ask for the DHCPv6 information again (operator, or a hint that it changed). */
LW4O6_API void lw4o6_client_refresh(struct lw4o6_client *c, lw4o6_time now);

/** Renew the lease now. @return LW4O6_OK, or LW4O6_ENOENT: no lease, or 4o6 is off. */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_client_renew(struct lw4o6_client *c, lw4o6_time now);

/** The leased tuple cannot be used: send DECLINE, wait 10 s, start over (B-062). @return LW4O6_OK or LW4O6_ENOENT: no lease. */
LW4O6_API LW4O6_MUSTCHECK int lw4o6_client_decline(struct lw4o6_client *c, lw4o6_time now);

/**
 * Ask for IPv4 options with INFORM (B-068); the answer is LW4O6_CLIENT_EV_INFORMED.
 * @param codes option codes for option 55, 1..LW4O6_CLIENT_PRL_MAX of them
 * @return LW4O6_OK; LW4O6_ENOENT: no lease, or 4o6 is off; LW4O6_EINVAL.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_client_inform(struct lw4o6_client *c, const uint8_t *codes, size_t n, lw4o6_time now);

/**
 * Stop for good: the tunnel goes down, addresses are removed, and with @p release a RELEASE is
 * sent once (B-067). Events and send must still be drained. Without release the saved state stays valid.
 */
LW4O6_API void lw4o6_client_stop(struct lw4o6_client *c, bool release, lw4o6_time now);

/* ---- what to do ---- */

/**
 * Next datagram. out->from is the source address to send from, out->to the destination.
 * @return its length; 0: none waits; LW4O6_ESPACE: out->len says how much it needs.
 */
LW4O6_API LW4O6_MUSTCHECK
ssize_t lw4o6_client_send(struct lw4o6_client *c, struct lw4o6_dgram *out, lw4o6_time now);

/** The result: how IPv4 may be used (B-080). */
struct lw4o6_client_record {
	bool valid;            /**< false: IPv4 is down; the other members are zero, except @c suspended, @c dns and @c reason */
	bool deterministic;    /**< from container 96, not leased */
	bool suspended;        /**< not valid only because the softwire source is gone: the tuple is still ours (D-332) */
	struct in_addr ipv4;
	struct lw4o6_psid ports;
	struct in6_addr source;          /**< softwire source, configured and, when leased, acknowledged */
	struct lw4o6_s46_br_list br;     /**< the first is used, the others are alternates (B-079) */
	lw4o6_time lease_end;            /**< absolute; LW4O6_TIME_NONE: for ever */
	struct in_addr server_id;        /**< 0.0.0.0 when deterministic */
	unsigned n_dns;
	struct in6_addr dns[LW4O6_CLIENT_DNS_MAX];
	const char *reason;    /**< why this record: "bound", "renewed", "lease expired" and so on. Static storage */
};

/** What a restart needs (B-069). Times are monotonic: a program that stores them converts. */
struct lw4o6_client_saved {
	bool valid; /**< false: forget what was stored */
	struct in_addr ipv4;
	struct lw4o6_psid ports;
	struct in_addr server_id;
	lw4o6_time lease_end;
	struct in6_addr source;        /**< softwire source */
	struct in6_addr packet_source; /**< source of the 4o6 messages */
	struct lw4o6_s46_br_list br;
	uint32_t iaid;
	uint8_t duid[LW4O6_DUID_MAX];
	size_t duid_len;
};
/**
 * Continue from a stored lease; before the first lw4o6_client_link().
 * @return LW4O6_OK; LW4O6_ENOENT: expired or of another identity, ignored; LW4O6_EINVAL: a value out of range, ignored.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_client_restore(struct lw4o6_client *c, const struct lw4o6_client_saved *saved, lw4o6_time now);

enum lw4o6_client_event_kind {
	LW4O6_CLIENT_EV_ADDR_ADD,    /**< configure addr/128 on the link, with DAD; answer with lw4o6_client_addr_ready() */
	LW4O6_CLIENT_EV_ADDR_REMOVE, /**< take addr/128 off the link */
	LW4O6_CLIENT_EV_RECORD,      /**< the result changed: replace the old record as a whole */
	LW4O6_CLIENT_EV_SAVE,        /**< store this, atomically */
	LW4O6_CLIENT_EV_NATIVE_STOP, /**< option 88 is there: native DHCPv4 on this link must stop (B-035) */
	LW4O6_CLIENT_EV_INFORMED,    /**< answer to lw4o6_client_inform() */
};

struct lw4o6_client_event {
	enum lw4o6_client_event_kind kind;
	struct in6_addr addr;              /**< ADDR_ADD, ADDR_REMOVE */
	struct lw4o6_client_record record; /**< RECORD */
	struct lw4o6_client_saved saved;   /**< SAVE */
	struct lw4o6_span message;         /**< INFORMED: the DHCPv4 message, borrowed until the next call */
};

/** Next thing to do. Several changes between two calls become one. @return 1 with *ev filled, 0 when there is none. */
LW4O6_API int lw4o6_client_event(struct lw4o6_client *c, struct lw4o6_client_event *ev);

/** When lw4o6_client_tick() or _send() has something to do; LW4O6_TIME_NONE: sleep. May be in the past,
 *  but not after a tick and with events and sends drained. */
LW4O6_API lw4o6_time lw4o6_client_expiry(const struct lw4o6_client *c);
LW4O6_API void lw4o6_client_tick(struct lw4o6_client *c, lw4o6_time now);

/* ---- looking at it ---- */

/** States of spec section 7.4. */
enum lw4o6_client_state {
	LW4O6_CLIENT_OFF,        /**< no option 88, no source, or no prefix */
	LW4O6_CLIENT_INIT,       /**< waiting to send DISCOVER or the first REQUEST */
	LW4O6_CLIENT_SELECTING,
	LW4O6_CLIENT_PREPARE,    /**< the softwire source is being made */
	LW4O6_CLIENT_REQUESTING,
	LW4O6_CLIENT_REBOOTING,
	LW4O6_CLIENT_BOUND,
	LW4O6_CLIENT_CHANGING,
	LW4O6_CLIENT_MISMATCH,
	LW4O6_CLIENT_RENEWING,
	LW4O6_CLIENT_REBINDING,
	LW4O6_CLIENT_STOPPED,
};
LW4O6_API enum lw4o6_client_state lw4o6_client_state(const struct lw4o6_client *c);
/** @return "BOUND" and so on. */
LW4O6_API const char *lw4o6_client_state_name(enum lw4o6_client_state s);

/** X(enumerator, name, help): one counter for each thing that is dropped or worth counting. */
#define LW4O6_CLIENT_COUNTER_LIST(X) \
	X(RECEIVED, "received", "datagrams handed in") \
	X(SENT, "sent", "datagrams handed out") \
	X(DROP_MALFORMED, "drop-malformed", "DHCPv6 or DHCPv4 framing") \
	X(DROP_TYPE, "drop-type", "message type is none for a client, or unknown") \
	X(DROP_XID, "drop-xid", "no query with this transaction id is outstanding") \
	X(DROP_SERVER_ID, "drop-server-id", "REPLY without option 2, or DHCPv4 answer without option 54") \
	X(DROP_CLIENT_ID, "drop-client-id", "option 1 or 61 is not ours") \
	X(DROP_STATUS, "drop-status", "REPLY with a failure status") \
	X(DROP_SOURCE, "drop-source", "answer from an address outside option 88") \
	X(DROP_STATE, "drop-state", "DHCPv4 message type not expected in this state") \
	X(DROP_FOREIGN_SERVER, "drop-foreign-server", "answer of another server than the leasing one") \
	X(DROP_OFFER_BR, "drop-offer-br", "OFFER without a usable S46_BR") \
	X(DROP_OFFER_INVALID, "drop-offer-invalid", "OFFER without a required option or with a bad one") \
	X(DROP_ACK_INVALID, "drop-ack-invalid", "ACK that does not fit the request") \
	X(ACK, "ack", "ACKs taken") \
	X(NAK, "nak", "NAKs taken") \
	X(MISMATCH, "mismatch", "ACKs with another softwire source than asked for") \
	X(DAD_FAILED, "dad-failed", "addresses that could not be used") \
	X(EXPIRED, "expired", "leases that ended without renewal") \
	X(REPROVISION, "reprovision", "ICMPv6 1/5 acted upon") \
	X(REPROVISION_LIMITED, "reprovision-limited", "ICMPv6 1/5 ignored by policy or rate")

enum lw4o6_client_counter {
#define LW4O6_CLIENT_COUNTER_ENUM(id, name, help) LW4O6_CLIENT_CNT_##id,
	LW4O6_CLIENT_COUNTER_LIST(LW4O6_CLIENT_COUNTER_ENUM)
#undef LW4O6_CLIENT_COUNTER_ENUM
	LW4O6_CLIENT_CNT_COUNT
};
LW4O6_API uint64_t lw4o6_client_count(const struct lw4o6_client *c, enum lw4o6_client_counter which);
/** @return the name, for example "drop-xid". @p which < LW4O6_CLIENT_CNT_COUNT. Static storage. */
LW4O6_API const char *lw4o6_client_counter_name(enum lw4o6_client_counter which);

#ifdef __cplusplus
}
#endif
#endif
