/* SPDX-License-Identifier: MIT
 *
 * lab/lab.c -- shared functions of the experiments: options, checks, files.
 */
#include "lab/lab.h"
#include "run/settings.h"
#include "base/json.h"
#include "base/arena.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

extern const gm_experiment gm_experiment_xy, gm_experiment_dirac, gm_experiment_optimum,
	gm_experiment_learning, gm_experiment_modes, gm_experiment_evaluation;

const gm_experiment *const gm_experiments[] = {&gm_experiment_xy,
                                               &gm_experiment_dirac,
                                               &gm_experiment_optimum,
                                               &gm_experiment_learning,
                                               &gm_experiment_modes,
                                               &gm_experiment_evaluation,
                                               NULL};

const gm_experiment *gm_experiment_find(const char *name)
{
	for (int i = 0; gm_experiments[i]; i++)
		if (!strcmp(gm_experiments[i]->name, name))
			return gm_experiments[i];
	return NULL;
}

gm_lab *gm_lab_open(const gm_experiment *e, FILE *out)
{
	gm_lab *l = calloc(1, sizeof *l);
	if (!l)
		gm_no_memory(0);
	*l = (gm_lab){.what = e, .out = out, .numbers = json_object(), .checks = json_array()};
	for (int i = 0; e->options[i].name; i++)
		l->value[i] = strdup(e->options[i].value);
	return l;
}

void gm_lab_close(gm_lab *l)
{
	if (!l)
		return;
	for (int i = 0; l->what->options[i].name; i++)
		free((char *)l->value[i]);
	json_decref(l->numbers);
	json_decref(l->checks);
	free(l);
}

/* `_` = `-` */
static int row_of(const gm_lab *l, const char *name)
{
	const gm_option *o = l->what->options;
	for (int i = 0; o[i].name; i++) {
		const char *a = o[i].name, *b = name;
		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (!*a && !*b)
			return i;
	}
	return -1;
}

bool gm_lab_set(gm_lab *l, const char *name, const char *value, gm_error *err)
{
	const char *names[32];
	int row = row_of(l, name), n = 0;
	if (row >= 0) {
		const gm_option *o = l->what->options + row;
		const gm_setting asked = {
			.name = o->name, .value = value, .initial = o->value, .type = o->type};
		if (!gm_setting_check(&asked, err))
			return false;
		free((char *)l->value[row]);
		l->value[row] = strdup(value);
		return true;
	}
	for (; l->what->options[n].name && n < 32; n++)
		names[n] = l->what->options[n].name;
	const char *near = gm_text_nearest(name, names, n);
	return near ? gm_fail(err, GM_ERR_VALUE, "lab %s has no option --%.60s; did you mean --%s?",
	                      l->what->name, name, near)
	            : gm_fail(err, GM_ERR_VALUE, "lab %s has no option --%.60s", l->what->name,
	                      name);
}

const char *gm_lab_text(gm_lab *l, const char *name)
{
	int row = row_of(l, name);
	return row < 0 ? "" : l->value[row];
}

/* Values were checked when they were set. */
double gm_lab_real(gm_lab *l, const char *name)
{
	double v = 0;
	gm_text_f64(gm_lab_text(l, name), &v);
	return v;
}

int64_t gm_lab_int(gm_lab *l, const char *name)
{
	int64_t v = 0;
	gm_text_i64(gm_lab_text(l, name), &v);
	return v;
}

bool gm_lab_flag(gm_lab *l, const char *name)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	for (int i = 0; i < 4; i++)
		if (!strcmp(gm_lab_text(l, name), yes[i]))
			return true;
	return false;
}

/* JSON has no infinities. */
static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static void verdict(gm_lab *l, const char *what, double measured, const char *wanted, bool held,
                    json_t *row)
{
	if (!l->checked)
		fprintf(l->out, "%-46s %16s   %-28s\n", "", "measured", "theory");
	fprintf(l->out, "%-46s %16.9g   %-28s %s\n", what, measured, wanted,
	        held ? "pass" : "FAIL");
	l->checked++;
	l->failed += !held;
	json_object_set_new(row, "what", json_string(what));
	json_object_set_new(row, "measured", number(measured));
	json_object_set_new(row, "pass", json_boolean(held));
	json_array_append_new(l->checks, row);
}

void gm_lab_check(gm_lab *l, const char *what, double measured, double theory, double tolerance)
{
	char wanted[64];
	snprintf(wanted, sizeof wanted, "%.9g +- %.1g", theory, tolerance);
	json_t *row = json_object();
	json_object_set_new(row, "theory", number(theory));
	json_object_set_new(row, "tolerance", number(tolerance));
	verdict(l, what, measured, wanted, fabs(measured - theory) <= tolerance, row);
}

void gm_lab_within(gm_lab *l, const char *what, double measured, double lo, double hi)
{
	char wanted[64];
	snprintf(wanted, sizeof wanted, "%.6g to %.6g", lo, hi);
	json_t *row = json_object();
	json_object_set_new(row, "least", number(lo));
	json_object_set_new(row, "most", number(hi));
	verdict(l, what, measured, wanted, measured >= lo && measured <= hi, row);
}

void gm_lab_keep(gm_lab *l, const char *name, json_t *value)
{
	json_object_set_new(l->numbers, name, value);
}

json_t *gm_lab_numbers(const double *v, int n)
{
	json_t *a = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(a, number(v[i]));
	return a;
}

bool gm_lab_picture(gm_lab *l, const char *name, gm_figure *f)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s.png", l->folder, name);
	bool ok = gm_figure_png(f, path, &l->err);
	snprintf(path, sizeof path, "%s/%s.svg", l->folder, name);
	ok = ok && gm_figure_svg(f, path, &l->err);
	gm_figure_free(f);
	return ok;
}

bool gm_lab_ok(gm_lab *l, const gm_graph *g)
{
	if (gm_graph_error(g)->code && !l->err.code)
		l->err = *gm_graph_error(g);
	return !l->err.code;
}

static bool write_numbers(gm_lab *l)
{
	char path[PATH_MAX];
	json_t *options = json_object(), *all = json_object();
	for (int i = 0; l->what->options[i].name; i++)
		json_object_set_new(options, l->what->options[i].name, gm_json_text(l->value[i]));
	json_object_set_new(all, "experiment", json_string(l->what->name));
	json_object_set_new(all, "options", options);
	json_object_set(all, "checks", l->checks);
	json_object_set(all, "numbers", l->numbers);
	char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	snprintf(path, sizeof path, "%s/numbers.json", l->folder);
	bool ok = text ? gm_file_write(path, text, strlen(text), &l->err)
	               : gm_fail(&l->err, GM_ERR_MEMORY, "no memory for numbers.json");
	free(text);
	json_decref(all);
	return ok;
}

bool gm_lab_run(gm_lab *l, const char *folder, gm_error *err)
{
	l->folder = folder;
	bool ok = gm_file_make_folder(folder, &l->err) && l->what->run(l) && !l->err.code;
	ok = ok && write_numbers(l);
	if (!ok) {
		gm_fail(&l->err, GM_ERR_STATE, "lab %s could not run", l->what->name);
		*err = l->err;
		return false;
	}
	if (!l->checked)
		fprintf(l->out, "numbers and pictures are in %s\n", folder);
	else
		fprintf(l->out, "%d of %d checks hold; numbers and pictures are in %s\n",
		        l->checked - l->failed, l->checked, folder);
	return !l->failed;
}
