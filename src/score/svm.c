/* SPDX-License-Identifier: MIT
 *
 * score/svm.c -- a linear SVM on the run's features: Radford et al. 2016, arXiv:1511.06434, section
 * 5 and svhn/svhn_semisup_analysis.py of github.com/Newmu/dcgan_code: draws of a few labels of each
 * class, and the whole test split for each of them. Differs: features are scaled, and C is the
 * power of ten with the best accuracy on a held-out sixth of the labels (the authors: unscaled, C
 * by a validation set of 10,000 labels).
 */
#include "score/score_in.h"
#include "score/sweep.h"
#include "base/progress.h"

#include <cblas.h>
#include <inttypes.h>
#include <linear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COSTS = 5, DRAWS = 10, HELD = 6, STREAM = 0x57A };
static const double LEAST_COST = .01;

/* Examples to learn from. */
typedef struct rows {
	float *x;       /* [n, d] */
	int32_t *label; /* [n] */
	int64_t n, d;
} rows;

/* Classes of one draw: score of class of[i] is w[i] x + b[i]. */
typedef struct fitted {
	float *w; /* [k, d] */
	double *b;
	int *of;
	int k;
	double cost;
	int64_t right;
} fitted;

int64_t gm_svm_draws(const gm_score_options *o)
{
	return o->draws > 0 ? o->draws : DRAWS;
}

static void quiet(const char *text)
{
	(void)text;
}

/* ---- learning -------------------------------------------------------------------------------- */

/* Rows pick[0..n) in liblinear's format, each feature without its mean and divided by its standard
 * deviation and sqrt d, so that C means the same for all features. */
static struct feature_node **nodes_of(const rows *f, const int64_t *pick, int64_t n,
                                      const double *mean, const double *scale)
{
	struct feature_node **list = n > 0 ? malloc((size_t)n * sizeof *list) : NULL,
			    *node = n > 0 ? malloc((size_t)(n * (f->d + 2)) * sizeof *node) : NULL;
	if (!list || !node) {
		free(list), free(node);
		return NULL;
	}
	for (int64_t i = 0; i < n; i++) {
		list[i] = node + i * (f->d + 2);
		for (int64_t j = 0; j < f->d; j++)
			list[i][j] = (struct feature_node){
				(int)j + 1, (f->x[pick[i] * f->d + j] - mean[j]) * scale[j]};
		list[i][f->d] = (struct feature_node){(int)f->d + 1, 1}; /* the bias */
		list[i][f->d + 1] = (struct feature_node){-1, 0};
	}
	return list;
}

static void measure(const rows *f, const int64_t *pick, int64_t n, double *mean, double *scale)
{
	for (int64_t j = 0; j < f->d; j++) {
		double sum = 0, squares = 0;
		for (int64_t i = 0; i < n; i++)
			sum += f->x[pick[i] * f->d + j];
		mean[j] = sum / (double)n;
		for (int64_t i = 0; i < n; i++)
			squares += pow(f->x[pick[i] * f->d + j] - mean[j], 2);
		scale[j] = squares > 0 ? 1 / sqrt(squares / (double)n * (double)f->d) : 0;
	}
}

/* Takes the weights of a model, for features as they are. Of two classes liblinear keeps only the
 * first one's. */
static bool take(fitted *to, const struct model *m, int64_t d, const double *mean,
                 const double *scale)
{
	const int columns = m->nr_class == 2 ? 1 : m->nr_class;
	to->k = m->nr_class;
	to->w = calloc((size_t)(to->k * d), sizeof *to->w);
	to->b = calloc((size_t)to->k, sizeof *to->b);
	to->of = malloc((size_t)to->k * sizeof *to->of);
	if (!to->w || !to->b || !to->of)
		return false;
	for (int i = 0; i < to->k; i++)
		to->of[i] = m->label[i];
	for (int i = 0; i < columns; i++) {
		to->b[i] = m->w[d * columns + i];
		for (int64_t j = 0; j < d; j++) {
			const double w = m->w[j * columns + i] * scale[j];
			to->w[i * d + j] = (float)w;
			to->b[i] -= w * mean[j];
		}
	}
	return true;
}

