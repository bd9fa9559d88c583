/* The lease store of lw4o6-server: every cut and every flipped bit, compaction, a full disk, what a restart reads. */
#include "harness.h"

#include "journal.h"
#include "logsink.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 4096 };

static char dir[64], path[96];
static struct lw4o6_lease want[MAX], got[MAX];
static unsigned n_want, n_got;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "%s/lw4o6-journal-XXXXXX", "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/leases", dir);
	n_want = n_got = 0;
	logsink_open("check", LW4O6_LOG_ERROR, false);
}

static void teardown(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char name[400];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static struct lw4o6_lease lease(unsigned i)
{
	struct lw4o6_lease l = { .state = LW4O6_LEASE_ACTIVE, .ipv4 = { htonl(0xc0000200 + i / 256) }, .ps = { 0, 8, (uint16_t)(i % 256) },
		                 .htype = 1, .hlen = 6, .chaddr = { 0, 0, 0x5e, 0, 0x53, (uint8_t)i }, .start = 1, .expires = 1000 + i,
		                 .last = 3, .since = 4, .saddr_changed = i };

	for (unsigned k = 0; k < 16; k++)
		l.saddr.s6_addr[k] = l.br.s6_addr[k] = (uint8_t)(i + k);
	l.client_id_len = (uint8_t)(2 + i % 40);
	memset(l.client_id, (int)i, l.client_id_len);
	l.relay_len = (uint8_t)(i % 3 ? 0 : 30);
	memset(l.relay, 0x55, l.relay_len);
	return l;
}

static int nothing(void *arg, uint32_t *cursor, struct lw4o6_lease *l)
{
	(void)arg;
	(void)cursor;
	(void)l;
	return 0;
}

/* What the "server" has: the first *arg of want. */
static int all_of(void *arg, uint32_t *cursor, struct lw4o6_lease *l)
{
	if (*cursor >= *(const unsigned *)arg)
		return 0;
	*l = want[(*cursor)++];
	return 1;
}

static int collect(void *arg, const struct lw4o6_lease *l)
{
	(void)arg;
	if (n_got == MAX)
		return -1;
	got[n_got++] = *l;
	return 0;
}

static int read_back(struct journal_stats *stats)
{
	const char *reason;

	n_got = 0;
	return journal_read(dir, collect, NULL, stats, &reason);
}

static struct journal *begin(journal_source *source, void *arg, uint64_t max)
{
	const char *reason = "";
	struct journal *j = journal_open(NULL, dir, max, source, arg, &reason);

	ck_assert_msg(j != NULL, "%s", reason);
	return j;
}

static void write_some(struct journal *j, unsigned n, unsigned batch)
{
	for (unsigned i = 0; i < n; i++) {
		want[n_want] = lease(n_want);
		journal_add(j, &want[n_want++]);
		if (i % batch == batch - 1 || i == n - 1)
			ck_assert_int_eq(journal_flush(j, 0), 0);
	}
}

static void ck_same(unsigned i, unsigned k)
{
	ck_assert_msg(memcmp(&got[i], &want[k], sizeof(got[i])) == 0, "record %u read is not record %u written", i, k);
}

static uint8_t *slurp(size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	uint8_t *p;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	p = malloc((size_t)st.st_size);
	ck_assert_int_eq(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	*len = (size_t)st.st_size;
	return p;
}

static void spill(const uint8_t *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, len), (ssize_t)len);
	close(fd);
}

/* What was flushed is read, in order; also beside the open journal. */
START_TEST(round_trip)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct journal_stats stats;

	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 0);
	write_some(j, 1000, 7);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 1000);
	for (unsigned i = 0; i < 1000; i++)
		ck_same(i, i);
	ck_assert_uint_eq(stats.damaged, 0);
	ck_assert_uint_eq(stats.length, journal_length(j));
	talloc_free(j);
}
END_TEST

