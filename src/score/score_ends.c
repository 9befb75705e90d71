/* SPDX-License-Identifier: MIT
 *
 * score/score_ends.c -- metrics of endpoints other than samples: classifier, likelihood, features,
 * translation, on the test split of the run's data.
 */
#include "score/score_in.h"
#include "score/sweep.h"
#include "base/progress.h"
#include "ganymede/saved.h"
#include "run/folder.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t largest(const float *v, int64_t n)
{
	int64_t best = 0;
	for (int64_t i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return best;
}

/* The endpoint of the current metric. */
static gm_run_endpoint *of_metric(const gm_scorer *c)
{
	return gm_scorer_endpoint(c, c->now);
}

/* The split to score. */
static gm_dataset *scored(gm_scorer *c, gm_error *err)
{
	return gm_scorer_part(c, gm_scorer_scores_other(c), err);
}

/* ---- accuracy -------------------------------------------------------------------------------- */

enum { MEMBERS = 64 };

typedef struct members { /* of an ensemble, beside the run itself */
	gm_saved *run[MEMBERS];
	int n;
	float *logit;     /* [batch, classes] */
	double *together; /* [batch, classes]: the sum of all members' probabilities */
} members;

static void free_members(members *e)
{
	for (int i = 0; i < e->n; i++)
		gm_saved_free(e->run[i]);
	free(e->logit);
	free(e->together);
}

static gm_saved *open_member(const char *run, const char *outdir, const gm_saved_options *o,
                             gm_error *err)
{
	char path[PATH_MAX];
	return gm_folder_checkpoint(run, outdir ? outdir : "runs", path, NULL, err)
	               ? gm_saved_open(path, o, err)
	               : NULL;
}

static bool open_members(members *e, const gm_sweep *w, const char *runs, gm_error *err)
{
	char name[PATH_MAX];
	const gm_saved_options o = {.batch = w->c->r->batch, .exact = true, .raw = w->c->o.raw};
	const int64_t room = w->c->r->batch * w->width;
	e->logit = room > 0 ? malloc(room * sizeof *e->logit) : NULL;
	e->together = room > 0 ? malloc(room * sizeof *e->together) : NULL;
	if (!e->logit || !e->together)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	while (runs && *runs) {
		const size_t n = strcspn(runs, ",");
		snprintf(name, sizeof name, "%.*s", (int)n, runs);
		runs += n + (runs[n] == ',');
		if (e->n == MEMBERS)
			return gm_fail(err, GM_ERR_VALUE, "option ensemble: more than %d runs",
			               MEMBERS);
		gm_saved *s = open_member(name, w->c->o.outdir, &o, err);
		if (!s)
			return false;
		e->run[e->n++] = s;
		if (!gm_saved_must(s, w->e->name, err))
			return false;
		gm_shape have = gm_saved_shape(s, w->e->name), want = gm_node_shape(w->e->y);
		if (have.rank != want.rank || have.dim[1] != want.dim[1] ||
		    gm_saved_facts(s)->numel != w->c->r->facts.numel)
			return gm_fail(err, GM_ERR_VALUE,
			               "option ensemble: %s has other classes, or pictures of "
			               "another size",
			               name);
	}
	return true;
}

static void add_probabilities(const float *logit, int64_t rows, int64_t classes, double *sum)
{
	for (int64_t i = 0; i < rows; i++, logit += classes, sum += classes) {
		const float most = logit[largest(logit, classes)];
		double all = 0;
		for (int64_t k = 0; k < classes; k++)
			all += exp((double)logit[k] - most);
		for (int64_t k = 0; k < classes; k++)
			sum[k] += exp((double)logit[k] - most) / all;
	}
}

/* w->out becomes the sum of the class probabilities of the run and of all members. */
static bool vote(gm_sweep *w, members *e, int64_t chunk, gm_error *err)
{
	const int64_t rows = w->c->r->batch, classes = w->width;
	memset(e->together, 0, rows * classes * sizeof *e->together);
	add_probabilities(w->out, rows, classes, e->together);
	for (int i = 0; i < e->n; i++) {
		if (!gm_saved_run(e->run[i], w->e->name, (const void *const *)w->in, w->c->o.seed,
		                  (uint64_t)chunk, e->logit, err))
			return false;
		add_probabilities(e->logit, rows, classes, e->together);
	}
	for (int64_t i = 0; i < rows * classes; i++)
		w->out[i] = (float)e->together[i];
	return true;
}

bool gm_metric_accuracy(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_sweep w;
	members others = {0};
	bool ok = gm_sweep_begin(&w, c, of_metric(c), scored(c, err), err) &&
	          (gm_data_field(w.data, "label") ||
	           gm_fail(err, GM_ERR_VALUE, "metric accuracy needs labels, but %s has none",
	                   gm_data_info_of(w.data)->name));
	ok = ok &&
	     (w.width <= c->r->facts.classes ||
	      gm_fail(err, GM_ERR_VALUE,
	              "metric accuracy: \"classify\" has %" PRId64
	              " outputs, but the data have %" PRId64 " classes: use metric code-error",
	              w.width, c->r->facts.classes));
	ok = ok && (!c->o.ensemble || open_members(&others, &w, c->o.ensemble, err));
	int64_t right = 0, m;
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err) &&
		     (!others.n || vote(&w, &others, i, err));
		for (int64_t k = 0; ok && k < m; k++)
			right += largest(w.out + k * w.width, w.width) == w.label[k];
	}
	if (ok) {
		char note[96];
		size_t k = (size_t)snprintf(note, sizeof note,
		                            "%" PRId64 " errors in %" PRId64 " of the %s split",
		                            w.n - right, w.n, gm_scorer_scored(c));
		if (others.n)
			snprintf(note + k, sizeof note - k, ", %d runs together", others.n + 1);
		gm_score_add(s, "accuracy", (double)right / w.n, NAN, 1, note);
	}
	free_members(&others);
	gm_sweep_end(&w);
	return ok;
}

