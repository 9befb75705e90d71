/* SPDX-License-Identifier: MIT
 *
 * cli/walk.c -- ganymede interpolate, ganymede traverse.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot/figure.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/image.h"
#include "run/classes.h"
#include "run/folder.h"
#include "use/walk.h"

enum { MS = 80, MOST = 1 << 16 }; /* milliseconds per frame; maximum number of images */

/* ---- pictures -------------------------------------------------------------------------------- */

/* A grid of n examples, or all points of them. */
static gm_image *still(const gm_facts *f, const float *x, int64_t n, int64_t columns, gm_error *err)
{
	double extent = 1.1 * fmax(fabs(f->low), fabs(f->high));
	if (f->points)
		return gm_image_scatter(
			&(gm_scatter){.fake = x, .n_fake = n, .extent = (float)extent}, err);
	if (f->rate)
		return gm_image_spectrograms(x, &(gm_spectrograms){n, f->numel, (int)columns}, err);
	return gm_image_grid(x,
	                     &(gm_grid){.n = n,
	                                .channels = (int)f->channels,
	                                .height = (int)f->height,
	                                .width = (int)f->width,
	                                .columns = (int)columns},
	                     err);
}

/* Animations are in colour. Frees im. */
static gm_image *coloured(gm_image *im, gm_error *err)
{
	if (!im || im->channels == 3)
		return im;
	gm_image *rgb = gm_image_new(im->width, im->height, 3, err);
	for (int64_t i = 0; rgb && i < (int64_t)im->width * im->height; i++)
		memset(rgb->pixel + 3 * i, im->pixel[i], 3);
	gm_image_free(im);
	return rgb;
}

/* Frames are the columns, forwards and backwards, each as a grid of all rows. */
static bool animate(const char *path, const gm_facts *f, const float *x, int64_t rows,
                    int64_t columns, gm_error *err)
{
	int64_t frames = columns > 2 ? 2 * columns - 2 : columns, n = f->numel;
	int64_t across = (int64_t)ceil(sqrt((double)rows));
	float *column = malloc(rows * n * sizeof *column);
	gm_image **frame = calloc(frames, sizeof *frame);
	bool ok = (column && frame) || gm_fail(err, GM_ERR_MEMORY, "no memory for an animation");
	for (int64_t k = 0; ok && k < columns; k++) {
		for (int64_t i = 0; i < rows; i++)
			memcpy(column + i * n, x + (i * columns + k) * n, n * sizeof *x);
		gm_image *im = still(f, column, rows, across, err);
		ok = (frame[k] = coloured(im, err)) != NULL;
	}
	for (int64_t k = columns; ok && k < frames; k++)
		frame[k] = frame[frames - k];
	ok = ok && gm_webp_animation(path, frame, (int)frames, MS, err);
	for (int64_t k = 0; frame && k < columns; k++)
		gm_image_free(frame[k]);
	free(frame);
	free(column);
	return ok;
}

/* Writes examples x [rows columns, example] as an image or an animation. */
static bool put_examples(const gm_facts *f, const char *path, int64_t rows, int64_t columns,
                         const float *x, gm_error *err)
{
	if (gm_text_ends(path, ".webp"))
		return animate(path, f, x, rows, columns, err);
	gm_image *im = still(f, x, rows * columns, columns, err);
	bool ok = im && gm_image_write(path, im, err);
	if (ok)
		gm_term_picture(stdout, im, 0);
	gm_image_free(im);
	return ok;
}

/* Writes an image of the walk to path; x [rows columns, example] are its examples. */
static bool put(const gm_walk *w, const gm_facts *f, const char *path, int64_t rows,
                int64_t columns, float *x, gm_error *err)
{
	return gm_walk_draw(w, x, err) && put_examples(f, path, rows, columns, x, err);
}

