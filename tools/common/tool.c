#include "config.h"

#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_OPTIONS = 32, OPTION_BASE = 256 };

static const struct {
	struct option opt;
	const char *argument, *help;
} flags[] = {
	{ { "config", required_argument, NULL, 'c' }, " FILE", "read settings from FILE" },
	{ { "test", no_argument, NULL, 't' }, "", "check the settings and exit: 0 good, 1 bad" },
	{ { "foreground", no_argument, NULL, 'f' }, "", "stay in the foreground, log to standard error" },
	{ { "debug", no_argument, NULL, 'd' }, "", "as -f, with all messages" },
	{ { "verbose", no_argument, NULL, 'v' }, "", "log more" },
	{ { "version", no_argument, NULL, 'V' }, "", "print the version and exit" },
	{ { "help", no_argument, NULL, 'h' }, "", "print this and exit" },
	{ { "name", required_argument, NULL, 'n' }, " NAME", "name of this instance" },
	{ { "pidfile", required_argument, NULL, 'p' }, " FILE", "write the process id to FILE" },
	{ { "socket", required_argument, NULL, 's' }, " PATH", "control socket" },
};
enum { NFLAGS = sizeof(flags) / sizeof(flags[0]) };

static void usage(const struct tool *t, FILE *out)
{
	fprintf(out, "usage: %s [options]\n%s\n\n", t->name, t->summary);
	for (int i = 0; i < NFLAGS; i++)
		fprintf(out, "  -%c, --%s%s\n        %s\n", flags[i].opt.val, flags[i].opt.name, flags[i].argument,
		        flags[i].help);
	for (const struct tool_option *o = t->options; o && o->name; o++)
		fprintf(out, "      --%s\n        %s\n", o->name, o->help);
	fprintf(out, "\nSettings are read from %s unless -c says otherwise.\n", t->default_config);
}

/* Options with several values take the arguments that follow. */
static int take_values(const struct tool_option *o, int argc, char **argv)
{
	if (o->values == 0) {
		o->value[0] = "";
		return 0;
	}
	o->value[0] = optarg;
	for (unsigned i = 1; i < o->values; i++) {
		if (optind >= argc)
			return -1;
		o->value[i] = argv[optind++];
	}
	return 0;
}

static int read_flags(struct tool *t, int argc, char **argv, bool *test, enum lw4o6_log_level *level)
{
	struct option table[NFLAGS + MAX_OPTIONS + 1] = { { 0 } };
	int n = 0, c;

	for (; n < NFLAGS; n++)
		table[n] = flags[n].opt;
	for (const struct tool_option *o = t->options; o && o->name && n < NFLAGS + MAX_OPTIONS; o++, n++)
		table[n] = (struct option){ o->name, o->values ? required_argument : no_argument, NULL,
			                    OPTION_BASE + (int)(o - t->options) };
	while ((c = getopt_long(argc, argv, "+c:tfdvVhn:p:s:", table, NULL)) != -1) {
		switch (c) {
		case 'c': t->config = optarg; break;
		case 't': *test = true; break;
		case 'f': t->foreground = true; break;
		case 'd': t->foreground = true; *level = LW4O6_LOG_DEBUG; break;
		case 'v': *level = LW4O6_LOG_DEBUG; break;
		case 'V': printf("%s %s\n", t->name, lw4o6_version()); return EXIT_OK;
		case 'h': usage(t, stdout); return EXIT_OK;
		case 'n': t->instance = optarg; break;
		case 'p': t->pidfile = optarg; break;
		case 's': t->socket = optarg; break;
		default:
			if (c < OPTION_BASE || take_values(&t->options[c - OPTION_BASE], argc, argv) < 0) {
				usage(t, stderr);
				return EXIT_CONFIG;
			}
		}
	}
	if (optind != argc) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", t->name, argv[optind]);
		return EXIT_CONFIG;
	}
	return -1;
}

int tool_start(struct tool *t, int argc, char **argv, TALLOC_CTX *mem)
{
	enum lw4o6_log_level level = LW4O6_LOG_INFO;
	char error[512] = "";
	bool test = false;

	t->config = t->default_config;
	t->instance = t->name;

	int code = read_flags(t, argc, argv, &test, &level);

	if (code >= 0)
		return code;
	if (conf_load(t->config, t->keywords, t->settings, mem, error, sizeof(error)) < 0 ||
	    (t->check && t->check(t->settings, error, sizeof(error)) < 0)) {
		fprintf(stderr, "%s: %s\n", t->name, error);
		return EXIT_CONFIG;
	}
	if (test) {
		printf("%s: settings are good\n", t->config);
		return EXIT_OK;
	}
	logsink_open(t->instance, level, !t->foreground);
	return -1;
}

int tool_detach(const struct tool *t)
{
	if (!t->foreground && daemon(0, 0) < 0) {
		fprintf(stderr, "%s: daemon: %s\n", t->name, strerror(errno));
		return EXIT_OTHER;
	}
	if (!t->pidfile)
		return -1;

	FILE *f = fopen(t->pidfile, "we");

	if (!f || fprintf(f, "%ld\n", (long)getpid()) < 0 || fclose(f) != 0) {
		log_error("pidfile", "%s: %s", t->pidfile, strerror(errno));
		return EXIT_FILE;
	}
	return -1;
}

void tool_end(const struct tool *t)
{
	FILE *f = t->pidfile ? fopen(t->pidfile, "re") : NULL;
	long pid = 0;

	if (!f)
		return;
	/* It may be another instance's by now. */
	if (fscanf(f, "%ld", &pid) == 1 && pid == (long)getpid())
		unlink(t->pidfile);
	fclose(f);
}
