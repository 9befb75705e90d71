/* SPDX-License-Identifier: MIT
 *
 * score/score_pictures.c -- metrics on images, without an extractor.
 */
#include "run/classes.h"
#include "score/score_in.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/image.h"

static float *room_for(int64_t n, int64_t numel, gm_error *err)
{
	float *x = malloc(n * numel * sizeof *x);
	if (!x)
		gm_fail(err, GM_ERR_MEMORY, "no memory for %lld examples", (long long)n);
	return x;
}

static float *samples(gm_scorer *c, int64_t n, bool rounded, gm_error *err)
{
	float *x = room_for(n, c->r->facts.numel, err);
	if (x && gm_sample_source_take(c->fake, n, rounded, x, NULL, err))
		return x;
	free(x);
	return NULL;
}

/* ---- MS-SSIM --------------------------------------------------------------------------------- */

/* Odena et al., ICML 2017, section 4.2: MS-SSIM between samples. 1: all are equal. */
bool gm_metric_msssim(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const gm_facts *f = &c->r->facts;
	int64_t pairs = gm_scorer_count(c) / 2 < 1000 ? gm_scorer_count(c) / 2 : 1000;
	double mean[2];
	char note[96];
	for (int real = 0; real < 2; real++) {
		float *x = room_for(2 * pairs, f->numel, err);
		bool ok = x && gm_sample_source_take(real ? c->real : c->fake, 2 * pairs, true, x,
		                                     NULL, err);
		gm_picture_pairs p = {.a = x,
		                      .b = x ? x + pairs * f->numel : NULL,
		                      .n = pairs,
		                      .channels = (int)f->channels,
		                      .height = (int)f->height,
		                      .width = (int)f->width};
		ok = ok && gm_ms_ssim(&p, NULL, &mean[real], err);
		free(x);
		if (!ok)
			return false;
	}
	snprintf(note, sizeof note, "of %" PRId64 " pairs; of real pairs %.4f", pairs, mean[1]);
	gm_score_add(s, "msssim", mean[0], NAN, 0, note);
	return true;
}

/* ---- sliced Wasserstein ---------------------------------------------------------------------- */

bool gm_metric_swd(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const gm_facts *f = &c->r->facts;
	/* 16384 in the paper; each needs patches * 49 floats per channel and level */
	int64_t n = gm_scorer_count(c);
	gm_swd *w = gm_swd_new(&(gm_swd_options){.channels = (int)f->channels,
	                                         .height = (int)f->height,
	                                         .width = (int)f->width,
	                                         .patches = 16,
	                                         .seed = c->o.seed},
	                       err);
	bool ok = w != NULL;
	double level[32], mean = 0;
	for (int real = 0; real < 2 && ok; real++) {
		gm_sample_source *p = real ? c->real : c->fake;
		float *x = room_for(p->batch, f->numel, err);
		ok = x != NULL;
		for (int64_t at = 0; at < n && ok; at += p->batch) {
			int64_t m = n - at < p->batch ? n - at : p->batch;
			ok = gm_sample_source_read(p, at / p->batch, x, NULL, err) &&
			     gm_swd_add(w, !real, x, m, err);
		}
		free(x);
	}
	ok = ok && gm_swd_get(w, level, err);
	int levels = ok ? gm_swd_levels(w) : 0;
	char note[96] = "16 patches per image and level; by level";
	for (int i = 0; i < levels; i++) {
		size_t k = strlen(note);
		mean += level[i] / levels;
		snprintf(note + k, sizeof note - k, " %.2f", 1000 * level[i]);
	}
	if (ok)
		gm_score_add(s, "swd", 1000 * mean, NAN, -1, note);
	gm_swd_free(w);
	return ok;
}

/* ---- Parzen windows -------------------------------------------------------------------------- */

/* Pixels in [0,1]; points as they are. */
static void to_unit(const gm_facts *f, float *x, int64_t n)
{
	for (int64_t i = 0; !f->points && i < n * f->numel; i++)
		x[i] = (x[i] + 1) / 2;
}

/* Examples from .. from+n-1 in file order. */
static float *examples(gm_dataset *d, uint64_t from, int64_t n, gm_error *err)
{
	int64_t numel = gm_data_info_of(d)->numel;
	float *x = room_for(n, numel, err);
	for (int64_t i = 0; x && i < n; i++)
		if (!gm_data_get(d, from + i, x + i * numel, NULL, err)) {
			free(x);
			return NULL;
		}
	return x;
}

/* Goodfellow et al. 2014, section 5, with the settings of the authors' parzen_ll.py: sigma by the
 * first 1000 of the last 10,000 training examples (not used in training there), then mean and
 * standard error over the test split. */
