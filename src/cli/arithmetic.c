/* SPDX-License-Identifier: MIT
 *
 * cli/arithmetic.c -- ganymede arithmetic: sums of averaged latents, and the same sums of pixels.
 * Radford, Metz & Chintala 2016, arXiv:1511.06434, section 6.3.2 and figure 7: each term is the
 * mean of the latents of three samples; nine samples of the sum, all but the middle one with
 * uniform noise of +-.25.
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
#include "plot/figure.h"
#include "run/folder.h"
#include "run/settings.h"
#include "run/run.h"
#include "use/latents.h"

enum { TERMS = 8, MEMBERS = 16, HIGHEST = 9999, SUMS = 9, SIDE = 3 };
enum { LEAST = 48, GAP = 4, LINE = 18, MARGIN = 28 }; /* of the page, in pixels */

static const cli_option options[] = {
	{"plus", "",
         "terms, with commas between: samples by their numbers, such as 3+7+9,12+15+20"},
	{"minus", "", "terms that are subtracted"},
	{"noise", "0.25", "uniform noise on the latents of the sum, except in the middle"},
	{"grid", "8x8", "without terms: columns x rows of the numbered samples"},
	{"seed", "", "seed of the samples; default: the run's"},
	{"o", "", "FILE.png or .jpg; default: arithmetic.png"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct term {
	double sign;
	int n;
	int64_t member[MEMBERS]; /* samples of the seed, from 0 */
} term;

typedef struct job {
	cli_values v;
	gm_saved *s;
	uint64_t seed;
	term term[TERMS];
	int terms;
} job;

/* ---- terms ----------------------------------------------------------------------------------- */

/* Adds the terms of "3+7+9,12". */
static bool read_terms(job *j, const char *name, double sign, gm_error *err)
{
	char *all = strdup(cli_value(&j->v, name)), *rest = all, *one, *number;
	bool ok = all || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	while (ok && cli_given(&j->v, name) && (one = strsep(&rest, ","))) {
		term *t = &j->term[j->terms];
		ok = j->terms++ < TERMS || gm_fail(err, GM_ERR_VALUE, "more than %d terms", TERMS);
		if (ok)
			*t = (term){.sign = sign};
		while (ok && (number = strsep(&one, "+"))) {
			int64_t i;
			ok = (t->n < MEMBERS && gm_text_i64(number, &i) && i >= 0 &&
			      i <= HIGHEST) ||
			     gm_fail(err, GM_ERR_VALUE,
			             "option %s: \"%.60s\" is not the number of a sample, 0 to %d "
			             "(at most %d in a term, with + between)",
			             name, number, HIGHEST, MEMBERS);
			if (ok)
				t->member[t->n++] = i;
		}
	}
	free(all);
	return ok;
}

/* The terms from a to b as a sum for gm_latents_draw; to be freed. */
static char *mix_of(const job *j, int a, int b, bool signs, gm_error *err)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	for (int i = a; f && i < b; i++)
		for (int k = 0; k < j->term[i].n; k++)
			fprintf(f, "%s%.17g seed=%" PRIu64 " number=%" PRId64,
			        i > a || k ? ";" : "", (signs ? j->term[i].sign : 1) / j->term[i].n,
			        j->seed, j->term[i].member[k]);
	if (f && !fclose(f))
		return text;
	gm_fail(err, GM_ERR_MEMORY, "out of memory");
	return NULL;
}

/* count images of the sum of these terms */
static bool draw_sum(const job *j, int a, int b, int64_t count, double noise, float *x,
                     gm_error *err)
{
	char *mix = mix_of(j, a, b, b - a > 1, err);
	gm_latents_options o = {.count = count, .class = -1, .psi = 1, .mix = mix, .noise = noise};
	const bool ok = mix && gm_latents_draw(j->s, NULL, &o, x, err);
	free(mix);
	return ok;
}

/* ---- the page -------------------------------------------------------------------------------- */

typedef struct page {
	gm_figure *words;
	gm_image *im;
	const gm_facts *f;
	int scale, cell, tall; /* of an image: magnification, width and height in pixels */
} page;

static void measure(page *p)
{
	const int side = (int)(p->f->width > p->f->height ? p->f->width : p->f->height);
	p->scale = side < LEAST ? (LEAST + side - 1) / side : 1;
	p->cell = (int)p->f->width * p->scale, p->tall = (int)p->f->height * p->scale;
}

/* Pastes the image of example x; the words must have been drawn. */
static bool paste(page *p, int left, int top, const float *x, gm_error *err)
{
	gm_image *one = gm_image_grid(x,
	                              &(gm_grid){.n = 1,
	                                         .channels = (int)p->f->channels,
	                                         .height = (int)p->f->height,
	                                         .width = (int)p->f->width,
	                                         .padding = -1,
	                                         .scale = p->scale},
	                              err);
	for (int y = 0; one && y < one->height; y++)
		for (int k = 0; k < one->width * 3; k++)
			p->im->pixel[((top + y) * p->im->width + left) * 3 + k] =
				one->pixel[(y * one->width + k / 3) * one->channels +
			                   k % 3 % one->channels];
	gm_image_free(one);
	return one != NULL;
}

static void word(page *p, int x, int y, int anchor, const char *text)
{
	gm_figure_text(p->words, x, y, 11, anchor, GM_INK_BLACK, text);
}

/* Writes the page and shows it. */
static bool finish(page *p, const char *path, bool ok, gm_error *err)
{
	ok = ok && gm_image_write(path, p->im, err);
	if (ok)
		gm_term_picture(stdout, p->im, 0);
	gm_figure_free(p->words);
	gm_image_free(p->im);
	return ok;
}

/* The samples 0, 1, .. with their numbers. */
static bool numbered(const job *j, const char *path, gm_error *err)
{
	page p = {.f = gm_saved_facts(j->s)};
	int columns, rows;
	if (!gm_parse_grid(cli_value(&j->v, "grid"), &columns, &rows, err))
		return false;
	measure(&p);
	const int n = columns * rows, high = p.tall + LINE;
	gm_latents_options o = {.seed = j->seed, .count = n, .class = -1, .psi = 1};
	float *x = malloc((size_t)(n * p.f->numel) * sizeof *x);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for samples");
	ok = ok && gm_latents_draw(j->s, NULL, &o, x, err);
	p.words = gm_figure_new(columns * (p.cell + GAP) + GAP, rows * high + GAP);
	for (int i = 0; i < n; i++) {
		char text[16];
		snprintf(text, sizeof text, "%d", i);
		word(&p, GAP + i % columns * (p.cell + GAP) + p.cell / 2,
		     i / columns * high + LINE - 4, 0, text);
	}
	ok = ok && (p.im = gm_figure_image(p.words, err));
	for (int i = 0; ok && i < n; i++)
		ok = paste(&p, GAP + i % columns * (p.cell + GAP), i / columns * high + LINE,
		           x + i * p.f->numel, err);
	free(x);
	return finish(&p, path, ok, err);
}

/* A row for each term: its samples and the image of their mean; then nine images of the sum, and
 * the sum of the pixels. */
static bool calculate(const job *j, double noise, const char *path, gm_error *err)
{
	page p = {.f = gm_saved_facts(j->s)};
	const int64_t d = p.f->numel;
	int most = SIDE;
	measure(&p);
	for (int i = 0; i < j->terms; i++)
		most = j->term[i].n > most ? j->term[i].n : most;
	const int step = p.cell + GAP, high = p.tall + LINE, aside = MARGIN + most * step + MARGIN,
		  below = j->terms * high + LINE + GAP;
	p.words = gm_figure_new(aside + step + 120, below + SIDE * (p.tall + GAP) + GAP);
	float *x = malloc((size_t)((MEMBERS + SUMS + 2) * d) * sizeof *x), *sums = x + MEMBERS * d,
	      *mean = sums + SUMS * d, *pixels = mean + d;
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for samples");
	for (int i = 0; i < j->terms; i++) {
		const term *t = &j->term[i];
		const int top = i * high + LINE;
		word(&p, MARGIN / 2, top + p.tall / 2, 0, t->sign > 0 ? "+" : "-");
		word(&p, aside - MARGIN / 2, top + p.tall / 2, 0, "=");
		word(&p, aside + p.cell / 2, top - 4, 0, "mean");
		for (int k = 0; k < t->n; k++) {
			char text[16];
			snprintf(text, sizeof text, "%" PRId64, t->member[k]);
			word(&p, MARGIN + k * step + p.cell / 2, top - 4, 0, text);
		}
	}
	word(&p, MARGIN, below - 6, -1, "sums of latents");
	word(&p, aside, below - 6, -1, "sum of pixels");
	ok = ok && (p.im = gm_figure_image(p.words, err));
	for (int64_t q = 0; ok && q < d; q++)
		pixels[q] = 0;
	for (int i = 0; ok && i < j->terms; i++) {
		const term *t = &j->term[i];
		const int top = i * high + LINE;
		for (int k = 0; ok && k < t->n; k++) {
			char one[96];
			snprintf(one, sizeof one, "1 seed=%" PRIu64 " number=%" PRId64, j->seed,
			         t->member[k]);
			gm_latents_options o = {.count = 1, .class = -1, .psi = 1, .mix = one};
			ok = gm_latents_draw(j->s, NULL, &o, x + k * d, err) &&
			     paste(&p, MARGIN + k * step, top, x + k * d, err);
			for (int64_t q = 0; ok && q < d; q++)
				pixels[q] += (float)(t->sign / t->n) * x[k * d + q];
		}
		ok = ok && draw_sum(j, i, i + 1, 1, 0, mean, err) &&
		     paste(&p, aside, top, mean, err);
	}
	ok = ok && draw_sum(j, 0, j->terms, SUMS, noise, sums, err);
	for (int i = 0; ok && i < SUMS; i++)
		ok = paste(&p, MARGIN + i % SIDE * step, below + i / SIDE * (p.tall + GAP),
		           sums + i * d, err);
	ok = ok && paste(&p, aside, below, pixels, err);
	free(x);
	return finish(&p, path, ok, err);
}

/* ---- the verb -------------------------------------------------------------------------------- */

static bool run(job *j, gm_error *err)
{
	char checkpoint[PATH_MAX], path[PATH_MAX];
	const cli_values *v = &j->v;
	const bool terms = cli_given(v, "plus") || cli_given(v, "minus");
	double noise;
	if (!gm_text_f64(cli_value(v, "noise"), &noise) || !(noise >= 0 && noise <= 10))
		return gm_fail(err, GM_ERR_VALUE,
		               "option noise: \"%.60s\" is not a number from 0 to 10",
		               cli_value(v, "noise"));
	if (!read_terms(j, "plus", 1, err) || !read_terms(j, "minus", -1, err) ||
	    !gm_folder_checkpoint(v->operand[0], cli_value(v, "outdir"), checkpoint, NULL, err) ||
	    !(j->s = gm_saved_open(checkpoint, NULL, err)))
		return false;
	const gm_facts *f = gm_saved_facts(j->s);
	gm_text_u64(gm_saved_option(j->s, "seed"), &j->seed);
	if (f->points || f->rate)
		return gm_fail(err, GM_ERR_VALUE, "arithmetic is for images, not for %s",
		               gm_facts_word(f));
	if (cli_given(v, "seed") && !cli_whole(v, "seed", 0, UINT64_MAX, &j->seed, err))
		return false;
	snprintf(path, sizeof path, "%s", cli_given(v, "o") ? cli_given(v, "o") : "arithmetic.png");
	for (int i = 2; !cli_given(v, "o") && gm_file_exists(path); i++)
		snprintf(path, sizeof path, "arithmetic-%d.png", i);
	if (!(terms ? calculate(j, noise, path, err) : numbered(j, path, err)))
		return false;
	printf("%s: %s, step %" PRId64 " of %s, seed %" PRIu64 "\n", path,
	       terms ? "sums of latents and of pixels"
	             : "samples with their numbers, for --plus and --minus",
	       gm_saved_step(j->s), checkpoint, j->seed);
	return true;
}

int cli_arithmetic(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	job j = {.v = {.verb = "arithmetic", .option = options}};
	gm_error err = {0};
	int status = cli_read(&a, &j.v, 1);
	if (status)
		return status;
	if (cli_given(&j.v, "help")) {
		cli_help("arithmetic");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!j.v.operand[0])
		return cli_usage("arithmetic needs a run, such as: ganymede arithmetic "
		                 "runs/00000-dcgan-glyphs");
	const bool terms = cli_given(&j.v, "plus") || cli_given(&j.v, "minus");
	status = terms ? cli_useless(&j.v, "grid", "with terms")
	               : cli_useless(&j.v, "noise", "without terms");
	if (status)
		return status;
	if (cli_given(&j.v, "o") && !gm_image_format(cli_given(&j.v, "o"), &err))
		return cli_usage("%s", err.message);
	const bool ok = run(&j, &err);
	gm_saved_free(j.s);
	return ok ? CLI_OK : cli_fail(&err);
}
