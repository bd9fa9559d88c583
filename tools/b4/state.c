#include "config.h"

#include "b4.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int b4_write_file(const char *dir, const char *name, const char *text, size_t len, bool durable)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	int fd, d, err = 0;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    snprintf(tmp, sizeof(tmp), "%s/.%s.new", dir, name) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || (durable && fsync(fd) < 0))
		err = errno ? -errno : -EIO;
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, path) < 0)
		err = -errno;
	if (err < 0) {
		unlink(tmp);
		return err;
	}
	d = durable ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (d >= 0) {
		fsync(d);
		close(d);
	}
	return 0;
}

/* One file for each interface: several instances may share the directory, and with it the DUID. */
static void file_name(const struct b4 *b, const char *suffix, char *dst, size_t room)
{
	snprintf(dst, room, "%s.%s", b->set->interface, suffix);
}

int b4_state_lock(struct b4 *b)
{
	char path[PATH_MAX], name[64];

	file_name(b, "lock", name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", b->set->state_dir, name);
	b->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock >= 0 && flock(b->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	log_error("lock", "%s: %s", path, errno == EWOULDBLOCK ? "another process serves this interface" : strerror(errno));
	b->exit_code = EXIT_FILE;
	return -1;
}

/* ---- DUID (B-003): made once, the same for all interfaces ---- */

static size_t put_hex(char *dst, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(dst + 2 * i, "%02x", p[i]);
	return 2 * n;
}

static int read_duid(struct conf_line *line, void *settings)
{
	struct lw4o6_client_config *c = settings;

	c->duid_len = sizeof(c->duid);
	return conf_hex(line, line->argv[1], c->duid, &c->duid_len);
}

/* DUID-UUID, RFC 6355: a random UUID of RFC 4122 section 4.4. */
static void make_duid(struct lw4o6_client_config *cfg)
{
	struct lw4o6_host host = logsink_host();

	cfg->duid[0] = 0;
	cfg->duid[1] = 4;
	host.random(host.arg, cfg->duid + 2, 16);
	cfg->duid[8] = (uint8_t)((cfg->duid[8] & 0x0f) | 0x40);
	cfg->duid[10] = (uint8_t)((cfg->duid[10] & 0x3f) | 0x80);
	cfg->duid_len = 18;
}

int b4_state_duid(struct b4 *b, struct lw4o6_client_config *cfg)
{
	static const struct conf_keyword keywords[] = { CONF_CALL_ROW("duid", 1, 1, read_duid), { .name = NULL } };
	char path[PATH_MAX], error[256], text[2 * LW4O6_DUID_MAX + 8];
	size_t n;
	int err;

	if (cfg->duid_len > 0)
		return 0;
	snprintf(path, sizeof(path), "%s/duid", b->set->state_dir);
	if (access(path, F_OK) == 0) {
		if (conf_load(path, keywords, cfg, b->loop, error, sizeof(error)) == 0 &&
		    cfg->duid_len >= LW4O6_DUID_MIN)
			return 0;
		log_error("duid", "%s has no usable DUID: correct or remove it", path);
		return -1;
	}
	make_duid(cfg);
	n = (size_t)sprintf(text, "duid ");
	n += put_hex(text + n, cfg->duid, cfg->duid_len);
	text[n++] = '\n';
	err = b4_write_file(b->set->state_dir, "duid", text, n, true);
	if (err < 0)
		log_error("duid", "%s: %s", path, strerror(-err));
	return err;
}

/* ---- the lease (B-069); its end is wall-clock time, because the monotonic clock starts anew ---- */

#define WALL_MAX (UINT32_MAX * (uint64_t)4)

struct lease_file {
	struct lw4o6_client_saved s;
	uint64_t written, end; /* seconds since 1970 */
	bool ever;
};

static int read_psid(struct conf_line *line, void *settings)
{
	struct lease_file *f = settings;
	uint64_t v[3];

	for (unsigned i = 0; i < 3; i++)
		if (conf_uint(line, line->argv[i + 1], 0, UINT16_MAX, &v[i]) < 0)
			return -1;
	if (lw4o6_psid_init(&f->s.ports, (unsigned)v[0], (unsigned)v[1], (unsigned)v[2]) != LW4O6_OK)
		return conf_fail(line, "no port set");
	return 0;
}

static int read_written(struct conf_line *line, void *settings)
{
	struct lease_file *f = settings;

	return conf_uint(line, line->argv[1], 0, WALL_MAX, &f->written);
}

static int read_end(struct conf_line *line, void *settings)
{
	struct lease_file *f = settings;

	f->ever = strcmp(line->argv[1], "never") == 0;
	return f->ever ? 0 : conf_uint(line, line->argv[1], 0, WALL_MAX, &f->end);
}

uint64_t b4_state_lease_left(uint64_t written, uint64_t end, uint64_t wall)
{
	return wall < written || wall >= end ? 0 : end - wall;
}

static int read_br(struct conf_line *line, void *settings)
{
	struct lw4o6_s46_br_list *br = &((struct lease_file *)settings)->s.br;

	if (br->n == LW4O6_S46_BR_MAX)
		return conf_fail(line, "too many");
	return conf_ipv6(line, line->argv[1], &br->addr[br->n++]);
}

static int read_saved_duid(struct conf_line *line, void *settings)
{
	struct lw4o6_client_saved *s = &((struct lease_file *)settings)->s;

	s->duid_len = sizeof(s->duid);
	return conf_hex(line, line->argv[1], s->duid, &s->duid_len);
}

static const struct conf_keyword lease_keywords[] = {
	CONF_IPV4_ROW("ipv4", struct lease_file, s.ipv4),
	CONF_CALL_ROW("port-set", 3, 3, read_psid), /* offset, PSID length, PSID */
	CONF_IPV4_ROW("server-id", struct lease_file, s.server_id),
	CONF_CALL_ROW("written", 1, 1, read_written),
	CONF_CALL_ROW("lease-end", 1, 1, read_end),
	CONF_IPV6_ROW("source", struct lease_file, s.source),
	CONF_IPV6_ROW("packet-source", struct lease_file, s.packet_source),
	CONF_CALL_ROW("br", 1, 1, read_br),
	CONF_UINT_ROW("iaid", struct lease_file, s.iaid, 0, UINT32_MAX),
	CONF_CALL_ROW("duid", 1, 1, read_saved_duid),
	{ .name = NULL },
};

void b4_state_load(struct b4 *b, lw4o6_time now)
{
	struct lease_file f = { .s.valid = true, .written = UINT64_MAX };
	char path[PATH_MAX], name[64], error[256];
	uint64_t left, wall = clock_wall() / LW4O6_SEC;
	int err;

	file_name(b, "lease", name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", b->set->state_dir, name);
	if (access(path, F_OK) < 0)
		return;
	if (conf_load(path, lease_keywords, &f, b->loop, error, sizeof(error)) < 0) {
		log_warning("lease-file", "ignored: %s", error);
		return;
	}
	left = b4_state_lease_left(f.written, f.end, wall);
	if (!f.ever && left == 0) {
		log_info("lease-file", "%s is not used: %s", path,
		         wall < f.written ? "the clock is behind the time it was written" : "the lease is over");
		return;
	}
	f.s.lease_end = f.ever ? LW4O6_TIME_NONE : now + left * LW4O6_SEC;
	err = lw4o6_client_restore(b->client, &f.s, now);
	if (err != LW4O6_OK)
		log_warning("lease-file", "%s is not used: %s", path, lw4o6_strerror(err));
	else
		log_info("lease-file", "lease of %s found", path);
}

void b4_state_save(const struct b4 *b, const struct lw4o6_client_saved *s, lw4o6_time now)
{
	char text[1536], name[64], ip[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN], a[INET6_ADDRSTRLEN];
	uint64_t wall = clock_wall();
	size_t n;
	int err;

	file_name(b, "lease", name, sizeof(name));
	if (!s->valid) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", b->set->state_dir, name);
		unlink(path);
		return;
	}
	n = (size_t)sprintf(text, "ipv4 %s\nport-set %u %u %u\nserver-id %s\niaid %u\n",
	                    inet_ntop(AF_INET, &s->ipv4, ip, sizeof(ip)), s->ports.offset, s->ports.len, s->ports.id,
	                    inet_ntop(AF_INET, &s->server_id, server, sizeof(server)), s->iaid);
	if (s->lease_end == LW4O6_TIME_NONE)
		n += (size_t)sprintf(text + n, "lease-end never\n");
	else
		n += (size_t)sprintf(text + n, "written %llu\nlease-end %llu\n", (unsigned long long)(wall / LW4O6_SEC),
		                     (unsigned long long)
		                     ((wall + (s->lease_end > now ? s->lease_end - now : 0)) / LW4O6_SEC));
	n += (size_t)sprintf(text + n, "source %s\n", inet_ntop(AF_INET6, &s->source, a, sizeof(a)));
	n += (size_t)sprintf(text + n, "packet-source %s\n", inet_ntop(AF_INET6, &s->packet_source, a, sizeof(a)));
	for (unsigned i = 0; i < s->br.n; i++)
		n += (size_t)sprintf(text + n, "br %s\n", inet_ntop(AF_INET6, &s->br.addr[i], a, sizeof(a)));
	n += (size_t)sprintf(text + n, "duid ");
	n += put_hex(text + n, s->duid, s->duid_len);
	text[n++] = '\n';
	err = b4_write_file(b->set->state_dir, name, text, n, true);
	if (err < 0)
		log_warning("lease-file", "%s/%s: %s", b->set->state_dir, name, strerror(-err));
}

/* ---- addresses that this process put on the interface ---- */

void b4_state_addresses(const struct b4 *b)
{
	char text[B4_OWN_MAX * (INET6_ADDRSTRLEN + 16)], name[64], a[INET6_ADDRSTRLEN];
	size_t n = 0;
	int err;

	for (unsigned i = 0; i < B4_OWN_MAX; i++)
		if (b->own[i].used)
			n += (size_t)sprintf(text + n, "address %s\n",
			                     inet_ntop(AF_INET6, &b->own[i].addr, a, sizeof(a)));
	file_name(b, "addresses", name, sizeof(name));
	err = b4_write_file(b->set->state_dir, name, text, n, false);
	if (err < 0)
		log_warning("address-file", "%s/%s: %s", b->set->state_dir, name, strerror(-err));
}

struct address_file {
	struct in6_addr *dst;
	unsigned n, room;
};

static int read_address(struct conf_line *line, void *settings)
{
	struct address_file *f = settings;

	if (f->n == f->room)
		return conf_fail(line, "too many");
	return conf_ipv6(line, line->argv[1], &f->dst[f->n++]);
}

unsigned b4_state_old_addresses(const struct b4 *b, struct in6_addr *dst, unsigned room)
{
	static const struct conf_keyword keywords[] = { CONF_CALL_ROW("address", 1, 1, read_address), { .name = NULL } };
	struct address_file f = { .dst = dst, .room = room };
	char path[PATH_MAX], name[64], error[256];

	file_name(b, "addresses", name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", b->set->state_dir, name);
	if (access(path, F_OK) == 0 && conf_load(path, keywords, &f, b->loop, error, sizeof(error)) < 0)
		log_warning("address-file", "%s", error);
	return f.n;
}
