/* SPDX-License-Identifier: MIT
 *
 * report/report.c -- the output of a run: a live line on a terminal, plain lines elsewhere,
 * log.txt, and stats.jsonl for programs. stats.jsonl has no values that depend on time or load, so
 * that equal runs have equal files.
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/file.h"
#include "report/events.h"
#include "report/page.h"
#include "report/series.h"
#include "score/score.h"
#include "report/state.h"

/* Not in the small library (libganymede). */
#pragma weak gm_scores_rewind

/* On resume, keeps the lines of stats.jsonl that this run would have written: complete lines up to
 * r->step at its logging interval. */
static bool trim_stats(gm_run *r, const char *path)
{
	gm_bytes old = {0};
	if (!gm_file_exists(path))
		return true;
	if (!gm_file_open(path, &old, &r->err))
		return false;
	char *kept = malloc(old.size + 1);
	size_t n = 0;
	const char *at = (const char *)old.data, *end = at + old.size;
	while (kept && at < end) {
		const char *stop = memchr(at, '\n', end - at);
		long long step = -1;
		char head[48] = "";
		if (!stop)
			break;
		memcpy(head, at, stop - at < 47 ? stop - at : 47);
		if (sscanf(head, "{\"step\": %lld", &step) == 1 && step > 0 && step <= r->step &&
		    (step % r->log_every == 0 || gm_run_scores_at(r, step))) {
			memcpy(kept + n, at, stop + 1 - at);
			n += stop + 1 - at;
		}
		at = stop + 1;
	}
	gm_file_close(&old);
	bool ok = kept ? gm_file_write(path, kept, n, &r->err)
	               : gm_fail(&r->err, GM_ERR_MEMORY, "no memory for %s", path);
	free(kept);
	return ok;
}

static FILE *append(gm_run *r, const char *name)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", r->folder, name) >= PATH_MAX ||
	    (!strcmp(name, "stats.jsonl") &&
	     (!trim_stats(r, path) ||
	      (gm_scores_rewind &&
	       !gm_scores_rewind(r->folder, r->step, r->metrics_every, &r->err)))))
		return NULL;
	FILE *f = fopen(path, "ae");
	if (!f)
		gm_run_fail(r, GM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
	return f;
}

static void disk_error(gm_run *r, FILE *f, const char *name)
{
	if (f && (ferror(f) || fflush(f)))
		gm_run_fail(r, GM_ERR_IO, "%s/%s: cannot write: %s", r->folder, name,
		            strerror(errno));
}

/* A separate file for each session, named after its first step; TensorBoard reads all of them.
 * Files of earlier sessions are truncated to that step. */
static bool open_events(gm_run *r)
{
	char name[64];
	if (!gm_events_rewind(r->folder, r->step, &r->err))
		return false;
	if (!gm_settings_flag(r->settings, "tensorboard") || r->events)
		return true;
	snprintf(name, sizeof name, "events.out.tfevents.%010" PRId64 ".ganymede", r->step);
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", r->folder, name) >= PATH_MAX ||
	    !(r->events = fopen(path, "ae"))) {
		gm_run_fail(r, GM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
		return false;
	}
	if (!fseek(r->events, 0, SEEK_END) && ftell(r->events) == 0)
		gm_events_begin(r->events);
	return true;
}

void gm_report_png(gm_run *r, const char *name, const char *file)
{
	char path[PATH_MAX];
	gm_bytes b = {0};
	if (!r->events || snprintf(path, sizeof path, "%s/%s", r->folder, file) >= PATH_MAX ||
	    !gm_file_open(path, &b, NULL))
		return;
	gm_events_png(r->events, r->step, name, b.data, b.size);
	gm_file_close(&b);
	disk_error(r, r->events, "events.out.tfevents");
}

bool gm_report_open(gm_run *r)
{
	r->log = append(r, "log.txt");
	r->stats = append(r, "stats.jsonl");
	return r->log && r->stats && open_events(r);
}

void gm_report_rewind(gm_run *r)
{
	if (r->rank)
		return;
	if (r->stats)
		fclose(r->stats);
	r->stats = append(r, "stats.jsonl");
	if (r->events && !fflush(r->events)) /* opened for appending: writes go to the new end */
		gm_events_rewind(r->folder, r->step, &r->err);
}

void gm_report_close(gm_run *r)
{
	if (r->log)
		fclose(r->log);
	if (r->stats)
		fclose(r->stats);
	if (r->events)
		fclose(r->events);
	r->events = NULL;
	r->log = r->stats = NULL;
}

void gm_report_clear(gm_run *r)
{
	if (r->live)
		fputs("\r\033[K", r->out);
}

void gm_report_say(gm_run *r, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->log)
		fprintf(r->log, "%s\n", text);
	disk_error(r, r->log, "log.txt");
	if (r->out) {
		gm_report_clear(r);
		fprintf(r->out, "%s\n", text);
		fflush(r->out);
	}
}

void gm_report_warn(gm_run *r, const char *text)
{
	size_t n = strlen(r->notes);
	snprintf(r->notes + n, sizeof r->notes - n, "step %" PRId64 ": %s\n", r->step, text);
	gm_report_say(r, "step %" PRId64 ": %s", r->step, text);
}

/* "1:02:03", "2:03" */
static const char *duration(double seconds, char text[32])
{
	long s = seconds < 0 ? 0 : seconds > 1e8 ? 100000000 : lround(seconds);
	if (s >= 3600)
		snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
	return text;
}

