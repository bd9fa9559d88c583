#include "config.h"

#include "b4.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- addresses put on the interface by this process ---- */

static struct b4_own *own_find(struct b4 *b, const struct in6_addr *a)
{
	for (unsigned i = 0; i < B4_OWN_MAX; i++)
		if (b->own[i].used && memcmp(&b->own[i].addr, a, 16) == 0)
			return &b->own[i];
	return NULL;
}

static struct rtnl_addr softwire(const struct b4 *b, const struct in6_addr *a)
{
	return (struct rtnl_addr){ .ifindex = b->wan_index, .family = AF_INET6, .v6 = *a, .prefix_len = 128,
		                   .scope = RT_SCOPE_UNIVERSE };
}

/* The address is noted before it is made, so that a successor finds it whenever this process is killed. */
void b4_own_add(struct b4 *b, const struct in6_addr *a, lw4o6_time now)
{
	struct rtnl_addr ra = softwire(b, a);
	struct b4_own *own = own_find(b, a);
	char text[INET6_ADDRSTRLEN];
	int err = -ENOSPC;

	for (unsigned i = 0; i < B4_OWN_MAX && !own; i++)
		if (!b->own[i].used)
			own = &b->own[i];
	if (own) {
		*own = (struct b4_own){ .addr = *a, .used = true };
		b4_state_addresses(b);
		err = rtnl_addr_add(&b->rtnl, &ra, true);
	}
	if (err < 0) {
		log_warning("softwire-address", "%s: %s", inet_ntop(AF_INET6, a, text, sizeof(text)), strerror(-err));
		lw4o6_client_addr_ready(b->client, a, false, now);
	}
	b->link_dirty = true;
}

static void delete_address(struct b4 *b, const struct in6_addr *a)
{
	struct rtnl_addr ra = softwire(b, a);
	char text[INET6_ADDRSTRLEN];
	int err = rtnl_addr_del(&b->rtnl, &ra);

	if (err < 0 && err != -EADDRNOTAVAIL && err != -ENODEV)
		log_warning("softwire-address", "%s: %s", inet_ntop(AF_INET6, a, text, sizeof(text)), strerror(-err));
}

void b4_own_remove(struct b4 *b, const struct in6_addr *a)
{
	struct b4_own *own = own_find(b, a);

	if (!own)
		return;
	delete_address(b, a);
	own->used = false;
	b4_state_addresses(b);
	b->link_dirty = true;
}

void b4_own_clean(struct b4 *b)
{
	struct in6_addr old[B4_OWN_MAX];
	unsigned n = b4_state_old_addresses(b, old, B4_OWN_MAX);

	for (unsigned i = 0; i < n; i++)
		delete_address(b, &old[i]);
	for (unsigned i = 0; i < B4_OWN_MAX; i++)
		b->own[i].used = false;
	b4_state_addresses(b);
}

/* ---- reading the link ---- */

struct scan {
	struct b4 *b;
	lw4o6_time now;
	uint32_t own_flags[B4_OWN_MAX]; /* UINT32_MAX: not there */
};

static void scan_address(struct scan *sc, const struct rtnl_addr *a)
{
	struct b4 *b = sc->b;
	struct b4_own *own = own_find(b, &a->v6);
	struct lw4o6_client_addr *e = &b->addr[b->n_addr];

	if (own)
		sc->own_flags[own - b->own] = a->flags;
	/* A temporary address (RFC 8981) is gone in a day, and each change of source costs an exchange. */
	if (own || (a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_TEMPORARY)))
		return;
	if (a->scope == RT_SCOPE_LINK && !b->has_linklocal) {
		b->has_linklocal = true;
		b->linklocal = a->v6;
	} else if (a->scope == RT_SCOPE_UNIVERSE && b->n_addr < LW4O6_CLIENT_ADDRS_MAX) {
		*e = (struct lw4o6_client_addr){
			.addr = a->v6,
			.prefix_len = a->prefix_len,
			.deprecated = (a->flags & IFA_F_DEPRECATED) != 0,
			.preferred_until = lw4o6_time_add(sc->now, lw4o6_time_from_s(a->preferred_s)),
		};
		b->n_addr++;
	}
}

