/* One epoll loop: descriptors, signals, and a sleep until the earliest deadline. */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <lw4o6/base.h>
#include <talloc.h>

struct loop;

/** A descriptor is ready. @param events EPOLLIN and so on. */
typedef void loop_fd_fn(void *arg, int fd, uint32_t events);
typedef void loop_signal_fn(void *arg, int signo);

/** What a program does in a turn, after the ready descriptors were read. */
struct loop_turn {
	void *arg;
	/** Timers, events, answers. @param now the time after the wait. */
	void (*run)(void *arg, lw4o6_time now);
	/** When to wake up at the latest; LW4O6_TIME_NONE: no deadline. */
	lw4o6_time (*expiry)(void *arg);
};

struct loop *loop_new(TALLOC_CTX *mem);
/** Watch a descriptor, which stays the caller's. @return 0 or -errno. */
int loop_add(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
int loop_modify(struct loop *l, int fd, uint32_t events);
void loop_remove(struct loop *l, int fd);
/** Take a signal out of its default handling. @return 0 or -errno. */
int loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg);
/** Run until loop_stop(). @return 0 or -errno. */
int loop_run(struct loop *l, const struct loop_turn *turn);
void loop_stop(struct loop *l);

#endif
