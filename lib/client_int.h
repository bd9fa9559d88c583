/* The parts of the provisioning machine, shared by lib/client*.c. */
#ifndef LW4O6_CLIENT_INT_H
#define LW4O6_CLIENT_INT_H

#include <lw4o6/client.h>
#include <lw4o6/v4o6.h>

enum {
	OWN_MAX = 8,      /* addresses made for the softwire, those on their way out included */
	FAILED_MAX = 16,  /* addresses that failed DAD and are not tried again */
	CANDIDATES_MAX = 2 * LW4O6_CLIENT_ADDRS_MAX + 1,
	ONESHOT_MAX = 512, /* a RELEASE or DECLINE with the longest identifiers is 430 octets */
	REQUEST_TRIES = 4, /* B-057 */
	RATE_MAX = 1000,
};

#define RATE_WINDOW (20 * LW4O6_SEC)      /* B-005 */
#define PREPARE_TIMEOUT (30 * LW4O6_SEC)  /* for DAD */
#define DECLINE_WAIT (10 * LW4O6_SEC)     /* RFC 2131 section 3.1 (5) */
#define REFRESH_INTERVAL (30 * LW4O6_SEC) /* B-015 */
#define REPROVISION_INTERVAL (60 * LW4O6_SEC) /* B-082 */
#define RENEW_MIN (60 * LW4O6_SEC)        /* RFC 2131 section 4.4.5 */

/* An address made for the softwire. */
struct own_addr {
	struct in6_addr addr;
	enum { OWN_FREE, OWN_ADDING, OWN_READY, OWN_REMOVING } state;
	bool told; /* the event has been given */
};

/* The information exchange, spec 7.3. */
struct info {
	enum { INFO_START, INFO_DELAY, INFO_WAIT, INFO_HAVE } state;
	bool pending;
	bool fresh;            /* a REPLY came since the link came up */
	uint32_t xid;          /* 24 bits */
	unsigned tries;
	lw4o6_time first_sent, timer;
	lw4o6_time rt, max_rt; /* durations */
	lw4o6_time changed;    /* last refresh because the prefixes changed; 0: never */
};

/* What DHCPv6 configured; kept while a refresh goes unanswered. */
struct conf6 {
	struct lw4o6_s46_servers servers; /* option 88 */
	bool has_lw;
	struct lw4o6_s46_lw lw;           /* option 96 */
	struct lw4o6_s46_priority prio;   /* option 111; n == 0: none */
	unsigned n_dns;
	struct in6_addr dns[LW4O6_CLIENT_DNS_MAX];
};

enum mech { MECH_NONE, MECH_4O6, MECH_LW };

/* An address and its port set, with the server it came from. */
struct tuple {
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	struct in_addr server_id;
};

struct offer {
	bool valid;
	struct tuple t;
	struct lw4o6_s46_br_list br;
	bool has_hint;
	struct lw4o6_s46_prefix hint;
};

struct lease {
	bool valid;
	struct tuple t;
	struct lw4o6_s46_br_list br;
	bool confirmed;             /* by a server since this machine started, or taken over unanswered */
	bool has_source;            /* the last ACK named a softwire source */
	struct in6_addr source;
	struct in6_addr packet_source;
	lw4o6_time t1, t2, end;     /* absolute */
};

/* Which DHCPv4 message; the rows of the table in client_msg.c. */
enum msg_kind {
	MSG_DISCOVER, MSG_SELECT, MSG_REBOOT, MSG_RENEW, MSG_REBIND,
	MSG_DECLINE, MSG_RELEASE, MSG_INFORM,
};

/* A query with its retransmissions. */
struct exchange {
	enum msg_kind kind;
	bool pending;          /* to be sent */
	unsigned next;         /* how many of the targets this transmission has had */
	unsigned first;        /* the target it began with */
	uint32_t xid;
	uint16_t secs;
	unsigned tries;        /* transmissions so far */
	lw4o6_time started;    /* when the exchange began, for secs */
	lw4o6_time first_sent; /* of the present kind (B-058) */
	lw4o6_time timer;      /* LW4O6_TIME_NONE while pending */
	unsigned bad_acks;
	bool active;
};

struct lw4o6_client {
	struct lw4o6_client_config cfg;
	struct lw4o6_host host;
	uint8_t client_id[LW4O6_DHCP4_CLIENT_ID_MAX];
	size_t client_id_len;
	uint64_t count[LW4O6_CLIENT_CNT_COUNT];

	/* link */
	bool up, has_linklocal;
	struct in6_addr linklocal;
	struct lw4o6_client_addr addr[LW4O6_CLIENT_ADDRS_MAX];
	size_t n_addr;
	struct own_addr own[OWN_MAX];
	struct in6_addr failed[FAILED_MAX];
	unsigned n_failed;
	uint64_t random_iid;

	/* DHCPv6 */
	struct info info;
	struct conf6 conf;
	enum mech mech;

	/* 4o6, spec 7.4 */
	enum lw4o6_client_state state;
	enum lw4o6_client_state after; /* PREPARE: where to go when the source is ready */
	bool started;                  /* the first delay is over */
	bool reboot;                   /* INIT: REQUEST rather than DISCOVER */
	struct lw4o6_s46_servers targets; /* usable, scope known */
	struct in6_addr packet_source;
	bool has_packet_source;
	struct exchange x;
	struct offer offer;            /* the best one, then the chosen one */
	lw4o6_time window_end;         /* collecting offers; LW4O6_TIME_NONE: none yet */
	struct lease lease;
	bool has_last;
	struct tuple last;             /* hint for DISCOVER */
	bool has_hint;
	struct lw4o6_s46_prefix hint;  /* option 137 */
	bool has_wanted;
	struct in6_addr wanted;        /* the softwire source for option 109 */
	bool by_icmp;                  /* CHANGING because of an ICMPv6 1/5 */
	unsigned mismatches;
	unsigned naks;                 /* for the back-off */
	lw4o6_time next_reprovision;

