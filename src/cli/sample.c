/* SPDX-License-Identifier: MIT
 *
 * cli/sample.c -- ganymede sample.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/examples.h"
#include "cli/samples_file.h"
#include "data/resize.h"
#include "data/sound.h"
#include "ganymede/image.h"
#include "run/classes.h"
#include "run/folder.h"
#include "use/latents.h"
#include "use/near.h"
#include "use/saved_run.h"

enum { POINTS = 4096 };

enum { ALL = -1 }; /* classes */

typedef struct job {
	gm_saved *s;
	const char *checkpoint, *out;
	uint64_t seed, count;
	int columns, rows;
	int64_t class; /* or ALL */
	double truncation;
	int64_t standing;
	bool manifold, force, over_time;
	const char *endpoint; /* or NULL: the model's first sampling endpoint */
	gm_facts gives;       /* facts of its samples */
	gm_captions captions;
	gm_latents_options latents; /* with codes, directions or psi */
	uint64_t directions, nearest;
	gm_near_options near;
} job;

static bool choose_class(job *j, const char *text, gm_error *err)
{
	j->class = ALL;
	if (!text)
		return true;
	if (!gm_saved_takes_labels(j->s, j->endpoint))
		return gm_fail(err, GM_ERR_VALUE,
		               "option class: %s is not class-conditional; use a class-conditional "
		               "model, such as cgan",
		               gm_saved_model(j->s)->name);
	/* A class may be called all. */
	gm_error why = {0};
	if (gm_class_find(gm_saved_facts(j->s), text, &j->class, &why))
		return true;
	j->class = ALL;
	return !strcmp(text, "all") || gm_fail(err, why.code, "%s (or all)", why.message);
}

/* The class of sample i; in a grid, each class has a row. */
static int32_t class_of(const job *j, int64_t i, int columns)
{
	int64_t classes = gm_saved_facts(j->s)->classes;
	return (int32_t)(j->class != ALL ? j->class : classes ? i / columns % classes : 0);
}

/* Quantile of N(0,1). */
static double quantile(double share)
{
	double lo = -10, hi = 10;
	for (int i = 0; i < 60; i++) {
		double z = (lo + hi) / 2;
		if (erfc(-z / sqrt(2)) / 2 < share)
			lo = z;
		else
			hi = z;
	}
	return (lo + hi) / 2;
}

/* x [columns rows, numel]: samples on a grid over two latents, evenly spaced in probability: Kingma
 * & Welling 2014, figure 4. */