/* S-150: cut at every length, the whole records before the cut are read, nothing else, and the rest is called damaged. */
START_TEST(every_cut)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct journal_stats stats;
	size_t len, n;
	uint64_t end;

	write_some(j, 12, 5);
	end = journal_length(j);
	talloc_free(j);

	uint8_t *p = slurp(&len);

	ck_assert_uint_gt(len, end);
	for (n = 0; n <= (size_t)end; n++) {
		spill(p, n);

		int r = read_back(&stats);

		if (n < JOURNAL_HEADER) {
			ck_assert_int_ne(r, 0);
			continue;
		}
		ck_assert_int_eq(r, 0);
		for (unsigned i = 0; i < n_got; i++)
			ck_same(i, i);
		ck_assert_uint_le(stats.length, n);
		ck_assert_int_eq(n_got == 12, n == (size_t)end);
	}
	free(p);
}
END_TEST

/* Each octet damaged: all other records are read, none is read wrongly. A lost page does not hide what follows it. */
START_TEST(every_flip)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct journal_stats stats;
	size_t len;
	uint64_t end;

	write_some(j, 12, 5);
	end = journal_length(j);
	talloc_free(j);

	uint8_t *p = slurp(&len);

	len = (size_t)end + 512;
	for (size_t n = JOURNAL_HEADER; n < end; n++) {
		uint8_t old = p[n];

		p[n] = (uint8_t)(old ^ (1 << n % 8));
		spill(p, len);
		p[n] = old;
		ck_assert_int_eq(read_back(&stats), 0);
		ck_assert_uint_eq(n_got, 11);
		for (unsigned i = 0, k = 0; i < n_got; i++, k++) {
			if (memcmp(&got[i], &want[k], sizeof(got[i])) != 0)
				k++;
			ck_same(i, k);
		}
		ck_assert_uint_gt(stats.damaged, 0);
	}
	free(p);
}
END_TEST

/* A newer version and a foreign file are refused and left as they are. */
START_TEST(foreign)
{
	struct lw4o6_server *none = NULL;
	uint8_t buf[JOURNAL_HEADER], *p;
	struct journal_stats stats;
	const char *reason;
	size_t len;

	journal_header_encode(buf, 7);
	if (_i == 0)
		buf[8] = JOURNAL_VERSION + 1;
	else
		buf[0] = 'x';
	spill(buf, sizeof(buf));
	ck_assert_int_eq(journal_read(dir, collect, NULL, &stats, &reason), -EPROTO);
	ck_assert_ptr_nonnull(strstr(reason, _i == 0 ? "newer" : "not a lease store"));
	ck_assert_ptr_null(state_open(NULL, dir, 1 << 20, none, 0));
	p = slurp(&len);
	ck_octets(p, len, buf, sizeof(buf));
	free(p);
}
END_TEST

/* A client cannot plant a record in its identifier for a damaged journal to reveal. */
START_TEST(planted)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct lw4o6_lease forged = lease(200), carrier = lease(1);
	struct journal_stats stats;
	uint8_t rec[RECORD_MAX];
	size_t len, n;

	forged.client_id_len = 2;
	forged.relay_len = 0;
	n = record_encode(rec, 0, &forged);
	ck_assert_uint_le(n, LW4O6_LEASE_ID_MAX);
	carrier.client_id_len = (uint8_t)n;
	memcpy(carrier.client_id, rec, n);
	journal_add(j, &carrier);
	ck_assert_int_eq(journal_flush(j, 0), 0);
	talloc_free(j);

	uint8_t *p = slurp(&len);

	p[JOURNAL_HEADER] ^= 1;
	spill(p, len);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 0);
	free(p);
}
END_TEST

/* Nothing is appended behind a torn record: a new start writes a whole new file first. */
START_TEST(after_a_tear)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct journal_stats stats;
	size_t len;
	unsigned kept = 9;

	write_some(j, 10, 10);

	uint64_t end = journal_length(j);

	talloc_free(j);

	uint8_t *p = slurp(&len);

	spill(p, (size_t)end - 3);
	free(p);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, kept);
	n_want = kept;
	j = begin(all_of, &kept, 1 << 30);
	write_some(j, 5, 5);
	talloc_free(j);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 14);
	ck_assert_uint_eq(stats.damaged, 0);
	for (unsigned i = 0; i < 14; i++)
		ck_same(i, i);
}
END_TEST

