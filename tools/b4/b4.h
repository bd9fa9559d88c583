/* The parts of lw4o6-b4: the client machine and the B4's data path, between a TUN device and raw IPv6 sockets. */
#ifndef TOOLS_B4_H
#define TOOLS_B4_H

#include "loop.h"
#include "rtnl.h"
#include "sock.h"
#include "tool.h"

#include <limits.h>
#include <lw4o6/b4.h>
#include <lw4o6/client.h>
#include <net/if.h>

enum {
	B4_BURST = 64,       /* packets a system call */
	B4_HEADROOM = 48,    /* what the data path wants to encapsulate in place */
	B4_PREFIXES_MAX = 32,
	B4_FORWARDS_MAX = 256,
	B4_OWN_MAX = 16,     /* softwire addresses, leaving ones included */
	B4_HOOKS_MAX = 16,   /* hook calls that wait */
};

struct b4_settings {
	/* where */
	const char *interface, *tun, *state_dir, *run_dir, *hook;
	struct lw4o6_b4_prefix lan[B4_PREFIXES_MAX];
	unsigned n_lan;
	struct lw4o6_s46_prefix delegated[B4_PREFIXES_MAX];
	unsigned n_delegated;
	struct in_addr tun_address;
	bool default_route, manage_forwarding;
	uint32_t route_metric;

	/* provisioning */
	struct lw4o6_client_config client;
	uint32_t start_delay_s, offer_collect_s; /* UINT32_MAX: not set */
	bool use_4o6, use_lw, reprovision, release_on_exit;
	const char *softwire_address;

	/* data path */
	struct lw4o6_b4_config b4;
	struct lw4o6_napt_config nat;
	uint32_t link_mtu; /* 0: of the interface */
	bool ttl_out, ttl_in, nat_parity, answer_ping, drop_private, accept_icmpv6, icmpv4_errors, icmpv6_errors;
	bool mss_clamp;
	int filter_udp, filter_tcp, frag4_mode, flow_label, ecn_encap, df_mode, pmtu, exhausted, syn_unsolicited, atomic_id,
		dscp_decap, preference;
	struct lw4o6_napt_forward forward[B4_FORWARDS_MAX];
	unsigned n_forwards;
	struct lw4o6_napt_reserved reserved[B4_PREFIXES_MAX];
	unsigned n_reserved;
};

/* An address that this process put on the WAN interface. */
struct b4_own {
	struct in6_addr addr;
	bool used, ready;
};

struct b4_hook_call {
	const char *state; /* static string */
	struct lw4o6_client_record record;
};

struct b4 {
	struct b4_settings *set;
	struct tool *tool;
	struct loop *loop;
	struct lw4o6_client *client;
	struct lw4o6_b4 *path;

	/* the system */
	struct rtnl rtnl;
	int lock, control, monitor, tun, udp, raw4, raw4_sink, icmp, raw_out; /* descriptors; -1: closed */
	char tun_name[IFNAMSIZ];
	unsigned wan_index, tun_index;
	uint32_t wan_mtu;
	bool forwarding_changed;
	bool route_up, route_blocked;

	/* the link as last read */
	bool wan_up, link_dirty;
	bool has_linklocal;
	struct in6_addr linklocal;
	struct lw4o6_client_addr addr[LW4O6_CLIENT_ADDRS_MAX];
	size_t n_addr;
	struct b4_own own[B4_OWN_MAX];

	struct lw4o6_client_record record;
	struct sock_burst *rx, *tx, *dhcp_rx, *dhcp_tx;
	uint8_t *lan_octets, *tx_octets;   /* a burst of LAN packets; of packets from the output queue */
	size_t lan_stride;
	unsigned n_tx;

	unsigned n_peers; /* connections to the control socket */
	struct b4_hook_call hooks[B4_HOOKS_MAX];
	unsigned n_hooks;
	pid_t hook_pid; /* 0: none runs */
	lw4o6_time stop_by; /* LW4O6_TIME_NONE: not stopping */
	int exit_code;
};

/* run.c: @return the exit code. */
int b4_run(struct tool *tool, struct b4_settings *set, TALLOC_CTX *mem);

/* settings.c */
extern const struct conf_keyword b4_keywords[];
void b4_settings_init(struct b4_settings *s);
int b4_settings_check(void *settings, char *error, size_t room);

/* setup.c: @return 0, or -1 with the reason logged and b->exit_code set. */
int b4_setup(struct b4 *b, TALLOC_CTX *mem);
void b4_teardown(struct b4 *b);
void b4_route(struct b4 *b, bool up);

/* link.c */
int b4_link_open(struct b4 *b);
/* Read the whole link and tell the machine when something was dirty. */
void b4_link_refresh(struct b4 *b, lw4o6_time now);
void b4_own_add(struct b4 *b, const struct in6_addr *a, lw4o6_time now);
void b4_own_remove(struct b4 *b, const struct in6_addr *a);
/* Remove what a predecessor that was killed left on the interface. */
void b4_own_clean(struct b4 *b);

/* packets.c */
int b4_packets_open(struct b4 *b, TALLOC_CTX *mem);
void b4_packets_drain(struct b4 *b);

/* provision.c */
int b4_provision_open(struct b4 *b, TALLOC_CTX *mem);
void b4_provision_run(struct b4 *b, lw4o6_time now);

/* state.c */
int b4_state_duid(struct b4 *b, struct lw4o6_client_config *cfg);
void b4_state_load(struct b4 *b, lw4o6_time now);
/*
 * Seconds that a stored lease has left at wall-clock time @p wall. None when that is before the lease was stored:
 * a host without a clock of its own starts in 1970. So never more than what was left then.
 */
uint64_t b4_state_lease_left(uint64_t written, uint64_t end, uint64_t wall);
void b4_state_save(const struct b4 *b, const struct lw4o6_client_saved *s, lw4o6_time now);
/* Write a file as a whole: a reader sees the old one or the new one. @return 0 or -errno. */
int b4_write_file(const char *dir, const char *name, const char *text, size_t len, bool durable);
/* One process for an interface. */
int b4_state_lock(struct b4 *b);
void b4_state_addresses(const struct b4 *b);
unsigned b4_state_old_addresses(const struct b4 *b, struct in6_addr *dst, unsigned room);

/* control.c */
int b4_control_open(struct b4 *b);
void b4_control_close(struct b4 *b);

/* report.c */
/* The record as JSON, child of mem; NULL: no memory. */
char *b4_record_text(struct b4 *b, TALLOC_CTX *mem, lw4o6_time now, size_t *len);
void b4_report(struct b4 *b, lw4o6_time now);
/* Call the hook, or queue the call; native-stop, bound, updated, unbound, stopped. */
void b4_hook(struct b4 *b, const char *state);
/* A child has ended: start the next waiting call. */
void b4_hook_reap(struct b4 *b);
/* The port ranges as text, "A-B" each in quotes when @p json, until @p room is used. */
size_t b4_ranges(const struct lw4o6_psid *ps, bool json, char *dst, size_t room);
void b4_counters_to_log(const struct b4 *b);

#endif