/* ---- codes ----------------------------------------------------------------------------------- */

/* Counts how often "classify" predicts code q for an example of class k, in count [width,
 * classes]. */
static bool count_codes(gm_scorer *c, bool test, int64_t *width, int64_t **count, int64_t *n,
                        gm_error *err)
{
	gm_sweep w;
	int64_t m, classes = c->r->facts.classes;
	bool ok = gm_sweep_begin(&w, c, of_metric(c), gm_scorer_part(c, test, err), err) &&
	          ((classes && gm_data_field(w.data, "label")) ||
	           gm_fail(err, GM_ERR_VALUE, "metric code-error needs labels, but %s has none",
	                   gm_data_info_of(w.data)->name));
	ok = ok && classes > 0 && w.width > 0;
	*count = ok ? calloc(w.width * classes, sizeof **count) : NULL;
	ok = ok && (*count || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		for (int64_t k = 0; ok && k < m; k++)
			(*count)[largest(w.out + k * w.width, w.width) * classes + w.label[k]]++;
	}
	*width = w.width, *n = w.n;
	gm_sweep_end(&w);
	return ok;
}

/* Chen et al. 2016, section 7.2: each value of the code is assigned the most frequent class of its
 * training examples; the score is the error rate on the test split. learn, test: [width, classes],
 * counts of known and n examples. */
