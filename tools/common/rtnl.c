#include "config.h"

#include "rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 512, REPLY_MAX = 32768 };

/* A request being built; the kernel's structures want the alignment. */
struct request {
	union {
		struct nlmsghdr nh;
		uint8_t octets[REQUEST_MAX];
	};
};

static void *body(struct nlmsghdr *nh)
{
	return NLMSG_DATA(nh);
}

static void begin(struct request *q, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
	memset(q, 0, sizeof(*q));
	q->nh.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	q->nh.nlmsg_type = type;
	q->nh.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(body(&q->nh), fixed, len);
}

static void attr(struct request *q, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->nh.nlmsg_len);
	struct rtattr rta = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type };

	memcpy(q->octets + at, &rta, sizeof(rta));
	memcpy(q->octets + at + RTA_LENGTH(0), data, len);
	q->nh.nlmsg_len = (uint32_t)(at + RTA_ALIGN(rta.rta_len));
}

static void attr_u32(struct request *q, uint16_t type, uint32_t v)
{
	attr(q, type, &v, sizeof(v));
}

static size_t addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

int rtnl_open(struct rtnl *r)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };

	r->seq = 1;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0)
		return -errno;
	if (bind(r->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int err = errno;

		close(r->fd);
		return -err;
	}
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	close(r->fd);
	r->fd = -1;
}

/* ---- reading messages ---- */

/* The kernel's own macros for stepping cast a char pointer, which not every compiler takes. */
static const struct rtattr *find_attr(const struct nlmsghdr *nh, size_t fixed, uint16_t type)
{
	const uint8_t *p = (const uint8_t *)NLMSG_DATA(nh) + NLMSG_ALIGN(fixed);
	size_t left = nh->nlmsg_len > NLMSG_SPACE(fixed) ? nh->nlmsg_len - NLMSG_SPACE(fixed) : 0;

	while (left >= sizeof(struct rtattr)) {
		const struct rtattr *rta = (const void *)p;
		size_t step = RTA_ALIGN(rta->rta_len);

		if (rta->rta_len < sizeof(*rta) || rta->rta_len > left)
			break;
		if (rta->rta_type == type)
			return rta;
		if (step >= left)
			break;
		p += step;
		left -= step;
	}
	return NULL;
}

static bool take_attr(const struct nlmsghdr *nh, size_t fixed, uint16_t type, void *dst, size_t n)
{
	const struct rtattr *a = find_attr(nh, fixed, type);

	if (!a || RTA_PAYLOAD(a) < n)
		return false;
	memcpy(dst, RTA_DATA(a), n);
	return true;
}

static void report_link(const struct nlmsghdr *nh, rtnl_event_fn *fn, void *arg)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nh);
	const struct rtattr *hw, *name;
	struct rtnl_event ev = { .kind = RTNL_LINK, .gone = nh->nlmsg_type == RTM_DELLINK };

	ev.ifindex = (unsigned)ifi->ifi_index;
	ev.up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING);
	ev.hwtype = ifi->ifi_type;
	take_attr(nh, sizeof(*ifi), IFLA_MTU, &ev.mtu, sizeof(ev.mtu));
	hw = find_attr(nh, sizeof(*ifi), IFLA_ADDRESS);
	if (hw && RTA_PAYLOAD(hw) <= sizeof(ev.hwaddr)) {
		ev.hwaddr_len = (uint8_t)RTA_PAYLOAD(hw);
		memcpy(ev.hwaddr, RTA_DATA(hw), ev.hwaddr_len);
	}
	name = find_attr(nh, sizeof(*ifi), IFLA_IFNAME);
	if (name)
		snprintf(ev.name, sizeof(ev.name), "%s", (const char *)RTA_DATA(name));
	fn(arg, &ev);
}

