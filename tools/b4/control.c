#include "config.h"

#include "b4.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 256, CONNECTIONS_MAX = 8 };

/* A connection: a line coming in, an answer going out. While an answer waits nothing is read. */
struct peer {
	struct b4 *b;
	int fd;
	char line[LINE_MAX_OCTETS];
	size_t len;
	char *out;
	size_t out_len, sent;
};

static int close_peer(struct peer *p)
{
	loop_remove(p->b->loop, p->fd);
	close(p->fd);
	p->b->n_peers--;
	return 0;
}

/* ---- answers ---- */

static void say(struct peer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->out)
		return;
	va_start(ap, fmt);
	p->out = talloc_vasprintf_append_buffer(p->out, fmt, ap);
	va_end(ap);
}

static void say_result(struct peer *p, int err)
{
	if (err == LW4O6_OK)
		say(p, "{\"ok\": true}\n");
	else
		say(p, "{\"error\": \"%s\"}\n", err == LW4O6_ENOENT ? "there is no lease" : lw4o6_strerror(err));
}

static void say_counters(struct peer *p)
{
	const struct lw4o6_counters *c = lw4o6_b4_counters(p->b->path);
	const char *comma = "{";

	for (unsigned i = 0; i < LW4O6_CLIENT_CNT_COUNT; i++) {
		uint64_t n = lw4o6_client_count(p->b->client, (enum lw4o6_client_counter)i);

		if (n != 0) {
			say(p, "%s\"dhcp-%s\": %llu", comma, lw4o6_client_counter_name((enum lw4o6_client_counter)i),
			    (unsigned long long)n);
			comma = ", ";
		}
	}
	for (unsigned i = 0; i < LW4O6_CNT_COUNT; i++) {
		if (c->packets[i] != 0) {
			say(p, "%s\"%s\": %llu", comma, lw4o6_counter_name((enum lw4o6_counter)i),
			    (unsigned long long)c->packets[i]);
			comma = ", ";
		}
	}
	say(p, "%s}\n", comma[0] == '{' ? "{" : "");
}

static void say_mappings(struct peer *p)
{
	const struct lw4o6_napt *nat = lw4o6_b4_napt(p->b->path);
	struct lw4o6_napt_mapping m;
	char ip[INET_ADDRSTRLEN];

	for (uint32_t cursor = 0; lw4o6_napt_next_mapping(nat, &cursor, &m);)
		say(p,
		    "{\"protocol\": %u, \"port\": %u, \"address\": \"%s\", \"inner_port\": %u, \"sessions\": %u, \"forward\": %s}\n",
		    m.protocol, m.port, inet_ntop(AF_INET, &m.addr, ip, sizeof(ip)), m.inner_port, m.sessions,
		    m.forward ? "true" : "false");
}

