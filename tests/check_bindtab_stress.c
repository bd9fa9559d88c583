/* The binding table under a writer that never rests, and under one that is killed. */
#include "bindtab_int.h"
#include "bindtab_util.h"
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SOFTWIRES = 200,
	ADDRESSES = 40,
	NUMBERS = ADDRESSES * 8,
	WHOLE = 1500, /* softwires of the table that has whole addresses only, all of them taken */
	KEPT = 60,    /* softwires that are always there, whatever else comes and goes */
	READERS = 3,
};

/* Which softwires a test uses: 0 .. numbers - 1; with whole addresses or shared by eight. */
static uint32_t numbers = NUMBERS;
static bool whole_addresses;

/*
 * Softwire i of generation g: everything that changes says which generation it is of. Kept softwires share
 * addresses with ones that come and go; addresses 192.0.2.x have 8 sets, of which few are in use.
 */
static struct lw4o6_binding softwire(uint32_t i, uint32_t generation)
{
	struct lw4o6_binding b = { .ipv4 = ip4(0xc0000200 + i % ADDRESSES), .ps = { 0, 3, (uint16_t)(i / ADDRESSES % 8) },
		                   .expires = LW4O6_TIME_NONE, .owner = generation };

	if (whole_addresses) {
		b.ipv4 = ip4(0xc6120000 + i);
		b.ps = (struct lw4o6_psid){ 0, 0, 0 };
	}

	/* No check of libcheck's here: it talks to its parent, and a process that is killed must not. */
	b.b4 = (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, [10] = (uint8_t)(i >> 8), [11] = (uint8_t)i } } };
	for (int j = 0; j < 4; j++)
		b.b4.s6_addr[12 + j] = (uint8_t)(generation >> (24 - 8 * j));
	b.br = (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, 0xa, [15] = (uint8_t)(generation % 5) } } };
	b.mtu = (uint16_t)(1280 + generation % 221);
	return b;
}

static uint32_t generation_of(const struct in6_addr *b4)
{
	return (uint32_t)b4->s6_addr[12] << 24 | (uint32_t)b4->s6_addr[13] << 16 | (uint32_t)b4->s6_addr[14] << 8 |
	       b4->s6_addr[15];
}

static uint32_t number_of(const struct in6_addr *b4)
{
	return (uint32_t)b4->s6_addr[10] << 8 | b4->s6_addr[11];
}

static uint16_t port_of(uint32_t i)
{
	return (uint16_t)(i / ADDRESSES % 8 * 8192 + 77);
}

/* One step of the writer; the generation goes up with every change of a softwire. */
static void change(struct lw4o6_bindtab *w, struct test_rng *rng, uint32_t *generation)
{
	uint32_t i = (uint32_t)(test_rand(rng) % numbers);
	struct lw4o6_binding b = softwire(i, ++*generation);

	if (i < KEPT || test_rand(rng) % 2) {
		int err = lw4o6_bindtab_set(w, &b, 0);

		if (err != LW4O6_OK && (err != LW4O6_ENOSPC || i < KEPT))
			abort();
	} else if (lw4o6_bindtab_remove(w, b.ipv4, &b.ps) > LW4O6_OK) {
		abort();
	}
}

/* Is this one state that softwire i has been in? */
static bool whole(uint32_t i, const struct in6_addr *b4, const struct in6_addr *br, uint16_t mtu)
{
	struct lw4o6_binding want = softwire(i, generation_of(b4));

	return lw4o6_ip6_equal(&want.b4, b4) && lw4o6_ip6_equal(&want.br, br) && want.mtu == mtu;
}

