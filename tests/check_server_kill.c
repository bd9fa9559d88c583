/*
 * S-101, S-150, S-152: lw4o6-server under load is killed (SIGKILL) again and again. Whatever it acknowledged
 * must be in its store each time, and in the binding table after the next start; nobody shares anything.
 */
#include "config.h"

#include "server_sim.h"

#include "logsink.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 400, WINDOW = 64, KILLS = 200, ADDRESSES = 4 };

struct subscriber {
	bool bound, asking;        /* has an ACK; a REQUEST is under way */
	struct in_addr ipv4;
	struct lw4o6_psid ps;
	struct in6_addr saddr;     /* acknowledged */
	struct in6_addr wanted;    /* of the REQUEST under way */
	struct in_addr asked_ipv4; /* of a REQUEST under way that is not a renewal */
	struct lw4o6_psid asked_ps;
	uint32_t xid, changes;
};

static struct subscriber subs[CLIENTS];
static char dir[64], conf[128], table[128], program[512];
static uint16_t port;
static int sock;
static uint32_t xid;
static unsigned long acks;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void find_program(void)
{
	const char *top = getenv("builddir") ? getenv("builddir") : ".";
	char libs[512];

	/* Behind libtool's script, which takes longer than the server. */
	snprintf(libs, sizeof(libs), "%s/.libs", top);
	snprintf(program, sizeof(program), "%s/tools/.libs/lw4o6-server", top);
	if (access(program, X_OK) == 0)
		setenv("LD_LIBRARY_PATH", libs, 1);
	else
		snprintf(program, sizeof(program), "%s/tools/lw4o6-server", top);
	if (access(program, X_OK) != 0)
		exit(77);
}