static void report_addr(const struct nlmsghdr *nh, rtnl_event_fn *fn, void *arg)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(nh);
	struct rtnl_event ev = { .kind = RTNL_ADDR, .gone = nh->nlmsg_type == RTM_DELADDR };
	struct ifa_cacheinfo ci = { .ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX };

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return;
	ev.ifindex = ev.addr.ifindex = ifa->ifa_index;
	ev.addr.family = ifa->ifa_family;
	ev.addr.prefix_len = ifa->ifa_prefixlen;
	ev.addr.scope = ifa->ifa_scope;
	ev.addr.flags = ifa->ifa_flags;
	take_attr(nh, sizeof(*ifa), IFA_FLAGS, &ev.addr.flags, sizeof(ev.addr.flags));
	take_attr(nh, sizeof(*ifa), IFA_CACHEINFO, &ci, sizeof(ci));
	ev.addr.preferred_s = ci.ifa_prefered;
	ev.addr.valid_s = ci.ifa_valid;
	if (!take_attr(nh, sizeof(*ifa), IFA_LOCAL, &ev.addr.v6, addr_len(ev.addr.family)) &&
	    !take_attr(nh, sizeof(*ifa), IFA_ADDRESS, &ev.addr.v6, addr_len(ev.addr.family)))
		return;
	fn(arg, &ev);
}

/* One datagram. @return 1: more to come; 0: the end of an answer; or the kernel's -errno. */
static int read_messages(uint8_t *buf, size_t n, uint32_t seq, rtnl_event_fn *fn, void *arg)
{
	for (size_t off = 0, step; off + sizeof(struct nlmsghdr) <= n; off += step) {
		const struct nlmsghdr *nh = (const void *)(buf + off);

		if (nh->nlmsg_len < sizeof(*nh) || nh->nlmsg_len > n - off)
			break;
		step = NLMSG_ALIGN(nh->nlmsg_len);
		if (seq != 0 && nh->nlmsg_seq != seq)
			continue;
		switch (nh->nlmsg_type) {
		case NLMSG_DONE:
			return 0;
		case NLMSG_ERROR:
			return ((const struct nlmsgerr *)NLMSG_DATA(nh))->error;
		case RTM_NEWLINK:
		case RTM_DELLINK:
			if (fn)
				report_link(nh, fn, arg);
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			if (fn)
				report_addr(nh, fn, arg);
			break;
		default:
			break;
		}
	}
	return 1;
}

static int talk(struct rtnl *r, struct request *q, rtnl_event_fn *fn, void *arg)
{
	union {
		struct nlmsghdr align;
		uint8_t octets[REPLY_MAX];
	} reply;
	int more = 1;

	q->nh.nlmsg_seq = ++r->seq;
	if (send(r->fd, q, q->nh.nlmsg_len, 0) < 0)
		return -errno;
	while (more == 1) {
		ssize_t n = recv(r->fd, reply.octets, sizeof(reply.octets), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more = read_messages(reply.octets, (size_t)n, r->seq, fn, arg);
	}
	return more;
}

/* ---- requests ---- */

int rtnl_link_set(struct rtnl *r, unsigned ifindex, bool up, uint32_t mtu)
{
	struct ifinfomsg ifi = { .ifi_index = (int)ifindex, .ifi_change = IFF_UP, .ifi_flags = up ? IFF_UP : 0 };
	struct request q;

	begin(&q, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	if (mtu != 0)
		attr_u32(&q, IFLA_MTU, mtu);
	return talk(r, &q, NULL, NULL);
}

static void keep_mtu(void *arg, const struct rtnl_event *ev)
{
	if (ev->kind == RTNL_LINK)
		*(uint32_t *)arg = ev->mtu;
}

int rtnl_link_mtu(struct rtnl *r, unsigned ifindex)
{
	struct ifinfomsg ifi = { .ifi_index = (int)ifindex };
	struct request q;
	uint32_t mtu = 0;

	begin(&q, RTM_GETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	int err = talk(r, &q, keep_mtu, &mtu);
	return err < 0 ? err : (int)mtu;
}

static int change_addr(struct rtnl *r, uint16_t type, uint16_t flags, const struct rtnl_addr *a, bool deprecated)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)a->family, .ifa_prefixlen = a->prefix_len,
		                 .ifa_scope = a->scope, .ifa_index = a->ifindex };
	struct ifa_cacheinfo ci = { .ifa_prefered = deprecated ? 0 : UINT32_MAX, .ifa_valid = UINT32_MAX };
	struct request q;

	begin(&q, type, (uint16_t)(NLM_F_ACK | flags), &ifa, sizeof(ifa));
	attr(&q, IFA_LOCAL, &a->v6, addr_len(a->family));
	attr(&q, IFA_ADDRESS, &a->v6, addr_len(a->family));
	if (type == RTM_NEWADDR) {
		attr_u32(&q, IFA_FLAGS, a->flags);
		if (a->family == AF_INET6)
			attr(&q, IFA_CACHEINFO, &ci, sizeof(ci));
	}
	return talk(r, &q, NULL, NULL);
}