/* stem.png, or the first stem-N.png that does not exist */
static void free_name(char *path, const char *stem)
{
	snprintf(path, PATH_MAX, "%.200s.png", stem);
	for (int i = 2; gm_file_exists(path); i++)
		snprintf(path, PATH_MAX, "%.200s-%d.png", stem, i);
}

/* ---- what both verbs read -------------------------------------------------------------------- */

typedef struct job {
	cli_values v;
	gm_saved *s;
	const gm_facts *facts;
	uint64_t seed;
	int64_t class;
	char checkpoint[PATH_MAX];
} job;

static bool number(const cli_values *v, const char *name, double *d, gm_error *err)
{
	const char *text = cli_value(v, name);
	char *end;
	*d = strtod(text, &end);
	return (end != text && !*end && isfinite(*d)) ||
	       gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not a number", name, text);
}

/* Opens the run and reads --seed and --class. */
static bool open_job(job *j, gm_error *err)
{
	const cli_values *v = &j->v;
	if (!gm_folder_checkpoint(v->operand[0], cli_value(v, "outdir"), j->checkpoint, NULL,
	                          err) ||
	    !(j->s = gm_saved_open(j->checkpoint, NULL, err)))
		return false;
	j->facts = gm_saved_facts(j->s);
	gm_text_u64(gm_saved_option(j->s, "seed"), &j->seed);
	if (cli_given(v, "class") && !gm_saved_takes_labels(j->s, NULL))
		return gm_fail(err, GM_ERR_VALUE,
		               "option class: %s is not class-conditional; use a class-conditional "
		               "model, such as cgan",
		               gm_saved_model(j->s)->name);
	return (!cli_given(v, "seed") || cli_whole(v, "seed", 0, UINT64_MAX, &j->seed, err)) &&
	       (!cli_given(v, "class") ||
	        gm_class_find(j->facts, cli_given(v, "class"), &j->class, err));
}

static float *room(int64_t n, const gm_facts *f, gm_error *err)
{
	float *x = n <= MOST ? malloc(n * f->numel * sizeof *x) : NULL;
	if (!x)
		gm_fail(err, GM_ERR_VALUE, "%" PRId64 " images are too many for one file", n);
	return x;
}

