/* SPDX-License-Identifier: MIT
 *
 * score/score_fair.c -- fairness with respect to a sensitive feature, which the model's option
 * "sensitive" names: of predictions by group, and what a new classifier finds in codes.
 */
#include "score/sweep.h"

#include <inttypes.h>
#include <linear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

enum { FEATURES = 500 };

/* Outputs of an endpoint with the group of each example. */
typedef struct coded {
	float *x;               /* [n, d] */
	int32_t *group, *label; /* [n]; label: or of no meaning, without labels */
	int64_t n, d, groups;
} coded;

static void coded_free(coded *k)
{
	free(k->x), free(k->group), free(k->label);
}

/* The field of option sensitive ("sex"; "age:40": values below 40, and the others), its cuts and
 * the number of groups. */
typedef struct sensitive {
	const gm_field *field;
	const char *cuts; /* "" or ":40:60" */
	int64_t groups;
} sensitive;

static bool sensitive_of(gm_scorer *c, gm_dataset *d, sensitive *s, gm_error *err)
{
	const char *text = gm_opt_has(c->r, "sensitive") ? gm_opt_str(c->r, "sensitive") : NULL;
	char name[64];
	if (!text)
		return gm_fail(
			err, GM_ERR_VALUE,
			"metric %s needs a model with the option sensitive, which %s does not "
			"have",
			c->now->name, c->r->model->name);
	const size_t n = strcspn(text, ":,");
	snprintf(name, sizeof name, "%.*s", (int)n, text);
	*s = (sensitive){gm_data_field(d, name), text + n, 0};
	if (!s->field || s->field->type != GM_FIELD_INT || s->field->numel != 1 ||
	    strchr(text, ','))
		return gm_fail(
			err, GM_ERR_VALUE,
			"metric %s: option sensitive: \"%.60s\" is not one class field of %s",
			c->now->name, text, gm_data_info_of(d)->name);
	s->groups = *s->cuts ? 1 : s->field->classes;
	for (const char *at = s->cuts; *at; at++)
		s->groups += *at == ':';
	return s->groups > 1 ||
	       gm_fail(err, GM_ERR_VALUE, "metric %s: field %s is no class", c->now->name, name);
}

static int32_t group_of(const sensitive *s, int32_t value)
{
	int32_t group = 0;
	for (const char *at = s->cuts; *at; at += strcspn(at, ":"))
		group += value >= strtol(++at, NULL, 10);
	return *s->cuts ? group : value;
}

static bool coded_read(gm_scorer *c, gm_dataset *data, coded *k, gm_error *err)
{
	gm_sweep w;
	sensitive s = {0};
	*k = (coded){0};
	bool ok = gm_sweep_begin(&w, c, gm_scorer_endpoint(c, c->now), data, err) &&
	          sensitive_of(c, data, &s, err);
	if (ok) {
		*k = (coded){.n = w.n, .d = w.width, .groups = s.groups};
		k->x = malloc((size_t)(w.n * w.width) * sizeof *k->x);
		k->group = malloc((size_t)w.n * sizeof *k->group);
		k->label = malloc((size_t)w.n * sizeof *k->label);
		ok = (k->x && k->group && k->label) ||
		     gm_fail(err, GM_ERR_MEMORY, "no memory for codes");
	}
	for (int64_t at = 0, m; ok && at < w.n; at += m) {
		ok = (m = gm_sweep_step(&w, at / c->r->batch, err)) > 0 &&
		     gm_sweep_call(&w, c->o.seed, (uint64_t)(at / c->r->batch), err) &&
		     gm_data_read(data, s.field, c->o.seed, (uint64_t)at, m, k->group + at, err);
		for (int64_t i = 0; ok && i < m; i++) {
			k->group[at + i] = group_of(&s, k->group[at + i]);
			k->label[at + i] = w.label[i];
		}
		if (ok)
			memcpy(k->x + at * k->d, w.out, (size_t)(m * k->d) * sizeof *k->x);
	}
	gm_sweep_end(&w);
	return ok;
}

/* ---- predictions by group -------------------------------------------------------------------- */

typedef struct range {
	double least, most;
} range;

static void widen(range *r, double v)
{
	r->least = fmin(r->least, v), r->most = fmax(r->most, v);
}