static bool add_code_error(gm_scores *s, const char *name, const int64_t *learn,
                           const int64_t *test, int64_t width, int64_t classes, gm_error *err)
{
	int64_t n = 0, known = 0, right = 0, found = 0;
	bool *seen = calloc((size_t)classes, sizeof *seen);
	if (!seen)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t q = 0; q < width; q++) {
		const int64_t *row = learn + q * classes;
		int64_t best = 0;
		for (int64_t k = 0; k < classes; k++)
			best = row[k] > row[best] ? k : best, known += row[k],
			n += test[q * classes + k];
		right += test[q * classes + best];
		found += row[best] > 0 && !seen[best];
		seen[best] = seen[best] || row[best] > 0;
	}
	free(seen);
	char note[96];
	snprintf(note, sizeof note,
	         "%" PRId64 " of %" PRId64 " tests; %" PRId64 " codes represent %" PRId64
	         " classes, by %" PRId64 " examples",
	         n - right, n, width, found, known);
	gm_score_add(s, name, 1 - (double)right / (double)n, NAN, -1, note);
	return true;
}

/* The usual accuracy of clusterings: each code is at most one class, and each class one code, as
 * suits the test examples best; examples of further codes are errors. */
static bool add_matched(gm_scores *s, const char *name, const int64_t *test, int64_t width,
                        int64_t classes, gm_error *err)
{
	double *gain = malloc((size_t)(width * classes) * sizeof *gain), n = 0, right;
	int64_t *to = malloc((size_t)width * sizeof *to);
	bool ok = (gain && to) || gm_fail(err, GM_ERR_MEMORY, "no memory for a matching");
	for (int64_t i = 0; ok && i < width * classes; i++)
		n += gain[i] = (double)test[i];
	ok = ok && gm_matching(gain, width, classes, to, &right, err);
	if (ok) {
		char note[96];
		snprintf(note, sizeof note,
		         "one code for one class: %" PRId64 " codes, %" PRId64 " classes", width,
		         classes);
		gm_score_add(s, name, right / n, NAN, 1, note);
	}
	free(gain), free(to);
	return ok;
}

bool gm_metric_code_error(gm_scorer *c, gm_scores *s, gm_error *err)
{
	int64_t width, n, *learn = NULL, *test = NULL;
	bool ok = count_codes(c, false, &width, &learn, &n, err) &&
	          count_codes(c, true, &width, &test, &n, err) &&
	          add_code_error(s, "code-error", learn, test, width, c->r->facts.classes, err) &&
	          add_matched(s, "code-matched", test, width, c->r->facts.classes, err);
	free(learn), free(test);
	return ok;
}

/* ---- k-means --------------------------------------------------------------------------------- */

/* Examples of a split with their labels; the caller frees both. */
static bool labelled_examples(gm_scorer *c, bool test, int64_t *n, float **x, int32_t **label,
                              gm_error *err)
{
	gm_dataset *d = gm_scorer_part(c, test, err);
	if (!d)
		return false;
	const uint64_t have = gm_data_info_of(d)->count;
	*n = c->o.count ? c->o.count : 10000;
	if (have && have < (uint64_t)*n)
		*n = (int64_t)have;
	*x = malloc((size_t)(*n * c->r->facts.numel) * sizeof **x);
	*label = malloc((size_t)*n * sizeof **label);
	if (!*x || !*label)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for examples");
	if (!c->r->facts.classes || !gm_data_field(d, "label"))
		return gm_fail(err, GM_ERR_VALUE, "metric k-means needs labels, but %s has none",
		               gm_data_info_of(d)->name);
	return gm_data_batch(d, c->o.seed, 0, *n, *x, *label, err);
}