/* Parses the command line of a command and calls its function. */
static int verb(const char *name, const cli_option *table, const char *about, int argc, char **argv,
                bool (*run)(job *j, gm_error *err))
{
	static const char *const flags[] = {"help", "h", "spherical", "linear", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	job j = {.v = {.verb = name, .option = table}};
	gm_error err = {0};
	int status = cli_read(&a, &j.v, 1);
	if (status)
		return status;
	if (cli_given(&j.v, "help")) {
		cli_help(name);
		printf("\n%s\n", about);
		cli_options_help(table);
		return CLI_OK;
	}
	if (!j.v.operand[0])
		return cli_usage("%s needs a run, such as: ganymede %s runs/00000-dcgan-glyphs",
		                 name, name);
	if (cli_given(&j.v, "o") && !gm_image_format(cli_given(&j.v, "o"), &err))
		return cli_usage("%s", err.message);
	bool ok = open_job(&j, &err) && run(&j, &err);
	gm_saved_free(j.s);
	return ok ? CLI_OK : cli_fail(&err);
}

/* ---- interpolate ----------------------------------------------------------------------------- */

static const cli_option between[] = {
	{"steps", "10", "columns: points of each interpolation, including both ends"},
	{"pairs", "8", "rows: number of interpolations"},
	{"spherical", "",
         "spherical interpolation of all latents; default: of normal latents, linear for others"},
	{"linear", "", "linear interpolation of all latents"},
	{"class", "",
         "class of all samples, by name or number, for a class-conditional model; default: one row "
         "per class"},
	{"caption", "",
         "\"TEXT | TEXT\": between the embeddings of captions, each row with its own latents"},
	{"seed", "", "seed of the samples; default: the run's"},
	{"o", "", "FILE.png or .jpg, or FILE.webp: animated; default: interpolation.png"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

/* x [rows, columns, numel]: along the line through the embeddings of captions, at latents z of the
 * row: Reed et al. 2016, arXiv:1605.05396, section 5.5. */
static bool between_captions(const job *j, const gm_captions *c, int64_t rows, int64_t columns,
                             float *x, gm_error *err)
{
	gm_port port[2];
	const int64_t m = gm_saved_batch(j->s), n = rows * columns;
	if (!gm_saved_must(j->s, "encode/text", err) || !gm_saved_must(j->s, "decode", err))
		return false;
	if (gm_saved_ports(j->s, "decode", port, 2) != 2 || strcmp(port[0].name, "code"))
		return gm_fail(err, GM_ERR_STATE,
		               "%s: the endpoint \"decode\" does not take a code and latents",
		               gm_saved_model(j->s)->name);
	const int64_t wide = gm_saved_shape(j->s, "encode/text").dim[1], nz = port[1].shape.dim[1];
	float *end = malloc((size_t)(c->n * wide) * sizeof *end),
	      *code = malloc((size_t)(n * wide) * sizeof *code),
	      *z = malloc((size_t)(n * nz) * sizeof *z),
	      *drawn = malloc((size_t)(m * nz) * sizeof *z);
	bool ok = (end && code && z && drawn) || gm_fail(err, GM_ERR_MEMORY, "no memory for codes");
	ok = ok &&
	     gm_saved_apply(j->s, "encode/text", (const void *[]){c->text}, c->n, 0, end, err);
	for (int64_t i = 0; ok && i < rows; i++) {
		if (i % m == 0)
			ok = gm_saved_latents(j->s, "decode", j->seed, (uint64_t)(i / m),
			                      (float *[]){NULL, drawn}, err);
		for (int64_t k = 0; ok && k < columns; k++) {
			const double at = (double)k * (double)(c->n - 1) / (double)(columns - 1);
			const int64_t a = (int64_t)at < c->n - 1 ? (int64_t)at : c->n - 2;
			const float t = (float)(at - (double)a);
			for (int64_t q = 0; q < wide; q++)
				code[(i * columns + k) * wide + q] =
					(1 - t) * end[a * wide + q] + t * end[(a + 1) * wide + q];
			memcpy(z + (i * columns + k) * nz, drawn + i % m * nz,
			       (size_t)nz * sizeof *z);
		}
	}
	ok = ok && gm_saved_apply(j->s, "decode", (const void *[]){code, z}, n, 0, x, err);
	free(end), free(code), free(z), free(drawn);
	return ok;
}

static bool interpolate_captions(job *j, const char *text, int64_t rows, int64_t columns,
                                 const char *path, gm_error *err)
{
	gm_captions c = {0};
	float *x = NULL;
	bool ok = cli_captions(&c, j->s, NULL, text, NULL, err) &&
	          (c.n > 1 || gm_fail(err, GM_ERR_VALUE,
	                              "option caption: interpolation needs two captions or more, "
	                              "as in \"a red circle | a blue square\"")) &&
	          (x = room(rows * columns, j->facts, err)) &&
	          between_captions(j, &c, rows, columns, x, err) &&
	          put_examples(j->facts, path, rows, columns, x, err);
	free(x);
	gm_captions_free(&c);
	return ok;
}

static bool interpolate(job *j, gm_error *err)
{
	uint64_t steps, pairs;
	char path[PATH_MAX];
	bool arc = cli_given(&j->v, "spherical"), line = cli_given(&j->v, "linear");
	if (arc && line)
		return gm_fail(err, GM_ERR_VALUE, "interpolation is spherical or linear, not both");
	if (!cli_whole(&j->v, "steps", 2, 1000, &steps, err) ||
	    !cli_whole(&j->v, "pairs", 1, 1000, &pairs, err))
		return false;
	int64_t columns = (int64_t)steps, rows = (int64_t)pairs;
	if (cli_given(&j->v, "o"))
		snprintf(path, sizeof path, "%s", cli_value(&j->v, "o"));
	else
		free_name(path, "interpolation");
	if (cli_given(&j->v, "caption")) {
		if (arc || line || cli_given(&j->v, "class"))
			return gm_fail(err, GM_ERR_VALUE,
			               "option caption: embeddings are interpolated linearly, and "
			               "have no class");
		if (!interpolate_captions(j, cli_given(&j->v, "caption"), rows, columns, path, err))
			return false;
		printf("%s: %" PRId64 " interpolations of %" PRId64 " points, step %" PRId64
		       " of %s, seed %" PRIu64 "\n",
		       path, rows, columns, gm_saved_step(j->s), j->checkpoint, j->seed);
		return true;
	}
	gm_walk *ends = gm_walk_new(j->s, 2 * rows, j->seed, err);
	const bool able = ends && (gm_walk_latents(ends) ||
	                           gm_fail(err, GM_ERR_STATE, "%s has no latents to interpolate",
	                                   gm_saved_model(j->s)->name));
	gm_walk *w = able ? gm_walk_new(j->s, rows * columns, j->seed, err) : NULL;
	float *x = w ? room(rows * columns, j->facts, err) : NULL;
	for (int64_t i = 0; x && i < rows; i++) {
		bool own = gm_walk_labelled(ends) && !cli_given(&j->v, "class");
		gm_walk_label(ends, 2 * i,
		              (int32_t)(own ? i % j->facts->classes : (int64_t)j->class));
		for (int64_t k = 0; k < columns; k++)
			gm_walk_between(w, i * columns + k, ends, 2 * i, 2 * i + 1,
			                (double)k / (double)(columns - 1),
			                arc    ? GM_WAY_SPHERICAL
			                : line ? GM_WAY_LINEAR
			                       : GM_WAY_USUAL);
	}
	bool ok = x && put(w, j->facts, path, rows, columns, x, err);
	if (ok)
		printf("%s: %" PRId64 " interpolations of %" PRId64 " points, step %" PRId64
		       " of %s, seed %" PRIu64 "\n",
		       path, rows, columns, gm_saved_step(j->s), j->checkpoint, j->seed);
	free(x);
	gm_walk_free(w);
	gm_walk_free(ends);
	return ok;
}

int cli_interpolate(int argc, char **argv)
{
	return verb("interpolate", between,
	            "Each row is an interpolation between the latents of two samples.", argc, argv,
	            interpolate);
}

/* ---- traverse -------------------------------------------------------------------------------- */

static const cli_option along[] = {
	{"code", "",
         "NAME of a latent, or NAME:COMPONENT; default: every code, else the first latent"},
	{"from", "-2", "value in the first column"},
	{"to", "2", "value in the last column"},
	{"steps", "10", "columns"},
	{"rows", "10", "rows, if no categorical code determines their number"},
	{"class", "", "class of all samples, by name or number, for a class-conditional model"},
	{"seed", "", "seed of the samples; default: the run's"},
	{"o", "", "FILE.png or .jpg, or FILE.webp: animated; default: traverse-NAME.png"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct sweep {
	int latent;
	int64_t number; /* or -1: all, one row each */
	int64_t rows, columns;
	double from, to;
} sweep;

/* The first categorical latent, or -1 */
static int one_of(const gm_walk *w)
{
	for (int i = 0; i < gm_walk_latents(w); i++) {
		gm_latent_kind kind;
		gm_walk_name(w, i, NULL, &kind);
		if (kind == GM_LATENT_ONE_HOT)
			return i;
	}
	return -1;
}

/* A code is a named latent that is categorical or a scalar. */
static bool is_code(const gm_walk *w, int latent)
{
	int64_t numbers;
	gm_latent_kind kind;
	gm_walk_name(w, latent, &numbers, &kind);
	return kind == GM_LATENT_ONE_HOT || numbers == 1;
}

static double value_at(const sweep *t, int64_t column)
{
	return t->columns > 1
	               ? t->from + (t->to - t->from) * (double)column / (double)(t->columns - 1)
	               : t->from;
}

/* Fills rows and columns with values of one latent; base has the other latents.
 *   one of K:         a row for each value, a column for each sample
 *   a single number:  a row for each value of the one-of-K code or class, else for each sample;
 *                     its value by column
 *   many numbers:     a row for each of them, or for each sample where one is named; its value by
 *                     column */
static void lay_out(gm_walk *w, const gm_walk *base, const sweep *t, int64_t classes)
{
	int64_t numbers;
	gm_latent_kind kind;
	gm_walk_name(w, t->latent, &numbers, &kind);
	int category = one_of(w);
	bool split = t->number < 0 && numbers > 1, rows_are_samples = t->number >= 0;
	for (int64_t i = 0; i < t->rows; i++)
		for (int64_t k = 0; k < t->columns; k++) {
			int64_t at = i * t->columns + k;
			if (kind == GM_LATENT_ONE_HOT) {
				gm_walk_copy(w, at, base, k);
				gm_walk_set(w, at, t->latent, i, 1);
				continue;
			}
			bool labelled = !split && !rows_are_samples && (category >= 0 || classes);
			gm_walk_copy(w, at, base, split || labelled ? 0 : i);
			if (labelled && category >= 0)
				gm_walk_set(w, at, category, i, 1);
			else if (labelled)
				gm_walk_label(w, at, (int32_t)(i % classes));
			gm_walk_set(w, at, t->latent,
			            split           ? i
			            : t->number < 0 ? 0
			                            : t->number,
			            value_at(t, k));
		}
}

/* Mean |difference| between vertical (categorical) or horizontal (others) neighbours, in 8-bit
 * steps. */
static double change(const sweep *t, const float *x, int64_t numel, bool down)
{
	double sum = 0;
	int64_t pairs = 0;
	for (int64_t i = 0; i + down < t->rows; i++)
		for (int64_t k = 0; k + !down < t->columns; k++, pairs++) {
			const float *a = x + (i * t->columns + k) * numel;
			const float *b = a + (down ? t->columns : 1) * numel;
			for (int64_t d = 0; d < numel; d++)
				sum += fabs((double)a[d] - b[d]) / (double)numel;
		}
	return pairs ? sum / (double)pairs : 0;
}

static bool traverse_one(job *j, const gm_walk *base, sweep t, bool alone, gm_error *err)
{
	char path[PATH_MAX], stem[80];
	int64_t numbers, classes = gm_walk_labelled(base) && !cli_given(&j->v, "class")
	                                   ? j->facts->classes
	                                   : 0;
	gm_latent_kind kind;
	const char *name = gm_walk_name(base, t.latent, &numbers, &kind),
		   *o = cli_given(&j->v, "o");
	bool one_hot = kind == GM_LATENT_ONE_HOT;
	int category = one_of(base);
	if (one_hot)
		t.rows = numbers;
	else if (t.number < 0 && numbers > 1)
		t.rows = t.rows < numbers ? t.rows : numbers;
	else if (t.number < 0 && category >= 0)
		gm_walk_name(base, category, &t.rows, NULL);
	else if (t.number < 0 && classes)
		t.rows = classes;
	if (t.rows > MOST / t.columns)
		return gm_fail(err, GM_ERR_VALUE, "%s has %" PRId64 " values: too many to show",
		               name, t.rows);
	snprintf(stem, sizeof stem, "traverse-%.40s", name);
	if (!o)
		free_name(path, stem);
	else if (alone)
		snprintf(path, sizeof path, "%s", o);
	else { /* FILE-NAME.png */
		const char *dot = strrchr(o, '.');
		int n = dot && !strchr(dot, '/') ? (int)(dot - o) : (int)strlen(o);
		snprintf(path, sizeof path, "%.*s-%s%s", n > 3000 ? 3000 : n, o, name,
		         o[n] ? o + n : ".png");
	}
	gm_walk *w = gm_walk_new(j->s, t.rows * t.columns, j->seed, err);
	float *x = w ? room(t.rows * t.columns, j->facts, err) : NULL;
	if (x)
		lay_out(w, base, &t, classes);
	bool ok = x && put(w, j->facts, path, t.rows, t.columns, x, err);
	if (ok && one_hot)
		printf("%s: %s, %" PRId64
		       " values down, samples across; next values differ by %.3g "
		       "a number\n",
		       path, name, t.rows, change(&t, x, j->facts->numel, true));
	else if (ok)
		printf("%s: %s from %g to %g across; next values differ by %.3g a number\n", path,
		       name, t.from, t.to, change(&t, x, j->facts->numel, false));
	free(x);
	gm_walk_free(w);
	return ok;
}

/* NAME or NAME:NUMBER */
static bool find_code(const gm_walk *w, const char *text, sweep *t, const gm_saved *s,
                      gm_error *err)
{
	char name[64], all[300] = "";
	const char *colon = strchr(text, ':');
	int64_t numbers;
	size_t used = 0;
	snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
	t->latent = gm_walk_find(w, name);
	for (int i = 0; i < gm_walk_latents(w) && used < sizeof all; i++)
		used += snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "",
		                 gm_walk_name(w, i, NULL, NULL));
	if (t->latent < 0)
		return gm_fail(err, GM_ERR_VALUE,
		               "option code: %s has the latents %s, not \"%.40s\"",
		               gm_saved_model(s)->name, all, name);
	gm_walk_name(w, t->latent, &numbers, NULL);
	return !colon ||
	       (gm_text_i64(colon + 1, &t->number) && t->number >= 0 && t->number < numbers) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "option code: %s has the components 0 to %" PRId64 ", not %.40s", name,
	               numbers - 1, colon + 1);
}

static bool traverse(job *j, gm_error *err)
{
	uint64_t steps, rows;
	sweep t = {.number = -1};
	if (!cli_whole(&j->v, "steps", 1, 1000, &steps, err) ||
	    !cli_whole(&j->v, "rows", 1, 1000, &rows, err) ||
	    !number(&j->v, "from", &t.from, err) || !number(&j->v, "to", &t.to, err))
		return false;
	t.columns = (int64_t)steps, t.rows = (int64_t)rows;
	int64_t samples = t.rows > t.columns ? t.rows : t.columns;
	gm_walk *base = gm_walk_new(j->s, samples, j->seed, err);
	bool ok = base != NULL;
	if (ok && !gm_walk_latents(base))
		ok = gm_fail(err, GM_ERR_STATE, "%s has no latents to vary",
		             gm_saved_model(j->s)->name);
	for (int64_t i = 0; ok && i < samples; i++)
		gm_walk_label(base, i, (int32_t)j->class);
	if (ok && cli_given(&j->v, "code"))
		ok = find_code(base, cli_value(&j->v, "code"), &t, j->s, err) &&
		     traverse_one(j, base, t, true, err);
	else if (ok) {
		int codes = 0;
		for (int i = 0; i < gm_walk_latents(base); i++)
			codes += is_code(base, i);
		for (int i = 0; ok && i < gm_walk_latents(base); i++)
			if (codes ? is_code(base, i) : i == 0) {
				t.latent = i;
				ok = traverse_one(j, base, t, codes < 2, err);
			}
	}
	gm_walk_free(base);
	return ok;
}

int cli_traverse(int argc, char **argv)
{
	return verb("traverse", along,
	            "Shows the effect of single components of latents. A categorical code has a "
	            "row for\neach value; a continuous code varies from --from to --to over the "
	            "columns, with a\nrow for each value of the categorical code or each class. "
	            "For other latents each row\nvaries one component (--code z:3: only component "
	            "3, with a row for each sample).",
	            argc, argv, traverse);
}