/* Demographic parity: P(y' = 1) in each group; equalised odds: P(y' = 1 | y) in each group, for
 * both y (Hardt, Price & Srebro 2016, arXiv:1610.02413). y = 1: the rarer class. */
bool gm_metric_fairness(gm_scorer *c, gm_scores *s, gm_error *err)
{
	coded k;
	gm_dataset *data = gm_scorer_part(c, gm_scorer_scores_other(c), err);
	bool ok = data && coded_read(c, data, &k, err);
	if (!data)
		return false;
	if (ok && (k.d != 2 || c->r->facts.classes != 2))
		ok = gm_fail(err, GM_ERR_VALUE, "metric fairness is for two classes");
	if (!ok) {
		coded_free(&k);
		return false;
	}
	int64_t ones = 0, right = 0, (*count)[2][2] = calloc((size_t)k.groups, sizeof *count);
	for (int64_t i = 0; i < k.n; i++)
		ones += k.label[i] == 1;
	const int rare = 2 * ones < k.n;
	for (int64_t i = 0; count && i < k.n; i++) {
		const int guess = k.x[2 * i + 1] > k.x[2 * i], y = k.label[i];
		right += guess == y;
		count[k.group[i]][y == rare][guess == rare]++;
	}
	range all = {1, 0}, odds[2] = {{1, 0}, {1, 0}};
	for (int64_t g = 0; count && g < k.groups; g++) {
		const double n =
			(double)(count[g][0][0] + count[g][0][1] + count[g][1][0] + count[g][1][1]);
		if (n > 0)
			widen(&all, (double)(count[g][0][1] + count[g][1][1]) / n);
		for (int y = 0; y < 2; y++) {
			const double of = (double)(count[g][y][0] + count[g][y][1]);
			if (of > 0)
				widen(&odds[y], (double)count[g][y][1] / of);
		}
	}
	char note[96];
	const double share = (double)(rare ? ones : k.n - ones) / (double)k.n;
	const double fpr = odds[0].most - odds[0].least, tpr = odds[1].most - odds[1].least;
	snprintf(note, sizeof note, "accuracy %.4f (one class %.4f); %" PRId64 " of the %s split",
	         (double)right / (double)k.n, 1 - share, k.n, gm_scorer_scored(c));
	gm_score_add(s, "parity-gap", all.most - all.least, NAN, -1, note);
	snprintf(note, sizeof note, "p%%-rule: %.4f of %.4f", all.least, all.most);
	gm_score_add(s, "parity-ratio", all.most > 0 ? all.least / all.most : 1, NAN, 1, note);
	snprintf(note, sizeof note, "mean of the gaps of true positives %.4f and false ones %.4f",
	         tpr, fpr);
	gm_score_add(s, "odds-gap", (tpr + fpr) / 2, NAN, -1, note);
	ok = count || gm_fail(err, GM_ERR_MEMORY, "no memory for groups");
	free(count);
	coded_free(&k);
	return ok;
}

/* ---- a new classifier of codes --------------------------------------------------------------- */

static void quiet(const char *text)
{
	(void)text;
}

/* Columns of both become those of mean 0 and deviation 1 in the first. */
static void standardise(coded *learn, coded *test)
{
	for (int64_t j = 0; j < learn->d; j++) {
		double sum = 0, squares = 0;
		for (int64_t i = 0; i < learn->n; i++)
			sum += learn->x[i * learn->d + j];
		const double mean = sum / (double)learn->n;
		for (int64_t i = 0; i < learn->n; i++)
			squares += pow(learn->x[i * learn->d + j] - mean, 2);
		const double scale = squares > 0 ? 1 / sqrt(squares / (double)learn->n) : 0;
		for (int64_t i = 0; i < learn->n; i++)
			learn->x[i * learn->d + j] =
				(float)((learn->x[i * learn->d + j] - mean) * scale);
		for (int64_t i = 0; i < test->n; i++)
			test->x[i * test->d + j] =
				(float)((test->x[i * test->d + j] - mean) * scale);
	}
}

/* Random features of a Gaussian kernel of width sqrt(d) (Rahimi & Recht 2007) in place of the
 * rows. */