static bool manifold(gm_saved *s, int columns, int rows, float *x, gm_error *err)
{
	gm_port port[2];
	int64_t m = gm_saved_batch(s), n = (int64_t)columns * rows,
		numel = gm_saved_facts(s)->numel;
	if (!gm_saved_must(s, GM_ENDPOINT_GENERATE, err))
		return false;
	int ports = gm_saved_ports(s, GM_ENDPOINT_GENERATE, port, 2);
	bool plane = ports == 1 && port[0].kind == GM_PORT_LATENT &&
	             port[0].latent == GM_LATENT_NORMAL && port[0].shape.rank == 2 &&
	             port[0].shape.dim[1] == 2;
	if (!plane)
		return gm_fail(err, GM_ERR_VALUE,
		               "option manifold: this needs a model with two normal latents, such "
		               "as vae --nz 2");
	float *z = calloc(m, 2 * sizeof *z), *y = malloc(m * numel * sizeof *y);
	bool ok = (z && y) || gm_fail(err, GM_ERR_MEMORY, "no memory for samples");
	for (int64_t done = 0; ok && done < n; done += m) {
		int64_t take = n - done < m ? n - done : m;
		for (int64_t i = 0; i < take; i++) {
			z[2 * i] = (float)quantile(((done + i) % columns + .5) / columns);
			z[2 * i + 1] = (float)quantile(((done + i) / columns + .5) / rows);
		}
		ok = gm_saved_run(s, GM_ENDPOINT_GENERATE, (const void *[]){z}, 0, 0, y, err);
		if (ok)
			memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	free(z);
	free(y);
	return ok;
}

/* x [rows, columns, numel]: each row a sample, from the beginning of the endpoint's turns to their
 * end. */
static bool over_time(const job *j, float *x, gm_error *err)
{
	enum { PORTS = 32 };
	const char *endpoint = j->endpoint ? j->endpoint : GM_ENDPOINT_GENERATE;
	const int64_t m = gm_saved_batch(j->s), numel = j->gives.numel, frames = j->columns;
	gm_port port[PORTS];
	const void *in[PORTS] = {0};
	const int ports = gm_saved_ports(j->s, endpoint, port, PORTS);
	float *y = malloc(frames * m * numel * sizeof *y);
	int32_t *label = malloc(m * sizeof *label);
	bool ok = !j->gives.points ||
	          gm_fail(err, GM_ERR_VALUE, "option over-time is for images, not points");
	ok = ok && ((y && label) || gm_fail(err, GM_ERR_MEMORY, "no memory for samples"));
	for (int i = 0; i < ports && i < PORTS; i++)
		in[i] = port[i].kind == GM_PORT_LABEL ? label : NULL;
	for (int64_t at = 0; ok && at < j->rows; at += m) {
		for (int64_t i = 0; i < m; i++)
			label[i] = class_of(j, at + i, 1);
		ok = gm_saved_frames(j->s, endpoint, in, j->seed, (uint64_t)(at / m), frames, y,
		                     err);
		for (int64_t i = 0; ok && i < m && at + i < j->rows; i++)
			for (int64_t k = 0; k < frames; k++)
				memcpy(x + ((at + i) * frames + k) * numel, y + (k * m + i) * numel,
				       numel * sizeof *x);
	}
	free(y);
	free(label);
	return ok;
}

/* x [rows, columns, numel]: each row has a caption, each column a sample of the latents. */
static bool by_captions(const job *j, float *x, gm_error *err)
{
	const gm_captions *c = &j->captions;
	int32_t *text = malloc((size_t)(j->columns * c->length) * sizeof *text);
	bool ok = text || gm_fail(err, GM_ERR_MEMORY, "no memory for captions");
	for (int64_t i = 0; ok && i < c->n; i++) {
		for (int k = 0; k < j->columns; k++)
			memcpy(text + k * c->length, c->text + i * c->length,
			       (size_t)c->length * sizeof *text);
		const gm_samples d = {.seed = j->seed,
		                      .n = j->columns,
		                      .caption = text,
		                      .truncation = j->truncation,
		                      .endpoint = j->endpoint};
		ok = gm_saved_draw(j->s, &d, x + i * j->columns * j->gives.numel, err);
	}
	free(text);
	return ok;
}

/* x [n, numel], with codes, directions or psi */
static bool by_latents(const job *j, int64_t n, float *x, gm_error *err)
{
	gm_latents_options o = j->latents;
	o.seed = j->seed, o.count = n, o.class = j->class, o.columns = j->columns;
	if (o.mix) /* its terms have their own */
		o.seed = 0, o.class = -1;
	gm_directions *d = NULL;
	if (gm_latents_directions(&o) &&
	    !(d = gm_directions_new(j->s, GM_DIRECTIONS_SAMPLES, (int64_t)j->directions, err)))
		return false;
	const bool ok = gm_latents_draw(j->s, d, &o, x, err);
	gm_directions_free(d);
	return ok;
}

/* The n samples of a grid; the caller frees them. */
static float *samples_of_grid(const job *j, int64_t n, gm_error *err)
{
	float *x = malloc(n * j->gives.numel * sizeof *x);
	int32_t *label = malloc(n * sizeof *label);
	bool ok = (x && label) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld samples", (long long)n);
	for (int64_t i = 0; ok && i < n; i++)
		label[i] = class_of(j, i, j->columns);
	gm_samples d = {.seed = j->seed,
	                .n = n,
	                .label = label,
	                .truncation = j->truncation,
	                .endpoint = j->endpoint};
	ok = ok && (gm_latents_change(&j->latents) ? by_latents(j, n, x, err)
	            : j->over_time                 ? over_time(j, x, err)
	            : j->captions.n                ? by_captions(j, x, err)
	            : j->manifold                  ? manifold(j->s, j->columns, j->rows, x, err)
	                                           : gm_saved_draw(j->s, &d, x, err));
	free(label);
	if (!ok)
		free(x);
	return ok ? x : NULL;
}

/* n samples x, each with its nearest training examples: [n, each, numel] instead; frees x. */
static float *beside_nearest(const job *j, float *x, int64_t n, int64_t *each, gm_error *err)
{
	const size_t numel = (size_t)j->gives.numel;
	gm_near near = {0};
	gm_resize_bytes(x, n * (int64_t)numel); /* as examples are, and samples in files */
	const bool ok = gm_near_find(j->s, &j->near, x, n, &near, err);
	*each = near.k + 1;
	float *all = ok ? malloc((size_t)(n * *each) * numel * sizeof *all) : NULL;
	if (ok && !all)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; all && i < n; i++) {
		float *row = all + (size_t)(i * *each) * numel;
		memcpy(row, x + (size_t)i * numel, numel * sizeof *x);
		memcpy(row + numel, near.x + (size_t)(i * near.k) * numel,
		       (size_t)near.k * numel * sizeof *x);
		printf("sample %" PRId64 ":", i);
		for (int64_t k = 0; k < near.k; k++)
			printf(" %" PRId64 " (%.4f)", near.index[i * near.k + k],
			       near.distance[i * near.k + k]);
		puts(i ? "" : near.by[0] == 'p' ? ", by pixels" : ", by features");
	}
	gm_near_free(&near);
	free(x);
	return all;
}

