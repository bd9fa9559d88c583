/*
 * The data path of a B4: NAPT44 restricted to the port set of its softwire, and the tunnel to the AFTR,
 * RFC 7596 section 5. Bursts of packets in, verdicts and packets out; no I/O, no clock.
 */
#ifndef LW4O6_B4_H
#define LW4O6_B4_H

#include <lw4o6/napt.h>
#include <lw4o6/pkt.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lw4o6_b4;

/** What provisioning found out (D-252). */
struct lw4o6_b4_record {
	struct in_addr ipv4;   /**< public address */
	struct lw4o6_psid ps;
	struct in6_addr aftr;
	struct in6_addr b4;    /**< own softwire address */
	lw4o6_time expires;    /**< when service stops by itself (D-256); LW4O6_TIME_NONE: never */
};

struct lw4o6_b4_prefix {
	struct in_addr addr;
	uint8_t len; /**< 0..32 */
};

/** Zero is the default everywhere. Lists are copied. */
struct lw4o6_b4_config {
	size_t size; /**< set by lw4o6_b4_config_init() */
	const struct lw4o6_napt_config *nat; /**< NULL: defaults; copied */
	/** LAN prefixes (D-226). None: 10/8, 172.16/12, 192.168/16, 100.64/10 and 192.0.0.0/29. */
	const struct lw4o6_b4_prefix *internal;
	size_t n_internal;
	struct in_addr lan_addr; /**< source of ICMP errors towards the LAN; 0: 192.0.0.2 */
	uint32_t link_mtu;       /**< IPv6 link; 0: 1500; 1280..65535 */
	uint32_t lan_mtu;        /**< 0: 1500; 576..65535 */
	uint32_t payload_mtu;    /**< at most this in one tunnel packet (D-190, D-193); 0: computed; 1240..65535 */
	uint32_t path_mru;       /**< largest outer packet reassembled (D-149); 0: 9256; 1540..65575 */
	uint8_t hop_limit;       /**< 0: 64 */
	bool no_ttl_out, no_ttl_in; /**< somebody else decrements the TTL in this direction (D-205) */
	bool dscp_encap_fixed;   /**< use dscp_encap_value instead of copying (D-210) */
	uint8_t dscp_encap_value;
	bool dscp_pipe;          /**< keep the inner DSCP when decapsulating (D-211) */
	bool ecn_compat;         /**< outer ECN 0 (D-214) */
	bool flow_label_hash;    /**< D-219 */
	bool encap_limit;        /**< add a Tunnel Encapsulation Limit option (D-079) ... */
	uint8_t encap_limit_value; /**< ... with this value */
	bool tunnel_fragment;    /**< IPv6-fragment packets with DF instead of refusing them (D-194) */
	bool no_mss_clamp;       /**< D-199 */
	uint16_t mss_clamp;      /**< clamp to this instead of tunnel MTU - 40; 0: computed */
	bool pmtu_static;        /**< ignore Packet Too Big for the path MTU (D-192) */
	uint32_t pmtu_age_s;     /**< 0: 600; at least 300; UINT32_MAX: never (D-191) */
	bool tunnel_private_destinations; /**< let RFC 1918 destinations into the tunnel (D-228) */
	bool no_answer_ping;     /**< D-321 */
	bool no_answer_ping6;    /**< the host's stack answers echo requests to the softwire address (D-144) */
	bool ignore_icmpv6_errors; /**< D-143 */
	bool relay_1_5;          /**< also relay 1/5 of the AFTR (D-142) */
	bool no_reprovision;     /**< no event for 1/5 (D-142) */
	uint32_t reprovision_hold_s; /**< 0: 60; at least that; doubles while 1/5 goes on */
	bool prohibited_3_13;    /**< answer tunnel packets for other addresses and ports (D-322) */
	bool hairpin_3_3;        /**< answer LAN packets to an unmapped own port (D-326) */
	bool syn_unsolicited_3_3; /**< delayed 3/3 for unsolicited SYNs (D-281) */
	uint32_t syn_pending_max; /**< 0: 256 */
	uint8_t exhausted_code;  /**< 0: 13; 1; 255: no message (D-300) */
	uint32_t icmp_rate, icmp_burst; /**< ICMP errors sent; 0: 10/s, 10 */
	uint32_t icmp6_in_rate;  /**< tunnel ICMPv6 errors accepted per second; 0: 100 (D-143) */
	bool no_icmp4_errors, no_icmp6_errors; /**< send none (D-129) */
	bool icmp_tos_cs6;       /**< CS6 instead of the offender's DSCP (D-122) */
	uint8_t frag4_mode;      /**< enum lw4o6_b4_frag4 */
	uint32_t frag_contexts;  /**< 0: 256 (each for IPv4 and IPv6) */
	uint32_t frag_memory;    /**< octets; 0: 2 MiB (each) */
	uint32_t frag4_timeout_s; /**< 0: 60; 2..120 */
	uint8_t ports_alarm_percent, frag_alarm_percent; /**< 0: 90 and 80 (D-303, D-167) */
};
enum lw4o6_b4_frag4 { LW4O6_B4_FRAG4_VIRTUAL, LW4O6_B4_FRAG4_FULL, LW4O6_B4_FRAG4_DROP };

LW4O6_API void lw4o6_b4_config_init_sized(struct lw4o6_b4_config *cfg, size_t size);
#define lw4o6_b4_config_init(cfg) lw4o6_b4_config_init_sized((cfg), sizeof(*(cfg)))