bool gm_metric_parzen(gm_scorer *c, gm_scores *s, gm_error *err)
{
	enum { VALIDATION = 10000, VALID = 1000, TEST = 10000 };
	const gm_facts *f = &c->r->facts;
	gm_dataset *test = gm_scorer_part(c, true, err), *train = NULL;
	gm_data_options o = {.seed = c->r->seed, .again = true};
	static const char *const names[] = {"size",         "channels",     "fit",   "filter",
	                                    "cache",        "bad-files",    "parts", "label-from",
	                                    "label-column", "label-pattern"};
	bool ok = test != NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && ok; i++)
		ok = gm_data_option(&o, names[i], gm_settings_get(c->r->settings, names[i]), err);
	ok = ok && (train = gm_data_open(gm_settings_get(c->r->settings, "data"), &o, err));
	if (!ok)
		return false;
	uint64_t all = gm_data_info_of(train)->count, tests = gm_data_info_of(test)->count;
	/* Any position of an endless set can be used. */
	uint64_t from = !all ? 0 : all >= 2 * VALIDATION ? all - VALIDATION : all - (all + 5) / 6;
	int64_t n_valid = all && all - from < VALID ? (int64_t)(all - from) : VALID,
		n_test = tests && tests < TEST ? (int64_t)tests : TEST,
		n = c->o.count ? c->o.count : 10000;
	float *fake = samples(c, n, false, err),
	      *valid = fake ? examples(train, from, n_valid, err) : NULL,
	      *real = valid ? examples(test, 0, n_test, err) : NULL;
	double sigma;
	gm_spread score;
	ok = real != NULL;
	if (ok) {
		to_unit(f, fake, n), to_unit(f, valid, n_valid), to_unit(f, real, n_test);
		gm_features_pair v = {valid, fake, n_valid, n, f->numel},
				 t = {real, fake, n_test, n, f->numel};
		ok = gm_parzen_sigma(&v, NULL, &sigma, NULL, err) &&
		     gm_parzen(&t, sigma, &score, NULL, err);
	}
	if (ok) {
		char note[96];
		snprintf(note, sizeof note,
		         "s.e. over %" PRId64 " tests; sigma %.4g, %" PRId64 " samples", n_test,
		         sigma, n);
		gm_score_add(s, "parzen", score.mean, score.deviation, 1, note);
	}
	gm_data_close(train);
	free(fake), free(valid), free(real);
	return ok;
}

/* ---- modes ----------------------------------------------------------------------------------- */

static bool point_modes(gm_scorer *c, gm_modes *m, gm_error *err)
{
	const char *data = gm_settings_get(c->r->settings, "data");
	int64_t n = c->o.count ? c->o.count : 2500;
	double centre[GM_DATA_MODES][2];
	gm_mixture mix = {.centre = centre[0], .d = 2};
	mix.modes = gm_data_modes(data, centre, &mix.sigma);
	if (!mix.modes)
		return gm_fail(err, GM_ERR_VALUE, "metric modes needs ring8 or grid25, not %.60s",
		               data);
	float *x = samples(c, n, false, err);
	int32_t *label = malloc(n * sizeof *label);
	bool ok = x && label && gm_modes_label(&mix, x, n, label, err) &&
	          gm_modes_of(label, n, mix.modes, NULL, m, err);
	free(x);
	free(label);
	return ok;
}

static int32_t largest(const float *v, int64_t n)
{
	int64_t best = 0;
	for (int64_t i = 1; i < n; i++)
		best = v[i] > v[best] ? i : best;
	return (int32_t)best;
}

/* For images of three channels with a classifier of one channel, each channel is classified
 * (stacked MNIST, Metz et al. 2017). */
static bool class_modes(gm_scorer *c, gm_modes *m, int64_t *all, int64_t *n, gm_error *err)
{
	const gm_facts *f = &c->r->facts;
	const gm_extractor_info *i = gm_extractor_info_of(c->x);
	const gm_facts theirs = {.classes = i->classes, .class_names = i->class_names};
	gm_error why = {0};
	/* The classes of stacked images are triples of the extractor's classes. */
	if (i->class_names && f->class_names &&
	    !gm_classes_agree(&theirs, "the extractor", f, "this run", &why))
		return gm_fail(err, why.code, "metric modes: %s", why.message);
	int64_t k = i->classes, parts = f->channels == 3 && i->channels == 1 ? 3 : 1;
	if (!k)
		return gm_fail(err, GM_ERR_VALUE,
		               "metric modes needs an extractor with classes, such as "
		               "classifier:RUN, but %s has none",
		               i->name);
	*n = c->o.count ? c->o.count : parts == 3 ? 26000 : gm_scorer_count(c);
	*all = parts == 3 ? k * k * k : k;
	int64_t batch = c->fake->batch;
	float *x = room_for(batch, f->numel, err),
	      *logit = malloc(batch * parts * k * sizeof *logit);
	int32_t *label = malloc(*n * sizeof *label);
	bool ok = x && logit && label;
	for (int64_t at = 0; ok && at < *n; at += batch) {
		int64_t take = *n - at < batch ? *n - at : batch;
		gm_extractor_input in = {x, take * parts, (int)(f->channels / parts),
		                         (int)f->height, (int)f->width};
		ok = gm_sample_source_read(c->fake, at / batch, x, NULL, err) &&
		     gm_extractor_run(c->x, &in, NULL, logit, err);
		for (int64_t j = 0; ok && j < take; j++) {
			label[at + j] = 0;
			for (int64_t p = 0; p < parts; p++)
				label[at + j] = (int32_t)(label[at + j] * k +
				                          largest(logit + (j * parts + p) * k, k));
		}
	}
	ok = ok && gm_modes_of(label, *n, *all, NULL, m, err);
	free(x), free(logit), free(label);
	return ok;
}