static gm_image *grid(const job *j, gm_error *err)
{
	const gm_facts *f = &j->gives;
	int64_t n =
		f->points && !j->manifold && !j->over_time ? POINTS : (int64_t)j->columns * j->rows;
	int64_t each = 1;
	float *x = samples_of_grid(j, n, err);
	if (x && j->nearest)
		x = beside_nearest(j, x, n, &each, err);
	const bool ok = x != NULL;
	gm_image *im = NULL;
	if (ok && f->rate)
		im = gm_image_spectrograms(x, &(gm_spectrograms){n, f->numel, j->columns}, err);
	else if (ok && f->points)
		im = gm_image_scatter(
			&(gm_scatter){.fake = x,
		                      .n_fake = n,
		                      .extent = 1.1 * fmax(fabs(f->low), fabs(f->high))},
			err);
	else if (ok)
		im = gm_image_grid(x,
		                   &(gm_grid){.n = n * each,
		                              .channels = f->channels,
		                              .height = f->height,
		                              .width = f->width,
		                              .columns = (int)(j->columns * each)},
		                   err);
	free(x);
	return im;
}

/* The sounds of the grid in one file, one after the other. */
static int write_sound(const job *j)
{
	gm_error err = {0};
	const int64_t n = (int64_t)j->columns * j->rows, samples = n * j->gives.numel;
	uint8_t *bytes = NULL;
	size_t size;
	float *x = samples_of_grid(j, n, &err);
	bool ok = x &&
	          gm_sound_encode(j->out, x, samples, (int)j->gives.rate, &bytes, &size, &err) &&
	          gm_file_write(j->out, bytes, size, &err);
	if (ok)
		printf("%s: %" PRId64 " sounds, %.2f s at %" PRId64 " Hz, step %" PRId64
		       " of %s, seed %" PRIu64 "\n",
		       j->out, n, (double)samples / (double)j->gives.rate, j->gives.rate,
		       gm_saved_step(j->s), j->checkpoint, j->seed);
	free(x);
	free(bytes);
	return ok ? CLI_OK : cli_fail(&err);
}

static int draw_grid(const job *j)
{
	gm_error err = {0};
	gm_image *im = grid(j, &err);
	bool ok = im && gm_image_write(j->out, im, &err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: step %" PRId64 " of %s, seed %" PRIu64 "\n", j->out,
		       gm_saved_step(j->s), j->checkpoint, j->seed);
	}
	gm_image_free(im);
	return ok ? CLI_OK : cli_fail(&err);
}