/* A file left behind by a start that died is ignored and replaced. */
START_TEST(half_made_file)
{
	struct journal_stats stats;
	struct journal *j = begin(nothing, NULL, 1 << 30);
	char name[128];

	write_some(j, 3, 1);
	talloc_free(j);
	snprintf(name, sizeof(name), "%s/leases.new", dir);
	ck_assert_int_eq(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 3);
	j = begin(all_of, &n_want, 1 << 30);
	ck_assert_int_eq(access(name, F_OK), -1);
	talloc_free(j);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 3);
}
END_TEST

/* Compaction a little at a time, with records written meanwhile; the file left at each step is a whole journal. */
START_TEST(compaction)
{
	struct journal_stats stats;
	unsigned live = 100;

	for (unsigned i = 0; i < live; i++)
		want[i] = lease(i);
	n_want = live;

	struct journal *j = begin(all_of, &live, 65536);
	uint64_t longest = 0;
	unsigned shrunk = 0;

	for (unsigned round = 0; round < 1500; round++) {
		uint64_t before = journal_length(j);

		want[round % live].last = round + 100;
		journal_add(j, &want[round % live]);
		ck_assert_int_eq(journal_flush(j, 0), 0);
		journal_compact(j);
		longest = longest > before ? longest : before;
		if (journal_length(j) < before)
			shrunk++;
		if (round % 50 && !journal_busy(j))
			continue;
		ck_assert_int_eq(read_back(&stats), 0);
		ck_assert_uint_eq(stats.damaged, 0);
		for (unsigned i = 0; i < live; i++) {
			unsigned last = n_got;

			while (last > 0 && (got[last - 1].ps.id != want[i].ps.id || got[last - 1].ipv4.s_addr != want[i].ipv4.s_addr))
				last--;
			ck_assert_uint_gt(last, 0);
			ck_same(last - 1, i);
		}
	}
	ck_assert_uint_gt(shrunk, 3);
	ck_assert_uint_le(longest, 70000);
	talloc_free(j);
}
END_TEST

/* S-101: a disk that is full refuses batches, nothing is lost, and it works again when there is room. */
START_TEST(full_disk)
{
	struct rlimit old, tight;
	struct journal_stats stats;
	struct journal *j = begin(all_of, &n_want, 1 << 30);
	int refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	write_some(j, 100, 10);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 1 << 19;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);

	struct lw4o6_lease l = lease(0);
	unsigned stored = 0;

	for (; !refused && stored < 20000; stored++) {
		l.last = stored;
		for (unsigned i = 0; i < 100; i++)
			journal_add(j, &l);
		refused = journal_flush(j, LW4O6_SEC);
	}
	ck_assert_int_eq(refused, -EFBIG);
	/* Refused at once until the pause is over, and still refused then, because nothing has changed. */
	for (unsigned i = 0; i < 3; i++) {
		journal_add(j, &l);
		ck_assert_int_lt(journal_flush(j, LW4O6_SEC + LW4O6_MSEC), 0);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	journal_add(j, &l);
	ck_assert_int_lt(journal_flush(j, LW4O6_SEC + LW4O6_MSEC), 0);
	l.last = 123456;
	journal_add(j, &l);
	ck_assert_int_eq(journal_flush(j, 3 * LW4O6_SEC), 0);
	talloc_free(j);
	ck_assert_int_eq(read_back(&stats), 0);
	ck_assert_uint_eq(n_got, 101); /* a new file: what the server has, and the new record */
	for (unsigned i = 0; i < 100; i++)
		ck_same(i, i);
	ck_assert_uint_eq(got[100].last, 123456);
}
END_TEST

/* More than a batch may hold is refused whole. */
START_TEST(big_batch)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct lw4o6_lease l = lease(1);

	for (unsigned i = 0; i <= BATCH_MAX; i++)
		journal_add(j, &l);
	ck_assert_int_lt(journal_flush(j, 0), 0);
	talloc_free(j);
}
END_TEST

/* The last record of a key counts, in the order in which they last changed. */
START_TEST(last_counts)
{
	struct journal *j = begin(nothing, NULL, 1 << 30);
	struct journal_stats stats;
	const char *reason;
	TALLOC_CTX *mem = talloc_new(NULL);

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			want[i] = lease(i);
			want[i].last = round;
			journal_add(j, &want[i]);
			if (i % 100 == 99)
				ck_assert_int_eq(journal_flush(j, 0), 0);
		}
	}
	talloc_free(j);
	n_got = 0;
	ck_assert_int_eq(state_each(mem, dir, collect, NULL, &stats, &reason), 0);
	ck_assert_uint_eq(n_got, 2000);
	ck_assert_uint_eq(stats.records, 6000);
	for (unsigned i = 0; i < n_got; i++)
		ck_same(i, i);
	talloc_free(mem);
}
END_TEST