int rtnl_addr_add(struct rtnl *r, const struct rtnl_addr *a, bool deprecated)
{
	return change_addr(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a, deprecated);
}

int rtnl_addr_del(struct rtnl *r, const struct rtnl_addr *a)
{
	return change_addr(r, RTM_DELADDR, 0, a, false);
}

static int change_route(struct rtnl *r, uint16_t type, uint16_t flags, const struct rtnl_route *rt)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)rt->family, .rtm_dst_len = rt->prefix_len,
		             .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTNL_PROTO_LW4O6,
		             .rtm_scope = rt->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		             .rtm_type = RTN_UNICAST };
	struct request q;

	begin(&q, type, (uint16_t)(NLM_F_ACK | flags), &rtm, sizeof(rtm));
	if (rt->prefix_len > 0)
		attr(&q, RTA_DST, &rt->v6, addr_len(rt->family));
	attr_u32(&q, RTA_OIF, rt->ifindex);
	if (rt->metric != 0)
		attr_u32(&q, RTA_PRIORITY, rt->metric);
	if (rt->mtu != 0) {
		struct {
			struct rtattr rta;
			uint32_t mtu;
		} metric = { { .rta_len = RTA_LENGTH(4), .rta_type = RTAX_MTU }, rt->mtu };

		attr(&q, RTA_METRICS, &metric, sizeof(metric));
	}
	return talk(r, &q, NULL, NULL);
}

int rtnl_route_add(struct rtnl *r, const struct rtnl_route *rt)
{
	return change_route(r, RTM_NEWROUTE, (uint16_t)(NLM_F_CREATE | (rt->exclusive ? NLM_F_EXCL : NLM_F_REPLACE)), rt);
}

int rtnl_route_del(struct rtnl *r, const struct rtnl_route *rt)
{
	return change_route(r, RTM_DELROUTE, 0, rt);
}

/* ---- what is there, what changes ---- */

int rtnl_dump(struct rtnl *r, rtnl_event_fn *fn, void *arg)
{
	struct ifinfomsg ifi = { 0 };
	struct ifaddrmsg ifa = { 0 };
	struct request q;

	begin(&q, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	int err = talk(r, &q, fn, arg);

	if (err < 0)
		return err;
	begin(&q, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	return talk(r, &q, fn, arg);
}

int rtnl_monitor_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
		                  .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int rtnl_monitor_read(int fd, rtnl_event_fn *fn, void *arg)
{
	union {
		struct nlmsghdr align;
		uint8_t octets[REPLY_MAX];
	} reply;

	for (;;) {
		ssize_t n = recv(fd, reply.octets, sizeof(reply.octets), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		read_messages(reply.octets, (size_t)n, 0, fn, arg);
	}
}

/* ---- sysctl ---- */

static int sysctl_open(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_write(const char *name, const char *value)
{
	int fd = sysctl_open(name, O_WRONLY);

	if (fd < 0)
		return fd;
	int err = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int sysctl_read(const char *name, char *value, size_t room)
{
	int fd = sysctl_open(name, O_RDONLY);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, value, room - 1);
	int err = n < 0 ? -errno : 0;

	close(fd);
	value[n < 0 ? 0 : n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return err;
}
