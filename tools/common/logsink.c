#include "config.h"

#include "clock.h"
#include "logsink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>

static struct {
	const char *ident;
	enum lw4o6_log_level level;
	bool use_syslog;
} sink = { "lw4o6", LW4O6_LOG_INFO, false };

void logsink_open(const char *ident, enum lw4o6_log_level level, bool use_syslog)
{
	sink.ident = ident;
	sink.level = level;
	sink.use_syslog = use_syslog;
	if (use_syslog)
		openlog(ident, LOG_PID, LOG_DAEMON);
}

/* C-030, S-155: nothing a peer sent may drive the terminal. */
static void escape(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void logsink(enum lw4o6_log_level level, const char *id, const char *fmt, ...)
{
	static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	static const char *const word[] = { "error", "warning", "info", "debug" };
	char text[1024], when[32];
	va_list ap;

	if (level > sink.level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	escape(text);
	if (sink.use_syslog) {
		syslog(priority[level], "%s: %s", id, text);
		return;
	}

	uint64_t wall = clock_wall();
	time_t s = (time_t)(wall / LW4O6_SEC);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03uZ %s: %s: %s: %s\n", when, (unsigned)(wall / LW4O6_MSEC % 1000), sink.ident,
	        word[level], id, text);
}

static void host_log(void *arg, enum lw4o6_log_level level, const char *id, const char *text)
{
	(void)arg;
	logsink(level, id, "%s", text);
}

/* The kernel's generator does not fail once it is seeded; a program that cannot have random
 * numbers must not go on with predictable ones. */
static void host_random(void *arg, void *dst, size_t len)
{
	uint8_t *p = dst;

	(void)arg;
	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			perror("getrandom");
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

struct lw4o6_host logsink_host(void)
{
	return (struct lw4o6_host){ .random = host_random, .log = host_log };
}
