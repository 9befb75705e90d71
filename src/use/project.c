/* SPDX-License-Identifier: MIT
 *
 * use/project.c -- see project.h. Minimises the mean squared difference of pixels (equation 3 of
 * the paper, without its term of AlexNet's conv4). The authors' code searches an unbounded variable
 * whose tanh is z, and takes the tanh twice by mistake; here z itself is searched, within bounds.
 */
#include "use/project.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "use/saved_run.h"
#include "use/search.h"

/* clang-format off */
#define AT(field) offsetof(gm_project_options, field)
const gm_action_row gm_project_rows[] = {
	{{"how", "auto", "network: the run's encoder; optimisation: L-BFGS from random latents; hybrid: L-BFGS from the network's; auto: hybrid where the run has an encoder", GM_CHOICE("auto|network|optimisation|hybrid")}, AT(how)},
	{{"starts", "1", "optimisation: random latents to start from, of which the best result is taken; hybrid: this many less one, and the network's", GM_INT(1, 1024)}, AT(starts)},
	{{"evaluations", "200", "largest number of evaluations of the error from each start", GM_INT(1, 100000)}, AT(evaluations)},
	{{"tolerance", "1e-6", "relative change of the error at which the optimisation ends", GM_REAL(0, 1)}, AT(tolerance)},
	{{"seed", "0", "seed of random latents", {GM_OPTION_U64}}, AT(seed)},
	{{0}, 0},
};
/* clang-format on */

int64_t gm_project_numbers(gm_saved *s, gm_error *err)
{
	gm_search *q = gm_search_new(s, err);
	const int64_t n = q ? gm_search_numbers(q) : 0;
	gm_search_free(q);
	return n;
}

static int64_t row_size(gm_shape s)
{
	int64_t n = 1;
	for (int i = 1; i < s.rank; i++)
		n *= s.dim[i];
	return n;
}

/* The latents of "encode" are those that "generate" reads. */
static bool encodes(gm_saved *s, int64_t numbers)
{
	gm_port port[2];
	return gm_saved_has(s, GM_ENDPOINT_ENCODE) &&
	       gm_saved_ports(s, GM_ENDPOINT_ENCODE, port, 2) == 1 &&
	       port[0].kind == GM_PORT_DATA &&
	       row_size(port[0].shape) == gm_saved_facts(s)->numel &&
	       row_size(gm_saved_shape(s, GM_ENDPOINT_ENCODE)) == numbers;
}

bool gm_project_choose(gm_saved *s, gm_project_options *o, gm_error *err)
{
	const int64_t n = gm_project_numbers(s, err);
	if (!n)
		return false;
	const bool network = encodes(s, n);
	if (o->how == GM_PROJECT_AUTO)
		o->how = network ? GM_PROJECT_HYBRID : GM_PROJECT_OPTIMISATION;
	return o->how == GM_PROJECT_OPTIMISATION || network ||
	       gm_fail(err, GM_ERR_STATE,
	               "%s has no encoder to the latents of its generator: use --how optimisation, "
	               "or train one: ganymede train projection --of %s --data DATA",
	               gm_saved_model(s)->name, gm_saved_path(s));
}

typedef struct work {
	const gm_project_options *o;
	gm_saved *s; /* with batches of 1 */
	gm_search *q;
	gm_node *target;
	float *x0; /* [numel]: an image */
	nlopt_opt opt;
	bool stopped;
	gm_error *err;
	double *at;           /* [numbers] */
	double least;         /* error so far, of this image */
	uint64_t done, total; /* evaluations, for the progress */
} work;

static double error_of(unsigned n, const double *z, double *gradient, void *ctx)
{
	work *w = ctx;
	for (unsigned i = 0; i < n; i++)
		gm_search_z(w->q)[i] = (float)z[i];
	if (!gm_progress_tell("projecting", w->done++, w->total, "evaluations", w->err) ||
	    !gm_search_run(w->q, w->err)) {
		w->stopped = true;
		nlopt_force_stop(w->opt);
	}
	for (unsigned i = 0; gradient && i < n; i++)
		gradient[i] = w->stopped ? 0 : gm_search_gradient(w->q)[i];
	return w->stopped ? 0 : gm_search_cost(w->q)[0];
}

