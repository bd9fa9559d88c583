#include "config.h"

#include "sock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <unistd.h>

enum { CONTROL_ROOM = 128, RAW_BUFFER = 8 << 20 };

struct sock_burst {
	unsigned n;
	size_t size, stride;
	struct sock_msg *msg;
	struct mmsghdr *mm;
	struct iovec *iov;
	uint8_t (*control)[CONTROL_ROOM];
	uint8_t *octets;
	size_t head;
};

struct sock_burst *sock_burst_new(TALLOC_CTX *mem, unsigned n, size_t size, size_t head)
{
	struct sock_burst *b = talloc_zero(mem, struct sock_burst);

	if (!b)
		return NULL;
	b->n = n;
	b->size = size;
	b->head = head;
	b->stride = (head + size + 63) & ~(size_t)63;
	b->msg = talloc_zero_array(b, struct sock_msg, n);
	b->mm = talloc_zero_array(b, struct mmsghdr, n);
	b->iov = talloc_zero_array(b, struct iovec, n);
	b->control = talloc_zero_size(b, n * sizeof(*b->control));
	b->octets = talloc_zero_size(b, n * b->stride);
	if (!b->msg || !b->mm || !b->iov || !b->control || !b->octets) {
		talloc_free(b);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++)
		b->msg[i].data = b->octets + i * b->stride + head;
	return b;
}

struct sock_msg *sock_burst_msg(struct sock_burst *b, unsigned i)
{
	return &b->msg[i];
}

size_t sock_burst_size(const struct sock_burst *b)
{
	return b->size;
}

static void read_control(struct sock_msg *m, struct msghdr *h)
{
	m->ifindex = 0;
	m->local = in6addr_any;
	m->tclass = m->hop_limit = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct in6_pktinfo pi;
		int v;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		switch (c->cmsg_type) {
		case IPV6_PKTINFO:
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			m->local = pi.ipi6_addr;
			m->ifindex = pi.ipi6_ifindex;
			break;
		case IPV6_TCLASS:
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			m->tclass = (uint8_t)v;
			break;
		case IPV6_HOPLIMIT:
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			m->hop_limit = (uint8_t)v;
			break;
		default:
			break;
		}
	}
}

int sock_recv(int fd, struct sock_burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		b->msg[i].data = b->octets + i * b->stride + b->head;
		b->iov[i] = (struct iovec){ b->msg[i].data, b->size };
		b->mm[i].msg_hdr = (struct msghdr){
			.msg_name = &b->msg[i].peer, .msg_namelen = sizeof(b->msg[i].peer),
			.msg_iov = &b->iov[i], .msg_iovlen = 1,
			.msg_control = b->control[i], .msg_controllen = CONTROL_ROOM,
		};
	}

	int n = recvmmsg(fd, b->mm, b->n, MSG_DONTWAIT, NULL), kept = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct sock_msg m = b->msg[i];

		if (b->mm[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		m.len = b->mm[i].msg_len;
		read_control(&m, &b->mm[i].msg_hdr);
		b->msg[kept++] = m;
	}
	return kept;
}

/* Source address and interface of a message to send. */
static void write_control(struct msghdr *h, uint8_t *control, const struct sock_msg *m)
{
	struct in6_pktinfo pi = { .ipi6_addr = m->local, .ipi6_ifindex = m->ifindex };

	if (m->ifindex == 0 && IN6_IS_ADDR_UNSPECIFIED(&m->local))
		return;
	h->msg_control = control;
	h->msg_controllen = CMSG_SPACE(sizeof(pi));

	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(pi));
	memcpy(CMSG_DATA(c), &pi, sizeof(pi));
}

unsigned sock_send(int fd, struct sock_burst *b, unsigned n)
{
	unsigned done = 0, sent = 0;

	for (unsigned i = 0; i < n; i++) {
		b->iov[i] = (struct iovec){ b->msg[i].data, b->msg[i].len };
		b->mm[i].msg_hdr = (struct msghdr){ .msg_name = &b->msg[i].peer, .msg_namelen = sizeof(b->msg[i].peer),
			                            .msg_iov = &b->iov[i], .msg_iovlen = 1 };
		write_control(&b->mm[i].msg_hdr, b->control[i], &b->msg[i]);
	}
	while (done < n) {
		int r = sendmmsg(fd, b->mm + done, n - done, MSG_DONTWAIT);

		if (r > 0) {
			done += (unsigned)r;
			sent += (unsigned)r;
		} else if (errno != EINTR) {
			done++; /* unreachable, or no buffers: the peer will ask again */
		}
	}
	return sent;
}

/* A socket with the given integer options of level IPPROTO_IPV6 switched on; the list ends with 0. */
static int open_with(int type, int protocol, const int *options)
{
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), on = 1;

	if (fd < 0)
		return -errno;
	for (; *options; options++) {
		if (setsockopt(fd, IPPROTO_IPV6, *options, &on, sizeof(on)) < 0) {
			int err = errno;

			close(fd);
			return -err;
		}
	}
	return fd;
}

int sock_udp6(const char *ifname, const struct in6_addr *addr, uint16_t port)
{
	static const int options[] = { IPV6_V6ONLY, IPV6_RECVPKTINFO, 0 };
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *addr };
	int fd = open_with(SOCK_DGRAM, 0, options), err;

	if (fd < 0)
		return fd;
	/* Without SO_REUSEADDR: a second instance must not take datagrams from the first. */
	if ((ifname && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

int sock_join(int fd, const struct in6_addr *group, unsigned ifindex)
{
	struct ipv6_mreq mreq = { .ipv6mr_multiaddr = *group, .ipv6mr_interface = ifindex };

	return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof(mreq)) < 0 ? -errno : 0;
}

static const int raw_options[] = { IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_RECVHOPLIMIT, 0 };

/* Room for a burst of a fast TCP connection; without the privilege the system's limit applies. */
static void enlarge(int fd, int force, int name)
{
	int size = RAW_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, name, &size, sizeof(size));
}

int sock_raw6(int protocol)
{
	int fd = open_with(SOCK_RAW, protocol, raw_options);

	if (fd >= 0)
		enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	return fd;
}

int sock_raw6_sink(int protocol)
{
	static const int none[] = { 0 };
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &nothing };
	int fd = open_with(SOCK_RAW, protocol, none);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int sock_icmp6_errors(void)
{
	struct icmp6_filter filter;
	int fd = open_with(SOCK_RAW, IPPROTO_ICMPV6, raw_options);

	if (fd < 0)
		return fd;
	memset(&filter, 0xff, sizeof(filter)); /* a set bit blocks the type */
	filter.data[0] &= ~(1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof(filter)) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int sock_raw6_send(void)
{
	static const int none[] = { 0 };
	int fd = open_with(SOCK_RAW, IPPROTO_RAW, none);

	if (fd >= 0)
		enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	return fd;
}