static void prepare(void)
{
	struct sockaddr_in6 sa = sim_sock("::1", 0);
	socklen_t len = sizeof(sa);
	FILE *f;
	int probe;

	snprintf(dir, sizeof(dir), "/tmp/lw4o6-kill-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/server.conf", dir);
	snprintf(table, sizeof(table), "%s/bindings", dir);
	probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(probe, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(getsockname(probe, (struct sockaddr *)&sa, &len), 0);
	port = ntohs(sa.sin6_port);
	close(probe);
	f = fopen(conf, "we");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "listen ::1\nport %u\nclient-port 0\nserver-id 198.51.100.1\nstate-dir %s\ntable %s\ntable-size 2048\n"
	           "br 2001:db8:ffff::1\npool a shared 192.0.2.0/30 psid-len 8\nquery-rate 0\nsaddr-min-interval 0\n"
	           "journal-max 262144\n", port, dir, table);
	fclose(f);
	sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	sa = sim_sock("::1", port);
	ck_assert_int_eq(connect(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static pid_t launch(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;

	int null = open("/dev/null", O_WRONLY);

	if (!getenv("LW4O6_KILL_LOG"))
		dup2(null, 2);
	execl(program, "lw4o6-server", "-f", "-c", conf, (char *)NULL);
	_exit(127);
}

/* ---- load ---- */

static void sub_addr(char dst[INET6_ADDRSTRLEN], unsigned i, uint32_t change)
{
	snprintf(dst, INET6_ADDRSTRLEN, "2001:db8:12:%x::%x", i + 1, change + 1);
}

static void send_ask(const struct ask *a, unsigned i)
{
	uint8_t buf[SIM_ROOM], *id;
	size_t n = sim_ask(buf, a);

	/* The client number needs two octets of the identifier. */
	id = memmem(buf, n, ((const uint8_t[]){ 255, 0, 0, 0, 1, 0, 4 }), 7);
	ck_assert_ptr_nonnull(id);
	id[21] = (uint8_t)(i >> 8);
	id[22] = (uint8_t)i;
	if (send(sock, buf, n, 0) < 0)
		ck_assert(errno == ECONNREFUSED || errno == EAGAIN || errno == ENOBUFS);
}

static void discover(unsigned i)
{
	struct ask a = { .type = LW4O6_DHCP4_DISCOVER, .xid = subs[i].xid = ++xid };

	send_ask(&a, i);
}

static void request(unsigned i, const struct in_addr *ipv4, const struct lw4o6_psid *ps, bool renew)
{
	struct subscriber *s = &subs[i];
	char v4[INET_ADDRSTRLEN], saddr[INET6_ADDRSTRLEN];
	struct ask a = { .type = LW4O6_DHCP4_REQUEST, .xid = s->xid = ++xid, .ports = true, .k = ps->len, .psid = ps->id, .u = renew };

	inet_ntop(AF_INET, ipv4, v4, sizeof(v4));
	sub_addr(saddr, i, ++s->changes);
	a.saddr = saddr;
	if (renew)
		a.ciaddr = v4;
	else
		a.addr = v4, a.server = "198.51.100.1";
	s->wanted = sim_addr(saddr);
	s->asked_ipv4 = *ipv4;
	s->asked_ps = *ps;
	s->asking = true;
	send_ask(&a, i);
}

static void step(unsigned i)
{
	if (subs[i].bound)
		request(i, &subs[i].ipv4, &subs[i].ps, true);
	else
		discover(i);
}

static unsigned sub_of(const struct lw4o6_span *id)
{
	ck_assert_uint_eq(id->len, 23);
	return (unsigned)(id->p[21] << 8 | id->p[22]);
}

static bool take_answer(void)
{
	uint8_t buf[SIM_ROOM];
	ssize_t n = recv(sock, buf, sizeof(buf), 0);
	struct lw4o6_dhcp6_msg outer;
	struct lw4o6_dhcp4_msg m;

	if (n < 0)
		return false;
	ck_assert_int_eq(lw4o6_v4o6_decode(&outer, &m, NULL, buf, (size_t)n), LW4O6_OK);

	unsigned i = sub_of(&m.client_id);
	struct subscriber *s = &subs[i];

	if (m.hdr.xid != s->xid)
		return true;
	switch (m.type) {
	case LW4O6_DHCP4_OFFER:
		request(i, &m.hdr.yiaddr, &m.ports, false);
		break;
	case LW4O6_DHCP4_ACK:
		ck_assert(m.has & LW4O6_DHCP4_HAS_SADDR);
		*s = (struct subscriber){ .bound = true, .ipv4 = m.hdr.yiaddr, .ps = m.ports, .saddr = m.saddr, .changes = s->changes };
		acks++;
		step(i);
		break;
	default:
		ck_abort_msg("client %u: unexpected answer %u, %.*s", i, m.type, (int)m.message.len, (const char *)m.message.p);
	}
	return true;
}

/* Keep WINDOW clients busy for some time; from then on the server may die at any moment. */
static void load(unsigned first, int64_t ms)
{
	int64_t end = now_ms() + ms;
	struct pollfd p = { .fd = sock, .events = POLLIN };

	for (unsigned i = 0; i < WINDOW; i++)
		step((first + i) % CLIENTS);
	while (now_ms() < end) {
		poll(&p, 1, 2);
		while (take_answer())
			;
	}
}

/* Until it answers. */
static void wait_ready(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t end = now_ms() + 10000;

	for (;;) {
		uint8_t buf[SIM_ROOM];

		ck_assert_msg(now_ms() < end, "the server does not answer");
		discover(CLIENTS - 1);
		poll(&p, 1, 10);
		if (recv(sock, buf, sizeof(buf), 0) > 0)
			break;
		while (recv(sock, buf, sizeof(buf), 0) > 0)
			;
	}
	for (uint8_t buf[SIM_ROOM]; recv(sock, buf, sizeof(buf), 0) > 0;)
		;
}

/* ---- what must be there ---- */

struct seen {
	bool found[CLIENTS];
	unsigned records;
};

static int check_record(void *arg, const struct lw4o6_lease *l)
{
	struct seen *seen = arg;
	const struct lw4o6_span id = { l->client_id, l->client_id_len };

	if (l->state != LW4O6_LEASE_ACTIVE)
		return 0;

	unsigned i = sub_of(&id);
	struct subscriber *s = &subs[i];
	bool same = s->bound && l->ipv4.s_addr == s->ipv4.s_addr && lw4o6_psid_equal(&l->ps, &s->ps);
	bool asked = s->asking && l->ipv4.s_addr == s->asked_ipv4.s_addr && lw4o6_psid_equal(&l->ps, &s->asked_ps);

	ck_assert_msg(!seen->found[i], "client %u has two leases", i);
	ck_assert_msg(same || (asked && !s->bound), "client %u: a tuple that it neither has nor asked for", i);
	/* What it asked for and what was not answered may be stored or not. */
	if (!(same && memcmp(&l->saddr, &s->saddr, 16) == 0))
		ck_assert_msg(s->asking && memcmp(&l->saddr, &s->wanted, 16) == 0, "client %u: another source than acknowledged", i);
	seen->found[i] = true;
	seen->records++;
	/* The server knows; from here on so do we. */
	s->bound = true;
	s->asking = false;
	s->ipv4 = l->ipv4;
	s->ps = l->ps;
	s->saddr = l->saddr;
	return 0;
}

static void check_store(void)
{
	struct seen seen = { { false }, 0 };
	struct journal_stats stats;
	TALLOC_CTX *mem = talloc_new(NULL);
	const char *reason = "";
	int r = state_each(mem, dir, check_record, &seen, &stats, &reason);

	ck_assert_msg(r == 0, "%d: %s", r, reason);
	for (unsigned i = 0; i < CLIENTS; i++) {
		ck_assert_msg(!subs[i].bound || seen.found[i], "client %u: an acknowledged lease is lost", i);
		subs[i].asking = false;
	}
	talloc_free(mem);
}

static void check_table(void)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	int fd = open(table, O_RDONLY | O_CLOEXEC);
	struct stat st;
	unsigned bound = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);

	void *region = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	struct lw4o6_bindtab *t = lw4o6_bindtab_attach(mem, region, (size_t)st.st_size, false);

	ck_assert_ptr_nonnull(t);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct lw4o6_binding b;

		if (!subs[i].bound)
			continue;
		bound++;
		ck_assert(lw4o6_bindtab_find(t, subs[i].ipv4, (uint16_t)lw4o6_psid_nth_port(&subs[i].ps, 0), 0, &b));
		ck_assert(IN6_ARE_ADDR_EQUAL(&b.b4, &subs[i].saddr));
	}
	ck_assert_uint_eq(lw4o6_bindtab_count(t), bound);
	talloc_free(mem);
	munmap(region, (size_t)st.st_size);
	close(fd);
}