/* The code error of k-means clusters of the examples themselves, as many as "classify" has. */
bool gm_metric_k_means(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const int64_t k = gm_node_size(of_metric(c)->y) / c->r->batch, d = c->r->facts.numel,
		      classes = c->r->facts.classes;
	float *x[2] = {0}, *centre = malloc((size_t)(k * d) * sizeof *centre);
	int32_t *label[2] = {0};
	int64_t n[2], *count = calloc((size_t)(2 * k * classes + 1), sizeof *count), *to = NULL;
	bool ok = (centre && count) || gm_fail(err, GM_ERR_MEMORY, "no memory for clusters");
	ok = ok && labelled_examples(c, false, &n[0], &x[0], &label[0], err) &&
	     labelled_examples(c, true, &n[1], &x[1], &label[1], err) &&
	     gm_k_means(x[0], n[0], d, k, &(gm_k_means_options){.seed = c->o.seed}, centre, NULL,
	                err);
	for (int i = 0; ok && i < 2; i++) {
		free(to);
		to = malloc((size_t)n[i] * sizeof *to);
		ok = (to || gm_fail(err, GM_ERR_MEMORY, "no memory for clusters")) &&
		     gm_nearest(x[i], n[i], centre, k, d, NULL, to, NULL, err);
		for (int64_t j = 0; ok && j < n[i]; j++)
			count[(i * k + to[j]) * classes + label[i][j]]++;
	}
	ok = ok && add_code_error(s, "k-means", count, count + k * classes, k, classes, err) &&
	     add_matched(s, "k-means-matched", count + k * classes, k, classes, err);
	for (int i = 0; i < 2; i++)
		free(x[i]), free(label[i]);
	free(centre), free(count), free(to);
	return ok;
}

/* ---- likelihood ------------------------------------------------------------------------------ */

/* Burda et al., ICLR 2016, eq. 8: log of the mean of k importance weights. */
static bool importance(gm_sweep *w, int64_t i, int64_t k, double *value, gm_error *err)
{
	int64_t m = w->c->r->batch;
	double *most = malloc(2 * m * sizeof *most), *sum = most + m;
	bool ok = most || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t j = 0; ok && j < m; j++)
		most[j] = -INFINITY, sum[j] = 0;
	for (int64_t run = 0; ok && run < k; run++) {
		ok = gm_sweep_tell(w, i * m + m * run / k, err) &&
		     gm_sweep_call(w, w->c->o.seed + 1, i * k + run, err);
		for (int64_t j = 0; ok && j < m; j++) {
			double v = w->out[j], top = fmax(most[j], v);
			if (top > -INFINITY)
				sum[j] = sum[j] * exp(most[j] - top) + exp(v - top);
			most[j] = top;
		}
	}
	for (int64_t j = 0; ok && j < m; j++)
		value[j] = most[j] + log(sum[j] / k);
	free(most);
	return ok;
}

bool gm_metric_nll(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const bool exact = !strcmp(of_metric(c)->kind->name, GM_ENDPOINT_LOG_LIKELIHOOD);
	gm_sweep w;
	int64_t k = c->o.samples ? c->o.samples : 100, m;
	double mean = 0, squares = 0, *value = malloc(c->r->batch * sizeof *value);
	bool ok = value && gm_sweep_begin(&w, c, of_metric(c), scored(c, err), err);
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 &&
		     (exact ? gm_sweep_call(&w, c->o.seed, i, err)
		            : importance(&w, i, k, value, err));
		for (int64_t j = 0; ok && j < m; j++) {
			double v = -(exact ? w.out[j] : value[j]), far = v - mean;
			mean += far / (i * c->r->batch + j + 1);
			squares += far * (v - mean);
		}
	}
	if (ok) {
		char note[96];
		double bits = mean / (c->r->facts.numel * M_LN2);
		if (exact)
			snprintf(note, sizeof note,
			         "s.e. of %" PRId64
			         " examples of the %s split; %.4f bits per value",
			         w.n, gm_scorer_scored(c), bits);
		else
			snprintf(note, sizeof note,
			         "s.e. of %" PRId64 " examples of the %s split, %" PRId64
			         " samples each; a bound",
			         w.n, gm_scorer_scored(c), k);
		gm_score_add(s, "nll", mean, w.n > 1 ? sqrt(squares / (w.n - 1) / w.n) : NAN, -1,
		             note);
	}
	free(value);
	gm_sweep_end(&w);
	return ok;
}

/* ---- Boltzmann machines ---------------------------------------------------------------------- */

