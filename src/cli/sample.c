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
#include "base/text.h"
#include "ganymede/image.h"
#include "run/folder.h"
#include "use/saved.h"

enum { POINTS = 4096 };

/* kind: the class that all samples are of, or below 0: a row for each. */
static bool choose_labels(gm_saved *s, int64_t kind, int64_t n, int columns, int32_t *label,
                          gm_error *err)
{
	int64_t classes = gm_saved_facts(s)->classes;
	if (kind >= 0 && !gm_saved_takes_labels(s))
		return gm_fail(err, GM_ERR_VALUE,
		               "option class: %s is not told what to draw: this needs a "
		               "class-conditional model, such as cgan",
		               gm_saved_model(s)->name);
	if (kind >= classes && kind >= 0)
		return gm_fail(err, GM_ERR_VALUE,
		               "option class: this run knows 0 to %lld, not %lld",
		               (long long)classes - 1, (long long)kind);
	for (int64_t i = 0; i < n; i++)
		label[i] = (int32_t)(kind >= 0 ? kind : classes ? i / columns % classes : 0);
	return true;
}

/* The z below which a share of N(0,1) lies. */
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

/* x [columns rows, numel] of the plane of two latent numbers, evenly in probability: Kingma &
 * Welling 2014, figure 4. */
static bool manifold(gm_saved *s, int columns, int rows, float *x, gm_error *err)
{
	gm_port port[2];
	int64_t m = gm_saved_batch(s), n = (int64_t)columns * rows,
		numel = gm_saved_facts(s)->numel;
	if (!gm_saved_must(s, "generate", err))
		return false;
	int ports = gm_saved_ports(s, "generate", port, 2);
	bool plane = ports == 1 && port[0].kind == GM_PORT_LATENT &&
	             port[0].latent == GM_LATENT_NORMAL && port[0].shape.rank == 2 &&
	             port[0].shape.dim[1] == 2;
	if (!plane)
		return gm_fail(
			err, GM_ERR_VALUE,
			"option manifold: this needs a model that draws from two normal numbers, "
			"such as vae --nz 2");
	float *z = calloc(m, 2 * sizeof *z), *y = malloc(m * numel * sizeof *y);
	bool ok = (z && y) || gm_fail(err, GM_ERR_MEMORY, "no memory for samples");
	for (int64_t done = 0; ok && done < n; done += m) {
		int64_t take = n - done < m ? n - done : m;
		for (int64_t i = 0; i < take; i++) {
			z[2 * i] = (float)quantile(((done + i) % columns + .5) / columns);
			z[2 * i + 1] = (float)quantile(((done + i) / columns + .5) / rows);
		}
		ok = gm_saved_run(s, "generate", (const void *[]){z}, 0, 0, y, err);
		if (ok)
			memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	free(z);
	free(y);
	return ok;
}

static gm_image *picture(gm_saved *s, uint64_t seed, int columns, int rows, int64_t kind,
                         bool plane, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	int64_t n = f->points && !plane ? POINTS : (int64_t)columns * rows;
	float *x = malloc(n * f->numel * sizeof *x);
	int32_t *label = malloc(n * sizeof *label);
	gm_image *im = NULL;
	if (!x || !label) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for %lld samples", (long long)n);
	} else if (plane ? manifold(s, columns, rows, x, err)
	                 : choose_labels(s, kind, n, columns, label, err) &&
	                           gm_saved_draw(s, seed, n, label, x, err)) {
		if (f->points)
			im = gm_image_scatter(
				&(gm_scatter){.fake = x,
			                      .n_fake = n,
			                      .extent = 1.1 * fmax(fabs(f->low), fabs(f->high))},
				err);
		else
			im = gm_image_grid(x,
			                   &(gm_grid){.n = n,
			                              .channels = f->channels,
			                              .height = f->height,
			                              .width = f->width,
			                              .columns = columns},
			                   err);
	}
	free(x);
	free(label);
	return im;
}

/* samples.png, or the first samples-N.png that is not there yet */
static void free_name(char *path)
{
	snprintf(path, PATH_MAX, "samples.png");
	for (int i = 2; gm_file_exists(path); i++)
		snprintf(path, PATH_MAX, "samples-%d.png", i);
}

int cli_sample(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "manifold", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *run = NULL, *out = NULL, *outdir = "runs", *grid = NULL;
	char checkpoint[PATH_MAX], path[PATH_MAX];
	uint64_t seed = 0;
	bool seeded = false, plane = false;
	int64_t class = -1;
	int kind, columns, rows;
	gm_error err = {0};

	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+' && run)
			return cli_usage("sample takes one run, not %.60s and %.60s", run, a.value);
		else if (kind == '+')
			run = a.value;
		else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			cli_help("sample");
			puts("\nRUN is a run's folder, a checkpoint file, or the number of a run "
			     "in --outdir (runs).\n"
			     "Without --seed the latents are those of the run's own fakes-*.png.\n"
			     "A model that is told the class draws a row of each; --class K draws "
			     "only class K. --manifold shows the plane of a model with two latent "
			     "numbers, evenly in\nprobability, instead of random samples.");
			return CLI_OK;
		} else if (cli_is(a.name, "manifold")) {
			plane = true;
		} else if (cli_is(a.name, "class")) {
			if (!gm_text_i64(a.value, &class) || class < 0)
				return cli_usage("option class: \"%.60s\" is not a whole number of "
				                 "0 or more",
				                 a.value);
		} else if (cli_is(a.name, "grid"))
			grid = a.value;
		else if (cli_is(a.name, "outdir"))
			outdir = a.value;
		else if (cli_is(a.name, "o") || cli_is(a.name, "out"))
			out = a.value;
		else if (cli_is(a.name, "seed")) {
			if (!gm_text_u64(a.value, &seed))
				return cli_usage("option seed: \"%.60s\" is not a whole number",
				                 a.value);
			seeded = true;
		} else {
			static const char *const names[] = {"grid",  "seed",     "out", "outdir",
			                                    "class", "manifold", "help"};
			const char *near = gm_text_nearest(a.name, names, 7);
			if (near)
				return cli_usage("sample has no option %.60s; did you mean %s?",
				                 a.name, near);
			return cli_usage("sample has no option %.60s; see: ganymede sample --help",
			                 a.name);
		}
	}
	if (!run)
		return cli_usage(
			"sample needs a run, such as: ganymede sample runs/00000-dcgan-glyphs");
	if (!gm_parse_grid(grid ? grid : "8x8", &columns, &rows, &err))
		return cli_usage("%s", err.message);
	if (!gm_folder_checkpoint(run, outdir, checkpoint, NULL, &err))
		return cli_fail(&err);
	gm_saved *s = gm_saved_open(checkpoint,
	                            &(gm_saved_options){.batch = (int64_t)columns * rows}, &err);
	if (!s)
		return cli_fail(&err);
	if (!grid && gm_saved_takes_labels(s) && class < 0)
		rows = gm_saved_rows(s, rows);
	if (!seeded)
		gm_text_u64(gm_settings_get(gm_saved_settings(s), "seed"), &seed);
	gm_image *im = picture(s, seed, columns, rows, class, plane, &err);
	if (out)
		snprintf(path, sizeof path, "%s", out);
	else
		free_name(path);
	int status = im && gm_png_write(path, im, &err) ? CLI_OK : cli_fail(&err);
	if (!status) {
		gm_term_picture(stdout, im, 0);
		printf("%s: step %" PRId64 " of %s, seed %" PRIu64 "\n", path, gm_saved_step(s),
		       checkpoint, seed);
	}
	gm_image_free(im);
	gm_saved_free(s);
	return status;
}