/* Learns from rows pick[0..n); the last sixth of them chooses C. tried: of all SVMs. */
static bool learn(const rows *f, const int64_t *pick, int64_t n, fitted *to, int *tried, int all,
                  gm_error *err)
{
	double *mean = calloc((size_t)f->d, sizeof *mean),
	       *scale = calloc((size_t)f->d, sizeof *scale), *y = malloc((size_t)n * sizeof *y),
	       best = -1;
	struct feature_node **x = NULL;
	bool ok = mean && scale && y;
	if (ok) {
		measure(f, pick, n, mean, scale);
		ok = (x = nodes_of(f, pick, n, mean, scale)) != NULL;
	}
	ok = ok || gm_fail(err, GM_ERR_MEMORY, "no memory for %" PRId64 " x %" PRId64 " features",
	                   n, f->d);
	for (int64_t i = 0; ok && i < n; i++)
		y[i] = f->label[pick[i]];
	const int64_t held = n / HELD, fit = n - held;
	const struct problem part = {(int)fit, (int)f->d + 1, y, x, 1},
			     whole = {(int)n, (int)f->d + 1, y, x, 1};
	struct parameter p = {.solver_type = L2R_L2LOSS_SVC_DUAL, .eps = .1, .p = .1};
	set_print_string_function(quiet);
	srand(1); /* for liblinear's order of examples */
	to->cost = 1;
	for (int k = 0; ok && k <= COSTS; k++) {
		ok = gm_progress_tell("training SVMs", (uint64_t)(*tried)++, (uint64_t)all,
		                      "of them", err);
		if (!ok)
			break;
		p.C = k < COSTS ? LEAST_COST * pow(10, k) : to->cost;
		struct model *m = train(k < COSTS ? &part : &whole, &p);
		int64_t right = 0;
		for (int64_t i = fit; k < COSTS && i < n; i++)
			right += lround(predict(m, x[i])) == f->label[pick[i]];
		if (k < COSTS && (double)right > best)
			best = (double)right, to->cost = p.C;
		if (k == COSTS)
			ok = take(to, m, f->d, mean, scale) ||
			     gm_fail(err, GM_ERR_MEMORY, "no memory for the SVM");
		free_and_destroy_model(&m);
	}
	if (x)
		free(x[0]);
	free(x), free(mean), free(scale), free(y);
	return ok;
}

/* ---- examples -------------------------------------------------------------------------------- */

/* input: the examples themselves instead of the features */
static bool begin(gm_sweep *w, gm_scorer *c, bool test, bool input, int64_t *d, gm_error *err)
{
	if (!gm_sweep_begin(w, c, gm_scorer_endpoint(c, c->now), gm_scorer_part(c, test, err), err))
		return false;
	const uint64_t have = gm_data_info_of(w->data)->count;
	if (c->o.per_class && !c->o.count && have)
		w->n = (int64_t)have;
	*d = input ? gm_node_size(w->e->in[0]) / c->r->batch : w->width;
	return gm_data_field(w->data, "label") ||
	       gm_fail(err, GM_ERR_VALUE, "%s has no labels for classification by features",
	               gm_data_info_of(w->data)->name);
}

/* Features of batch i: rows of w, or NULL. */
static const float *batch_of(gm_sweep *w, int64_t i, bool input, int64_t *m, gm_error *err)
{
	*m = gm_sweep_step(w, i, err);
	if (*m < 0 || (!input && !gm_sweep_call(w, w->c->o.seed, (uint64_t)i, err)))
		return NULL;
	return input ? w->in[0] : w->out;
}

/* Draws of per_class examples of each class: pick [draws, classes per_class], indices of examples,
 * class after class in turn. */
static bool draw(gm_scorer *c, const gm_sweep *w, int64_t draws, int64_t *pick, gm_error *err)
{
	const int64_t classes = gm_data_info_of(w->data)->classes, per = c->o.per_class, n = w->n;
	int32_t *label = malloc((size_t)(n + c->r->batch) * sizeof *label);
	int64_t *order = malloc((size_t)n * sizeof *order),
		*have = malloc((size_t)classes * sizeof *have);
	bool ok = (label && order && have) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t at = 0; ok && at < n; at += c->r->batch)
		ok = gm_data_batch(w->data, c->o.seed, (uint64_t)at, c->r->batch, NULL, label + at,
		                   err);
	for (int64_t k = 0; ok && k < draws; k++) {
		gm_rng rng = gm_rng_new(c->o.seed, STREAM + (uint64_t)k);
		for (int64_t i = 0; i < n; i++)
			order[i] = i;
		for (int64_t i = 0; i < classes; i++)
			have[i] = 0;
		for (int64_t i = 0; i < n; i++) { /* a random order, class by class */
			const int64_t other = i + gm_rng_below(&rng, (uint32_t)(n - i)),
				      at = order[other];
			order[other] = order[i];
			if (have[label[at]] < per)
				pick[(k * per + have[label[at]]++) * classes + label[at]] = at;
		}
		for (int64_t i = 0; ok && i < classes; i++)
			ok = have[i] == per ||
			     gm_fail(err, GM_ERR_VALUE,
			             "option labels-per-class: class %" PRId64 " has only %" PRId64
			             " of %" PRId64 " examples",
			             i, have[i], per);
	}
	free(label), free(order), free(have);
	return ok;
}