/* S-020: the DUID is made once; a second server is kept out. */
START_TEST(directory)
{
	uint8_t a[LW4O6_DUID_MAX], b[LW4O6_DUID_MAX];
	int lock = state_lock(dir);

	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(state_lock(dir), -EWOULDBLOCK);
	close(lock);
	ck_assert_int_eq(state_duid(dir, a), 18);
	ck_assert_int_eq(state_duid(dir, b), 18);
	ck_octets(a, 18, b, 18);
	ck_assert_uint_eq(a[1], 4);
	ck_assert_uint_eq(a[8] >> 4, 4);
}
END_TEST

static struct journal *beside;
static unsigned show_n;

static int show_and_write(void *arg, const struct lw4o6_lease *l)
{
	unsigned *in_file = arg;
	const char *reason;

	(void)l;
	/* A server that goes on writing, and then puts a new file in place. */
	if (show_n++ == 0) {
		struct lw4o6_lease more = lease(*in_file);

		journal_add(beside, &more);
		ck_assert_int_eq(journal_flush(beside, 0), 0);
		talloc_free(beside);
		*in_file = 1;
		beside = journal_open(NULL, dir, 1 << 20, all_of, in_file, &reason);
		ck_assert_ptr_nonnull(beside);
	}
	return 0;
}

/* S-150: all passes over the leases see the file as the first pass found it, whatever a server does with it meanwhile. */
START_TEST(read_beside)
{
	unsigned n = 300;
	const char *reason;
	struct journal_stats stats;

	for (unsigned i = 0; i < n; i++) {
		want[i] = lease(i);
		want[i].state = i % 3 ? LW4O6_LEASE_ACTIVE : LW4O6_LEASE_RELEASED;
	}
	beside = journal_open(NULL, dir, 1 << 20, all_of, &n, &reason);
	ck_assert_ptr_nonnull(beside);
	journal_add(beside, &want[7]); /* the same keys again: record numbers are no longer those of a new file */
	journal_add(beside, &want[8]);
	ck_assert_int_eq(journal_flush(beside, 0), 0);
	show_n = 0;
	ck_assert_int_eq(state_each(NULL, dir, show_and_write, &n, &stats, &reason), 0);
	ck_assert_uint_eq(show_n, 300);
	talloc_free(beside);
}
END_TEST

/* What is appended between two passes is not seen by the second. */
START_TEST(passes)
{
	unsigned n = 20;
	const char *reason;
	struct journal_stats stats;
	struct journal_view *v;
	struct lw4o6_lease more = lease(50);

	for (unsigned i = 0; i < n; i++)
		want[i] = lease(i);
	beside = journal_open(NULL, dir, 1 << 20, all_of, &n, &reason);
	ck_assert_ptr_nonnull(beside);
	ck_assert_int_eq(journal_view(&v, NULL, dir, &reason), 0);
	ck_assert_int_eq(journal_each(v, collect, NULL, &stats), 0);
	ck_assert_uint_eq(n_got, 20);
	journal_add(beside, &more);
	ck_assert_int_eq(journal_flush(beside, 0), 0);
	n_got = 0;
	ck_assert_int_eq(journal_each(v, collect, NULL, &stats), 0);
	ck_assert_uint_eq(n_got, 20);
	talloc_free(v);
	talloc_free(beside);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, every_cut);
	tcase_add_test(tc, every_flip);
	tcase_add_loop_test(tc, foreign, 0, 2);
	tcase_add_test(tc, planted);
	tcase_add_test(tc, after_a_tear);
	tcase_add_test(tc, half_made_file);
	tcase_add_test(tc, compaction);
	tcase_add_test(tc, full_disk);
	tcase_add_test(tc, big_batch);
	tcase_add_test(tc, last_counts);
	tcase_add_test(tc, read_beside);
	tcase_add_test(tc, passes);
	tcase_add_test(tc, directory);
	suite_add_tcase(s, tc);
	return test_main(s);
}