START_TEST(kill_loop)
{
	const char *n = getenv("LW4O6_KILLS");
	unsigned kills = n ? (unsigned)atoi(n) : KILLS;
	struct test_rng rng = { 12345 };

	logsink_open("check", LW4O6_LOG_ERROR, false);
	prepare();
	for (unsigned k = 0; k < kills; k++) {
		pid_t pid = launch();
		int status;

		wait_ready();
		if (k % 8 == 0)
			check_table();
		load((unsigned)(test_rand(&rng) >> 40) % CLIENTS, 5 + (int64_t)(test_rand(&rng) >> 33) % 40);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		while (take_answer())
			;
		check_store();
	}
	ck_assert_uint_gt(acks, 5UL * kills);
	fprintf(stderr, "%u kills, %lu acknowledged\n", kills, acks);
}
END_TEST

static void clean(void)
{
	static const char *const names[] = { "server.conf", "bindings", "bindings.new", "leases", "leases.new", "lock", "server-duid" };
	char name[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, names[i]);
		unlink(name);
	}
	rmdir(dir);
}

int main(void)
{
	Suite *s = suite_create("server_kill");
	TCase *tc = tcase_create("kill");

	find_program();
	tcase_set_timeout(tc, 240);
	tcase_add_checked_fixture(tc, NULL, clean);
	tcase_add_test(tc, kill_loop);
	suite_add_tcase(s, tc);
	return test_main(s);
}