/**
 * A data path without record: it drops everything (nat-drop-no-config). Child of @p mem; talloc_free() ends it.
 * @return LW4O6_OK with *out set; LW4O6_EINVAL: a setting is out of range; LW4O6_ENOMEM.
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_b4_new(TALLOC_CTX *mem, struct lw4o6_b4 **out, const struct lw4o6_b4_config *cfg,
                 const struct lw4o6_host *host);

/**
 * Use this record from now on (3.26): another public address or port set drops the whole NAPT, another AFTR
 * only tunnel state, another softwire address nothing. NULL: stop the service and drop everything (D-335).
 * @return LW4O6_OK; LW4O6_EINVAL with nothing changed: an address or the port set is not usable (D-252).
 */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_b4_set_record(struct lw4o6_b4 *b, const struct lw4o6_b4_record *r, lw4o6_time now);
/** The softwire address is gone: no service, the NAPT stays for a record with the same address and set (D-332). */
LW4O6_API void lw4o6_b4_suspend(struct lw4o6_b4 *b, lw4o6_time now);
/** @return false: no service, *out untouched. */
LW4O6_API bool lw4o6_b4_record(const struct lw4o6_b4 *b, struct lw4o6_b4_record *out);
/** The IPv6 link or the LAN has another MTU now; 0: as it was (D-336). @return LW4O6_OK or LW4O6_EINVAL. */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_b4_set_mtu(struct lw4o6_b4 *b, uint32_t link_mtu, uint32_t lan_mtu);

/**
 * Process a burst. LW4O6_SIDE_IPV4: IPv4 packets from the LAN (or from the B4 itself); LW4O6_SIDE_IPV6:
 * whole IPv6 packets addressed to this node. Each processed packet has its verdict; with
 * LW4O6_VERDICT_OUTQ, HELD or DROP there may be packets for lw4o6_b4_next_out().
 * @return how many were processed: less than @p n when the output queue must be emptied first.
 */
LW4O6_API LW4O6_MUSTCHECK
size_t lw4o6_b4_run(struct lw4o6_b4 *b, enum lw4o6_side side, struct lw4o6_pkt *pkts, size_t n, lw4o6_time now);
/** Next packet of the output queue; borrowed until the next call into @p b. @return false when there is none. */
LW4O6_API bool lw4o6_b4_next_out(struct lw4o6_b4 *b, struct lw4o6_out *out);

/** When lw4o6_b4_tick() has work; LW4O6_TIME_NONE: never. */
LW4O6_API lw4o6_time lw4o6_b4_expiry(const struct lw4o6_b4 *b);
/** End what is due; bounded work a call. May put packets into the output queue. */
LW4O6_API void lw4o6_b4_tick(struct lw4o6_b4 *b, lw4o6_time now);

enum lw4o6_b4_event_kind {
	LW4O6_B4_EV_REPROVISION,      /**< the AFTR refuses our source: provision again (D-142) */
	LW4O6_B4_EV_CONFIG,           /**< the record changed (D-338); the CE YANG name is ce-binding-ipv6-addr-change */
	LW4O6_B4_EV_FORWARD_INACTIVE, /**< forwards outside the new set: @c used of them (D-331) */
	LW4O6_B4_EV_PORTS_ALARM,      /**< share of the ports in use crossed upward (D-303) */
	LW4O6_B4_EV_PORTS_EXHAUSTED,  /**< a flow found no free port */
	LW4O6_B4_EV_FRAG_ALARM,       /**< reassembly nearly full (D-167) */
};
enum lw4o6_b4_reason { LW4O6_B4_BY_CALL, LW4O6_B4_BY_EXPIRY, LW4O6_B4_BY_SUSPEND };
struct lw4o6_b4_event {
	enum lw4o6_b4_event_kind kind;
	enum lw4o6_b4_reason reason;        /**< CONFIG */
	bool had_old, has_new;              /**< CONFIG: records before and after */
	bool addr_change;                   /**< CONFIG: the softwire address differs */
	struct lw4o6_b4_record old_rec, new_rec;
	enum lw4o6_napt_space space;        /**< PORTS_*: which ports */
	uint32_t used, total;
};
/** Next event. @return 1 with *ev filled, 0 when there is none. The oldest is lost when too many wait. */
LW4O6_API int lw4o6_b4_event(struct lw4o6_b4 *b, struct lw4o6_b4_event *ev);

/** Static port forwards; see lw4o6_napt_forward_add(). */
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_b4_forward_add(struct lw4o6_b4 *b, const struct lw4o6_napt_forward *f, lw4o6_time now);
LW4O6_API LW4O6_MUSTCHECK
int lw4o6_b4_forward_remove(struct lw4o6_b4 *b, uint8_t protocol, uint16_t port, lw4o6_time now);

struct lw4o6_b4_gauges {
	struct lw4o6_napt_gauges nat;
	uint32_t path_mtu, tunnel_mtu; /**< in force (D-203) */
	uint32_t frag4_contexts, frag6_contexts;
	size_t frag4_memory, frag6_memory;
	size_t memory;                 /**< octets of everything */
	bool service;
};
LW4O6_API void lw4o6_b4_gauges(const struct lw4o6_b4 *b, struct lw4o6_b4_gauges *out);
/** Borrowed; changes with each call into @p b. */
LW4O6_API const struct lw4o6_counters *lw4o6_b4_counters(const struct lw4o6_b4 *b);
/** For lw4o6_napt_next_mapping(), _next_session(), _next_forward(). Borrowed. */
LW4O6_API const struct lw4o6_napt *lw4o6_b4_napt(const struct lw4o6_b4 *b);

#ifdef __cplusplus
}
#endif
#endif