	/* container 96 */
	bool det_valid;
	struct in6_addr det_source;

	struct exchange inform;
	uint8_t inform_prl[LW4O6_CLIENT_PRL_MAX];
	uint8_t inform_prl_len;
	uint8_t *informed;             /* answer, LW4O6_CLIENT_MSG_MAX octets; child of the machine */
	size_t informed_len;

	uint8_t oneshot[ONESHOT_MAX];
	size_t oneshot_len;            /* 0: none */
	unsigned oneshot_next;

	/* rate limit (B-005) */
	lw4o6_time *sent;              /* a ring of client_rate times; child of the machine */
	uint32_t n_sent, oldest;

	/* events */
	struct lw4o6_client_record record; /* as last told */
	const char *reason;
	bool save_due, native_due, native_told, informed_due;
};

/* client.c */
void client_log(const struct lw4o6_client *c, enum lw4o6_log_level level, const char *id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
uint32_t client_random(const struct lw4o6_client *c);
/* Uniform in 0..span. */
lw4o6_time client_random_time(const struct lw4o6_client *c, lw4o6_time span);
const char *client_addr_str(const struct in6_addr *a, char dst[INET6_ADDRSTRLEN]);
const char *client_ipv4_str(struct in_addr a, char dst[INET_ADDRSTRLEN]);
void client_record_now(const struct lw4o6_client *c, struct lw4o6_client_record *r);
/* The link, the configuration or an own address changed: choose the mechanism, start, stop or adapt. */
void client_reconsider(struct lw4o6_client *c, lw4o6_time now);

/* client_info.c */
void info_link(struct lw4o6_client *c, bool prefixes_changed, lw4o6_time now);
void info_refresh(struct lw4o6_client *c, lw4o6_time now);
void info_tick(struct lw4o6_client *c, lw4o6_time now);
void info_sent(struct lw4o6_client *c, lw4o6_time now);
void info_recv(struct lw4o6_client *c, const struct lw4o6_dhcp6_msg *m, lw4o6_time now);
void info_choose(struct lw4o6_client *c);

/* client_addr.c */
bool addr_usable(const struct lw4o6_client *c, const struct in6_addr *a);
bool addr_wanted_ok(const struct lw4o6_client *c);
bool addr_targets(struct lw4o6_client *c);
bool addr_target_source(const struct lw4o6_client *c, const struct in6_addr *target, struct in6_addr *source);
bool addr_packet_source(const struct lw4o6_client *c, struct in6_addr *source);
bool addr_has_candidate(const struct lw4o6_client *c);
unsigned addr_candidates(const struct lw4o6_client *c, const struct tuple *t, const struct lw4o6_s46_prefix *hint,
                         bool must_match, bool sticky, struct in6_addr dst[CANDIDATES_MAX]);
bool addr_on_link(const struct lw4o6_client *c, const struct in6_addr *a);
struct own_addr *own_find(struct lw4o6_client *c, const struct in6_addr *a);
/* @return true when it is ready; false: it was asked for, or there is no room (own_find() tells). */
bool own_add(struct lw4o6_client *c, const struct in6_addr *a);
void own_sweep(struct lw4o6_client *c);
void addr_failed(struct lw4o6_client *c, const struct in6_addr *a);
/* The softwire of container 96: make its address, or leave it. */
void det_update(struct lw4o6_client *c);

/* client_v4.c */
void v4_gate(struct lw4o6_client *c, lw4o6_time now);
void v4_tick(struct lw4o6_client *c, lw4o6_time now);
void v4_init(struct lw4o6_client *c, lw4o6_time delay, lw4o6_time now);
lw4o6_time v4_backoff(struct lw4o6_client *c);
void v4_prepare(struct lw4o6_client *c, enum lw4o6_client_state after, lw4o6_time now);
void v4_prepare_next(struct lw4o6_client *c, lw4o6_time now);
void v4_drop_lease(struct lw4o6_client *c, bool forget, const char *reason);
void v4_start(struct lw4o6_client *c, struct exchange *x, enum msg_kind kind, lw4o6_time now);
/* Renew form, or rebind form when T2 is over. */
void v4_request(struct lw4o6_client *c, enum lw4o6_client_state state, lw4o6_time now);
void v4_sent(struct lw4o6_client *c, struct exchange *x, lw4o6_time now);
lw4o6_time v4_saddr_retry(const struct lw4o6_client *c);
void v4_state(struct lw4o6_client *c, enum lw4o6_client_state state);

/* client_recv.c */
void v4_recv(struct lw4o6_client *c, const struct lw4o6_dgram *in, lw4o6_time now);
void v4_take_offer(struct lw4o6_client *c, lw4o6_time now);

/* client_msg.c */
ssize_t msg_build_info(const struct lw4o6_client *c, uint8_t *dst, size_t room, lw4o6_time now);
ssize_t msg_build_v4(const struct lw4o6_client *c, const struct exchange *x, uint8_t *dst, size_t room);
bool msg_uses_u(enum msg_kind kind);
/* The tuple a message speaks of. */
const struct tuple *msg_tuple(const struct lw4o6_client *c, enum msg_kind kind);
/* Prepare a RELEASE or DECLINE that is sent once. */
void msg_oneshot(struct lw4o6_client *c, enum msg_kind kind);
lw4o6_time msg_token_time(const struct lw4o6_client *c);

#endif