/* Mean of "free-energy" over a split, with the standard error of the mean. */
static bool mean_energy(gm_scorer *c, bool test, double *mean, double *error, int64_t *n,
                        gm_error *err)
{
	gm_sweep w;
	int64_t m;
	double squares = 0;
	bool ok = gm_sweep_begin(&w, c, of_metric(c), gm_scorer_part(c, test, err), err);
	*mean = 0, *n = w.n;
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		for (int64_t j = 0; ok && j < m; j++) {
			const double far = w.out[j] - *mean;
			*mean += far / (double)(i * c->r->batch + j + 1);
			squares += far * (w.out[j] - *mean);
		}
	}
	*error = w.n > 1 ? sqrt(squares / (double)(w.n - 1) / (double)w.n) : NAN;
	gm_sweep_end(&w);
	return ok;
}

static const char *bound_of(const gm_scorer *c)
{
	return of_metric(c)->variant ? "; a bound" : "";
}

/* Mean free energies of the scored split and of the training split: while they fall together, the
 * machine does not overfit (Hinton 2010, section 6). */
bool gm_metric_free_energy(gm_scorer *c, gm_scores *s, gm_error *err)
{
	double mean[2], error[2];
	int64_t n[2];
	for (int test = 0; test < 2; test++)
		if (!mean_energy(c, test, &mean[test], &error[test], &n[test], err))
			return false;
	char note[96];
	snprintf(note, sizeof note, "s.e. of %" PRId64 " of the test split%s", n[1], bound_of(c));
	gm_score_add(s, "free-energy", mean[1], error[1], 0, note);
	snprintf(note, sizeof note,
	         "test less training split (%" PRId64 " examples): grows with overfitting", n[0]);
	gm_score_add(s, "free-energy-gap", mean[1] - mean[0], hypot(error[0], error[1]), -1, note);
	return true;
}

/* log of the mean of exp(sign v[i]), times sign; *error: its standard error, that of the mean
 * divided by the mean. */
static double log_mean(const double *v, int64_t n, int sign, double *error)
{
	double top = -INFINITY, sum = 0, squares = 0;
	for (int64_t i = 0; i < n; i++)
		top = fmax(top, sign * v[i]);
	for (int64_t i = 0; i < n; i++)
		sum += exp(sign * v[i] - top);
	const double mean = sum / (double)n;
	for (int64_t i = 0; i < n; i++)
		squares += pow(exp(sign * v[i] - top) - mean, 2);
	*error = n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) / mean : NAN;
	return sign * (top + log(mean));
}

/* An estimate of log Z by the variant `name` of "log-z" with n chains, or rows. */
static bool log_z(gm_scorer *c, const char *name, int64_t n, double *value, double *error,
                  gm_error *err)
{
	const bool back = strstr(name, "/reverse") != NULL;
	gm_run_endpoint *e = gm_endpoint_find(c->r, name);
	gm_sweep w;
	double *v = malloc(n * sizeof *v);
	bool ok = gm_sweep_begin(&w, c, e, gm_scorer_part(c, false, err), err) &&
	          (v || gm_fail(err, GM_ERR_MEMORY, "no memory for %" PRId64 " chains", n));
	for (int64_t at = 0, i = 0; ok && at < n; at += c->r->batch, i++) {
		ok = gm_sweep_step(&w, i, err) >= 0 && gm_sweep_call(&w, c->o.seed + 1, i, err);
		for (int64_t j = 0; ok && j < c->r->batch && at + j < n; j++)
			v[at + j] = w.out[j];
	}
	if (ok)
		*value = log_mean(v, n, back ? -1 : 1, error);
	free(v);
	gm_sweep_end(&w);
	return ok;
}

/* The mean of log p(x) = -F(x) - log Z, log Z by annealed importance sampling (Salakhutdinov &
 * Murray 2008), in the reverse direction too, and exactly where the model can. */
