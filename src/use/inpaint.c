/* SPDX-License-Identifier: MIT
 *
 * use/inpaint.c -- see inpaint.h. For an image y with hidden pixels the latents z minimise
 *
 *	L(z) = sum over known pixels and channels of W |G(z) - y| + lambda log(1 - D(G(z)))
 *
 * (equations 3 to 7); W of a known pixel is the share of hidden pixels in a window around it. The
 * hidden part of G(z) is then blended into y. Differs from the paper: several starts, of which the
 * one with the least context loss is taken (the authors' code returns all); latents of normal
 * generators are clipped to [-4,4], since [-1,1] is for uniform ones.
 */
#include "use/inpaint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/progress.h"
#include "use/hole.h"
#include "use/saved_run.h"
#include "use/search.h"

static const double SHOW_SECONDS = .25;
enum { ROWS = 64 }; /* searches at once, at most, if an image has fewer starts */

/* clang-format off */
#define AT(field) offsetof(gm_inpaint_options, field)
const gm_action_row gm_inpaint_rows[] = {
	{{"method", "auto", "complete: by a run trained for it; semantic: by searching the latents of a generator; auto: complete where the run has it", GM_CHOICE("auto|complete|semantic")}, AT(method)},
	{{"ways", "1", "completions of each image; semantic: those with the least context loss", GM_INT(1, 100)}, AT(ways)},
	{{"seed", "0", "seed of the completions, and of random masks", {GM_OPTION_U64}}, AT(seed)},
	{{"starts", "8", "semantic: random latents to search from, for each image", GM_INT(1, 256)}, AT(starts)},
	{{"iterations", "500", "semantic: steps of Adam", GM_INT(1, 100000)}, AT(iterations)},
	{{"weights", "window", "semantic: window: known pixels count by the hidden share of a window around them; all: each counts 1", GM_CHOICE("window|all")}, AT(weights)},
	{{"window", "7", "semantic: side of that window, odd", GM_INT(3, 63)}, AT(window)},
	{{"prior", "0.003", "semantic: weight of log(1 - D(G(z))); 0: none", GM_REAL(0, 1000)}, AT(prior)},
	{{"rate", "0.03", "semantic: step size of Adam", GM_REAL(1e-6, 1)}, AT(rate)},
	{{"blend", "poisson", "semantic: how the hidden part is put into the image: poisson or paste", GM_CHOICE("poisson|paste")}, AT(blend)},
	{{0}, 0},
};
/* clang-format on */

bool gm_inpaint_choose(gm_saved *s, gm_inpaint_options *o, gm_error *err)
{
	const char *name = gm_saved_model(s)->name;
	const bool completes = gm_saved_has(s, GM_ENDPOINT_COMPLETE),
		   generates = gm_saved_has(s, GM_ENDPOINT_GENERATE);
	if (o->method == GM_INPAINT_AUTO && !completes && !generates)
		return gm_fail(err, GM_ERR_STATE,
		               "%s has neither the endpoint \"complete\" nor \"generate\", so it "
		               "cannot fill in images",
		               name);
	if (o->method == GM_INPAINT_AUTO)
		o->method = completes ? GM_INPAINT_COMPLETE : GM_INPAINT_SEMANTIC;
	if (!gm_saved_must(s,
	                   o->method == GM_INPAINT_COMPLETE ? GM_ENDPOINT_COMPLETE
	                                                    : GM_ENDPOINT_GENERATE,
	                   err))
		return false;
	if (o->method == GM_INPAINT_COMPLETE)
		return true;
	if (o->window % 2 == 0)
		return gm_fail(err, GM_ERR_VALUE, "option window: %d is not odd", (int)o->window);
	if (o->ways > o->starts)
		return gm_fail(err, GM_ERR_VALUE,
		               "option ways: %d completions need as many starts, not %d",
		               (int)o->ways, (int)o->starts);
	return o->prior == 0 || gm_saved_has(s, GM_ENDPOINT_DISCRIMINATE) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%s has no discriminator for the prior of semantic inpainting: use --prior "
	               "0 to search without it",
	               name);
}

/* The hidden share of the window around (row, column), cut at the edges of the image. */
static double hidden_share(const gm_inpaint_options *o, int64_t height, int64_t width, int64_t row,
                           int64_t column)
{
	const int64_t r = o->window / 2;
	double hidden = 0, all = 0;
	for (int64_t i = row > r ? row - r : 0; i <= row + r && i < height; i++)
		for (int64_t j = column > r ? column - r : 0; j <= column + r && j < width; j++)
			hidden += o->hidden[i * width + j], all++;
	return hidden / all;
}

