/* UDP and raw IPv6 sockets, in bursts. */
#ifndef COMMON_SOCK_H
#define COMMON_SOCK_H

#include <lw4o6/base.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <talloc.h>

/** One datagram of a burst. */
struct sock_msg {
	struct sockaddr_in6 peer;  /**< received from, or send to */
	struct in6_addr local;     /**< received at; send from (:: lets the kernel choose) */
	unsigned ifindex;          /**< received on; send through (0: by route) */
	uint8_t tclass, hop_limit; /**< received */
	uint8_t *data;
	size_t len;                /**< octets used */
};

/** Storage for a burst both ways. */
struct sock_burst;

/**
 * @param n     messages a burst
 * @param size  octets a message
 * @param head  octets kept free before data, for a header the caller adds
 */
struct sock_burst *sock_burst_new(TALLOC_CTX *mem, unsigned n, size_t size, size_t head);
struct sock_msg *sock_burst_msg(struct sock_burst *b, unsigned i);
/** Octets a message may hold. */
size_t sock_burst_size(const struct sock_burst *b);

/** Receive what is waiting, at most a burst. @return how many, 0 for none, or -errno. Datagrams longer than the buffer are left out. */
int sock_recv(int fd, struct sock_burst *b);
/** Send messages 0..n-1. A message the kernel refuses is skipped. @return how many were sent. */
unsigned sock_send(int fd, struct sock_burst *b, unsigned n);

/** UDP over IPv6, non-blocking, with packet information. @param ifname bind to this interface; NULL: all. @return descriptor or -errno. */
int sock_udp6(const char *ifname, const struct in6_addr *addr, uint16_t port);
/** Join a group on an interface. @return 0 or -errno. */
int sock_join(int fd, const struct in6_addr *group, unsigned ifindex);
/** Raw IPv6 that receives payloads of one next header, with packet information, traffic class and hop limit. @return descriptor or -errno. */
int sock_raw6(int protocol);
/**
 * A raw socket that takes nothing: with it open the kernel does not answer packets of this next header
 * with ICMPv6 4/1 while the socket of sock_raw6() is full. @return descriptor or -errno.
 */
int sock_raw6_sink(int protocol);
/** ICMPv6 errors only (types 1 to 4). @return descriptor or -errno. */
int sock_icmp6_errors(void);
/** Raw IPv6 for sending whole packets, header included. @return descriptor or -errno. */
int sock_raw6_send(void);

#endif
