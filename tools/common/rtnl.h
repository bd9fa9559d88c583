/* Links, addresses and routes over rtnetlink. */
#ifndef COMMON_RTNL_H
#define COMMON_RTNL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The routes we make carry this protocol number, so that ours can be told from others'. */
#define RTNL_PROTO_LW4O6 146

struct rtnl {
	int fd;
	uint32_t seq;
};

/** @return 0 or -errno. */
int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

/** Interface up (or down); mtu 0: leave it. @return 0 or -errno. */
int rtnl_link_set(struct rtnl *r, unsigned ifindex, bool up, uint32_t mtu);
/** The interface's MTU, or -errno. */
int rtnl_link_mtu(struct rtnl *r, unsigned ifindex);

/** An address of an interface. */
struct rtnl_addr {
	unsigned ifindex;
	int family;            /**< AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	uint8_t prefix_len;
	uint8_t scope;         /**< RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, ... */
	uint32_t flags;        /**< IFA_F_TENTATIVE, IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_NODAD, ... */
	uint32_t preferred_s, valid_s; /**< 0xffffffff: for ever */
};
/** Add an address. @param deprecated  preferred lifetime 0: never chosen as a source by the host. @return 0 or -errno. */
int rtnl_addr_add(struct rtnl *r, const struct rtnl_addr *a, bool deprecated);
int rtnl_addr_del(struct rtnl *r, const struct rtnl_addr *a);

/** A route out of an interface. */
struct rtnl_route {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	uint8_t prefix_len;
	unsigned ifindex;
	uint32_t metric; /**< 0: the kernel's default */
	uint32_t mtu;    /**< 0: none */
	bool exclusive;  /**< add: do not replace a route to the same destination with the same metric, but -EEXIST */
};
/** Add or replace. @return 0 or -errno. */
int rtnl_route_add(struct rtnl *r, const struct rtnl_route *rt);
int rtnl_route_del(struct rtnl *r, const struct rtnl_route *rt);

enum rtnl_kind { RTNL_LINK, RTNL_ADDR };
/** Something that is there (dump) or has changed (monitor). */
struct rtnl_event {
	enum rtnl_kind kind;
	bool gone;
	unsigned ifindex;
	bool up;               /**< LINK: administratively up and with carrier */
	uint32_t mtu;          /**< LINK */
	uint8_t hwaddr[32];    /**< LINK: link-layer address */
	uint8_t hwaddr_len;
	uint16_t hwtype;       /**< LINK: ARPHRD_... */
	char name[16];         /**< LINK */
	struct rtnl_addr addr; /**< ADDR */
};
typedef void rtnl_event_fn(void *arg, const struct rtnl_event *ev);

/** Report all links, then all addresses of both families. @return 0 or -errno. */
int rtnl_dump(struct rtnl *r, rtnl_event_fn *fn, void *arg);
/** A non-blocking socket that tells changes of links and addresses. @return descriptor or -errno. */
int rtnl_monitor_open(void);
/** Read what is waiting. @return 0; -ENOBUFS: changes were lost, dump again; other -errno. */
int rtnl_monitor_read(int fd, rtnl_event_fn *fn, void *arg);

/** Write a sysctl, "net/ipv4/ip_forward". @return 0 or -errno. */
int sysctl_write(const char *name, const char *value);
/** First line of a sysctl without newline. @return 0 or -errno. */
int sysctl_read(const char *name, char *value, size_t room);

#endif