bool gm_metric_modes(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_modes m;
	int64_t all = 0, n = 0;
	char note[96];
	if (c->r->facts.points) {
		if (!point_modes(c, &m, err))
			return false;
		gm_score_add(s, "modes", (double)m.found, NAN, 1, "with a sample within 3 sigma");
		gm_score_add(s, "quality", m.quality, NAN, 1, "fraction within 3 sigma of a mode");
	} else {
		if (!class_modes(c, &m, &all, &n, err))
			return false;
		snprintf(note, sizeof note, "of %" PRId64 ", by %" PRId64 " samples", all, n);
		gm_score_add(s, "modes", (double)m.found, NAN, 1, note);
	}
	gm_score_add(s, "mode-kl", m.reverse_kl, NAN, -1, "KL(samples, uniform) in nats");
	return true;
}

/* ---- nearest training examples --------------------------------------------------------------- */

/* Index and distance of the nearest training example for each of n rows of x. */
static bool nearest_of(gm_dataset *train, const float *x, int64_t n, int64_t *index,
                       double *distance, gm_error *err)
{
	enum { PART = 10000 };
	const gm_data_info *d = gm_data_info_of(train);
	int64_t *some = malloc(n * sizeof *some), all = d->count ? (int64_t)d->count : PART;
	double *far = malloc(n * sizeof *far);
	bool ok = (some && far) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t i = 0; ok && i < n; i++)
		distance[i] = INFINITY;
	for (int64_t at = 0; ok && at < all; at += PART) {
		int64_t m = all - at < PART ? all - at : PART;
		float *y = examples(train, at, m, err);
		ok = y && gm_nearest(x, n, y, m, d->numel, NULL, some, far, err);
		for (int64_t i = 0; ok && i < n; i++)
			if (far[i] < distance[i])
				distance[i] = far[i], index[i] = at + some[i];
		free(y);
	}
	free(some), free(far);
	return ok;
}

static double mean_of(const double *v, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

/* An image of samples, each with its nearest training example on the right. */
static bool draw_pairs(gm_scorer *c, gm_dataset *train, const float *x, const int64_t *index,
                       gm_error *err)
{
	enum { PAIRS = 32, COLUMNS = 8 };
	const gm_facts *f = &c->r->facts;
	float *both = room_for(2 * PAIRS, f->numel, err);
	bool ok = both != NULL;
	for (int64_t i = 0; ok && i < PAIRS; i++) {
		memcpy(both + 2 * i * f->numel, x + i * f->numel, f->numel * sizeof *x);
		ok = gm_data_get(train, index[i], both + (2 * i + 1) * f->numel, NULL, err);
	}
	gm_image *im = ok ? gm_image_grid(both,
	                                  &(gm_grid){.n = 2 * PAIRS,
	                                             .channels = (int)f->channels,
	                                             .height = (int)f->height,
	                                             .width = (int)f->width,
	                                             .columns = COLUMNS},
	                                  err)
	                  : NULL;
	ok = im && gm_image_write(c->o.picture, im, err);
	gm_image_free(im);
	free(both);
	return ok;
}

bool gm_metric_nearest(gm_scorer *c, gm_scores *s, gm_error *err)
{
	enum { LEAST = 32, MOST = 1000 };
	const gm_facts *f = &c->r->facts;
	int64_t n = gm_scorer_count(c) < MOST ? gm_scorer_count(c) : MOST, copies = 0;
	n = n < LEAST ? LEAST : n;
	gm_dataset *train = gm_scorer_part(c, false, err);
	float *x = train ? samples(c, n, true, err) : NULL;
	int64_t *index = calloc(n, sizeof *index);
	double *distance = malloc(n * sizeof *distance);
	bool ok = x && index && distance && nearest_of(train, x, n, index, distance, err);
	char note[96];
	for (int64_t i = 0; ok && i < n; i++)
		copies += distance[i] == 0;
	if (ok && c->o.picture && !f->points)
		ok = draw_pairs(c, train, x, index, err);
	double mean = ok ? mean_of(distance, n) : 0;
	gm_error none = {0}; /* without a test split there is no comparison */
	gm_dataset *test = ok ? gm_scorer_part(c, true, &none) : NULL;
	snprintf(note, sizeof note, "%" PRId64 " of %" PRId64 " are copies", copies, n);
	if (test && gm_data_info_of(test)->numel == f->numel) {
		int64_t have = gm_data_info_of(test)->count, m = have && have < n ? have : n;
		float *t = examples(test, 0, m, err);
		ok = t && nearest_of(train, t, m, index, distance, err);
		free(t);
		if (ok)
			snprintf(note, sizeof note,
			         "of test examples %.4g; %" PRId64 " of %" PRId64 " are copies",
			         mean_of(distance, m), copies, n);
	}
	if (ok)
		gm_score_add(s, "nearest", mean, NAN, 0, note);
	free(x), free(index), free(distance);
	return ok;
}