bool gm_metric_ais(gm_scorer *c, gm_scores *s, gm_error *err)
{
	static const char *const way[] = {GM_ENDPOINT_LOG_Z, GM_ENDPOINT_LOG_Z "/reverse",
	                                  GM_ENDPOINT_LOG_Z "/exact"};
	const bool scored_test = gm_scorer_scores_other(c);
	const int64_t chains = c->o.samples ? c->o.samples : 100;
	gm_run_endpoint *e[3];
	double z[3], error[3], mean, of_mean;
	int64_t n;
	char note[96];
	for (int i = 0; i < 3; i++)
		e[i] = gm_endpoint_find(c->r, way[i]);
	if (!e[0] || !e[1])
		return gm_fail(err, GM_ERR_VALUE,
		               "metric ais needs the endpoint \"%s\", which %s does not have",
		               way[0], c->r->model->name);
	const int64_t turns = gm_endpoint_turns(e[0]);
	for (int i = 0; i < 3; i++) {
		if (!e[i])
			continue;
		if ((i == 1 && !gm_endpoint_set_turns(c->r, e[i], 2 * turns, err)) ||
		    !log_z(c, way[i], i < 2 ? chains : c->r->batch, &z[i], &error[i], err))
			return false;
	}
	if (!mean_energy(c, scored_test, &mean, &of_mean, &n, err))
		return false;
	const double *best = e[2] ? &z[2] : &z[0];
	snprintf(note, sizeof note,
	         "nats, %s, %" PRId64 " of the %s split%s; by log-z-reverse %.2f",
	         e[2] ? "exact Z" : "Z by AIS", n, gm_scorer_scored(c), bound_of(c), -mean - z[1]);
	gm_score_add(s, "ais", -mean - *best, e[2] ? of_mean : hypot(of_mean, error[0]), 1, note);
	snprintf(note, sizeof note,
	         "%" PRId64 " chains, %" PRId64 " steps; +- 3 s.e. of Z: %.2f to %.2f", chains,
	         turns, z[0] + log(fmax(1 - 3 * error[0], 0)), z[0] + log(1 + 3 * error[0]));
	gm_score_add(s, "log-z", z[0], error[0], 0, note);
	snprintf(note, sizeof note, "chains from the data to the base; rather too large");
	gm_score_add(s, "log-z-reverse", z[1], error[1], 0, note);
	if (e[2])
		gm_score_add(s, "log-z-exact", z[2], NAN, 0, "by enumeration");
	return true;
}

/* ---- features, used again -------------------------------------------------------------------- */

typedef struct rows {
	float *x;       /* [n, d] */
	int32_t *label; /* [n] */
	int64_t n, d;
} rows;

static bool features(gm_scorer *c, gm_run_endpoint *e, bool test, rows *f, gm_error *err)
{
	gm_sweep w;
	*f = (rows){0};
	bool ok = gm_sweep_begin(&w, c, e, gm_scorer_part(c, test, err), err) &&
	          (gm_data_field(w.data, "label") ||
	           gm_fail(err, GM_ERR_VALUE, "%s has no labels for classification by features",
	                   gm_data_info_of(w.data)->name));
	int64_t m;
	if (ok) {
		f->n = w.n, f->d = w.width;
		f->x = malloc(f->n * f->d * sizeof *f->x);
		f->label = malloc(f->n * sizeof *f->label);
		ok = (f->x && f->label) || gm_fail(err, GM_ERR_MEMORY, "no memory for features");
	}
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		int64_t at = i * c->r->batch;
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		if (ok)
			memcpy(f->x + at * f->d, w.out, m * f->d * sizeof *f->x),
				memcpy(f->label + at, w.label, m * sizeof *f->label);
	}
	gm_sweep_end(&w);
	return ok;
}

static void rows_free(rows *f)
{
	free(f->x);
	free(f->label);
}

