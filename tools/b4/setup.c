#include "config.h"

#include "b4.h"
#include "tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct b4 *b, const char *id, const char *what, int err)
{
	log_error(id, "%s: %s", what, strerror(err < 0 ? -err : err));
	b->exit_code = EXIT_NETWORK;
	return -1;
}

static int make_dir(struct b4 *b, const char *path)
{
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		return 0;
	log_error("directory", "%s: %s", path, strerror(errno));
	b->exit_code = EXIT_FILE;
	return -1;
}

/* Packets from the LAN reach the device by the kernel's routing, which must be on. It is put back at the end. */
static void start_forwarding(struct b4 *b)
{
	char was[8] = "";
	int err = sysctl_read("net/ipv4/ip_forward", was, sizeof(was));

	if (!b->set->manage_forwarding || (err == 0 && strcmp(was, "1") == 0))
		return;
	err = sysctl_write("net/ipv4/ip_forward", "1");
	if (err < 0)
		log_warning("forwarding", "net.ipv4.ip_forward cannot be set: %s", strerror(-err));
	b->forwarding_changed = err == 0;
}

/* RFC 6333 section 5.7: the B4 element is 192.0.0.2 of 192.0.0.0/29. The public address is never configured. */
static int open_tun(struct b4 *b)
{
	struct rtnl_addr a = { .family = AF_INET, .v4 = b->set->tun_address, .prefix_len = 29, .scope = RT_SCOPE_LINK };
	uint32_t mtu = b->set->b4.lan_mtu ? b->set->b4.lan_mtu : 1500;
	char sysctl[64];
	int err;

	b->tun = tun_open(b->set->tun, b->tun_name);
	if (b->tun < 0)
		return fail(b, "tun", b->set->tun, b->tun);
	b->tun_index = a.ifindex = if_nametoindex(b->tun_name);
	snprintf(sysctl, sizeof(sysctl), "net/ipv6/conf/%s/disable_ipv6", b->tun_name);
	sysctl_write(sysctl, "1"); /* no router solicitations into the tunnel */
	err = rtnl_addr_add(&b->rtnl, &a, false);
	if (err == 0)
		err = rtnl_link_set(&b->rtnl, b->tun_index, true, mtu);
	if (err == 0)
		err = tun_accept_local(b->tun_name); /* ICMP errors to the LAN carry our LAN address */
	return err < 0 ? fail(b, "tun", b->tun_name, err) : 0;
}

static int open_path(struct b4 *b, TALLOC_CTX *mem)
{
	struct lw4o6_host host = logsink_host();
	struct lw4o6_b4_config cfg = b->set->b4;
	int err;

	cfg.link_mtu = b->set->link_mtu ? b->set->link_mtu : b->wan_mtu;
	if (cfg.link_mtu < 1280)
		cfg.link_mtu = 1280;
	err = lw4o6_b4_new(mem, &b->path, &cfg, &host);
	for (unsigned i = 0; i < b->set->n_forwards && err == LW4O6_OK; i++)
		err = lw4o6_b4_forward_add(b->path, &b->set->forward[i], 0);
	if (err == LW4O6_OK)
		return 0;
	log_error("data-path", "%s", lw4o6_strerror(err));
	b->exit_code = err == LW4O6_ENOMEM ? EXIT_MEMORY : EXIT_CONFIG;
	return -1;
}

int b4_setup(struct b4 *b, TALLOC_CTX *mem)
{
	int err;

	b->lock = b->control = b->monitor = b->tun = b->udp = b->raw4 = b->raw4_sink = b->icmp = b->raw_out = b->rtnl.fd = -1;
	if (make_dir(b, b->set->state_dir) < 0 || make_dir(b, b->set->run_dir) < 0 || b4_state_lock(b) < 0)
		return -1;
	b->wan_index = if_nametoindex(b->set->interface);
	if (b->wan_index == 0)
		return fail(b, "interface", b->set->interface, errno);
	err = rtnl_open(&b->rtnl);
	if (err < 0)
		return fail(b, "rtnetlink", "rtnetlink", err);
	if (b4_link_open(b) < 0 || open_tun(b) < 0 || open_path(b, mem) < 0 || b4_packets_open(b, mem) < 0 ||
	    b4_provision_open(b, mem) < 0 || b4_control_open(b) < 0)
		return -1;
	b4_own_clean(b);
	start_forwarding(b);
	log_info("ready", "interface %s, device %s", b->set->interface, b->tun_name);
	return 0;
}

/* A default route that somebody else made is not replaced; it may go when native DHCPv4 stops (B-035). */
void b4_route(struct b4 *b, bool up)
{
	struct rtnl_route rt = { .family = AF_INET, .ifindex = b->tun_index, .metric = b->set->route_metric,
		                 .exclusive = true };
	int err;

	if (!b->set->default_route || up == b->route_up)
		return;
	err = up ? rtnl_route_add(&b->rtnl, &rt) : rtnl_route_del(&b->rtnl, &rt);
	if (err == -EEXIST && !b->route_blocked)
		log_warning("default-route", "there is another default route of metric %u: see route-metric", rt.metric);
	else if (err < 0 && err != -EEXIST)
		log_warning("default-route", "default route through %s: %s", b->tun_name, strerror(-err));
	b->route_blocked = err == -EEXIST;
	b->route_up = up && err == 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The device takes its address and routes with it. */
void b4_teardown(struct b4 *b)
{
	if (b->rtnl.fd >= 0) {
		b4_own_clean(b);
		rtnl_close(&b->rtnl);
	}
	b4_control_close(b);
	close_fd(&b->lock);
	if (b->forwarding_changed)
		sysctl_write("net/ipv4/ip_forward", "0");
	close_fd(&b->udp);
	close_fd(&b->raw4);
	close_fd(&b->raw4_sink);
	close_fd(&b->icmp);
	close_fd(&b->raw_out);
	close_fd(&b->tun);
	close_fd(&b->monitor);
}