void gm_inpaint_weigh(const gm_inpaint_options *o, int64_t height, int64_t width, float *weight)
{
	for (int64_t i = 0; i < height * width; i++)
		weight[i] = o->hidden[i] ? 0
		            : o->weights == GM_INPAINT_ALL
		                    ? 1
		                    : (float)hidden_share(o, height, width, i / width, i % width);
}

typedef struct work {
	const gm_inpaint_options *o;
	const gm_facts *f;
	gm_saved *s;
	gm_search *q;
	gm_node *target, *weight, *context, *score;
	/* [rows, shape]: images to compare with, G(z); [rows]: context losses and D's outputs */
	float *known, *made, *loss, *said;
	int64_t rows, steps, all; /* rows; iterations done, and of all images */
} work;

static bool build(work *w, gm_error *err)
{
	const gm_facts *f = w->f;
	const int64_t plane = f->height * f->width;
	float *weight = malloc((size_t)plane * sizeof *weight);
	if (!weight)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for weights");
	w->target = gm_search_input(w->q, gm_node_shape(gm_search_images(w->q)));
	w->weight = gm_search_input(w->q, GM_SHAPE(1, 1, f->height, f->width));
	gm_inpaint_weigh(w->o, f->height, f->width, weight);
	gm_set_f32(w->weight, weight, plane);
	free(weight);
	gm_node *apart = gm_abs(gm_sub(gm_search_images(w->q), w->target));
	w->context = gm_sum(gm_mul(apart, w->weight), GM_AXES(1, 2, 3), false);
	gm_node *cost = w->context;
	if (w->o->prior > 0) {
		if (!(w->score = gm_search_score(w->q, err)))
			return false;
		/* log(1 - sigmoid(l)) = -softplus(l) */
		cost = gm_sub(cost, gm_mul_c(gm_softplus(w->score), w->o->prior));
	}
	gm_node *also[] = {gm_search_images(w->q), w->context, w->score};
	return gm_search_compile(w->q, cost, also, w->score ? 3 : 2, err);
}

/* Searches for `take` images x, o->starts rows for each; w->made, w->loss and w->said are those of
 * the last latents. */
static bool read_back(work *w)
{
	return gm_search_read(w->q, gm_search_images(w->q), w->made) &&
	       gm_search_read(w->q, w->context, w->loss) &&
	       (!w->score || gm_search_read(w->q, w->score, w->said));
}

static void choose(work *w, int64_t i, const float *x, float *y, gm_inpaint_report *report);

static bool search(work *w, const float *x, const int32_t *label, int64_t first, int64_t take,
                   float *y, gm_inpaint_report *report, gm_error *err)
{
	double shown = gm_seconds();
	const int64_t plane = w->f->height * w->f->width, numel = w->f->numel,
		      starts = w->o->starts;
	for (int64_t i = 0; i < w->rows; i++) {
		const int64_t k = i / starts < take ? i / starts : take - 1;
		for (int64_t j = 0; j < numel; j++)
			w->known[i * numel + j] =
				w->o->hidden[j % plane] ? 0 : x[(first + k) * numel + j];
		gm_search_label(
			w->q, i,
			label ? label[first + k]
			      : (int32_t)(w->f->classes > 0 ? (first + k) % w->f->classes : 0));
	}
	gm_set_f32(w->target, w->known, w->rows * numel);
	if (!gm_search_draw(w->q, w->o->seed, starts, err))
		return false;
	for (int64_t i = 0; i < w->o->iterations; i++) {
		if (!gm_progress_tell("searching", (uint64_t)w->steps++, (uint64_t)w->all,
		                      "iterations", err) ||
		    !gm_search_run(w->q, err))
			return false;
		if (w->o->preview && take == 1 && report && gm_seconds() - shown > SHOW_SECONDS) {
			if (!read_back(w))
				return false;
			choose(w, 0, x + first * w->f->numel, y, report);
			w->o->preview(w->o->context, y, report);
			shown = gm_seconds();
		}
		gm_search_adam(w->q, w->o->rate);
	}
	return gm_search_run(w->q, err) && read_back(w);
}

