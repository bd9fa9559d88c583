#include "config.h"

#include "b4.h"
#include "clock.h"
#include "drop.h"

#include <linux/capability.h>
#include <signal.h>
#include <string.h>

#define STOP_TIME (5 * LW4O6_SEC) /* for the RELEASE and the hook */

static lw4o6_time sooner(lw4o6_time x, lw4o6_time y)
{
	return x < y ? x : y;
}

static lw4o6_time expiry(void *arg)
{
	const struct b4 *b = arg;
	lw4o6_time t = sooner(lw4o6_client_expiry(b->client), lw4o6_b4_expiry(b->path));

	return sooner(b->link_dirty ? 0 : t, b->stop_by);
}

static void turn(void *arg, lw4o6_time now)
{
	struct b4 *b = arg;

	b4_provision_run(b, now);
	if (b->stop_by == LW4O6_TIME_NONE)
		return;
	if (now >= b->stop_by || (lw4o6_client_expiry(b->client) == LW4O6_TIME_NONE && b->hook_pid == 0))
		loop_stop(b->loop);
}

/* The second signal does not wait for anything. */
static void on_stop(void *arg, int signo)
{
	struct b4 *b = arg;
	lw4o6_time now = clock_now();

	(void)signo;
	if (b->stop_by != LW4O6_TIME_NONE) {
		loop_stop(b->loop);
		return;
	}
	log_info("stop", "stopping");
	b->stop_by = lw4o6_time_add(now, STOP_TIME);
	lw4o6_client_stop(b->client, b->set->release_on_exit, now);
	b4_provision_run(b, now);
	b4_hook(b, "stopped");
}

static void on_hup(void *arg, int signo)
{
	struct b4 *b = arg;

	(void)signo;
	log_info("refresh", "asking for DHCPv6 information again");
	lw4o6_client_refresh(b->client, clock_now());
}

static void on_usr1(void *arg, int signo)
{
	(void)signo;
	b4_counters_to_log(arg);
}

static void on_child(void *arg, int signo)
{
	(void)signo;
	b4_hook_reap(arg);
}

static int take_signals(struct b4 *b)
{
	int err = loop_signal(b->loop, SIGTERM, on_stop, b);

	if (err == 0)
		err = loop_signal(b->loop, SIGINT, on_stop, b);
	if (err == 0)
		err = loop_signal(b->loop, SIGHUP, on_hup, b);
	if (err == 0)
		err = loop_signal(b->loop, SIGUSR1, on_usr1, b);
	if (err == 0)
		err = loop_signal(b->loop, SIGCHLD, on_child, b);
	return err;
}

/* Addresses and routes are changed later, so CAP_NET_ADMIN stays; nothing else does. */
static int drop(void)
{
	char error[256];

	if (drop_privileges(NULL, 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW, error, sizeof(error)) == 0)
		return 0;
	log_error("privileges", "%s", error);
	return -1;
}

static int serve(struct b4 *b)
{
	struct loop_turn t = { .arg = b, .run = turn, .expiry = expiry };
	int code = tool_detach(b->tool), err;

	if (code >= 0)
		return code;
	err = take_signals(b);
	if (err == 0 && drop() < 0)
		return EXIT_OTHER;
	if (err == 0) {
		b4_report(b, clock_now());
		err = loop_run(b->loop, &t);
	}
	if (err < 0)
		log_error("loop", "%s", strerror(-err));
	b->record = (struct lw4o6_client_record){ .reason = "stopped" };
	b4_report(b, clock_now());
	tool_end(b->tool);
	return err < 0 ? EXIT_OTHER : b->exit_code;
}

int b4_run(struct tool *tool, struct b4_settings *set, TALLOC_CTX *mem)
{
	struct b4 *b = talloc_zero(mem, struct b4);
	int code;

	if (b)
		b->loop = loop_new(b);
	if (!b || !b->loop) {
		log_error("memory", "out of memory");
		return EXIT_MEMORY;
	}
	b->tool = tool;
	b->set = set;
	b->stop_by = LW4O6_TIME_NONE;
	code = b4_setup(b, b) < 0 ? b->exit_code : serve(b);
	b4_teardown(b);
	return code;
}
