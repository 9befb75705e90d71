/* SPDX-License-Identifier: MIT
 *
 * score/score_file.c -- scores as JSON, as lines of metric-NAME.jsonl, and as a table. Every line
 * includes its protocol.
 */
#include "score/score.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/file.h"

/* JSON has no infinities. */
static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *score_json(const gm_score *row)
{
	json_t *o = json_object();
	json_object_set_new(o, "value", number(row->value));
	if (!isnan(row->deviation))
		json_object_set_new(o, "deviation", number(row->deviation));
	if (*row->note)
		json_object_set_new(o, "note", gm_json_text(row->note));
	return o;
}

json_t *gm_scores_json(const gm_scores *s, int64_t step, const json_t *protocol)
{
	json_t *o = json_object(), *scores = json_object();
	json_object_set_new(o, "step", json_integer(step));
	for (int i = 0; i < s->n; i++)
		json_object_set_new(scores, s->row[i].name, score_json(&s->row[i]));
	json_object_set_new(o, "scores", scores);
	json_object_set(o, "protocol", (json_t *)protocol);
	if (*s->warning)
		json_object_set_new(o, "warnings", gm_json_text(s->warning));
	return o;
}

/* ---- metric-NAME.jsonl ----------------------------------------------------------------------- */

/* The protocol of the last line of a file, or NULL. */
static json_t *last_protocol(const char *path)
{
	gm_bytes b = {0};
	json_t *found = NULL;
	if (!gm_file_exists(path) || !gm_file_open(path, &b, NULL))
		return NULL;
	const char *at = (const char *)b.data, *end = at + b.size;
	for (const char *stop; at < end && (stop = memchr(at, '\n', end - at)); at = stop + 1) {
		json_t *line = json_loadb(at, stop - at, 0, NULL);
		json_t *p = json_object_get(line, "protocol");
		if (p) {
			json_decref(found);
			found = json_incref(p);
		}
		json_decref(line);
	}
	gm_file_close(&b);
	return found;
}

static bool append(const char *path, const gm_score *row, int64_t step, const json_t *protocol,
                   bool training, gm_error *err)
{
	json_t *line = json_object(), *score = score_json(row);
	json_object_set_new(line, "step", json_integer(step));
	if (training)
		json_object_set_new(line, "training", json_true());
	json_object_update(line, score);
	json_object_set(line, "protocol", (json_t *)protocol);
	char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12));
	FILE *f = text ? fopen(path, "ae") : NULL;
	bool ok = f && fprintf(f, "%s\n", text) > 0;
	if (f && fclose(f))
		ok = false;
	free(text);
	json_decref(score);
	json_decref(line);
	return ok || gm_fail(err, GM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

static bool fits(const char *path, const json_t *protocol, gm_error *err)
{
	gm_error why = {0};
	json_t *before = last_protocol(path);
	bool same = !before || gm_protocol_same(protocol, before, &why);
	json_decref(before);
	return same ||
	       gm_fail(err, GM_ERR_VALUE, "%s: %s; --force appends anyway", path, why.message);
}

bool gm_scores_fit(const char *metrics, const char *folder, const json_t *protocol, gm_error *err)
{
	char list[400], *rest = list, *name, path[PATH_MAX];
	snprintf(list, sizeof list, "%s", metrics);
	while ((name = strsep(&rest, ", ")))
		if (snprintf(path, sizeof path, "%s/metric-%s.jsonl", folder, name) < PATH_MAX &&
		    !fits(path, protocol, err))
			return false;
	return true;
}

bool gm_scores_append(const gm_scores *s, const char *folder, int64_t step, const json_t *protocol,
                      const gm_append *how, gm_error *err)
{
	char path[PATH_MAX];
	/* Check all files before writing the first. */
	for (int pass = how->force ? 1 : 0; pass < 2; pass++)
		for (int i = 0; i < s->n; i++) {
			if (snprintf(path, sizeof path, "%s/metric-%s.jsonl", folder,
			             s->row[i].name) >= PATH_MAX)
				return gm_fail(err, GM_ERR_VALUE, "%s: too long a path", folder);
			if (pass ? !append(path, &s->row[i], step, protocol, how->training, err)
			         : !fits(path, protocol, err))
				return false;
		}
	return true;
}

static bool rewind_file(const char *path, int64_t step, int64_t every, gm_error *err)
{
	gm_bytes b = {0};
	if (!gm_file_open(path, &b, err))
		return false;
	char *kept = malloc(b.size + 1);
	size_t n = 0;
	const char *at = (const char *)b.data, *end = at + b.size;
	for (const char *stop; kept && at < end && (stop = memchr(at, '\n', end - at));
	     at = stop + 1) {
		json_t *line = json_loadb(at, stop - at, 0, NULL);
		int64_t s = json_integer_value(json_object_get(line, "step"));
		bool mine = json_is_true(json_object_get(line, "training"));
		if (line && (!mine || (s <= step && every > 0 && s % every == 0))) {
			memcpy(kept + n, at, stop + 1 - at);
			n += stop + 1 - at;
		}
		json_decref(line);
	}
	bool ok = kept || gm_fail(err, GM_ERR_MEMORY, "no memory for %s", path);
	bool changed = ok && n != b.size;
	gm_file_close(&b);
	ok = ok && (!changed || (n ? gm_file_write(path, kept, n, err) : !remove(path)));
	free(kept);
	return ok;
}

static int is_metric(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');
	return !strncmp(e->d_name, "metric-", 7) && dot && !strcmp(dot, ".jsonl");
}

bool gm_scores_rewind(const char *folder, int64_t step, int64_t every, gm_error *err)
{
	struct dirent **list;
	int n = scandir(folder, &list, is_metric, alphasort);
	bool ok = true;
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		if (ok && snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name) < PATH_MAX)
			ok = rewind_file(path, step, every, err);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return ok;
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_data(FILE *out, const json_t *o)
{
	const char *resize = json_string_value(json_object_get(o, "resize"));
	fprintf(out, ", %s split", json_string_value(json_object_get(o, "split")));
	if (resize && strcmp(resize, "none"))
		fprintf(out, ", resized: %s", resize);
}

static void print_side(FILE *out, const char *title, const json_t *o)
{
	const char *from = json_string_value(json_object_get(o, "from")),
		   *kind = json_string_value(json_object_get(o, "kind"));
	if (!o)
		return;
	fprintf(out, "  %-10s %s", title, from ? from : "");
	if (kind && !strcmp(kind, "data"))
		print_data(out, o);
	if (kind && !strcmp(kind, "samples"))
		fprintf(out, ", samples of seed %" JSON_INTEGER_FORMAT "%s",
		        json_integer_value(json_object_get(o, "seed")),
		        json_is_true(json_object_get(o, "averages"))
		                ? ", moving averages of weights"
		                : "");
	if (kind && !strcmp(kind, "statistics"))
		fputs(", statistics", out);
	const json_t *n = json_object_get(o, "count");
	if (n)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " examples", json_integer_value(n));
	fputs("\n", out);
}