/* Writes the o->ways rows of image i with the least loss to y and report. */
static void choose(work *w, int64_t i, const float *x, float *y, gm_inpaint_report *report)
{
	const gm_facts *f = w->f;
	const gm_hole h = {1, f->channels, f->height, f->width, w->o->hidden, f->low, f->high};
	const int64_t plane = f->height * f->width;
	for (int64_t way = 0; way < w->o->ways; way++, y += f->numel) {
		int64_t best = i * w->o->starts;
		for (int64_t k = best; k < (i + 1) * w->o->starts; k++)
			if (w->loss[k] < w->loss[best] || isnan(w->loss[best]))
				best = k;
		const float *made = w->made + best * f->numel;
		memcpy(y, x, (size_t)f->numel * sizeof *y);
		for (int64_t j = 0; j < f->numel; j++)
			if (w->o->hidden[j % plane])
				y[j] = made[j];
		if (w->o->blend == GM_INPAINT_POISSON)
			gm_hole_blend(&h, y, made);
		for (int64_t j = 0; j < f->numel;
		     j++) /* known pixels stay as they are, to the bit */
			if (!w->o->hidden[j % plane])
				y[j] = x[j];
		if (report)
			report[way] =
				(gm_inpaint_report){w->loss[best], w->score ? w->said[best] : NAN};
		w->loss[best] = INFINITY;
	}
}

static bool semantic(gm_saved *s, const gm_inpaint_options *o, const float *x, int64_t n, float *y,
                     gm_inpaint_report *report, gm_error *err)
{
	const gm_facts *facts = gm_saved_facts(s);
	int64_t visible = 0;
	for (int64_t i = 0; i < facts->height * facts->width; i++)
		visible += !o->hidden[i];
	if (!visible)
		return gm_fail(
			err, GM_ERR_VALUE,
			"all is hidden, so there is nothing to search by: leave a part of the "
			"image visible");
	const int64_t together = o->starts < ROWS ? ROWS / o->starts : 1,
		      images = n < together ? n : together;
	work w = {.o = o, .rows = images * o->starts};
	if (!(w.s = gm_saved_again(s, w.rows, err)))
		return false;
	w.f = gm_saved_facts(w.s);
	w.all = (n + images - 1) / images * o->iterations;
	const size_t numbers = (size_t)(w.rows * w.f->numel);
	w.known = malloc(numbers * sizeof(float)), w.made = malloc(numbers * sizeof(float));
	w.loss = malloc((size_t)w.rows * sizeof(float));
	w.said = malloc((size_t)w.rows * sizeof(float));
	bool ok = (w.known && w.made && w.loss && w.said) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	ok = ok && (w.q = gm_search_new(w.s, err)) && build(&w, err);
	for (int64_t at = 0; ok && at < n; at += images) {
		const int64_t take = n - at < images ? n - at : images;
		float *to = y + at * o->ways * w.f->numel;
		gm_inpaint_report *say = report ? report + at * o->ways : NULL;
		ok = search(&w, x, o->label, at, take, to, say, err);
		for (int64_t i = 0; ok && i < take; i++)
			choose(&w, i, x + (at + i) * w.f->numel, to + i * o->ways * w.f->numel,
			       say ? say + i * o->ways : NULL);
	}
	gm_progress_end();
	gm_search_free(w.q);
	free(w.known), free(w.made), free(w.loss), free(w.said);
	gm_saved_free(w.s);
	return ok;
}

static bool complete(gm_saved *s, const gm_inpaint_options *o, const float *x, int64_t n, float *y,
                     gm_error *err)
{
	const int64_t numel = gm_saved_facts(s)->numel, all = n * o->ways;
	int32_t *label = o->label ? malloc((size_t)all * sizeof *label) : NULL;
	if (o->label && !label)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for labels");
	for (int64_t i = 0; i < all; i++) {
		memcpy(y + i * numel, x + i / o->ways * numel, (size_t)numel * sizeof *y);
		if (label)
			label[i] = o->label[i / o->ways];
	}
	const bool ok = gm_saved_complete(
		s, &(gm_saved_hole){.seed = o->seed, .n = all, .label = label, .hidden = o->hidden},
		y, err);
	free(label);
	return ok;
}

bool gm_inpaint(gm_saved *s, const gm_inpaint_options *o, const float *x, int64_t n, float *y,
                gm_inpaint_report *report, gm_error *err)
{
	gm_inpaint_options mine = *o;
	if (!gm_inpaint_choose(s, &mine, err))
		return false;
	for (int64_t i = 0; report && i < n * o->ways; i++)
		report[i] = (gm_inpaint_report){NAN, NAN};
	return mine.method == GM_INPAINT_COMPLETE ? complete(s, &mine, x, n, y, err)
	                                          : semantic(s, &mine, x, n, y, report, err);
}
