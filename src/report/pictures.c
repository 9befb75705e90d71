/* SPDX-License-Identifier: MIT
 *
 * report/pictures.c -- the images that a run writes into its folder: samples, translations, real examples.
 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "use/draw.h"

/* The small library (libganymede) has no images for terminals. */
#pragma weak gm_term_picture

enum { SCATTER = 2048 }; /* points of each kind in a scatter plot */

static int64_t shown(const gm_run *r)
{
	return r->facts.points ? SCATTER : (int64_t)r->columns * r->rows;
}

static gm_image *grid_of(gm_run *r, const float *x, int64_t n)
{
	const gm_facts *f = &r->facts;
	return gm_image_grid(x,
	                     &(gm_grid){.n = n,
	                                .channels = f->channels,
	                                .height = f->height,
	                                .width = f->width,
	                                .columns = r->columns},
	                     &r->err);
}

static bool put_picture(gm_run *r, const char *file, gm_image *im, bool show)
{
	char path[PATH_MAX];
	bool ok = im && snprintf(path, sizeof path, "%s/%s", r->folder, file) < PATH_MAX &&
	          gm_png_write(path, im, &r->err);
	if (ok && show && r->live && gm_term_picture) {
		gm_report_clear(r);
		gm_term_picture(r->out, im, 0);
	}
	gm_image_free(im);
	return ok;
}

static gm_image *picture_of(gm_run *r, const float *fake, const float *real, int64_t n)
{
	return r->facts.points
	               ? gm_image_scatter(
				 &(gm_scatter){
					 .real = real, .n_real = n, .fake = fake, .n_fake = n},
				 &r->err)
	               : grid_of(r, fake, n);
}

enum { GAP = 12 }; /* pixels between two pictures */

/* a | b, of equal sides and channels; frees both. */
static gm_image *side_by_side(gm_image *a, gm_image *b, gm_error *err)
{
	gm_image *both =
		a && b ? gm_image_new(2 * a->width + GAP, a->height, a->channels, err) : NULL;
	for (int y = 0; both && y < a->height; y++) {
		size_t row = (size_t)a->width * a->channels,
		       wide = (size_t)both->width * a->channels;
		memcpy(both->pixel + y * wide, a->pixel + y * row, row);
		memset(both->pixel + y * wide + row, 128, (size_t)GAP * a->channels);
		memcpy(both->pixel + (y + 1) * wide - row, b->pixel + y * row, row);
	}
	gm_image_free(a);
	gm_image_free(b);
	return both;
}

static gm_image *drawn(gm_run *r, int64_t n, bool raw, const float *real, float *fake)
{
	int32_t *label = malloc(n * sizeof *label);
	gm_image *im = NULL;
	if (!label)
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	else
		gm_run_grid_labels(r, n, r->columns, label);
	if (label &&
	    gm_run_draw(r, &(gm_samples){.seed = r->seed, .n = n, .label = label}, raw, fake))
		im = picture_of(r, fake, real, n);
	free(label);
	return im;
}

/* With moving averages: the weights themselves on the left, their averages on the right. */
static gm_image *picture_of_samples(gm_run *r)
{
	int64_t n = shown(r), numel = r->facts.numel;
	float *fake = malloc(n * numel * sizeof *fake), *real = malloc(n * numel * sizeof *real);
	bool ok = (fake && real) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && (!r->facts.points || gm_run_reals(r, n, real, NULL));
	gm_image *im = ok ? drawn(r, n, false, real, fake) : NULL;
	if (im && r->averages)
		im = side_by_side(drawn(r, n, true, real, fake), im, &r->err);
	free(fake);
	free(real);
	return im;
}

/* What e makes of fixed examples: input | output, and what it should be, where there is that. */
static gm_image *picture_of_changes(gm_run *r, gm_run_endpoint *e)
{
	const gm_run_field *from = gm_feed_find(r, gm_endpoint_field(r, e->in[0])), *b = NULL;
	int64_t m = r->batch, numel = r->facts.numel;
	if (!strcmp(e->name, "translate") && from) /* or of b what a is */
		b = gm_feed_find(r, strcmp(from->name, "b") ? "b" : "a");
	int wide = b ? 3 : 2, each = r->columns / wide > 0 ? r->columns / wide : 1;
	int64_t n = (int64_t)each * r->rows;
	if (gm_node_size(e->in[0]) != m * numel || !gm_run_gives_examples(r, e))
		return NULL;
	float *x = calloc((n + m) * numel, sizeof *x), *y = calloc((n + m) * numel, sizeof *y);
	float *all = malloc(n * wide * numel * sizeof *all), *part[] = {x, y, x};
	const void *in[GM_RUN_INPUTS] = {0};
	bool ok = (x && y && all) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && (from ? gm_run_real_field(r, from, n, x) : gm_run_reals(r, n, x, NULL));
	for (int64_t done = 0, chunk = 0; ok && done < n; done += m, chunk++) {
		in[0] = x + done * numel;
		ok = gm_endpoint_run(
			r, e,
			&(gm_use){.in = in, .seed = gm_run_latent_seed(r->seed), .chunk = chunk},
			y + done * numel);
	}
	for (int k = 0; ok && k < wide; k++) {
		if (k == 2)
			ok = gm_run_real_field(r, b, n, x);
		for (int64_t i = 0; i < n; i++)
			memcpy(all + (i * wide + k) * numel, part[k] + i * numel,
			       numel * sizeof *all);
	}
	gm_image *im = NULL;
	if (ok)
		im = gm_image_grid(all,
		                   &(gm_grid){.n = n * wide,
		                              .channels = r->facts.channels,
		                              .height = r->facts.height,
		                              .width = r->facts.width,
		                              .columns = each * wide},
		                   &r->err);
	free(x);
	free(y);
	free(all);
	return im;
}

/* The endpoint whose doing a run's pictures show, or NULL. */
static gm_run_endpoint *shown_endpoint(gm_run *r)
{
	static const char *const names[] = {"generate", "pixels", "translate", "reconstruct"};
	gm_run_endpoint *e = NULL;
	for (size_t i = 0; !e && i < sizeof names / sizeof *names; i++)
		e = gm_endpoint_find(r, names[i]);
	return e;
}

bool gm_run_pictures_ready(gm_run *r)
{
	gm_run_endpoint *e = shown_endpoint(r);
	bool numbers = e && !strcmp(e->name, "pixels");
	return gm_run_ok(r) &&
	       (!e || ((numbers || gm_run_gives_examples(r, e)) && gm_endpoint_ready(r, e, false)));
}

bool gm_run_picture(gm_run *r, const char *file)
{
	gm_run_endpoint *e = shown_endpoint(r);
	if (!e || (r->facts.points && strcmp(e->name, "generate")))
		return true;
	bool draws = e == gm_run_drawer(r);
	gm_image *im = draws ? picture_of_samples(r) : picture_of_changes(r, e);
	bool ok = put_picture(r, file, im, true);
	if (ok)
		gm_report_png(r, file);
	return ok;
}

bool gm_run_real_picture(gm_run *r, const char *file)
{
	int64_t n = shown(r);
	float *real = malloc(n * r->facts.numel * sizeof *real);
	bool ok = real || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	gm_image *im = NULL;
	if (ok && gm_run_reals(r, n, real, NULL))
		im = r->facts.points
		             ? gm_image_scatter(&(gm_scatter){.real = real, .n_real = n}, &r->err)
		             : grid_of(r, real, n);
	free(real);
	return put_picture(r, file, im, false);
}
