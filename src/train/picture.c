/* SPDX-License-Identifier: MIT
 *
 * train/picture.c -- samples of a run, as tensors and as pictures.
 */
#include "train/run.h"

#include <stdlib.h>
#include <string.h>

/* Kept away from the seeds of training: the latents of a picture are no minibatch's. */
static const uint64_t LATENTS = 0x6c6174656e747321u, REALS = 0x7265616c73212121u;

enum { SCATTER = 2048 }; /* points of each kind in a scatter plot */

uint64_t gm_run_latent_seed(uint64_t seed)
{
	return seed ^ LATENTS;
}

static bool gives_examples(gm_run *r, const gm_run_endpoint *e)
{
	gm_shape s = gm_node_shape(e->y);
	if (gm_node_size(e->y) == r->batch * r->facts.numel && s.rank >= 2 && s.dim[0] == r->batch)
		return true;
	gm_run_fail(r, GM_ERR_STATE, "%s: \"%s\" does not give a batch of examples", r->model->name,
	            e->name);
	return false;
}

void gm_run_grid_labels(const gm_run *r, int64_t n, int columns, int32_t *label)
{
	for (int64_t i = 0; i < n; i++)
		label[i] = r->facts.classes ? (int32_t)(i / columns % r->facts.classes) : 0;
}

gm_run_endpoint *gm_run_drawer(gm_run *r)
{
	gm_run_endpoint *e = gm_endpoint_find(r, "generate");
	return e ? e : gm_endpoint_find(r, "pixels");
}

bool gm_run_draws_classes(gm_run *r)
{
	gm_run_endpoint *e = gm_run_drawer(r);
	for (int i = 0; e && i < e->nin; i++)
		if (e->in[i] == r->label)
			return true;
	return false;
}

bool gm_run_draw(gm_run *r, uint64_t seed, int64_t n, const int32_t *label, bool raw, float *x)
{
	gm_run_endpoint *e = gm_run_drawer(r);
	int64_t m = r->batch, numel = r->facts.numel;
	const void *in[GM_RUN_INPUTS] = {0};
	if (!e || !gm_run_ok(r)) {
		gm_run_fail(
			r, GM_ERR_STATE,
			"%s has no endpoint \"generate\" and no \"pixels\": it draws no samples",
			r->model->name);
		return false;
	}
	if (strcmp(e->name, "generate"))
		return gm_pixels_draw(
			r, &(gm_pixels){.seed = seed ^ LATENTS, .n = n, .label = label, .raw = raw},
			x);
	if (!gives_examples(r, e))
		return false;
	float *y = malloc(m * numel * sizeof *y);
	int32_t *some = calloc(m, sizeof *some);
	bool ok = (y && some) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for samples");
	for (int i = 0; i < e->nin; i++)
		if (label && e->in[i] == r->label)
			in[i] = some;
	for (int64_t done = 0, chunk = 0; ok && done < n; done += m, chunk++) {
		int64_t take = n - done < m ? n - done : m;
		if (label)
			memcpy(some, label + done, take * sizeof *some);
		ok = gm_endpoint_run(
			r, e,
			&(gm_use){.in = in, .seed = seed ^ LATENTS, .chunk = chunk, .raw = raw}, y);
		if (ok)
			memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	free(y);
	free(some);
	return ok;
}

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

bool gm_run_reals(gm_run *r, int64_t n, float *x, int32_t *label)
{
	return gm_data_batch(r->data, r->seed ^ REALS, 0, n, x, label, &r->err);
}

bool gm_run_real_field(gm_run *r, const gm_run_field *f, int64_t n, void *x)
{
	return gm_data_read(r->data, gm_data_field(r->data, f->name), r->seed ^ REALS, 0, n, x,
	                    &r->err);
}

static bool put_picture(gm_run *r, const char *file, gm_image *im, bool show)
{
	char path[PATH_MAX];
	bool ok = im && snprintf(path, sizeof path, "%s/%s", r->folder, file) < PATH_MAX &&
	          gm_png_write(path, im, &r->err);
	if (ok && show && r->live) {
		gm_report_clear(r);
		gm_term_picture(r->call->out, im, 0);
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
	if (label && gm_run_draw(r, r->seed, n, label, raw, fake))
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
	if (gm_node_size(e->in[0]) != m * numel || !gives_examples(r, e))
		return NULL;
	float *x = calloc((n + m) * numel, sizeof *x), *y = calloc((n + m) * numel, sizeof *y);
	float *all = malloc(n * wide * numel * sizeof *all), *part[] = {x, y, x};
	const void *in[GM_RUN_INPUTS] = {0};
	bool ok = (x && y && all) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && (from ? gm_run_real_field(r, from, n, x) : gm_run_reals(r, n, x, NULL));
	for (int64_t done = 0, chunk = 0; ok && done < n; done += m, chunk++) {
		in[0] = x + done * numel;
		ok = gm_endpoint_run(r, e,
		                     &(gm_use){.in = in, .seed = r->seed ^ LATENTS, .chunk = chunk},
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
	       (!e || ((numbers || gives_examples(r, e)) && gm_endpoint_ready(r, e, false)));
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
