#include "config.h"

#include "b4.h"
#include "clock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	IPV6_HLEN = 40,
	TX_OCTETS = 2048,  /* of one queued packet; longer ones are sent one by one */
	TAILROOM = 64,
	BURSTS_A_TURN = 8, /* before the other descriptors have their turn */
};

/* ---- towards the tunnel ---- */

static void flush_tx(struct b4 *b)
{
	if (b->n_tx > 0)
		sock_send(b->raw_out, b->tx, b->n_tx);
	b->n_tx = 0;
}

/* @p data must stay until flush_tx(). */
static void queue_tx(struct b4 *b, uint8_t *data, size_t len)
{
	struct sock_msg *m = sock_burst_msg(b->tx, b->n_tx);

	*m = (struct sock_msg){ .peer = { .sin6_family = AF_INET6 }, .data = data, .len = len };
	memcpy(&m->peer.sin6_addr, data + 24, 16);
	if (++b->n_tx == B4_BURST)
		flush_tx(b);
}

static void queue_copy(struct b4 *b, const uint8_t *data, size_t len)
{
	uint8_t *copy = b->tx_octets + (size_t)b->n_tx * TX_OCTETS;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

	if (len <= TX_OCTETS) {
		memcpy(copy, data, len);
		queue_tx(b, copy, len);
		return;
	}
	flush_tx(b);
	memcpy(&to.sin6_addr, data + 24, 16);
	if (sendto(b->raw_out, data, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("send", "%zu octets: %s", len, strerror(errno));
}

static void to_lan(struct b4 *b, const uint8_t *data, size_t len)
{
	if (write(b->tun, data, len) < 0 && errno != EAGAIN)
		log_debug("tun-write", "%zu octets: %s", len, strerror(errno));
}

static void take_outq(struct b4 *b)
{
	struct lw4o6_out out;

	while (lw4o6_b4_next_out(b->path, &out)) {
		if (out.side == LW4O6_SIDE_IPV4)
			to_lan(b, out.data, out.len);
		else
			queue_copy(b, out.data, out.len);
	}
}

void b4_packets_drain(struct b4 *b)
{
	take_outq(b);
	flush_tx(b);
}

/* ---- a burst through the data path ---- */

static void process(struct b4 *b, enum lw4o6_side side, struct lw4o6_pkt *pkts, size_t n)
{
	lw4o6_time now = clock_now();

	for (size_t done = 0; done < n;) {
		size_t k = lw4o6_b4_run(b->path, side, pkts + done, n - done, now);

		for (size_t i = done; i < done + k; i++) {
			if (pkts[i].verdict == LW4O6_VERDICT_EMIT4)
				to_lan(b, pkts[i].data, pkts[i].len);
			else if (pkts[i].verdict == LW4O6_VERDICT_EMIT6)
				queue_tx(b, pkts[i].data, pkts[i].len);
		}
		done += k;
		take_outq(b);
	}
	flush_tx(b);
}

static void read_lan(void *arg, int fd, uint32_t events)
{
	struct b4 *b = arg;
	struct lw4o6_pkt pkts[B4_BURST];
	size_t room = b->lan_stride - B4_HEADROOM - TAILROOM;
	unsigned n = B4_BURST;

	(void)events;
	for (unsigned turn = 0; turn < BURSTS_A_TURN && n == B4_BURST; turn++) {
		for (n = 0; n < B4_BURST; n++) {
			uint8_t *data = b->lan_octets + n * b->lan_stride + B4_HEADROOM;
			ssize_t len = read(fd, data, room);

			if (len <= 0)
				break;
			pkts[n] = (struct lw4o6_pkt){ .data = data, .len = (size_t)len, .headroom = B4_HEADROOM,
				                      .tailroom = TAILROOM };
		}
		process(b, LW4O6_SIDE_IPV4, pkts, n);
	}
}

/* The kernel took the IPv6 header off; the data path wants to see it. */
static uint8_t *rebuild(const struct sock_msg *m, uint8_t next_header)
{
	uint8_t *h = m->data - IPV6_HLEN;

	h[0] = (uint8_t)(0x60 | m->tclass >> 4);
	h[1] = (uint8_t)(m->tclass << 4);
	h[2] = h[3] = 0;
	h[4] = (uint8_t)(m->len >> 8);
	h[5] = (uint8_t)m->len;
	h[6] = next_header;
	h[7] = m->hop_limit;
	memcpy(h + 8, &m->peer.sin6_addr, 16);
	memcpy(h + 24, &m->local, 16);
	return h;
}

static void read_tunnel(void *arg, int fd, uint32_t events)
{
	struct b4 *b = arg;
	struct lw4o6_pkt pkts[B4_BURST];
	int n = B4_BURST;

	(void)events;
	for (unsigned turn = 0; turn < BURSTS_A_TURN && n == B4_BURST; turn++) {
		n = sock_recv(fd, b->rx);
		for (int i = 0; i < n; i++) {
			const struct sock_msg *m = sock_burst_msg(b->rx, (unsigned)i);

			pkts[i] = (struct lw4o6_pkt){
				.data = rebuild(m, fd == b->icmp ? IPPROTO_ICMPV6 : IPPROTO_IPIP),
				.len = m->len + IPV6_HLEN, .headroom = B4_HEADROOM,
			};
		}
		if (n > 0)
			process(b, LW4O6_SIDE_IPV6, pkts, (size_t)n);
	}
}

static int watch(struct b4 *b, int fd, loop_fd_fn *fn)
{
	return fd < 0 ? fd : loop_add(b->loop, fd, EPOLLIN, fn, b);
}

int b4_packets_open(struct b4 *b, TALLOC_CTX *mem)
{
	size_t mru = b->set->b4.path_mru ? b->set->b4.path_mru : 9256;
	size_t lan = b->set->b4.lan_mtu ? b->set->b4.lan_mtu : 1500;
	int err;

	b->rx = sock_burst_new(mem, B4_BURST, mru - IPV6_HLEN, B4_HEADROOM + IPV6_HLEN);
	b->tx = sock_burst_new(mem, B4_BURST, 0, 0);
	b->lan_stride = (B4_HEADROOM + lan + TAILROOM + 63) & ~(size_t)63;
	b->lan_octets = talloc_array(mem, uint8_t, (unsigned)(B4_BURST * b->lan_stride));
	b->tx_octets = talloc_array(mem, uint8_t, B4_BURST * TX_OCTETS);
	if (!b->rx || !b->tx || !b->lan_octets || !b->tx_octets) {
		log_error("memory", "out of memory");
		b->exit_code = EXIT_MEMORY;
		return -1;
	}
	b->raw_out = sock_raw6_send();
	b->raw4_sink = sock_raw6_sink(IPPROTO_IPIP);
	b->raw4 = sock_raw6(IPPROTO_IPIP);
	b->icmp = sock_icmp6_errors();
	err = b->raw_out < 0 ? b->raw_out : b->raw4_sink < 0 ? b->raw4_sink : watch(b, b->raw4, read_tunnel);
	if (err == 0)
		err = watch(b, b->icmp, read_tunnel);
	if (err == 0)
		err = watch(b, b->tun, read_lan);
	if (err == 0)
		return 0;
	log_error("raw-socket", "%s", strerror(-err));
	b->exit_code = EXIT_NETWORK;
	return -1;
}
