/* SPDX-License-Identifier: MIT
 *
 * cli/progress.c -- see progress.h.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ganymede/base.h"

volatile sig_atomic_t cli_stopped;

static void on_signal(int number)
{
	cli_stopped = number;
}

static const int caught[] = {SIGINT, SIGTERM};
enum { CAUGHT = sizeof caught / sizeof *caught };

void cli_catch_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
	sigemptyset(&a.sa_mask);
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &a, NULL);
}

/* Times in seconds. Tasks that follow each other within REST count as one, whose progress is shown
 * after a while: ten tasks of one second are shown like one of ten seconds. */
static const double REST = 1, LIVE_AFTER = .5, LIVE_EVERY = .1, PLAIN_AFTER = 2, PLAIN_EVERY = 10,
		    PLAIN_LATER = 60, LATER = 300;

static struct {
	bool live, drawn;                   /* stderr is a terminal; a progress line is visible */
	bool busy;                          /* between the first report of a task and its end */
	bool ours[CAUGHT];                  /* signals without another handler */
	char what[64];                      /* of the task under way */
	double stretch, task, ended, shown; /* times of start, end, and last output */
	uint64_t first;                     /* `done` at the start of the task */
} line;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Catches signals that would end the program, while a task reports progress and can be
 * cancelled. */
static void take_signals(void)
{
	struct sigaction old, a = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
	sigemptyset(&a.sa_mask);
	for (int i = 0; i < CAUGHT; i++) {
		line.ours[i] = sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL &&
		               !cli_stopped;
		if (line.ours[i])
			sigaction(caught[i], &a, NULL);
	}
}

static void give_signals_back(void)
{
	for (int i = 0; i < CAUGHT; i++)
		if (line.ours[i])
			signal(caught[i], SIG_DFL);
}

static void begin(const gm_progress *p, double t)
{
	if (!line.busy)
		take_signals();
	if (!line.busy && t - line.ended > REST)
		line.stretch = t, line.shown = 0;
	line.busy = true;
	line.task = t, line.first = p->done;
	snprintf(line.what, sizeof line.what, "%s", p->what);
}

static void end(double t)
{
	if (line.drawn)
		fputs("\r\033[K", stderr);
	if (line.busy)
		give_signals_back();
	line.drawn = line.busy = false;
	line.what[0] = 0;
	line.ended = t;
}

static int print_left(char *to, size_t room, double seconds)
{
	if (seconds < 60)
		return snprintf(to, room, ", %.0f s left", seconds);
	if (seconds < 3600)
		return snprintf(to, room, ", %.0f min left", seconds / 60);
	return snprintf(to, room, ", %d h %d min left", (int)(seconds / 3600),
	                (int)(seconds / 60) % 60);
}

/* "decoding pictures: 512 of 2048 files, 25 %, 12 s left" */
static void describe(char *to, size_t room, const gm_progress *p, double t)
{
	const bool bytes = !strcmp(p->unit, "bytes");
	const double scale = bytes ? 1e-6 : 1;
	int n = snprintf(to, room, "%s: %.*f", p->what, bytes ? 1 : 0, (double)p->done * scale);
	if (p->total)
		n += snprintf(to + n, room - (size_t)n, " of %.*f", bytes ? 1 : 0,
		              (double)p->total * scale);
	n += snprintf(to + n, room - (size_t)n, " %s", bytes ? "MB" : p->unit);
	if (!p->total || p->done > p->total)
		return;
	n += snprintf(to + n, room - (size_t)n, ", %d %%",
	              (int)(100 * (double)p->done / (double)p->total));
	if (p->done > line.first && t - line.task > 1)
		print_left(to + n, room - (size_t)n,
		           (t - line.task) * (double)(p->total - p->done) /
		                   (double)(p->done - line.first));
}

static void draw(const gm_progress *p, double t)
{
	char text[256];
	struct winsize size;
	describe(text, sizeof text, p, t);
	int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1
	                      ? size.ws_col - 1
	                      : 79;
	if (line.live)
		fprintf(stderr, "\r\033[K%.*s", columns, text);
	else
		fprintf(stderr, "%s\n", text);
	fflush(stderr);
	line.drawn = line.live;
	line.shown = t;
}

/* True if it is time for another line. */
static bool due(double t)
{
	const double lasted = t - line.stretch;
	if (line.live)
		return lasted >= LIVE_AFTER && t - line.shown >= LIVE_EVERY;
	if (line.shown == 0)
		return lasted >= PLAIN_AFTER;
	return t - line.shown >= (lasted < LATER ? PLAIN_EVERY : PLAIN_LATER);
}

static bool show(void *context, const gm_progress *p)
{
	(void)context;
	const double t = now();
	if (!p->what) {
		end(t);
		return true;
	}
	if (!line.busy || strncmp(line.what, p->what, sizeof line.what - 1) != 0 ||
	    p->done < line.first)
		begin(p, t);
	if (due(t))
		draw(p, t);
	return !cli_stopped;
}

void cli_progress_start(void)
{
	const char *kind = getenv("TERM");
	line.live = isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
	line.ended = -REST;
	gm_progress_to(show, NULL);
}

void cli_progress_stop(void)
{
	gm_progress_to(NULL, NULL);
}