static int terminal_width(FILE *out)
{
	struct winsize w;
	return !ioctl(fileno(out), TIOCGWINSZ, &w) && w.ws_col > 20 ? w.ws_col : 80;
}

/* False for a metric measured at an earlier step. */
static bool is_fresh(const gm_run *r, int i)
{
	return !r->value[i].rare || r->value[i].at == r->step;
}

void gm_report_progress(gm_run *r, bool now)
{
	double clock = gm_seconds();
	if (!now && (!r->live || clock - r->shown < .2))
		return;
	r->shown = clock;
	char line[600], left[32];
	int64_t done = r->step - r->first_step;
	double rate = r->train_seconds > 0 ? done * gm_run_whole_batch(r) / r->train_seconds : 0;
	size_t n = snprintf(line, sizeof line, "step %" PRId64 "/%" PRId64 "  %.*f %s/s", r->step,
	                    r->total, rate < 10 ? 2 : 0, rate, gm_facts_word(&r->facts));
	for (int i = 0; i < r->values && n < sizeof line - 64; i++)
		if (!r->value[i].schedule && !r->value[i].quiet && is_fresh(r, i))
			n += snprintf(line + n, sizeof line - n, "  %.24s %.4g", r->value[i].name,
			              r->value[i].value);
	if (r->step < r->total)
		snprintf(line + n, sizeof line - n, "  %s left",
		         duration((r->total - r->step) * r->step_seconds, left));
	if (now && r->log)
		fprintf(r->log, "%s\n", line);
	if (!r->out)
		return;
	if (r->live)
		fprintf(r->out, "\r\033[K%.*s", terminal_width(r->out) - 1, line);
	else
		fprintf(r->out, "%s\n", line);
	fflush(r->out);
}

static void nets_text(gm_run *r, char *text, size_t room)
{
	size_t n = 0;
	*text = 0;
	for (int i = 0; i < r->nets && n < room; i++) {
		double v = (double)gm_net_parameters(r->net[i]);
		n += snprintf(text + n, room - n, "%s%s %.3g%s", i ? ", " : "",
		              gm_net_name(r->net[i]),
		              v < 1e4   ? v
		              : v < 1e6 ? v / 1e3
		                        : v / 1e6,
		              v < 1e4   ? ""
		              : v < 1e6 ? " k"
		                        : " M");
	}
}

void gm_report_page(gm_run *r, const char *state, bool now)
{
	double began = gm_seconds();
	char nets[200];
	gm_error err = {0};
	if (!r->folder[0] || (!now && began - r->paged < fmax(2, 50 * r->page_seconds)))
		return;
	int64_t done = r->step - r->first_step;
	nets_text(r, nets, sizeof nets);
	if (r->stats)
		fflush(r->stats);
	gm_page page = {.folder = r->folder,
	                .settings = r->settings,
	                .state = state,
	                .trouble = r->err.message,
	                .notes = r->notes,
	                .nets = nets,
	                .what = gm_facts_word(&r->facts),
	                .step = r->step,
	                .total = r->total,
	                .seen = r->seen,
	                .per_second = r->train_seconds > 0
	                                      ? done * gm_run_whole_batch(r) / r->train_seconds
	                                      : 0,
	                .left = (r->total - r->step) * r->step_seconds};
	gm_state s = {.step = r->step,
	              .total = r->total,
	              .seen = r->seen,
	              .started = r->started_at,
	              .per_second = page.per_second,
	              .left = page.left};
	snprintf(s.model, sizeof s.model, "%s", r->model->name);
	snprintf(s.state, sizeof s.state, "%s", state);
	snprintf(s.trouble, sizeof s.trouble, "%s", r->err.message);
	bool ok = gm_state_write(r->folder, &s, &err) && gm_page_write(&page, &err);
	if (!ok && !r->no_page && r->log)
		fprintf(r->log, "(%s)\n", err.message);
	r->no_page = !ok;
	r->paged = gm_seconds();
	r->page_seconds = r->paged - began;
}

void gm_report_done(gm_run *r)
{
	char spent[32], used[32];
	int64_t done = r->step - r->first_step;
	double rate = r->train_seconds > 0 ? done * gm_run_whole_batch(r) / r->train_seconds : 0;
	gm_report_say(r,
	              "done: %" PRId64
	              " steps in %s (CPU time %s), %.*f %s/s; %.2g%% of the time was data loading",
	              done, duration(r->train_seconds, spent),
	              duration(gm_processor_seconds() - r->processor, used), rate < 10 ? 2 : 0,
	              rate, gm_facts_word(&r->facts),
	              r->train_seconds > 0 ? 100 * r->feed_seconds / r->train_seconds : 0);
}

void gm_report_stats(gm_run *r)
{
	fprintf(r->stats, "{\"step\": %" PRId64 ", \"seen\": %" PRIu64, r->step, r->seen);
	for (int i = 0; i < r->values; i++)
		if (is_fresh(r, i)) {
			fprintf(r->stats, ", \"%s\": ", r->value[i].name);
			gm_series_put(r->stats, r->value[i].value);
		}
	fputs("}\n", r->stats);
	for (int i = 0; r->events && i < r->values; i++)
		if (is_fresh(r, i))
			gm_events_scalar(r->events, r->step, r->value[i].name, r->value[i].value);
	disk_error(r, r->events, "events.out.tfevents");
	disk_error(r, r->stats, "stats.jsonl");
	disk_error(r, r->log, "log.txt");
}
