/* SPDX-License-Identifier: MIT
 *
 * cli/plane.c -- ganymede plane: codes of two dimensions, or points with decision regions.
 */
#include "cli/cli.h"
#include "cli/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ganymede/data.h"
#include "ganymede/metrics.h"
#include "plot/figure.h"
#include "run/classes.h"
#include "run/settings.h"
#include "use/saved_run.h"

enum { SIDE = 640, LEFT = 50, TOP = 24, LEGEND = 110, CELLS = 160, COLOURS = 10, NAMED = 20 };

static const uint8_t colour[COLOURS][3] = {
	{31, 119, 180}, {255, 127, 14},  {44, 160, 44}, {214, 39, 40},  {148, 103, 189},
	{140, 86, 75},  {227, 119, 194}, {90, 90, 90},  {172, 176, 24}, {23, 190, 207}};

static gm_ink ink_of(int64_t class, double alpha, double width)
{
	const uint8_t *c = colour[class % COLOURS];
	return (gm_ink){c[0], c[1], c[2], alpha, width, 0};
}

typedef struct picture {
	gm_saved *s;
	const char *by; /* classify, encode, or k-means */
	uint64_t seed;
	int64_t n, groups; /* groups: of the regions; 0: no regions */
	float *x, *at;     /* examples [n, numel]; their points [n, 2], x itself for points */
	int32_t *label;    /* [n], or NULL */
	float *centre;     /* k-means: [groups, 2] */
	int64_t *shown;    /* [groups]: the class whose colour a region has */
	char from[200];
} picture;

static void picture_free(picture *p)
{
	if (p->at != p->x)
		free(p->at);
	free(p->x), free(p->label), free(p->centre), free(p->shown);
}

/* The examples, and their labels if the data have the run's classes. */
static bool read_examples(picture *p, const char *data, const char *split, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(p->s);
	const char *spec = data ? data : gm_saved_option(p->s, "data");
	gm_data_options o = {.seed = p->seed, .again = true};
	if (!gm_settings_data(gm_saved_settings(p->s), false, &o, err))
		return false;
	if (strcmp(split, o.split))
		o.split = split, o.from = o.to = 0, o.per_class = 0;
	gm_dataset *d = gm_data_open(spec, &o, err);
	if (!d)
		return false;
	const gm_data_info *info = gm_data_info_of(d);
	const gm_facts theirs = gm_facts_of(info);
	if (info->count && info->count < (uint64_t)p->n)
		p->n = (int64_t)info->count;
	bool ok = theirs.numel == f->numel ||
	          gm_fail(err, GM_ERR_VALUE, "%s has examples of another size than this run", spec);
	p->x = ok ? malloc((size_t)(p->n * f->numel) * sizeof *p->x) : NULL;
	p->label =
		ok && info->classes && f->classes ? malloc((size_t)p->n * sizeof *p->label) : NULL;
	ok = ok && (p->x || gm_fail(err, GM_ERR_MEMORY, "no memory for examples")) &&
	     (!p->label || gm_labels_fit(f, &theirs, spec, err)) &&
	     gm_data_batch(d, p->seed, 0, p->n, p->x, p->label, err);
	snprintf(p->from, sizeof p->from, "%.150s, %s split", spec, o.split);
	gm_data_close(d);
	return ok;
}

/* Places the examples in the plane. */
static bool place(picture *p, gm_error *err)
{
	if (gm_saved_facts(p->s)->points) {
		p->at = p->x;
		return true;
	}
	p->at = malloc((size_t)p->n * 2 * sizeof *p->at);
	return (p->at || gm_fail(err, GM_ERR_MEMORY, "no memory for codes")) &&
	       gm_saved_apply(p->s, GM_ENDPOINT_ENCODE, (const void *[]){p->x}, p->n, p->seed,
	                      p->at, err);
}

