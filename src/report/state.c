/* SPDX-License-Identifier: MIT
 *
 * report/state.c -- the state of a run.
 */
#include "report/state.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/series.h"
#include "run/folder.h"

bool gm_state_write(const char *folder, const gm_state *s, gm_error *err)
{
	char path[PATH_MAX];
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f}", "model", s->model,
	                      "state", s->state, "trouble", s->trouble, "step", (json_int_t)s->step,
	                      "steps", (json_int_t)s->total, "seen", (json_int_t)s->seen, "started",
	                      (json_int_t)s->started, "per_second",
	                      isfinite(s->per_second) ? s->per_second : 0., "left_s",
	                      isfinite(s->left) ? s->left : 0.);
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	bool ok = text && snprintf(path, sizeof path, "%s/state.json", folder) < PATH_MAX &&
	          gm_file_write(path, text, strlen(text), err);
	free(text);
	json_decref(o);
	return ok || gm_fail(err, GM_ERR_MEMORY, "cannot write state.json");
}

static json_t *read_json(const char *folder, const char *file)
{
	char path[PATH_MAX];
	gm_bytes b = {0};
	if (snprintf(path, sizeof path, "%s/%s", folder, file) >= PATH_MAX ||
	    !gm_file_open(path, &b, NULL))
		return NULL;
	json_t *o = b.size < 1 << 20 ? json_loadb((const char *)b.data, b.size, 0, NULL) : NULL;
	gm_file_close(&b);
	return o;
}

static void copy_text(char *to, size_t room, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	snprintf(to, room, "%s", text ? text : "");
}

static void put_last(void *context, const char *name, double v)
{
	gm_state *s = context;
	size_t n = strlen(s->last);
	if (!strcmp(name, "step"))
		s->step = v > (double)s->step && v < 9e15 ? (int64_t)v : s->step;
	else if (strcmp(name, "lr") != 0 && strncmp(name, "lr_", 3) != 0 &&
	         strcmp(name, "seen") != 0 && n < sizeof s->last - 64)
		snprintf(s->last + n, sizeof s->last - n, "%s%.32s %.4g", n ? "  " : "", name, v);
}

/* The last complete line of stats.jsonl. */
static void read_last(const char *folder, gm_state *s)
{
	char path[PATH_MAX];
	gm_bytes b = {0};
	if (snprintf(path, sizeof path, "%s/stats.jsonl", folder) >= PATH_MAX ||
	    !gm_file_open(path, &b, NULL))
		return;
	const char *all = (const char *)b.data,
		   *end = all && b.size ? memrchr(all, '\n', b.size) : NULL,
		   *before = end && end > all ? memrchr(all, '\n', end - all) : NULL;
	const char *line = before ? before + 1 : all;
	if (end)
		gm_series_line(line, (size_t)(end - line), put_last, s);
	gm_file_close(&b);
}

bool gm_state_read(const char *folder, gm_state *s)
{
	json_t *options = read_json(folder, "options.json"),
	       *state = read_json(folder, "state.json");
	*s = (gm_state){0};
	bool ok = options != NULL;
	copy_text(s->model, sizeof s->model, options, "model");
	copy_text(s->state, sizeof s->state, state, "state");
	copy_text(s->trouble, sizeof s->trouble, state, "trouble");
	s->step = json_integer_value(json_object_get(state, "step"));
	s->total = json_integer_value(json_object_get(state, "steps"));
	if (ok)
		read_last(folder, s);
	if (ok && (!*s->state || !strcmp(s->state, "running")))
		snprintf(s->state, sizeof s->state, "%s",
		         gm_folder_busy(AT_FDCWD, folder) ? "running" : "killed");
	json_decref(options);
	json_decref(state);
	return ok;
}
