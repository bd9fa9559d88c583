/* Where log lines go: standard error in the foreground, syslog otherwise. One per process. */
#ifndef COMMON_LOGSINK_H
#define COMMON_LOGSINK_H

#include <lw4o6/base.h>

/** @param ident program name; @param level the most detailed level shown; @param use_syslog else standard error. */
void logsink_open(const char *ident, enum lw4o6_log_level level, bool use_syslog);
/** One line. @p id is a stable message id, listed in the manual. */
void logsink(enum lw4o6_log_level level, const char *id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** The host struct of the library: this sink and the kernel's random numbers. */
struct lw4o6_host logsink_host(void);

#define log_error(id, ...) logsink(LW4O6_LOG_ERROR, (id), __VA_ARGS__)
#define log_warning(id, ...) logsink(LW4O6_LOG_WARNING, (id), __VA_ARGS__)
#define log_info(id, ...) logsink(LW4O6_LOG_INFO, (id), __VA_ARGS__)
#define log_debug(id, ...) logsink(LW4O6_LOG_DEBUG, (id), __VA_ARGS__)

#endif