static void scan_event(void *arg, const struct rtnl_event *ev)
{
	struct scan *sc = arg;
	struct b4 *b = sc->b;

	if (ev->ifindex != b->wan_index)
		return;
	if (ev->kind == RTNL_LINK) {
		b->wan_up = ev->up;
		b->wan_mtu = ev->mtu;
		/* B-042: option chaddr holds the link-layer address when there is an Ethernet one */
		if (!b->client && ev->hwtype == 1 && ev->hwaddr_len == 6) {
			b->set->client.htype = 1;
			b->set->client.hlen = 6;
			memcpy(b->set->client.chaddr, ev->hwaddr, 6);
		}
	} else if (ev->addr.family == AF_INET6) {
		scan_address(sc, &ev->addr);
	}
}

static int scan_link(struct b4 *b, struct scan *sc)
{
	*sc = (struct scan){ .b = b, .now = clock_now() };
	memset(sc->own_flags, 0xff, sizeof(sc->own_flags));
	b->wan_up = b->has_linklocal = false;
	b->n_addr = 0;
	return rtnl_dump(&b->rtnl, scan_event, sc);
}

static void add_delegated(struct b4 *b)
{
	for (unsigned i = 0; i < b->set->n_delegated && b->n_addr < LW4O6_CLIENT_ADDRS_MAX; i++)
		b->addr[b->n_addr++] = (struct lw4o6_client_addr){
			.addr = b->set->delegated[i].prefix,
			.prefix_len = b->set->delegated[i].len,
			.prefix_only = true,
			.preferred_until = LW4O6_TIME_NONE,
		};
}

static void tell_own(struct b4 *b, const struct scan *sc, lw4o6_time now)
{
	for (unsigned i = 0; i < B4_OWN_MAX; i++) {
		struct b4_own *own = &b->own[i];
		uint32_t flags = sc->own_flags[i];
		bool there = flags != UINT32_MAX;

		if (!own->used)
			continue;
		if (there && (flags & IFA_F_DADFAILED)) {
			lw4o6_client_addr_ready(b->client, &own->addr, false, now);
		} else if (there && !(flags & IFA_F_TENTATIVE) && !own->ready) {
			own->ready = true;
			lw4o6_client_addr_ready(b->client, &own->addr, true, now);
		} else if (!there && own->ready) {
			own->used = false;
			lw4o6_client_addr_ready(b->client, &own->addr, false, now);
		}
	}
}

void b4_link_refresh(struct b4 *b, lw4o6_time now)
{
	uint32_t mtu = b->wan_mtu;
	struct scan sc;
	int err;

	if (!b->link_dirty)
		return;
	b->link_dirty = false;
	err = scan_link(b, &sc);
	if (err < 0) {
		log_warning("rtnetlink", "reading the link: %s", strerror(-err));
		return;
	}
	add_delegated(b);

	struct lw4o6_client_link link = { .up = b->wan_up, .has_linklocal = b->has_linklocal,
		                          .linklocal = b->linklocal, .addr = b->addr, .n = b->n_addr };

	lw4o6_client_link(b->client, &link, now);
	tell_own(b, &sc, now);
	if (b->route_blocked)
		b4_route(b, b->record.valid);
	if (b->wan_mtu != mtu && b->set->link_mtu == 0 && b->wan_mtu >= 1280 &&
	    lw4o6_b4_set_mtu(b->path, b->wan_mtu, 0) == LW4O6_OK)
		log_info("link-mtu", "%s: MTU %u", b->set->interface, b->wan_mtu);
}

static void note_change(void *arg, const struct rtnl_event *ev)
{
	struct b4 *b = arg;

	if (ev->ifindex != b->wan_index)
		return;
	b->link_dirty = true;
	if (ev->kind == RTNL_LINK && ev->gone && b->exit_code == EXIT_OK) {
		log_error("interface", "%s is gone", b->set->interface); /* another one of that name has another index */
		b->exit_code = EXIT_NETWORK;
		loop_stop(b->loop);
	}
}

static void read_monitor(void *arg, int fd, uint32_t events)
{
	struct b4 *b = arg;

	(void)events;
	if (rtnl_monitor_read(fd, note_change, b) < 0)
		b->link_dirty = true; /* changes were lost: read everything */
}

int b4_link_open(struct b4 *b)
{
	struct scan sc;
	int err;

	b->monitor = rtnl_monitor_open();
	err = b->monitor < 0 ? b->monitor : loop_add(b->loop, b->monitor, EPOLLIN, read_monitor, b);
	if (err == 0)
		err = scan_link(b, &sc);
	b->link_dirty = true;
	if (err == 0)
		return 0;
	log_error("rtnetlink", "watching %s: %s", b->set->interface, strerror(-err));
	b->exit_code = EXIT_NETWORK;
	return -1;
}
