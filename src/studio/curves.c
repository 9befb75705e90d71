/* SPDX-License-Identifier: MIT
 *
 * studio/curves.c -- see curves.h. The files of the runs looked at last are kept in memory, and
 * only what was appended is read.
 */
#include "studio/curves.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/text.h"
#include "studio/below.h"

enum { MOST_BUCKETS = 1000, USUAL_BUCKETS = 500, MOST_NAMES = 64 };

/* The kept series of a run, or the place of the one that was not used for longest. */
static gm_open_series *place_of(gm_studio *s, const char *id)
{
	gm_open_series *oldest = &s->series[0];
	for (int i = 0; i < GM_SERIES_OPEN; i++) {
		if (!strcmp(s->series[i].id, id))
			return &s->series[i];
		if (s->series[i].used < oldest->used)
			oldest = &s->series[i];
	}
	gm_series_free(&oldest->series);
	*oldest = (gm_open_series){0};
	snprintf(oldest->id, sizeof oldest->id, "%s", id);
	return oldest;
}

static void read_more(gm_open_series *o, int folder)
{
	struct stat st;
	int fd = gm_below_open(folder, "stats.jsonl", &st);
	if (fd < 0)
		return;
	if (st.st_ino != o->file || st.st_size < o->read) {
		gm_series_free(&o->series);
		o->read = 0;
		o->file = st.st_ino;
	}
	/* Read in parts: a file that is mapped may be cut by its run, which would be a signal. */
	enum { PART = 4 << 20 };
	char *part = malloc(PART);
	size_t room = PART;
	ssize_t got;
	while (part && o->read < st.st_size && (got = pread(fd, part, room, o->read)) > 0) {
		size_t used = gm_series_read(&o->series, part, (size_t)got);
		o->read += (off_t)used;
		if (used)
			continue;
		if ((size_t)got < room)
			break; /* an incomplete last line */
		/* A line longer than the part is skipped. */
		o->read += got;
		o->series.skipped++;
	}
	free(part);
	close(fd);
}

static bool asked_for(const char *names, const char *name)
{
	size_t n = strlen(name);
	if (!*names)
		return true;
	for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, name, n) && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

void gm_curves(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	char names[MOST_NAMES * GM_SERIES_NAME] = "", number[64];
	gm_span span = {.buckets = USUAL_BUCKETS};
	static const struct {
		const char *name;
		double high;
	} numbers[] = {{"from", 9e15}, {"to", 9e15}, {"buckets", MOST_BUCKETS}, {"half", 1e15}};
	double value[4] = {0, 0, USUAL_BUCKETS, 0};
	if (gm_guard_query(c->query, "names", names, sizeof names) < 0) {
		gm_call_error(c, 400, "bad_value", "names",
		              "names is not a list of at most %d names, joined by commas",
		              MOST_NAMES);
		return;
	}
	for (int i = 0; i < 4; i++)
		if (gm_guard_query(c->query, numbers[i].name, number, sizeof number) != 0 &&
		    (!gm_text_f64(number, &value[i]) || value[i] < 0 ||
		     value[i] > numbers[i].high)) {
			gm_call_error(c, 400, "bad_value", numbers[i].name,
			              "%s: \"%s\" is not a number from 0 to %.0f", numbers[i].name,
			              number, numbers[i].high);
			return;
		}
	span.from = (int64_t)ceil(value[0]);
	span.to = (int64_t)value[1];
	span.buckets = value[2] < 1 ? 1 : (int)value[2];
	span.half = value[3];
	int folder = gm_runs_folder(&s->runs, c->id, &err);
	if (folder < 0) {
		gm_call_error(c, 404, "no_run", NULL, "%s", err.message);
		return;
	}
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	pthread_mutex_lock(&s->series_mutex);
	gm_open_series *o = place_of(s, c->id);
	read_more(o, folder);
	o->used = gm_seconds();
	if (f) {
		int shown = 0;
		fputs("{\"series\": {", f);
		for (int i = 0; i < o->series.columns && shown < MOST_NAMES; i++)
			if (asked_for(names, o->series.column[i].name)) {
				fputs(shown++ ? ", " : "", f);
				gm_series_put_column(f, &o->series.column[i], &span);
			}
		fputs("}, \"columns\": [", f);
		for (int i = 0; i < o->series.columns; i++) {
			fputs(i ? ", " : "", f);
			gm_series_put_name(f, o->series.column[i].name);
		}
		fprintf(f,
		        "], \"last_step\": %" PRId64 ", \"lines\": %" PRIu64
		        ", \"skipped\": %" PRIu64 "}",
		        o->series.step, o->series.lines, o->series.skipped + o->series.left_out);
		fclose(f);
	}
	pthread_mutex_unlock(&s->series_mutex);
	close(folder);
	c->data = text;
	c->bytes = size;
	c->type = "application/json";
	c->status = 200;
}

void gm_curves_free(gm_studio *s)
{
	for (int i = 0; i < GM_SERIES_OPEN; i++)
		gm_series_free(&s->series[i].series);
}