static int32_t largest(const float *v, int64_t n)
{
	int64_t best = 0;
	for (int64_t i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return (int32_t)best;
}

/* The groups of points x [n, 2]. */
static bool group(picture *p, const float *x, int64_t n, int64_t *to, gm_error *err)
{
	if (p->centre)
		return gm_nearest(x, n, p->centre, p->groups, 2, NULL, to, NULL, err);
	float *logit = malloc((size_t)(n * p->groups) * sizeof *logit);
	bool ok = (logit || gm_fail(err, GM_ERR_MEMORY, "no memory for regions")) &&
	          gm_saved_apply(p->s, GM_ENDPOINT_CLASSIFY, (const void *[]){x}, n, p->seed, logit,
	                         err);
	for (int64_t i = 0; ok && i < n; i++)
		to[i] = largest(logit + i * p->groups, p->groups);
	free(logit);
	return ok;
}

/* Gives each group the colour of a class of its own: pairs with the most examples first. Groups
 * that are left over get further colours. */
static bool choose_colours(picture *p, gm_error *err)
{
	const int64_t k = p->groups, classes = p->label ? gm_saved_facts(p->s)->classes : 0;
	int64_t *to = malloc((size_t)p->n * sizeof *to),
		*count = calloc((size_t)(k * classes + 1), sizeof *count);
	bool ok = ((to && count) || gm_fail(err, GM_ERR_MEMORY, "no memory for groups")) &&
	          group(p, p->at, p->n, to, err);
	for (int64_t i = 0; ok && p->label && i < p->n; i++)
		count[to[i] * classes + p->label[i]]++;
	for (int64_t i = 0; ok && i < k; i++)
		p->shown[i] = classes + i;
	for (int64_t done = 0; ok && done < (k < classes ? k : classes); done++) {
		int64_t best = 0;
		for (int64_t i = 1; i < k * classes; i++)
			best = count[i] > count[best] ? i : best;
		if (count[best] <= 0)
			break;
		p->shown[best / classes] = best % classes;
		for (int64_t i = 0; i < classes; i++)
			count[best / classes * classes + i] = -1;
		for (int64_t i = 0; i < k; i++)
			count[i * classes + best % classes] = -1;
	}
	free(to), free(count);
	return ok;
}

/* Fills the cells of the panel with the colours of their groups, row by row. */
static bool draw_regions(picture *p, gm_figure *f, const gm_panel *at, gm_error *err)
{
	float *x = malloc(sizeof(float[CELLS * CELLS][2]));
	int64_t *to = malloc(sizeof(int64_t[CELLS * CELLS]));
	const double wide = (at->xmax - at->xmin) / CELLS, high = (at->ymax - at->ymin) / CELLS;
	for (int i = 0; x && i < CELLS * CELLS; i++) {
		x[2 * i] = (float)(at->xmin + (i % CELLS + .5) * wide);
		x[2 * i + 1] = (float)(at->ymin + (i / CELLS + .5) * high);
	}
	bool ok = ((x && to) || gm_fail(err, GM_ERR_MEMORY, "no memory for regions")) &&
	          group(p, x, CELLS * CELLS, to, err);
	for (int i = 0, next; ok && i < CELLS * CELLS; i = next) {
		for (next = i + 1; next % CELLS && to[next] == to[i];)
			next++;
		const double x0 = at->xmin + i % CELLS * wide, x1 = x0 + (next - i) * wide,
			     y0 = at->ymin + i / CELLS * high, y1 = y0 + high;
		const double corner[] = {x0, y0, x1, y0, x1, y1, x0, y1};
		gm_figure_area(f, at, corner, 4, ink_of(p->shown[to[i]], .25, 0));
	}
	free(x), free(to);
	return ok;
}

static void draw_legend(const picture *p, gm_figure *f, const gm_panel *at)
{
	const gm_facts *facts = gm_saved_facts(p->s);
	const gm_panel beside = {at->right, at->top, at->right + LEGEND, at->bottom, 0, 1, 0,
	                         1,         true};
	for (int64_t k = 0; p->label && k < facts->classes && k < NAMED; k++) {
		char name[64];
		const double y = at->top + 14 + 20 * (double)k;
		if (facts->class_names)
			snprintf(name, sizeof name, "%.12s", facts->class_names[k]);
		else
			snprintf(name, sizeof name, "%" PRId64, k);
		gm_figure_disc(f, &beside, .12, 1 - (y - 4 - at->top) / (at->bottom - at->top),
		               ink_of(k, 1, 5));
		gm_figure_text(f, at->right + 26, y, 11, -1, GM_INK_BLACK, name);
	}
}

static bool draw(picture *p, const char *out, gm_error *err)
{
	double most = 1e-6;
	for (int64_t i = 0; i < 2 * p->n; i++)
		most = fmax(most, isfinite(p->at[i]) ? fabs(p->at[i]) : 0);
	most *= 1.08;
	const gm_panel at = {LEFT, TOP, LEFT + SIDE, TOP + SIDE, -most, most, -most, most, false};
	gm_figure *f = gm_figure_new(LEFT + SIDE + LEGEND, TOP + SIDE + 36);
	bool ok = !p->groups || draw_regions(p, f, &at, err);
	gm_figure_axes(f, &at, "");
	for (int64_t i = 0; i < p->n; i++)
		gm_figure_disc(f, &at, p->at[2 * i], p->at[2 * i + 1],
		               ink_of(p->label ? p->label[i] : 0, .7, 2));
	draw_legend(p, f, &at);
	const char *end = strrchr(out, '.');
	ok = ok && (end && !strcmp(end, ".svg") ? gm_figure_svg(f, out, err)
	                                        : gm_figure_png(f, out, err));
	gm_figure_free(f);
	return ok;
}

/* What the picture shows: by default decision regions of points, otherwise codes. */
static bool choose(picture *p, const char *by, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(p->s);
	const gm_shape code = gm_saved_shape(p->s, GM_ENDPOINT_ENCODE),
		       class = gm_saved_shape(p->s, GM_ENDPOINT_CLASSIFY);
	p->by = by ? by : f->points ? "classify" : "encode";
	if (strcmp(p->by, "classify") && strcmp(p->by, "encode") && strcmp(p->by, "k-means"))
		return gm_fail(err, GM_ERR_VALUE,
		               "option by: \"%.60s\" is not classify, encode or k-means", p->by);
	if (!f->points && (code.rank != 2 || code.dim[1] != 2))
		return gm_fail(
			err, GM_ERR_VALUE,
			"plane needs a run for points, or with codes of 2 dimensions (endpoint "
			"\"encode\"), such as aae with --prior mixture");
	if (!strcmp(p->by, "encode"))
		return !f->points ||
		       gm_fail(err, GM_ERR_VALUE,
		               "option by: encode is for pictures; this run is for points");
	if (!f->points || class.rank != 2)
		return gm_fail(err, GM_ERR_VALUE,
		               "option by: %s needs a classifier of points (endpoint \"classify\")",
		               p->by);
	p->groups = class.dim[1];
	return true;
}

static bool find_clusters(picture *p, gm_error *err)
{
	if (strcmp(p->by, "k-means"))
		return true;
	p->centre = malloc((size_t)p->groups * 2 * sizeof *p->centre);
	return (p->centre || gm_fail(err, GM_ERR_MEMORY, "no memory for clusters")) &&
	       gm_k_means(p->x, p->n, 2, p->groups, &(gm_k_means_options){.seed = p->seed},
	                  p->centre, NULL, err);
}

static const cli_option options[] = {
	{"count", "5000", "number of examples"},
	{"split", "test", "split of a data set: train, test or val"},
	{"by", "", "of points, the regions: classify (the run's, the default) or k-means"},
	{"seed", "0", "seed of the choice of examples, and of k-means"},
	{"out", "plane.png", "FILE.png or .svg; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

int cli_plane(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "plane", .option = options};
	gm_error err = {0};
	uint64_t count;
	picture p = {0};
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("plane");
		puts("\nThe codes of examples, if they have 2 dimensions, in the colours of their "
		     "classes; for "
		     "a\nclassifier of points its decision regions, with the points. INPUT is a "
		     "data set; "
		     "default:\nthe run's data.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[0])
		return cli_usage("plane needs a run, such as: ganymede plane 0");
	if (!cli_whole(&v, "count", 1, 1 << 24, &count, &err) ||
	    !cli_whole(&v, "seed", 0, UINT64_MAX, &p.seed, &err))
		return cli_usage("%s", err.message);
	const char *out = cli_value(&v, "out");
	p.n = (int64_t)count, p.s = cli_examples_run(&v, NULL, &err);
	bool ok = p.s && choose(&p, cli_given(&v, "by"), &err) &&
	          read_examples(&p, v.operand[1], cli_value(&v, "split"), &err) &&
	          place(&p, &err) && find_clusters(&p, &err);
	ok = ok && ((p.shown = malloc((size_t)(p.groups + 1) * sizeof *p.shown)) ||
	            gm_fail(&err, GM_ERR_MEMORY, "no memory for regions"));
	ok = ok && (!p.groups || choose_colours(&p, &err)) && draw(&p, out, &err);
	if (ok)
		printf("%s: %" PRId64 " of %s, %s\n", out, p.n, p.from, p.groups ? p.by : "codes");
	picture_free(&p);
	gm_saved_free(p.s);
	return ok ? CLI_OK : cli_fail(&err);
}