static bool nearest_by(gm_scorer *c, gm_run_endpoint *e, const char *score, gm_scores *s,
                       gm_error *err)
{
	rows learn, test = {0};
	int64_t *index = NULL, right = 0;
	bool ok = features(c, e, false, &learn, err) && features(c, e, true, &test, err) &&
	          ((index = malloc(test.n * sizeof *index)) ||
	           gm_fail(err, GM_ERR_MEMORY, "no memory for the nearest rows")) &&
	          gm_nearest(test.x, test.n, learn.x, learn.n, learn.d, NULL, index, NULL, err);
	for (int64_t i = 0; ok && i < test.n; i++)
		right += learn.label[index[i]] == test.label[i];
	if (ok) {
		char note[96];
		snprintf(note, sizeof note,
		         "%" PRId64 " tests by %" PRId64 " examples of %" PRId64 " features",
		         test.n, learn.n, learn.d);
		gm_score_add(s, score, (double)right / test.n, NAN, 1, note);
	}
	rows_free(&learn), rows_free(&test);
	free(index);
	return ok;
}

/* One score per endpoint: nn for "features", nn-NAME for "features/NAME". */
bool gm_metric_nn(gm_scorer *c, gm_scores *s, gm_error *err)
{
	bool ok = nearest_by(c, of_metric(c), "nn", s, err);
	for (int i = 0; ok && !c->o.endpoint && i < c->r->endpoints; i++) {
		gm_run_endpoint *e = &c->r->endpoint[i];
		char score[64];
		snprintf(score, sizeof score, "nn-%.40s", e->variant ? e->variant : "");
		if (e->variant && !strcmp(e->kind->name, GM_ENDPOINT_FEATURES))
			ok = nearest_by(c, e, score, s, err);
	}
	return ok;
}

/* ---- reconstructions ------------------------------------------------------------------------- */

/* |x - y| of rows of d values, scaled to a range of 1. */
static double distance(const float *x, const float *y, int64_t d, double range)
{
	double sum = 0;
	for (int64_t i = 0; i < d; i++)
		sum += pow((x[i] - y[i]) / range, 2);
	return sqrt(sum);
}

/* Means of |x_i - y_i| and of |x_i - y_(i+1)|, where y_i is the reconstruction of x_i and i + 1 the
 * next example of the batch: their ratio is 1 if y is independent of x. Donahue et al. 2017, in the
 * logs of their code (EGr, EGr_b). */
bool gm_metric_reconstruction(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_sweep w;
	bool ok = gm_sweep_begin(&w, c, of_metric(c), scored(c, err), err);
	double own = 0, other = 0, range = c->r->facts.high - c->r->facts.low;
	int64_t m;
	ok = ok &&
	     ((w.width == c->r->facts.numel && w.field[0]) ||
	      gm_fail(err, GM_ERR_VALUE, "\"reconstruct\" does not map examples to examples"));
	for (int64_t i = 0; ok && i * c->r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		for (int64_t k = 0; ok && k < m; k++) {
			const float *x = (const float *)w.in[0] + k * w.width;
			int64_t next = (k + 1) % c->r->batch; /* rows after m are also examples */
			own += distance(x, w.out + k * w.width, w.width, range);
			other += distance(x, w.out + next * w.width, w.width, range);
		}
	}
	if (ok) {
		char note[120];
		snprintf(note, sizeof note,
		         "mean 2-norm, values in [0,1]; to another's %.4f; %" PRId64
		         " of the %s split",
		         other / w.n, w.n, gm_scorer_scored(c));
		gm_score_add(s, "reconstruction", own / w.n, NAN, -1, note);
		gm_score_add(s, "reconstruction-ratio", own / other, NAN, -1,
		             "relative to another's; 1: independent of the example");
	}
	gm_sweep_end(&w);
	return ok;
}

/* The distance of an example to the nearest of k reconstructions of other noise: "approxParzen" in
 * the authors' code of Denton et al. 2015, arXiv:1506.05751 (200 examples, 128 draws). For models
 * that add detail to a coarse version of the example. */