/* Reads the rows that a pick needs (all: NULL) and makes the pick indices of them. */
static bool read_rows(gm_sweep *w, bool input, int64_t *pick, int64_t picks, rows *f, gm_error *err)
{
	int64_t *place = malloc((size_t)w->n * sizeof *place), n = 0, m;
	bool ok = place || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t i = 0; ok && i < w->n; i++)
		place[i] = picks ? -1 : i;
	for (int64_t i = 0; ok && i < picks; i++)
		place[pick[i]] = 0;
	for (int64_t i = 0; ok && i < w->n; i++)
		if (place[i] >= 0)
			place[i] = n++;
	f->n = n;
	f->x = ok ? malloc((size_t)(n * f->d) * sizeof *f->x) : NULL;
	f->label = ok ? malloc((size_t)n * sizeof *f->label) : NULL;
	ok = ok && ((f->x && f->label) ||
	            gm_fail(err, GM_ERR_MEMORY, "no memory for %" PRId64 " x %" PRId64 " features",
	                    n, f->d));
	for (int64_t at = 0, i = 0; ok && at < w->n; at += w->c->r->batch, i++) {
		const float *x = batch_of(w, i, input, &m, err);
		ok = x != NULL;
		for (int64_t k = 0; ok && k < m; k++)
			if (place[at + k] >= 0) {
				memcpy(f->x + place[at + k] * f->d, x + k * f->d,
				       (size_t)f->d * sizeof *x);
				f->label[place[at + k]] = w->label[k];
			}
	}
	for (int64_t i = 0; ok && i < picks; i++)
		pick[i] = place[pick[i]];
	free(place);
	return ok;
}

/* Counts the test examples that each SVM has right; *tests: all. */
static bool test_all(gm_scorer *c, bool input, fitted *v, int64_t draws, int64_t *tests,
                     gm_error *err)
{
	gm_sweep w;
	int64_t d, m;
	bool ok = begin(&w, c, true, input, &d, err);
	int k = 0;
	for (int64_t i = 0; i < draws; i++)
		k = v[i].k > k ? v[i].k : k;
	float *y = malloc((size_t)(c->r->batch * k) * sizeof *y);
	ok = ok && (y || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	*tests = w.n;
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		const float *x = batch_of(&w, i, input, &m, err);
		ok = x != NULL;
		for (int64_t t = 0; ok && t < draws; t++) {
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, v[t].k, (int)d,
			            1, x, (int)d, v[t].w, (int)d, 0, y, v[t].k);
			for (int64_t q = 0; q < m; q++) {
				int best = 0;
				for (int a = 1; a < v[t].k; a++)
					if (y[q * v[t].k + a] + v[t].b[a] >
					    y[q * v[t].k + best] + v[t].b[best])
						best = a;
				v[t].right += v[t].of[best] == w.label[q];
			}
		}
	}
	free(y);
	gm_sweep_end(&w);
	return ok;
}

/* ---- the metric ------------------------------------------------------------------------------ */

static void add(gm_scores *s, const char *name, const fitted *v, int64_t draws, int64_t tests,
                int64_t n, int64_t d)
{
	double mean = 0, squares = 0;
	char note[96];
	for (int64_t i = 0; i < draws; i++)
		mean += (double)v[i].right / (double)tests / (double)draws;
	for (int64_t i = 0; i < draws; i++)
		squares += pow((double)v[i].right / (double)tests - mean, 2);
	if (draws > 1)
		snprintf(note, sizeof note,
		         "%" PRId64 " tests, %" PRId64 " draws of %" PRId64 " examples, %" PRId64
		         " features, C = %g",
		         tests, draws, n, d, v[0].cost);
	else
		snprintf(note, sizeof note,
		         "%" PRId64 " tests, %" PRId64 " examples, %" PRId64 " features, C = %g",
		         tests, n, d, v[0].cost);
	gm_score_add(s, name, mean, draws > 1 ? sqrt(squares / (double)(draws - 1)) : NAN, 1, note);
}

static bool score(gm_scorer *c, const char *name, bool input, gm_scores *s, gm_error *err)
{
	gm_sweep w;
	rows f = {0};
	const bool few = c->o.per_class > 0;
	const int64_t draws = few ? gm_svm_draws(&c->o) : 1;
	int64_t n = 0, tests = 0, *pick = NULL;
	fitted *v = calloc((size_t)draws, sizeof *v);
	bool ok = begin(&w, c, false, input, &f.d, err) &&
	          (v || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok) {
		n = few ? c->o.per_class * gm_data_info_of(w.data)->classes : w.n;
		pick = malloc((size_t)(draws * n) * sizeof *pick);
		ok = pick || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	}
	for (int64_t i = 0; ok && !few && i < n; i++)
		pick[i] = i;
	ok = ok && (!few || draw(c, &w, draws, pick, err)) &&
	     read_rows(&w, input, pick, few ? draws * n : 0, &f, err);
	gm_sweep_end(&w);
	int tried = 0;
	for (int64_t i = 0; ok && i < draws; i++)
		ok = learn(&f, pick + i * n, n, &v[i], &tried, (int)draws * (COSTS + 1), err);
	gm_progress_end();
	ok = ok && test_all(c, input, v, draws, &tests, err);
	if (ok)
		add(s, name, v, draws, tests, n, f.d);
	for (int64_t i = 0; v && i < draws; i++)
		free(v[i].w), free(v[i].b), free(v[i].of);
	free(v), free(pick), free(f.x), free(f.label);
	return ok;
}

/* With few labels also svm-input: the same labels and the examples themselves. */
bool gm_metric_svm(gm_scorer *c, gm_scores *s, gm_error *err)
{
	return score(c, "svm", false, s, err) &&
	       (!c->o.per_class || score(c, "svm-input", true, s, err));
}