static bool to_features(coded *k, uint64_t seed, gm_error *err)
{
	gm_rng rng = gm_rng_new(seed, 77);
	double *w = malloc((size_t)(FEATURES * k->d) * sizeof *w), b[FEATURES];
	float *y = malloc((size_t)(k->n * FEATURES) * sizeof *y);
	const bool ok = (w && y) || gm_fail(err, GM_ERR_MEMORY, "no memory for features");
	for (int64_t i = 0; ok && i < FEATURES * k->d; i++)
		w[i] = gm_rng_normal(&rng) / sqrt((double)k->d);
	for (int i = 0; i < FEATURES; i++)
		b[i] = 2 * M_PI * gm_rng_uniform(&rng);
	for (int64_t i = 0; ok && i < k->n; i++)
		for (int f = 0; f < FEATURES; f++) {
			double sum = b[f];
			for (int64_t j = 0; j < k->d; j++)
				sum += w[f * k->d + j] * k->x[i * k->d + j];
			y[i * FEATURES + f] = (float)(cos(sum) * sqrt(2));
		}
	free(w);
	if (!ok) {
		free(y);
		return false;
	}
	free(k->x);
	k->x = y, k->d = FEATURES;
	return true;
}

static void fill_nodes(const coded *k, int64_t row, struct feature_node *node)
{
	for (int64_t j = 0; j < k->d; j++)
		node[j] = (struct feature_node){(int)j + 1, k->x[row * k->d + j]};
	node[k->d] = (struct feature_node){(int)k->d + 1, 1}; /* the bias */
	node[k->d + 1] = (struct feature_node){-1, 0};
}

/* Share of the test's groups that a logistic regression on the training codes finds. */
static bool probe(const coded *learn, const coded *test, double *share, gm_error *err)
{
	const int64_t wide = learn->d + 2;
	struct feature_node *node = malloc((size_t)((learn->n + 1) * wide) * sizeof *node),
			    **list = malloc((size_t)learn->n * sizeof *list);
	double *y = malloc((size_t)learn->n * sizeof *y);
	const bool ok = (node && list && y) || gm_fail(err, GM_ERR_MEMORY, "no memory for a probe");
	for (int64_t i = 0; ok && i < learn->n; i++) {
		list[i] = node + i * wide, y[i] = learn->group[i];
		fill_nodes(learn, i, list[i]);
	}
	if (ok) {
		const struct problem all = {(int)learn->n, (int)learn->d + 1, y, list, 1};
		const struct parameter p = {.solver_type = L2R_LR, .eps = .01, .C = 1};
		set_print_string_function(quiet);
		struct model *m = train(&all, &p);
		int64_t right = 0;
		for (int64_t i = 0; i < test->n; i++) {
			struct feature_node *row = node + learn->n * wide;
			fill_nodes(test, i, row);
			right += (int32_t)predict(m, row) == test->group[i];
		}
		*share = (double)right / (double)test->n;
		free_and_destroy_model(&m);
	}
	free(node), free(list), free(y);
	return ok;
}

/* What an independent classifier finds of the sensitive feature in frozen codes: logistic
 * regression on the codes, and on random features of them. */
bool gm_metric_leakage(gm_scorer *c, gm_scores *s, gm_error *err)
{
	static const char *const names[] = {"leakage", "leakage-kernel"};
	coded learn = {0}, test = {0};
	gm_dataset *a = gm_scorer_part(c, false, err), *b = a ? gm_scorer_part(c, true, err) : NULL;
	bool ok = a && b && coded_read(c, a, &learn, err) && coded_read(c, b, &test, err);
	int64_t most = 0;
	for (int64_t g = 0; ok && g < test.groups; g++) {
		int64_t n = 0;
		for (int64_t i = 0; i < test.n; i++)
			n += test.group[i] == g;
		most = n > most ? n : most;
	}
	if (ok)
		standardise(&learn, &test);
	for (int i = 0; ok && i < 2; i++) {
		double share = 0;
		char note[96];
		ok = gm_progress_tell("training probes", (uint64_t)i, 2, "of them", err) &&
		     (!i || (to_features(&learn, c->o.seed, err) &&
		             to_features(&test, c->o.seed, err))) &&
		     probe(&learn, &test, &share, err);
		snprintf(note, sizeof note,
		         "%s; most frequent group %.4f; %" PRId64 " codes, %" PRId64 " tests",
		         i ? "on random features" : "logistic", (double)most / (double)test.n,
		         learn.n, test.n);
		if (ok)
			gm_score_add(s, names[i], share, NAN, -1, note);
	}
	gm_progress_end();
	coded_free(&learn), coded_free(&test);
	return ok;
}
