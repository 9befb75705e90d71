/* SPDX-License-Identifier: MIT
 *
 * score/gam.c -- the generative adversarial metric: two GANs exchange their generators.
 */
#include "score/score_in.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/folder.h"
#include "use/saved_run.h"

/* A ratio of test errors further from 1 makes the comparison of generators unfair; the paper's own
 * ratios are .79 to 1.29. */
static const double fair = 1.5;

/* "discriminate" must read an example and nothing else; n is its number of outputs per example. */
static bool can_judge(gm_saved *s, int64_t *outputs, gm_error *err)
{
	gm_port port[4];
	if (!gm_saved_must(s, GM_ENDPOINT_DISCRIMINATE, err))
		return false;
	const int n = gm_saved_ports(s, GM_ENDPOINT_DISCRIMINATE, port, 4);
	const gm_shape y = gm_saved_shape(s, GM_ENDPOINT_DISCRIMINATE);
	int64_t all = 1;
	for (int i = 0; i < y.rank; i++)
		all *= y.dim[i];
	*outputs = all / gm_saved_batch(s);
	if (n != 1 || port[0].kind != GM_PORT_DATA || y.rank < 1 || y.dim[0] != gm_saved_batch(s))
		return gm_fail(
			err, GM_ERR_VALUE,
			"metric gam needs discriminators of single examples, without labels or "
			"packs, but %s has another one",
			gm_saved_model(s)->name);
	return true;
}

/* How many of n examples D takes for real: its mean output, a logit, is positive. */
static bool count_real(gm_saved *s, const float *x, int64_t n, int64_t *real, gm_error *err)
{
	int64_t outputs;
	if (!can_judge(s, &outputs, err))
		return false;
	float *y = malloc((size_t)(n * outputs) * sizeof *y);
	bool ok = (y || gm_fail(err, GM_ERR_MEMORY, "no memory for outputs of D")) &&
	          gm_saved_apply(s, GM_ENDPOINT_DISCRIMINATE, (const void *[]){x}, n, 0, y, err);
	*real = 0;
	for (int64_t i = 0; ok && i < n; i++) {
		double sum = 0;
		for (int64_t k = 0; k < outputs; k++)
			sum += y[i * outputs + k];
		*real += sum > 0;
	}
	free(y);
	return ok;
}

/* The ratio of two error rates in n examples each, and half the width of its 95 % interval on a
 * logarithmic scale (Katz et al. 1978; half an error added to each count, so that both exist
 * without errors too). */
typedef struct ratio {
	int64_t a, b;
	double value, spread;
} ratio;

static ratio ratio_of(int64_t a, int64_t b, int64_t n)
{
	const double p = (double)a + .5, q = (double)b + .5, all = (double)n + .5;
	return (ratio){a, b, p / q, 1.96 * sqrt(1 / p + 1 / q - 2 / all)};
}

static void add_ratio(gm_scores *s, const char *name, ratio r, int64_t n, const char *verdict)
{
	char note[96];
	snprintf(note, sizeof note, "%" PRId64 "/%" PRId64 " of %" PRId64 ", 95 %% %.3g to %.3g%s",
	         r.a, r.b, n, r.value * exp(-r.spread), r.value * exp(r.spread), verdict);
	gm_score_add(s, name, r.value, NAN, 0, note);
}

static gm_saved *open_second(gm_scorer *c, gm_error *err)
{
	char path[PATH_MAX];
	return gm_folder_checkpoint(c->o.against, c->o.outdir ? c->o.outdir : "runs", path, NULL,
	                            err)
	               ? gm_saved_open(path, &(gm_saved_options){.raw = c->o.raw}, err)
	               : NULL;
}

/* Im et al. 2016, arXiv:1602.05110, section 4: the error rates of D1 and D2 on test examples, and
 * of D1 on samples of G2 and D2 on samples of G1, as ratios. With a ratio of samples above 1, D1
 * was deceived more often: G2 is better, if both D are about equally good on test examples. */
bool gm_metric_gam(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const int64_t numel = c->r->facts.numel, wanted = c->o.count ? c->o.count : 10000;
	gm_saved *run[2] = {NULL, open_second(c, err)};
	gm_dataset *test = run[1] ? gm_scorer_part(c, true, err) : NULL;
	const uint64_t have = test ? gm_data_info_of(test)->count : 0;
	const int64_t n = have && have < (uint64_t)wanted ? (int64_t)have : wanted;
	float *x = malloc((size_t)(n * numel) * sizeof *x);
	int64_t real[2], taken[2];
	bool ok = test && (x || gm_fail(err, GM_ERR_MEMORY, "no memory for examples")) &&
	          (gm_saved_facts(run[1])->numel == numel ||
	           gm_fail(err, GM_ERR_VALUE, "metric gam: the runs have examples of other sizes"));
	ok = ok && (run[0] = gm_saved_open_file(c->o.checkpoint,
	                                        &(gm_saved_options){.raw = c->o.raw}, err));
	ok = ok && gm_data_batch(test, c->o.seed, 0, n, x, NULL, err);
	for (int i = 0; ok && i < 2; i++)
		ok = count_real(run[i], x, n, &real[i], err);
	for (int i = 0; ok && i < 2; i++) {
		const gm_samples samples = {.seed = c->o.seed, .n = n, .endpoint = c->o.endpoint};
		ok = gm_saved_draw(run[1 - i], &samples, x, err) &&
		     count_real(run[i], x, n, &taken[i], err);
	}
	if (ok) {
		const ratio t = ratio_of(n - real[0], n - real[1], n),
			    g = ratio_of(taken[0], taken[1], n);
		const bool tie = fabs(log(g.value)) <= g.spread;
		add_ratio(s, "gam-test", t, n, "");
		add_ratio(s, "gam-samples", g, n,
		          tie           ? ": a tie"
		          : g.value < 1 ? ": RUN1 wins"
		                        : ": RUN2 wins");
		for (int i = 0; i < 2; i++)
			if (taken[i] == real[i] && (real[i] == 0 || real[i] == n))
				gm_score_warn(
					s,
					"the discriminator of RUN%d has one verdict for all "
					"examples and samples: with batch norm in inference this "
					"is common; compare runs with another --normalise-d",
					i + 1);
		if (fabs(log(t.value)) > log(fair))
			gm_score_warn(s,
			              "the discriminators are not equally good on test examples (a "
			              "ratio of errors of %.3g): the ratio of samples is no fair "
			              "comparison of the generators",
			              t.value);
	}
	free(x);
	gm_saved_free(run[0]), gm_saved_free(run[1]);
	return ok;
}
