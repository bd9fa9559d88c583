/* liblw4o6: result codes, visibility, the time type, what an object gets from its host. */
#ifndef LW4O6_BASE_H
#define LW4O6_BASE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LW4O6_API __attribute__((visibility("default")))
#define LW4O6_MUSTCHECK __attribute__((warn_unused_result))

/** Results of the library's functions. Functions that return a size return it, or one of these. */
enum lw4o6_err {
	LW4O6_OK = 0,
	LW4O6_EINVAL = -1,    /**< an argument or a setting is out of range */
	LW4O6_ENOMEM = -2,    /**< no memory; nothing has changed */
	LW4O6_ENOENT = -3,    /**< no such entry */
	LW4O6_ESPACE = -4,    /**< the caller's buffer is too small */
	LW4O6_ETRUNC = -5,    /**< input ends too early */
	LW4O6_EMALF = -6,     /**< input is malformed */
	LW4O6_EBADPSID = -7,  /**< offset, PSID length or PSID out of range, or padding bits set */
	LW4O6_ECONFLICT = -8, /**< overlaps with an existing entry */
	LW4O6_ENOSPC = -9,    /**< a table has reached its configured size */
	LW4O6_EVERSION = -10, /**< a stored form of another version */
	LW4O6_EUNKNOWN = -11, /**< a message type this library does not know */
};

/** @return a short English text for a result code, never NULL. Static storage. */
LW4O6_API const char *lw4o6_strerror(int err);

/** Monotonic nanoseconds. The library has no clock: every call that needs the time is given it. */
typedef uint64_t lw4o6_time;
#define LW4O6_TIME_NONE UINT64_MAX
#define LW4O6_SEC ((lw4o6_time)1000000000)
#define LW4O6_MSEC ((lw4o6_time)1000000)

/** t + d; LW4O6_TIME_NONE absorbs, and a sum that would pass it stays at it. */
static inline lw4o6_time lw4o6_time_add(lw4o6_time t, lw4o6_time d)
{
	return d > LW4O6_TIME_NONE - t ? LW4O6_TIME_NONE : t + d;
}

/** A wire lifetime in seconds as a duration; 0xffffffff is for ever. */
static inline lw4o6_time lw4o6_time_from_s(uint32_t seconds)
{
	return seconds == UINT32_MAX ? LW4O6_TIME_NONE : seconds * LW4O6_SEC;
}

/** Octets borrowed from somebody's buffer. @c p is NULL when what was asked for is absent. */
struct lw4o6_span {
	const uint8_t *p;
	size_t len;
};

enum lw4o6_log_level { LW4O6_LOG_ERROR, LW4O6_LOG_WARNING, LW4O6_LOG_INFO, LW4O6_LOG_DEBUG };

/**
 * What an object needs from the program around it. Copied at creation.
 * The functions may be called from any call into the object and must not call back into it.
 */
struct lw4o6_host {
	void *arg;
	/** Fill @p dst with unpredictable octets. Required. */
	void (*random)(void *arg, void *dst, size_t len);
	/** One line of text without newline; @p id is a stable message id. May be NULL. */
	void (*log)(void *arg, enum lw4o6_log_level level, const char *id, const char *text);
};

/** Version of the library that is running, "MAJOR.MINOR.PATCH". */
LW4O6_API const char *lw4o6_version(void);

#ifdef __cplusplus
}
#endif
#endif
