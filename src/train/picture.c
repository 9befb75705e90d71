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

static gm_run_endpoint *generator(gm_run *r)
{
	const gm_facts *f = &r->facts;
	gm_run_endpoint *e = NULL;
	for (int i = 0; i < r->endpoints; i++)
		if (!strcmp(r->endpoint[i].name, "generate"))
			e = &r->endpoint[i];
	if (!e || !gm_run_ok(r)) {
		gm_run_fail(r, GM_ERR_STATE, "%s has no endpoint \"generate\"", r->model->name);
		return NULL;
	}
	gm_shape s = gm_node_shape(e->y);
	if (gm_node_size(e->y) != r->batch * f->numel || s.rank < 2 || s.dim[0] != r->batch) {
		gm_run_fail(r, GM_ERR_STATE, "%s: \"generate\" does not give a batch of examples",
		            r->model->name);
		return NULL;
	}
	return e;
}

static gm_step *compile_sampler(gm_run *r, gm_node *const *from, gm_node *const *to, int pairs)
{
	gm_run_endpoint *e = generator(r);
	if (!e)
		return NULL;
	gm_compile_options o = {.infer = true, .from = from, .to = to, .nreplace = pairs};
	r->sample = e->y;
	gm_step *s = gm_compile_nodes(r->graph, &e->y, 1, &o);
	if (!s && gm_run_ok(r))
		gm_run_fail(r, GM_ERR_STATE, "%s: sampling does not compile", r->model->name);
	return s;
}

bool gm_run_sampler(gm_run *r)
{
	if (r->sampler)
		return true;
	int room = 0, pairs = 0;
	for (int i = 0; i < r->nets; i++)
		room += gm_net_count(r->net[i]);
	gm_node **from = gm_arena_alloc(r->arena, (room + 1) * sizeof *from);
	gm_node **to = gm_arena_alloc(r->arena, (room + 1) * sizeof *to);
	for (int i = 0; i < r->nets; i++)
		pairs += gm_net_averages(r->net[i], from + pairs, to + pairs, room - pairs);
	r->sampler = compile_sampler(r, from, to, pairs);
	if (!pairs)
		r->raw = r->sampler;
	return r->sampler != NULL;
}

static bool draw(gm_run *r, gm_step *step, uint64_t seed, int64_t n, float *x)
{
	int64_t m = r->batch, numel = r->facts.numel;
	uint64_t runs = gm_graph_runs(r->graph);
	float *y = malloc(m * numel * sizeof *y);
	if (!y)
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for samples");
	for (int64_t done = 0, chunk = 0; done < n; done += m, chunk++) {
		gm_graph_seed(r->graph, seed ^ LATENTS, chunk);
		gm_step_run(step);
		gm_step_read(step, r->sample, y, m * numel);
		int64_t take = n - done < m ? n - done : m;
		memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	free(y);
	gm_graph_seed(r->graph, r->seed, runs);
	return true;
}

bool gm_run_draw(gm_run *r, uint64_t seed, int64_t n, float *x)
{
	return gm_run_sampler(r) && draw(r, r->sampler, seed, n, x);
}

bool gm_run_draw_raw(gm_run *r, uint64_t seed, int64_t n, float *x)
{
	if (!gm_run_sampler(r))
		return false;
	if (!r->raw)
		r->raw = compile_sampler(r, NULL, NULL, 0);
	return r->raw && draw(r, r->raw, seed, n, x);
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

bool gm_run_reals(gm_run *r, int64_t n, float *x)
{
	return gm_data_batch(r->data, r->seed ^ REALS, 0, n, x, NULL, &r->err);
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

/* With moving averages: the weights themselves on the left, their averages on the right. */
bool gm_run_picture(gm_run *r, const char *file)
{
	int64_t n = shown(r), numel = r->facts.numel;
	float *fake = malloc(n * numel * sizeof *fake), *real = malloc(n * numel * sizeof *real);
	bool ok = (fake && real) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	gm_image *im = NULL;
	ok = ok && (!r->facts.points || gm_run_reals(r, n, real));
	if (ok && gm_run_draw(r, r->seed, n, fake))
		im = picture_of(r, fake, real, n);
	if (im && r->ema > 0 && r->raw != r->sampler) {
		gm_image *raw =
			gm_run_draw_raw(r, r->seed, n, fake) ? picture_of(r, fake, real, n) : NULL;
		im = side_by_side(raw, im, &r->err);
	}
	ok = put_picture(r, file, im, true);
	if (ok)
		gm_report_png(r, file);
	free(fake);
	free(real);
	return ok;
}

bool gm_run_real_picture(gm_run *r, const char *file)
{
	int64_t n = shown(r);
	float *real = malloc(n * r->facts.numel * sizeof *real);
	bool ok = real || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	gm_image *im = NULL;
	if (ok && gm_run_reals(r, n, real))
		im = r->facts.points
		             ? gm_image_scatter(&(gm_scatter){.real = real, .n_real = n}, &r->err)
		             : grid_of(r, real, n);
	free(real);
	return put_picture(r, file, im, false);
}