void gm_scores_print(const gm_scores *s, const json_t *p, FILE *out)
{
	for (int i = 0; i < s->n; i++) {
		const gm_score *row = &s->row[i];
		char deviation[32] = "";
		if (!isnan(row->deviation))
			snprintf(deviation, sizeof deviation, "+- %.3g", row->deviation);
		fprintf(out, "%-14s %12.6g %-14s %s\n", row->name, row->value, deviation,
		        row->note);
	}
	const char *x = json_string_value(json_object_get(p, "extractor")),
		   *sha = json_string_value(json_object_get(p, "extractor_sha256")),
		   *resize = json_string_value(json_object_get(p, "resize"));
	fputs("protocol:\n", out);
	if (x)
		fprintf(out, "  %-10s %s%s%.12s, resize %s\n", "extractor", x,
		        sha && *sha ? " sha256 " : "", sha ? sha : "", resize ? resize : "unknown");
	print_side(out, "real", json_object_get(p, "real"));
	const char *scored = json_string_value(json_object_get(p, "scored"));
	if (scored)
		fprintf(out, "  %-10s the %s split, if a score has \"part\"\n", "scored", scored);
	print_side(out, "samples", json_object_get(p, "samples"));
	static const char *const more[] = {
		"endpoint", "turns",    "annealing", "truncation",       "standing", "temperature",
		"weights",  "ensemble", "against",   "labels-per-class", "draws"};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		const json_t *v = json_object_get(p, more[i]);
		if (json_is_string(v))
			fprintf(out, "  %-10s %s\n", more[i], json_string_value(v));
		else if (json_is_number(v))
			fprintf(out, "  %-10s %g\n", more[i], json_number_value(v));
	}
	print_side(out, "A", json_object_get(p, "a"));
	print_side(out, "B", json_object_get(p, "b"));
	const json_t *n = json_object_get(p, "count");
	if (n)
		fprintf(out,
		        "  %-10s %" JSON_INTEGER_FORMAT
		        " samples and real examples, if not stated otherwise\n",
		        "count", json_integer_value(n));
	fprintf(out, "  %-10s %s\n", "ganymede", gm_version());
	if (*s->warning)
		fprintf(out, "note: %s", s->warning);
}