/* D-024, D-028, Y-005: a kept softwire is there, whole, and never older than @p seen. */
static const char *look(const struct lw4o6_bindtab *r, uint32_t seen[2 * WHOLE], struct test_rng *rng)
{
	struct lw4o6_bind_key keys[64];
	struct lw4o6_bind_hit hits[64];
	struct lw4o6_binding b;
	uint32_t which[64], before[64];

	for (int j = 0; j < 64; j++) {
		which[j] = (uint32_t)(test_rand(rng) % numbers);
		before[j] = seen[which[j]];
		b = softwire(which[j], 0);
		keys[j] = (struct lw4o6_bind_key){ b.ipv4, port_of(which[j]) };
	}
	lw4o6_bindtab_find_burst(r, keys, 64, 0, hits);
	for (int j = 0; j < 64; j++) {
		uint32_t i = which[j];

		if (hits[j].found && !whole(i, &hits[j].b4, &hits[j].br, hits[j].mtu))
			return "a burst saw a mix";
		if (i < KEPT && !hits[j].found)
			return "a burst missed a softwire";
		if (i < KEPT && hits[j].addr != (whole_addresses ? LW4O6_BIND_WHOLE : LW4O6_BIND_SHARED))
			return "a managed address was not";
		/* The lookups of one burst have no order among each other; all come after those before it. */
		if (hits[j].found && (int32_t)(generation_of(&hits[j].b4) - before[j]) < 0)
			return "a burst saw an older state than an earlier lookup";
		if (hits[j].found && (int32_t)(generation_of(&hits[j].b4) - seen[i]) > 0)
			seen[i] = generation_of(&hits[j].b4);
	}
	for (int j = 0; j < 64; j += 8) {
		uint32_t i = which[j];
		bool found = lw4o6_bindtab_find(r, keys[j].ipv4, keys[j].port, 0, &b);

		if ((found && (!whole(i, &b.b4, &b.br, b.mtu) || b.owner != generation_of(&b.b4))) || (!found && i < KEPT))
			return "a single lookup missed a softwire or saw a mix";
		if (found && (int32_t)(b.owner - seen[i]) < 0)
			return "a single lookup saw an older state";
		if (found)
			seen[i] = b.owner;
	}
	return NULL;
}

static void fill(struct lw4o6_bindtab *w, uint32_t *generation)
{
	for (uint32_t i = 0; i < KEPT; i++) {
		struct lw4o6_binding b = softwire(i, ++*generation);

		ck_assert_int_eq(lw4o6_bindtab_set(w, &b, 0), LW4O6_OK);
	}
}

/* ---- threads ---- */

struct reader {
	pthread_t thread;
	const struct lw4o6_bindtab *table;
	const char *complaint;
	uint64_t seed, bursts;
	bool *stop;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct test_rng rng = { r->seed };
	uint32_t seen[2 * WHOLE] = { 0 }, cursor = 0, kept = 0;
	struct lw4o6_binding b;

