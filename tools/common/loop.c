#include "config.h"

#include "clock.h"
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 64, MAX_SIGNALS = 16, EVENTS_PER_TURN = 16 };

struct loop {
	int epoll, signalfd;
	bool stop;
	sigset_t signals;
	struct {
		int fd; /* -1: free */
		loop_fd_fn *fn;
		void *arg;
	} fds[MAX_FDS];
	struct {
		int signo;
		loop_signal_fn *fn;
		void *arg;
	} handlers[MAX_SIGNALS];
	unsigned nhandlers;
};

static int loop_free(struct loop *l)
{
	if (l->signalfd >= 0)
		close(l->signalfd);
	close(l->epoll);
	return 0;
}

struct loop *loop_new(TALLOC_CTX *mem)
{
	struct loop *l = talloc_zero(mem, struct loop);

	if (!l)
		return NULL;
	l->signalfd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		talloc_free(l);
		return NULL;
	}
	sigemptyset(&l->signals);
	for (unsigned i = 0; i < MAX_FDS; i++)
		l->fds[i].fd = -1;
	talloc_set_destructor(l, loop_free);
	return l;
}

static int slot_of(const struct loop *l, int fd)
{
	for (int i = 0; i < MAX_FDS; i++)
		if (l->fds[i].fd == fd)
			return i;
	return -1;
}

int loop_add(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
	int i = slot_of(l, -1);
	struct epoll_event ev = { .events = events, .data.u32 = (uint32_t)i };

	if (i < 0)
		return -ENOSPC;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	l->fds[i].fd = fd;
	l->fds[i].fn = fn;
	l->fds[i].arg = arg;
	return 0;
}

int loop_modify(struct loop *l, int fd, uint32_t events)
{
	int i = slot_of(l, fd);
	struct epoll_event ev = { .events = events, .data.u32 = (uint32_t)i };

	if (i < 0)
		return -ENOENT;
	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *l, int fd)
{
	int i = slot_of(l, fd);

	if (i < 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	l->fds[i].fd = -1;
}

static void read_signals(void *arg, int fd, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo si;

	(void)events;
	while (read(fd, &si, sizeof(si)) == sizeof(si))
		for (unsigned i = 0; i < l->nhandlers; i++)
			if (l->handlers[i].signo == (int)si.ssi_signo)
				l->handlers[i].fn(l->handlers[i].arg, (int)si.ssi_signo);
}

int loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
	bool first = l->signalfd < 0;

	if (l->nhandlers == MAX_SIGNALS)
		return -ENOSPC;
	sigaddset(&l->signals, signo);
	if (sigprocmask(SIG_BLOCK, &l->signals, NULL) < 0)
		return -errno;

	int fd = signalfd(l->signalfd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	l->signalfd = fd;
	l->handlers[l->nhandlers].signo = signo;
	l->handlers[l->nhandlers].fn = fn;
	l->handlers[l->nhandlers++].arg = arg;
	return first ? loop_add(l, fd, EPOLLIN, read_signals, l) : 0;
}

static int wait_until(struct loop *l, struct epoll_event *ev, lw4o6_time deadline)
{
	lw4o6_time now = clock_now(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / LW4O6_SEC), .tv_nsec = (long)(left % LW4O6_SEC) };

	return epoll_pwait2(l->epoll, ev, EVENTS_PER_TURN, deadline == LW4O6_TIME_NONE ? NULL : &ts, NULL);
}

int loop_run(struct loop *l, const struct loop_turn *turn)
{
	l->stop = false;
	while (!l->stop) {
		struct epoll_event ev[EVENTS_PER_TURN];
		int n = wait_until(l, ev, turn->expiry(turn->arg));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			uint32_t s = ev[i].data.u32;

			if (l->fds[s].fd >= 0)
				l->fds[s].fn(l->fds[s].arg, l->fds[s].fd, ev[i].events);
		}
		turn->run(turn->arg, clock_now());
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