static bool prepare(work *w, gm_saved *s, gm_error *err)
{
	w->err = err;
	if (!(w->s = gm_saved_again(s, 1, err)) || !(w->q = gm_search_new(w->s, err)))
		return false;
	const unsigned n = (unsigned)gm_search_numbers(w->q);
	gm_node *x = gm_search_images(w->q);
	w->target = gm_search_input(w->q, gm_node_shape(x));
	gm_node *cost = gm_mean(gm_square(gm_sub(x, w->target)), GM_AXES(1, 2, 3), false);
	if (!gm_search_compile(w->q, cost, &x, 1, err))
		return false;
	w->at = malloc(n * sizeof *w->at);
	double *bound = malloc(n * sizeof *bound);
	w->opt = w->at && bound ? nlopt_create(NLOPT_LD_LBFGS, n) : NULL;
	bool ok = w->opt || gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	for (unsigned i = 0; ok && i < n; i++)
		bound[i] = gm_search_bound(w->q, i);
	ok = ok && nlopt_set_upper_bounds(w->opt, bound) > 0;
	for (unsigned i = 0; ok && i < n; i++)
		bound[i] = -bound[i];
	ok = ok && nlopt_set_lower_bounds(w->opt, bound) > 0 &&
	     nlopt_set_min_objective(w->opt, error_of, w) > 0 &&
	     nlopt_set_maxeval(w->opt, (int)w->o->evaluations) > 0 &&
	     nlopt_set_ftol_rel(w->opt, w->o->tolerance) > 0;
	free(bound);
	return ok || gm_fail(err, GM_ERR_STATE, "NLopt does not take these options");
}

static void release(work *w)
{
	gm_progress_end();
	nlopt_destroy(w->opt);
	gm_search_free(w->q);
	gm_saved_free(w->s);
	free(w->at);
}

/* L-BFGS from w->at; better latents go to z. */
static bool descend(work *w, float *z)
{
	const int64_t n = gm_search_numbers(w->q);
	double least = INFINITY;
	for (int64_t i = 0; i < n; i++)
		w->at[i] =
			fmin(fmax(w->at[i], -gm_search_bound(w->q, i)), gm_search_bound(w->q, i));
	/* It ends with a failure where rounding allows no further descent; w->at is the best point
	 * then, too. */
	nlopt_optimize(w->opt, w->at, &least);
	if (w->stopped)
		return false;
	/* at the floats that are kept */
	least = error_of((unsigned)n, w->at, NULL, w);
	if (!w->stopped && least < w->least) {
		w->least = least;
		for (int64_t i = 0; i < n; i++)
			z[i] = (float)w->at[i];
	}
	return !w->stopped;
}

/* z [numbers]: on entry the network's latents, if there are any. */
static bool project_one(work *w, const float *x, float *z)
{
	const int64_t n = gm_search_numbers(w->q);
	const bool hybrid = w->o->how == GM_PROJECT_HYBRID;
	gm_set_f32(w->target, x, gm_saved_facts(w->s)->numel);
	w->least = INFINITY;
	bool ok = true;
	for (int64_t k = 0; ok && k < w->o->starts; k++) {
		if (hybrid && k == 0)
			for (int64_t i = 0; i < n; i++)
				w->at[i] = z[i];
		else if ((ok = gm_search_draw_free(w->q, w->o->seed + (uint64_t)k, w->err)))
			for (int64_t i = 0; i < n; i++)
				w->at[i] = gm_search_z(w->q)[i];
		ok = ok && descend(w, z);
	}
	return ok;
}

/* The images of latents z, and their errors. */
static bool show(work *w, const float *x, int64_t count, const float *z, float *y, double *rmse,
                 gm_error *err)
{
	const int64_t n = gm_search_numbers(w->q), numel = gm_saved_facts(w->s)->numel;
	for (int64_t i = 0; i < count; i++) {
		memcpy(gm_search_z(w->q), z + i * n, (size_t)n * sizeof *z);
		gm_set_f32(w->target, x + i * numel, numel);
		if (!gm_search_run(w->q, err))
			return false;
		if (rmse)
			rmse[i] = sqrt(gm_search_cost(w->q)[0]);
		if (y)
			gm_search_read(w->q, gm_search_images(w->q), y + i * numel);
	}
	return true;
}

bool gm_project(gm_saved *s, const gm_project_options *o, const float *x, int64_t n, float *z,
                float *y, double *rmse, gm_error *err)
{
	gm_project_options mine = *o;
	if (!gm_project_choose(s, &mine, err))
		return false;
	work w = {.o = &mine};
	const bool network = mine.how != GM_PROJECT_OPTIMISATION,
		   optimise = mine.how != GM_PROJECT_NETWORK;
	w.total = (uint64_t)(n * mine.starts * mine.evaluations);
	bool ok = (!network ||
	           gm_saved_apply(s, GM_ENDPOINT_ENCODE, (const void *[]){x}, n, 0, z, err)) &&
	          prepare(&w, s, err) && gm_search_draw(w.q, mine.seed, 1, err);
	const int64_t numbers = ok ? gm_search_numbers(w.q) : 0, numel = gm_saved_facts(s)->numel;
	for (int64_t i = 0; ok && optimise && i < n; i++)
		ok = project_one(&w, x + i * numel, z + i * numbers);
	ok = ok && show(&w, x, n, z, y, rmse, err);
	release(&w);
	return ok;
}