static int inform(struct b4 *b, char *args)
{
	uint8_t codes[LW4O6_CLIENT_PRL_MAX];
	size_t n = 0;

	for (char *save = NULL, *t = strtok_r(args, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		char *end;
		long v = strtol(t, &end, 10);

		if (*end != '\0' || v < 1 || v > 254 || n == sizeof(codes))
			return LW4O6_EINVAL;
		codes[n++] = (uint8_t)v;
	}
	return lw4o6_client_inform(b->client, codes, n, clock_now());
}

static void command(struct peer *p, char *line)
{
	struct b4 *b = p->b;
	lw4o6_time now = clock_now();
	size_t len;

	p->out = talloc_strdup(p, "");
	if (strcmp(line, "status") == 0) {
		char *text = b4_record_text(b, p, now, &len);

		say(p, "%s", text ? text : "{\"error\": \"out of memory\"}\n");
		talloc_free(text);
	} else if (strcmp(line, "counters") == 0) {
		say_counters(p);
	} else if (strcmp(line, "mappings") == 0) {
		say_mappings(p);
	} else if (strcmp(line, "renew") == 0) {
		say_result(p, lw4o6_client_renew(b->client, now));
	} else if (strcmp(line, "decline") == 0) {
		say_result(p, lw4o6_client_decline(b->client, now));
	} else if (strcmp(line, "refresh") == 0) {
		lw4o6_client_refresh(b->client, now);
		say_result(p, LW4O6_OK);
	} else if (strncmp(line, "inform ", 7) == 0) {
		say_result(p, inform(b, line + 7));
	} else {
		say(p, "{\"error\": \"unknown command\"}\n");
	}
	say(p, "\n");
}

/* ---- connections ---- */

/* @return false when the connection is over. */
static bool send_answer(struct peer *p)
{
	while (p->sent < p->out_len) {
		ssize_t n = send(p->fd, p->out + p->sent, p->out_len - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return loop_modify(p->b->loop, p->fd, EPOLLOUT) == 0;
		if (n < 0)
			return false;
		p->sent += (size_t)n;
	}
	talloc_free(p->out);
	p->out = NULL;
	return loop_modify(p->b->loop, p->fd, EPOLLIN) == 0;
}

/* Answer the first whole line. @return false when the connection is over. */
static bool take_line(struct peer *p)
{
	char *end = memchr(p->line, '\n', p->len);
	size_t n;

	if (!end)
		return p->len < sizeof(p->line);
	*end = '\0';
	command(p, p->line);
	if (!p->out)
		return false;
	n = (size_t)(end + 1 - p->line);
	memmove(p->line, end + 1, p->len - n);
	p->len -= n;
	p->out_len = strlen(p->out);
	p->sent = 0;
	return send_answer(p);
}

static void serve_peer(void *arg, int fd, uint32_t events)
{
	struct peer *p = arg;
	bool alive = true;

	if (p->out && (events & EPOLLOUT))
		alive = send_answer(p);
	if (!p->out && alive && (events & (EPOLLIN | EPOLLHUP))) {
		ssize_t n = recv(fd, p->line + p->len, sizeof(p->line) - p->len, MSG_DONTWAIT);

		alive = n > 0 || (n < 0 && errno == EAGAIN);
		if (n > 0)
			p->len += (size_t)n;
	}
	while (alive && !p->out && memchr(p->line, '\n', p->len))
		alive = take_line(p);
	if (!alive || (!p->out && p->len == sizeof(p->line)))
		talloc_free(p);
}

static void take_connection(void *arg, int fd, uint32_t events)
{
	struct b4 *b = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peer *p = c >= 0 && b->n_peers < CONNECTIONS_MAX ? talloc_zero(b->loop, struct peer) : NULL;

	(void)events;
	if (!p) {
		if (c >= 0)
			close(c);
		return;
	}
	p->b = b;
	p->fd = c;
	b->n_peers++;
	talloc_set_destructor(p, close_peer);
	if (loop_add(b->loop, c, EPOLLIN, serve_peer, p) < 0)
		talloc_free(p);
}

/* The lock of the interface is held, so a socket file of that name is a dead process's. */
int b4_control_open(struct b4 *b)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = b->tool->socket;
	struct stat st;
	int err = 0;

	b->control = -1;
	if (!path)
		return 0;
	if (strlen(path) >= sizeof(sa.sun_path)) {
		err = -ENAMETOOLONG;
	} else {
		strcpy(sa.sun_path, path);
		if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			unlink(path);
		b->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		mode_t was = umask(0177);

		if (b->control < 0 || bind(b->control, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		    listen(b->control, CONNECTIONS_MAX) < 0)
			err = -errno;
		umask(was);
	}
	if (err == 0)
		err = loop_add(b->loop, b->control, EPOLLIN, take_connection, b);
	if (err == 0)
		return 0;
	log_error("control", "%s: %s", path, strerror(-err));
	b->exit_code = EXIT_FILE;
	return -1;
}

void b4_control_close(struct b4 *b)
{
	if (b->control < 0)
		return;
	close(b->control);
	unlink(b->tool->socket);
	b->control = -1;
}