bool gm_metric_approx_parzen(gm_scorer *c, gm_scores *s, gm_error *err)
{
	enum { EXAMPLES = 200 };
	gm_sweep w;
	const int64_t k = c->o.samples ? c->o.samples : 100, m = c->r->batch;
	const double range = c->r->facts.high - c->r->facts.low;
	double least = 0, mean = 0, *best = malloc(m * sizeof *best);
	bool ok = gm_sweep_begin(&w, c, of_metric(c), scored(c, err), err) &&
	          (best || gm_fail(err, GM_ERR_MEMORY, "out of memory")) &&
	          ((w.width == c->r->facts.numel && w.field[0]) ||
	           gm_fail(err, GM_ERR_VALUE, "\"reconstruct\" does not map examples to examples"));
	if (!c->o.count && w.n > EXAMPLES)
		w.n = EXAMPLES;
	for (int64_t i = 0, some; ok && i * m < w.n; i++) {
		ok = (some = gm_sweep_step(&w, i, err)) >= 0;
		for (int64_t draw = 0; ok && draw < k; draw++) {
			ok = gm_sweep_tell(&w, i * m + some * draw / k, err) &&
			     gm_sweep_call(&w, c->o.seed, i * k + draw, err);
			for (int64_t j = 0; ok && j < some; j++) {
				const double d = distance((const float *)w.in[0] + j * w.width,
				                          w.out + j * w.width, w.width, range);
				best[j] = draw ? fmin(best[j], d) : d;
				mean += d / k;
			}
		}
		for (int64_t j = 0; ok && j < some; j++)
			least += best[j];
	}
	if (ok) {
		char note[96];
		snprintf(note, sizeof note,
		         "%" PRId64 " of the %s split, %" PRId64 " draws each; of one draw %.4f",
		         w.n, gm_scorer_scored(c), k, mean / w.n);
		gm_score_add(s, "approx-parzen", least / w.n, NAN, -1, note);
	}
	free(best);
	gm_sweep_end(&w);
	return ok;
}

/* ---- pictures beside pictures ---------------------------------------------------------------- */

bool gm_metric_psnr(gm_scorer *c, gm_scores *s, gm_error *err)
{
	enum { MOST = 1000 };
	gm_run *r = c->r;
	const gm_run_endpoint *e = of_metric(c);
	const char *target = gm_endpoint_target(r, e);
	gm_sweep w;
	bool ok = gm_sweep_begin(&w, c, of_metric(c), scored(c, err), err);
	const gm_field *want = ok ? gm_data_target(w.data, target) : NULL;
	if (ok && !want)
		ok = gm_fail(err, GM_ERR_VALUE, "metric psnr needs pairs, but %s has none",
		             gm_data_info_of(w.data)->name);
	if (ok && want->numel != w.width)
		ok = gm_fail(err, GM_ERR_VALUE, "the output of \"%s\" has another size", e->name);
	double psnr = 0, ssim = 0, mean;
	int64_t m, n = 0;
	float *real = ok ? malloc(r->batch * w.width * sizeof *real) : NULL;
	if (ok && w.n > MOST)
		w.n = MOST;
	for (int64_t i = 0; ok && real && i * r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err) &&
		     gm_data_read(w.data, want, c->o.seed, i * r->batch, r->batch, real, err);
		gm_picture_pairs p = {.a = w.out,
		                      .b = real,
		                      .n = m,
		                      .channels = (int)want->shape[0],
		                      .height = (int)want->shape[1],
		                      .width = (int)want->shape[2]};
		if (ok && (ok = gm_psnr(&p, NULL, &mean, err)))
			psnr += mean * m;
		if (ok && (ok = gm_ssim(&p, NULL, &mean, err)))
			ssim += mean * m;
		n += m;
	}
	if (ok && n) {
		char note[96];
		snprintf(note, sizeof note, "dB, of %" PRId64 " of the %s split", n,
		         gm_scorer_scored(c));
		gm_score_add(s, "psnr", psnr / n, NAN, 1, note);
		gm_score_add(s, "ssim", ssim / n, NAN, 1, "");
	}
	free(real);
	gm_sweep_end(&w);
	return ok;
}