	while (!__atomic_load_n(r->stop, __ATOMIC_RELAXED) && !r->complaint) {
		r->complaint = look(r->table, seen, &rng);
		r->bursts++;
		/* Entries keep their place, so one pass meets each kept one. */
		while (lw4o6_bindtab_next(r->table, &cursor, &b)) {
			if (b.owner != generation_of(&b.b4) || !whole(number_of(&b.b4), &b.b4, &b.br, b.mtu))
				r->complaint = "an iteration saw a mix";
			kept += number_of(&b.b4) < KEPT;
		}
		if (kept != KEPT)
			r->complaint = "an iteration missed a softwire";
		cursor = kept = 0;
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* D-024: readers in other threads while softwires are replaced, added, removed, moved; TSan sees it too. */
START_TEST(readers_and_a_writer)
{
	struct table t = open_table(_i ? WHOLE : SOFTWIRES, 0, 6, true);
	struct reader r[READERS];
	struct test_rng rng = { 5 };
	uint32_t generation = 0;
	bool stop = false;

	whole_addresses = _i;
	numbers = _i ? 2 * WHOLE : NUMBERS;
	fill(t.w, &generation);
	/* Few slots of the addresses' map stay free, so that others have to move. */
	for (uint32_t i = 0; i < 20 * numbers; i++)
		change(t.w, &rng, &generation);
	for (int i = 0; i < READERS; i++) {
		r[i] = (struct reader){ .table = t.r, .seed = 11 + (uint64_t)i, .stop = &stop };
		ck_assert_int_eq(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
	}
	for (double end = seconds() + 2; seconds() < end;)
		for (int i = 0; i < 200; i++)
			change(t.w, &rng, &generation);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < READERS; i++) {
		pthread_join(r[i].thread, NULL);
		ck_assert_msg(!r[i].complaint, "%s", r[i].complaint);
		ck_assert_uint_gt(r[i].bursts, 10);
	}
	close_table(&t);
}
END_TEST

static void *read_b4(void *arg)
{
	struct reader *r = arg;
	struct lw4o6_binding b;

	for (uint32_t i = 0; !__atomic_load_n(r->stop, __ATOMIC_RELAXED) && !r->complaint; i = (i + 1) % 20) {
		struct in6_addr b4 = ip6("2001:db8:b4:2::", i);

		if (!lw4o6_bindtab_find_b4(r->table, &b4, 0, &b) || !lw4o6_ip6_equal(&b.b4, &b4))
			r->complaint = "a B4 address was not found";
		r->bursts++;
	}
	return NULL;
}

/* D-021, Y-005: a B4 address whose softwire is modified is found all the time; others come and go in its chain. */
START_TEST(b4_index_and_a_writer)
{
	struct table t = open_table(64, 0, 0, true);
	struct reader r = { .table = t.r };
	struct test_rng rng = { 6 };
	bool stop = false;

	r.stop = &stop;
	for (uint32_t i = 0; i < 20; i++) {
		struct lw4o6_binding b = binding(0xc0000200 + i, 0, 0, 0, 0);

		b.b4 = ip6("2001:db8:b4:2::", i);
		ck_assert_int_eq(lw4o6_bindtab_add(t.w, &b, 0), LW4O6_OK);
	}
	ck_assert_int_eq(pthread_create(&r.thread, NULL, read_b4, &r), 0);
	for (double end = seconds() + 1; seconds() < end;) {
		uint32_t i = (uint32_t)(test_rand(&rng) % 64);
		struct lw4o6_binding b = binding(0xc0000200 + i, 0, 0, 0, (uint32_t)test_rand(&rng) % 1000);

		if (i < 20)
			b.b4 = ip6("2001:db8:b4:2::", i);
		b.mtu = (uint16_t)test_rand(&rng);
		if (i < 20 || test_rand(&rng) % 2)
			ck_assert_int_eq(lw4o6_bindtab_set(t.w, &b, 0), LW4O6_OK);
		else if (lw4o6_bindtab_remove(t.w, b.ipv4, &b.ps) == LW4O6_OK)
			continue;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(r.thread, NULL);
	ck_assert_msg(!r.complaint, "%s", r.complaint);
	ck_assert_uint_gt(r.bursts, 10);
	close_table(&t);
}
END_TEST

/* ---- processes ---- */

static void *shared_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* A new writer makes a table of it that is right in every way, and does not lose or mix a softwire. */
static void attach_and_verify(void *region, size_t size, uint32_t seen[2 * WHOLE])
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct lw4o6_bindtab *w = lw4o6_bindtab_attach(mem, region, size, true);
	struct table again = open_table(SOFTWIRES, 0, 6, true);
	struct lw4o6_binding b, out;
	uint32_t cursor = 0, n = 0, kept = 0;

	ck_assert_ptr_nonnull(w);
	while (lw4o6_bindtab_next(w, &cursor, &b)) {
		uint32_t i = number_of(&b.b4), port = port_of(i);

		ck_assert_uint_eq(ntohl(b.ipv4.s_addr) - 0xc0000200 + ADDRESSES * b.ps.id, i);
		ck_assert(whole(i, &b.b4, &b.br, b.mtu) && b.owner == generation_of(&b.b4));
		ck_assert(lw4o6_bindtab_find(w, b.ipv4, (uint16_t)port, 0, &out) && same(&b, &out));
		ck_assert(lw4o6_bindtab_find_b4(w, &b.b4, 0, &out) && same(&b, &out));
		ck_assert_int_eq(lw4o6_bindtab_add(again.w, &b, 0), LW4O6_OK);
		if (i < KEPT) {
			ck_assert_int_ge((int32_t)(b.owner - seen[i]), 0);
			kept++;
		}
		n++;
	}
	ck_assert_uint_eq(kept, KEPT);
	ck_assert_uint_eq(n, lw4o6_bindtab_count(w));
	ck_assert_uint_eq(lw4o6_bindtab_digest(w), lw4o6_bindtab_digest(again.w));
	close_table(&again);

	/* Its free list is right too: all the rest can be filled, and emptied. */
	for (uint32_t i = 0; i < SOFTWIRES - n; i++) {
		b = binding(0xcb007100 + i, 0, 0, 0, i);
		ck_assert_int_eq(lw4o6_bindtab_add(w, &b, 0), LW4O6_OK);
	}
	for (uint32_t i = 0; i < SOFTWIRES - n; i++) {
		b = binding(0xcb007100 + i, 0, 0, 0, i);
		ck_assert_int_eq(lw4o6_bindtab_remove(w, b.ipv4, &b.ps), LW4O6_OK);
	}
	talloc_free(mem);
}

/* D-024 for a writer that is killed at random instants: readers are served before and after the repair. */
START_TEST(killed_at_random)
{
	size_t size = open_size(SOFTWIRES, 6);
	void *region = shared_pages(size);
	uint32_t *generation = shared_pages(4096), seen[2 * WHOLE] = { 0 }, dirty = 0;
	struct table t = open_table_at(region, SOFTWIRES, 0, 6, true);
	struct test_rng rng = { 17 };

	fill(t.w, generation);
	talloc_free(t.w);
	for (int kill_no = 0; kill_no < 250; kill_no++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct lw4o6_bindtab *w = lw4o6_bindtab_attach(t.mem, region, size, true);

			for (;;)
				change(w, &rng, generation);
		}
		/* The instant is to be one of a change, not one of starting up. */
		for (uint32_t g = ld32(generation); ld32(generation) == g;)
			usleep(20);
		usleep((useconds_t)(test_rand(&rng) % 300));
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		dirty += ((struct bt_hdr *)region)->dirty != 0;
		for (int i = 0; i < 10; i++) {
			const char *complaint = look(t.r, seen, &rng);

			ck_assert_msg(!complaint, "%s", complaint);
		}
		attach_and_verify(region, size, seen);
		test_rand(&rng);
	}
	ck_assert_uint_gt(dirty, 10);
	talloc_free(t.mem);
	munmap(generation, 4096);
	munmap(region, size);
}
END_TEST

/*
 * A writer stopped after each single instruction of some changes: what it leaves serves readers, and a new
 * writer repairs it. Only states that differ are looked at.
 */
START_TEST(killed_at_any_instruction)
{
	size_t size = open_size(SOFTWIRES, 6), states = 0;
	void *region = shared_pages(size), *last = aligned_alloc(64, size), *copy = aligned_alloc(64, size);
	struct table t = open_table_at(region, SOFTWIRES, 0, 6, true);
	struct lw4o6_bindtab *r;
	uint32_t generation = 0, seen[2 * WHOLE] = { 0 };
	struct test_rng rng = { 23 + (uint64_t)_i };
	int status;
	pid_t pid;

	memcpy(copy, region, size);
	r = lw4o6_bindtab_attach(t.mem, copy, size, false);
	fill(t.w, &generation);
	/* Close to full, so that runs are given up and slots are moved. */
	for (int i = 0; i < 1500; i++)
		change(t.w, &rng, &generation);
	memcpy(last, region, size);

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		raise(SIGSTOP);
		for (uint32_t i = 0; i < 3; i++) {
			struct lw4o6_binding b = softwire(i, ++generation);

			if (lw4o6_bindtab_set(t.w, &b, 0) != LW4O6_OK)
				_exit(1);
			change(t.w, &rng, &generation);
		}
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	while (!WIFEXITED(status)) {
		ck_assert(WIFSTOPPED(status));
		if (memcmp(region, last, size) != 0) {
			memcpy(last, region, size);
			memcpy(copy, region, size);
			states++;
			for (int i = 0; i < 3; i++) {
				const char *complaint = look(r, seen, &rng);

				ck_assert_msg(!complaint, "%s", complaint);
			}
			for (uint32_t i = 0; i < 3; i++) {
				struct lw4o6_binding b = softwire(i, 0), out;

				/* Wherever the change stands, the softwire's B4 address leads to it. */
				ck_assert(lw4o6_bindtab_find(r, b.ipv4, port_of(i), 0, &b));
				ck_assert(lw4o6_bindtab_find_b4(r, &b.b4, 0, &out) && same(&b, &out));
			}
			attach_and_verify(copy, size, seen);
		}
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
			break;
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	ck_assert(WIFEXITED(status));
	ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	if (WEXITSTATUS(status) == 0)
		ck_assert_uint_gt(states, 50);
	talloc_free(t.mem);
	free(last);
	free(copy);
	munmap(region, size);
}
END_TEST

/* The reader of the test below, in a process of its own: it tells by its exit status. */
static void read_until_killed(const struct lw4o6_bindtab *r, const uint32_t *set, uint64_t *done)
{
	static uint32_t seen[2 * WHOLE];

	for (uint64_t n = 0;; n++) {
		struct lw4o6_binding b = softwire(set[n % 4], 0), out;
		struct lw4o6_bind_key key = { b.ipv4, port_of(set[n % 4]) };
		struct lw4o6_bind_hit hit;

		lw4o6_bindtab_find_burst(r, &key, 1, 0, &hit);
		if (!hit.found || !whole(set[n % 4], &hit.b4, &hit.br, hit.mtu) ||
		    (int32_t)(generation_of(&hit.b4) - seen[set[n % 4]]) < 0)
			_exit(1);
		seen[set[n % 4]] = generation_of(&hit.b4);
		++*done;
		if (n % 5)
			continue;
		if (!lw4o6_bindtab_find(r, b.ipv4, key.port, 0, &out) || !whole(set[n % 4], &out.b4, &out.br, out.mtu) ||
		    out.owner != generation_of(&out.b4) || (int32_t)(out.owner - seen[set[n % 4]]) < 0)
			_exit(2);
		if (!lw4o6_bindtab_find_b4(r, &out.b4, 0, &b) &&
		    (!lw4o6_bindtab_find(r, out.ipv4, key.port, 0, &b) || lw4o6_ip6_equal(&b.b4, &out.b4)))
			_exit(3);
		seen[set[n % 4]] = out.owner;
	}
}

/*
 * D-024: a reader that is stopped between any two of its instructions, and the table changes then: the softwire
 * that it looks for, or others that take its neighbours' place.
 */
START_TEST(stepped_reader)
{
	static const uint32_t set[4] = { 0, 1, 2, 3 };
	size_t size = open_size(WHOLE, 6);
	void *region = shared_pages(size);
	uint64_t *done = shared_pages(4096);
	struct table t;
	struct test_rng rng = { 41 };
	uint32_t generation = 0;
	int status;

	whole_addresses = _i;
	numbers = _i ? 2 * WHOLE : NUMBERS;
	t = open_table_at(region, _i ? WHOLE : SOFTWIRES, 0, 6, true);
	fill(t.w, &generation);
	for (uint32_t i = 0; i < 20 * numbers; i++)
		change(t.w, &rng, &generation);

	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		raise(SIGSTOP);
		read_until_killed(t.r, set, done);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	for (double end = seconds() + 3; WIFSTOPPED(status) && (seconds() < end || (*done < 2 && seconds() < end + 15));) {
		if (test_rand(&rng) % 32 == 0) {
			struct lw4o6_binding b = softwire(set[test_rand(&rng) % 4], ++generation);

			ck_assert_int_eq(lw4o6_bindtab_set(t.w, &b, 0), LW4O6_OK);
			for (int i = 0; i < 5; i++)
				change(t.w, &rng, &generation);
		}
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* ThreadSanitizer's own instructions take all of the time. */
#ifndef __SANITIZE_THREAD__
		ck_assert_uint_gt(*done, 1);
#endif
	} else {
		ck_assert_int_eq(WEXITSTATUS(status), 77);
	}
	talloc_free(t.mem);
	munmap(done, 4096);
	munmap(region, size);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bindtab under stress");
	TCase *tc = tcase_create("bindtab");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, readers_and_a_writer, 0, 2);
	tcase_add_loop_test(tc, stepped_reader, 0, 2);
	tcase_add_test(tc, b4_index_and_a_writer);
	tcase_add_test(tc, killed_at_random);
	tcase_add_loop_test(tc, killed_at_any_instruction, 0, 3);
	suite_add_tcase(s, tc);
	return test_main(s);
}