/* Writes samples 0 .. count-1 to a folder, an archive or an array, batch by batch. */
static int draw_many(const job *j)
{
	gm_error err = {0};
	const gm_facts *f = &j->gives;
	int64_t m = gm_saved_batch(j->s), n = (int64_t)j->count;
	bool labels = gm_saved_takes_labels(j->s, j->endpoint);
	float *x = malloc(m * f->numel * sizeof *x);
	int32_t *label = malloc(m * sizeof *label);
	const gm_captions *c = &j->captions;
	int32_t *text = c->n ? malloc((size_t)(m * c->length) * sizeof *text) : NULL;
	cli_samples *to = NULL;
	bool ok = (x && label && (text || !c->n)) ||
	          gm_fail(&err, GM_ERR_MEMORY, "no memory for samples");
	ok = ok &&
	     (to = cli_samples_open(&(cli_samples_options){j->out, f, n, labels, j->force}, &err));
	for (int64_t at = 0; ok && at < n; at += m) {
		int64_t take = n - at < m ? n - at : m;
		for (int64_t i = 0; i < take; i++)
			label[i] = class_of(j, at + i, 1);
		for (int64_t i = 0; text && i < take; i++)
			memcpy(text + i * c->length, c->text + (at + i) % c->n * c->length,
			       (size_t)c->length * sizeof *text);
		gm_samples d = {.seed = j->seed,
		                .first = at,
		                .n = take,
		                .label = label,
		                .caption = text,
		                .truncation = j->truncation,
		                .endpoint = j->endpoint};
		ok = gm_progress_tell("sampling", (uint64_t)at, (uint64_t)n, gm_facts_word(f),
		                      &err) &&
		     gm_saved_draw(j->s, &d, x, &err) && cli_samples_put(to, x, label, take, &err);
	}
	gm_progress_end();
	ok = cli_samples_close(to, ok, &err) && ok;
	free(x);
	free(label);
	free(text);
	if (ok)
		printf("%s: %" PRId64 " samples%s, step %" PRId64 " of %s, seed %" PRIu64 "\n",
		       j->out, n, labels ? " with their classes" : "", gm_saved_step(j->s),
		       j->checkpoint, j->seed);
	return ok ? CLI_OK : cli_fail(&err);
}

/* samples.png, or the first samples-N.png that does not exist */
static void free_name(char *path)
{
	snprintf(path, PATH_MAX, "samples.png");
	for (int i = 2; gm_file_exists(path); i++)
		snprintf(path, PATH_MAX, "samples-%d.png", i);
}

static const cli_option options[] = {
	{"grid", "8x8", "columns x rows of one image"},
	{"count", "", "number of separate samples, with -o FOLDER, FILE.zip, FILE.npz or FILE.npy"},
	{"class", "all",
         "for a class-conditional model: sample only this class, by name or number"},
	{"caption", "",
         "for a model that reads captions: \"TEXT\" or \"TEXT | TEXT\"; a row for each"},
	{"captions", "", "a file with a caption in each line"},
	{"seed", "", "seed of the latents; default: that of the run's fakes-*.png"},
	{"endpoint", "",
         "sampling endpoint, if there are several, such as generate/16; default: generate"},
	CLI_TRUNCATION,
	{"codes", "",
         "values of single codes: NAME=VALUE or NAME:NUMBER=VALUE, separated by commas, such as "
         "c1=3,c2=-.4"},
	{"along", "",
         "adds principal directions of the latents: NUMBER:AMOUNT, separated by commas, such as "
         "0:1.5,2:-1"},
	{"directions", "16", "principal directions that along may name, 4 to 64"},
	{"psi", "1", "factor of all latents with a density"},
	{"mix", "",
         "a sum of samples: \"WEIGHT seed=N [psi=X] [class=N] [codes=..] [along=..]; ..\", such as "
         "\"1 seed=5; -1 seed=7; 1 seed=9\""},
	{"to", "", "with mix: the images lie between that sum and this one"},
	{"nearest", "",
         "each sample with this many training examples, those nearest to it; their numbers and "
         "root "
         "mean squared differences are printed"},
	{"by", "pixels",
         "what nearest compares: pixels, or features: the run's own, or where it has none those of "
         "its option extractor"},
	{"extractor", "", "the extractor of --by features, as of eval"},
	{"weights", "", "file with the extractor's weights"},
	{"manifold", "",
         "for a model with two latents: a grid over their plane, evenly spaced in probability"},
	{"turns", "", "iterations of an iterative endpoint; default: the model's"},
	{"over-time", "",
         "for an iterative endpoint: each row of the grid shows a sample over the iterations"},
	{"temperature", "",
         "for a model that samples value by value, such as wavenet: divides its logits; default: "
         "the "
         "run's"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "samples.png",
         "FILE.png, .jpg or .webp; of sounds also FILE.wav or .flac, one after the other; with "
         "--count a folder, .zip, .npz or .npy; also -o"},
	{"force", "", "with --count: overwrite existing files"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

/* Checks the options before the run is opened. */
static int read_options(const cli_values *v, job *j, gm_error *err)
{
	static const char *const unlike[][2] = {
		{"caption", "captions"},   {"caption", "manifold"},
		{"captions", "manifold"},  {"caption", "over-time"},
		{"captions", "over-time"}, {"count", "grid"},
		{"count", "manifold"},     {"manifold", "class"},
		{"manifold", "seed"},      {"manifold", "truncation"},
		{"manifold", "endpoint"},  {"mix", "seed"},
		{"mix", "class"},          {"mix", "psi"},
		{"mix", "codes"},          {"mix", "along"}};
	static const char *const alone[] = {"count",   "truncation", "manifold", "captions",
	                                    "caption", "over-time",  "endpoint"};
	static const char *const latents[] = {"codes", "along", "psi", "mix"};
	for (size_t i = 0; i < 4 * sizeof alone / sizeof *alone; i++)
		if (cli_given(v, latents[i % 4]) && cli_given(v, alone[i / 4]))
			return cli_usage("sample takes --%s or --%s, not both", latents[i % 4],
			                 alone[i / 4]);
	j->latents = (gm_latents_options){.codes = cli_given(v, "codes"),
	                                  .along = cli_given(v, "along"),
	                                  .psi = 1,
	                                  .mix = cli_given(v, "mix"),
	                                  .to = cli_given(v, "to")};
	static const char *const texts[][2] = {{"mix", "a sum such as \"1 seed=5; -1 seed=7\""},
	                                       {"to", "a sum such as \"1 seed=5; -1 seed=7\""},
	                                       {"along", "directions such as 0:1.5"},
	                                       {"codes", "values such as c1=3"}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (cli_given(v, texts[i][0]) && !*cli_given(v, texts[i][0]))
			return cli_usage("option %s: \"\" is empty: give %s, or leave it out",
			                 texts[i][0], texts[i][1]);
	if (j->latents.to && !j->latents.mix)
		return cli_usage("option to is the end of a way that begins with --mix");
	if (!gm_text_f64(cli_value(v, "psi"), &j->latents.psi) || !(fabs(j->latents.psi) <= 10))
		return cli_usage("option psi: \"%.60s\" is not a number of at most 10",
		                 cli_value(v, "psi"));
	for (size_t i = 0; i < sizeof unlike / sizeof *unlike; i++)
		if (cli_given(v, unlike[i][0]) && cli_given(v, unlike[i][1]))
			return cli_usage("sample takes --%s or --%s, not both", unlike[i][0],
			                 unlike[i][1]);
	static const char *const by[] = {"pixels", "features"};
	j->near = (gm_near_options){.features = !strcmp(cli_value(v, "by"), by[1]),
	                            .extractor = cli_given(v, "extractor"),
	                            .weights = cli_given(v, "weights")};
	if (!j->near.features && strcmp(cli_value(v, "by"), by[0]))
		return cli_usage("option by: \"%.60s\" is not pixels or features",
		                 cli_value(v, "by"));
	if (!cli_whole(v, "directions", GM_DIRECTIONS_LEAST, GM_DIRECTIONS_MOST, &j->directions,
	               err) ||
	    (cli_given(v, "nearest") &&
	     !cli_whole(v, "nearest", 1, GM_NEAR_MOST, &j->nearest, err)))
		return cli_usage("%s", err->message);
	j->near.k = (int64_t)j->nearest;
	int status;
	if ((!j->nearest &&
	     (status = cli_useless(v, "by|extractor|weights", "without --nearest"))) ||
	    (j->nearest &&
	     (status = cli_useless(v, "count|manifold|over-time|endpoint", "with --nearest"))) ||
	    (!j->near.features &&
	     (status = cli_useless(v, "extractor|weights", "without --by features"))) ||
	    (!gm_latents_directions(&j->latents) &&
	     (status = cli_useless(v, "directions", "without directions: --along"))))
		return status;
	if (!cli_truncation(v, &j->truncation, &j->standing, err))
		return cli_usage("%s", err->message);
	if (!gm_parse_grid(cli_value(v, "grid"), &j->columns, &j->rows, err) ||
	    (cli_given(v, "count") && !cli_whole(v, "count", 1, 1 << 30, &j->count, err)) ||
	    (cli_given(v, "seed") && !cli_whole(v, "seed", 0, UINT64_MAX, &j->seed, err)))
		return cli_usage("%s", err->message);
	if (j->count && (!cli_given(v, "out") || !cli_samples_is(j->out)))
		return cli_usage("sample --count needs -o FOLDER, FILE.zip, FILE.npz or FILE.npy");
	if (!j->count && cli_given(v, "out") && cli_samples_is(j->out))
		return cli_usage("%.300s is for separate samples: give their number, --count N; or "
		                 "-o FILE.png for a grid",
		                 j->out);
	if (!j->count && !gm_sound_format(j->out) && !gm_image_format(j->out, err))
		return cli_usage("%s (sounds as .wav or .flac)", err->message);
	if (j->force && !j->count)
		return cli_usage("option force needs --count");
	return CLI_OK;
}

int cli_sample(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h",     "manifold", "over-time",
	                                    "raw",  "force", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "sample", .option = options};
	char checkpoint[PATH_MAX], path[PATH_MAX];
	gm_error err = {0};
	int status = cli_read(&a, &v, 1);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("sample");
		puts("\nRUN is a run's folder, a checkpoint file, or the number of a run in "
		     "--outdir. A class-conditional model\n"
		     "samples one row for each class. Sample i of a seed is the same image in any "
		     "grid and any count.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[0])
		return cli_usage(
			"sample needs a run, such as: ganymede sample runs/00000-dcgan-glyphs");
	free_name(path);
	job j = {.checkpoint = checkpoint,
	         .out = cli_given(&v, "out") ? cli_given(&v, "out") : path,
	         .manifold = cli_given(&v, "manifold"),
	         .force = cli_given(&v, "force"),
	         .over_time = cli_given(&v, "over-time"),
	         .endpoint = cli_given(&v, "endpoint")};
	status = read_options(&v, &j, &err);
	if (status)
		return status;
	gm_saved_options o = {.batch = j.count       ? 0
	                               : j.over_time ? j.rows
	                                             : (int64_t)j.columns * j.rows,
	                      .raw = cli_given(&v, "raw"),
	                      .temperature = cli_given(&v, "temperature")};
	if (!gm_folder_checkpoint(v.operand[0], cli_value(&v, "outdir"), checkpoint, NULL, &err) ||
	    !(j.s = gm_saved_open(checkpoint, &o, &err)))
		return cli_fail(&err);
	if (!gm_saved_draws(j.s, j.endpoint, &j.gives, &err) ||
	    !cli_turns(j.s, j.endpoint ? j.endpoint : GM_ENDPOINT_GENERATE, &v, &err) ||
	    !choose_class(&j, cli_given(&v, "class"), &err) ||
	    ((cli_given(&v, "caption") || cli_given(&v, "captions")) &&
	     !cli_captions(&j.captions, j.s, j.endpoint, cli_given(&v, "caption"),
	                   cli_given(&v, "captions"), &err)) ||
	    !cli_stand(j.s,
	               &(gm_samples){
			       .seed = j.seed, .truncation = j.truncation, .endpoint = j.endpoint},
	               &j.standing, &err)) {
		status = cli_fail(&err);
	} else if (j.nearest && (j.gives.points || j.gives.rate)) {
		status = cli_usage("option nearest is for images, but %s samples %s",
		                   gm_saved_model(j.s)->name, gm_facts_word(&j.gives));
	} else if (gm_sound_format(j.out) && !j.gives.rate) {
		status = cli_usage("%.300s is a sound, but %s samples %s", j.out,
		                   gm_saved_model(j.s)->name, gm_facts_word(&j.gives));
	} else if (j.captions.n && cli_given(&v, "grid") && j.captions.n != j.rows) {
		status = cli_usage("option grid: the rows are the captions, of which there are "
		                   "%" PRId64 ", not %d",
		                   j.captions.n, j.rows);
	} else {
		j.rows = j.captions.n ? (int)j.captions.n : j.rows;
		if (gm_sound_format(j.out) && !cli_given(&v, "grid"))
			j.columns = 1; /* a sound of each class, or eight */
		if (!j.over_time && !cli_given(&v, "grid") &&
		    gm_saved_takes_labels(j.s, j.endpoint) && j.class == ALL)
			j.rows = gm_saved_rows(j.s, j.rows);
		if (!cli_given(&v, "seed"))
			gm_text_u64(gm_saved_option(j.s, "seed"), &j.seed);
		status = j.count                  ? draw_many(&j)
		         : gm_sound_format(j.out) ? write_sound(&j)
		                                  : draw_grid(&j);
	}
	gm_captions_free(&j.captions);
	gm_saved_free(j.s);
	return status;
}
