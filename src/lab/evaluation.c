/* SPDX-License-Identifier: MIT
 *
 * lab/evaluation.c -- Theis, van den Oord & Bethge, "A note on the evaluation of generative
 * models", ICLR 2016, arXiv:1511.01844, with numbers.
 *
 * Section 3.1 and figure 3: Parzen windows rate k-means centroids better than real data (table 1,
 * MNIST: 313 and 243 nats). Section 3.2: a model whose samples are 99 % noise has a log-likelihood
 * at most log 100 nats lower; a model that has only memorised its training examples has perfect
 * samples and a useless likelihood. So three kinds of metrics disagree; here they are computed for
 * the same five sample sources:
 *
 *	data       other examples of the same set (no density is known)
 *	k-means    centroids of the training examples; as a density, bumps of width h around them
 *	Gaussian   one full Gaussian with the training examples' mean and covariance
 *	99 % noise 1 % of that Gaussian, 99 % of N(1/2, 1)
 *	by heart   bumps of width h around the training examples, which it knows without noise
 *
 * Pixels are in [0,1], and every example gets normal noise of deviation h: then the data have a
 * density, and the bumps know its scale. Sample quality is whether a nearest neighbour can tell
 * samples from data (Lopez-Paz & Oquab 2017), on pixels: 1 - |2 a - 1| with a the accuracy on the
 * data or that on the samples, whichever is further from 1/2 (Xu et al., arXiv:1806.07755, section
 * 3, look at both: where noise is nearest to data and data to data, they are 0 and 1, and the mean
 * would see nothing). It is 1 where a neighbour can only guess.
 */
#include "lab/lab.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/data.h"
#include "ganymede/metrics.h"
#include "score/sample_source.h"

static const gm_option options[] = {
	{"data", "glyphs", "pictures to model"},
	{"size", "12", "their sides; 0: as they are", GM_INT(0, 64)},
	{"examples", "4000", "of training, and as many of test", GM_INT(200, 1000000)},
	{"samples", "500", "of each maker; as many centroids", GM_INT(16, 100000)},
	{"rounds", "8", "of k-means", GM_INT(1, 1000)},
	{"noise", "0.05", "h, the deviation of the noise on every example", GM_REAL(1e-4, 1)},
	{"run", "", "a run that learned the same data at the same size: one more maker of samples"},
	{"seed", "1", "of examples, noise and centroids", GM_INT(0, GM_MANY)},
	{0},
};

enum { DATA, KMEANS, GAUSSIAN, NOISE, HEART, RUN, MAKERS };

static const char *const names[MAKERS] = {"data",       "k-means",  "Gaussian",
                                          "99 % noise", "by heart", "run"};

typedef struct world {
	gm_lab *l;
	int64_t n, m, d; /* number of examples, of samples, and dimension */
	int channels, height, width;
	double h;
	gm_rng rng;
	float *train, *test, *clean; /* [n, d] */
	float *x[MAKERS];            /* [m, d], or NULL */
	double *mean,
		*root; /* of the Gaussian: [d]; lower triangle of its covariance's root [d, d] */
	double likelihood[MAKERS], parzen[MAKERS], quality[MAKERS]; /* NaN: none */
} world;

/* ---- data ------------------------------------------------------------------------------------ */

static bool read_part(world *w, const char *split, float *x, float *clean)
{
	gm_lab *l = w->l;
	gm_data_options o = {.size = (int)gm_lab_int(l, "size"), .split = split};
	gm_dataset *d = gm_data_open(gm_lab_text(l, "data"), &o, &l->err);
	if (!d)
		return false;
	const gm_data_info *i = gm_data_info_of(d);
	bool ok = i->rank == 3 && i->numel <= 4096 && (!i->count || i->count >= (uint64_t)w->n);
	if (!ok)
		gm_fail(&l->err, GM_ERR_VALUE,
		        "lab evaluation needs at least %lld small pictures in each part; %s (%s) "
		        "has not",
		        (long long)w->n, gm_lab_text(l, "data"), split);
	if (ok && x)
		ok = gm_data_batch(d, 7, 0, w->n, x, NULL, &l->err);
	w->d = i->numel;
	w->channels = (int)i->shape[0], w->height = (int)i->shape[1], w->width = (int)i->shape[2];
	gm_data_close(d);
	for (int64_t k = 0; ok && clean && k < w->n * w->d; k++)
		clean[k] = (x[k] + 1) / 2;
	for (int64_t k = 0; ok && x && k < w->n * w->d; k++)
		x[k] = (float)((x[k] + 1) / 2 + w->h * gm_rng_normal(&w->rng));
	return ok;
}

/* ---- makers of samples ----------------------------------------------------------------------- */

/* Mean, and the Cholesky factor of the covariance. The noise on the examples keeps it positive. */
static bool fit_gaussian(world *w)
{
	int64_t d = w->d;
	gm_moments *m = gm_moments_new(d, &w->l->err);
	w->mean = malloc(d * sizeof *w->mean), w->root = malloc(d * d * sizeof *w->root);
	bool ok = m && w->mean && w->root && gm_moments_add(m, w->train, w->n, &w->l->err) &&
	          gm_moments_get(m, w->mean, w->root, &w->l->err);
	gm_moments_free(m);
	for (int64_t j = 0; ok && j < d; j++)
		for (int64_t i = j; ok && i < d; i++) {
			double v = w->root[i * d + j];
			for (int64_t k = 0; k < j; k++)
				v -= w->root[i * d + k] * w->root[j * d + k];
			if (i == j && !(v > 0))
				ok = gm_fail(&w->l->err, GM_ERR_VALUE,
				             "the covariance is singular: more examples or noise");
			w->root[i * d + j] = i == j ? sqrt(v) : v / w->root[j * d + j];
		}
	return ok;
}

static void draw_gaussian(world *w, float *x)
{
	double z[4096];
	for (int64_t j = 0; j < w->d; j++)
		z[j] = gm_rng_normal(&w->rng);
	for (int64_t i = 0; i < w->d; i++) {
		double v = w->mean[i];
		for (int64_t j = 0; j <= i; j++)
			v += w->root[i * w->d + j] * z[j];
		x[i] = (float)v;
	}
}

static bool draw_run(world *w, const char *run)
{
	gm_sample_source *s =
		gm_sample_source_open(run, &(gm_sample_source_options){.seed = 1}, &w->l->err);
	bool ok = s != NULL;
	if (ok && s->facts.numel != w->d)
		ok = gm_fail(&w->l->err, GM_ERR_VALUE,
		             "%s makes pictures of %lld numbers, these have %lld: choose --size "
		             "and --data as it has them",
		             run, (long long)s->facts.numel, (long long)w->d);
	ok = ok && gm_sample_source_take(s, w->m, false, w->x[RUN], NULL, &w->l->err);
	for (int64_t k = 0; ok && k < w->m * w->d; k++)
		w->x[RUN][k] = (float)((w->x[RUN][k] + 1) / 2 + w->h * gm_rng_normal(&w->rng));
	gm_sample_source_free(s);
	return ok;
}

static bool make_samples(world *w, float *spare)
{
	const char *run = gm_lab_text(w->l, "run");
	int64_t d = w->d;
	for (int k = 0; k < MAKERS; k++) {
		w->likelihood[k] = w->parzen[k] = w->quality[k] = NAN;
		w->x[k] = k == RUN && !*run ? NULL : malloc(w->m * d * sizeof(float));
		if (!w->x[k] && (k != RUN || *run))
			return gm_fail(&w->l->err, GM_ERR_MEMORY, "out of memory");
	}
	/* the last test examples, not used by any metric */
	memcpy(w->x[DATA], spare, w->m * d * sizeof(float));
	const gm_k_means_options once = {.starts = 1,
	                                 .turns = gm_lab_int(w->l, "rounds"),
	                                 .seed = (uint64_t)gm_lab_int(w->l, "seed")};
	if (!gm_k_means(w->train, w->n, d, w->m, &once, w->x[KMEANS], NULL, &w->l->err) ||
	    !fit_gaussian(w))
		return false;
	for (int64_t i = 0; i < w->m; i++) {
		draw_gaussian(w, w->x[GAUSSIAN] + i * d);
		float *x = w->x[NOISE] + i * d;
		if (gm_rng_uniform(&w->rng) < .01)
			draw_gaussian(w, x);
		else
			for (int64_t j = 0; j < d; j++)
				x[j] = (float)(.5 + gm_rng_normal(&w->rng));
		const float *known = w->clean + (w->m + i) * d; /* in random order, each once */
		for (int64_t j = 0; j < d; j++)
			w->x[HEART][i * d + j] = (float)(known[j] + w->h * gm_rng_normal(&w->rng));
	}
	return !*run || draw_run(w, run);
}

/* ---- scores ---------------------------------------------------------------------------------- */

/* log N(x; mean, root root^T) of each test example */
static void gaussian_density(const world *w, int64_t n, double *each)
{
	int64_t d = w->d;
	double fixed = .5 * d * log(2 * M_PI), z[4096];
	for (int64_t j = 0; j < d; j++)
		fixed += log(w->root[j * d + j]);
	for (int64_t i = 0; i < n; i++) {
		double square = 0;
		for (int64_t j = 0; j < d; j++) {
			double v = w->test[i * d + j] - w->mean[j];
			for (int64_t k = 0; k < j; k++)
				v -= w->root[j * d + k] * z[k];
			z[j] = v / w->root[j * d + j];
			square += z[j] * z[j];
		}
		each[i] = -fixed - square / 2;
	}
}

/* log (e^a + e^b) */
static double log_add(double a, double b)
{
	double most = fmax(a, b);
	return most + log(exp(a - most) + exp(b - most));
}

static bool likelihoods(world *w, int64_t n)
{
	int64_t d = w->d;
	double *each = malloc(n * sizeof *each), sum = 0, mixed = 0;
	gm_spread s;
	if (!each)
		return gm_fail(&w->l->err, GM_ERR_MEMORY, "out of memory");
	gaussian_density(w, n, each);
	for (int64_t i = 0; i < n; i++) {
		double noise = -.5 * d * log(2 * M_PI);
		for (int64_t j = 0; j < d; j++)
			noise -= .5 * pow(w->test[i * d + j] - .5, 2);
		sum += each[i];
		mixed += log_add(log(.01) + each[i], log(.99) + noise);
	}
	free(each);
	w->likelihood[GAUSSIAN] = sum / n, w->likelihood[NOISE] = mixed / n;
	/* the model is a mixture of Gaussians around points: Parzen windows with the model's
	 * width */
	gm_features_pair heart = {w->test, w->clean, n, w->n, d},
			 centre = {w->test, w->x[KMEANS], n, w->m, d};
	if (!gm_parzen(&heart, w->h, &s, NULL, &w->l->err))
		return false;
	w->likelihood[HEART] = s.mean;
	if (!gm_parzen(&centre, w->h, &s, NULL, &w->l->err))
		return false;
	w->likelihood[KMEANS] = s.mean;
	return true;
}

/* The usual protocol: Parzen windows around samples, with the width chosen on validation data. */
static bool parzen(world *w, int k, const float *valid, int64_t n_valid, int64_t n)
{
	gm_features_pair v = {valid, w->x[k], n_valid, w->m, w->d},
			 t = {w->test, w->x[k], n, w->m, w->d};
	double sigma;
	gm_spread s;
	if (!gm_parzen_sigma(&v, NULL, &sigma, NULL, &w->l->err) ||
	    !gm_parzen(&t, sigma, &s, NULL, &w->l->err))
		return false;
	w->parzen[k] = s.mean;
	return true;
}

static bool quality(world *w, int k)
{
	gm_features_pair f = {w->test, w->x[k], w->m, w->m, w->d};
	gm_two_sample v;
	if (!gm_nearest_accuracy(&f, &v, &w->l->err))
		return false;
	w->quality[k] = 1 - fmax(fabs(2 * v.real - 1), fabs(2 * v.fake - 1));
	return true;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

/* One line for each source through its ranks in the three metrics, best on top. */
static void draw_orders(world *w)
{
	static const char *const scores[] = {"log-likelihood", "Parzen windows", "samples"};
	const gm_ink inks[MAKERS] = {GM_INK_BLACK, GM_INK_ORANGE,
	                             GM_INK_BLUE,  {200, 40, 60, 1, 1.8, 0},
	                             GM_INK_GREEN, GM_INK_GREY};
	const double *value[] = {w->likelihood, w->parzen, w->quality};
	gm_figure *f = gm_figure_new(760, 420);
	gm_panel p = {130, 60, 630, 390, -.1, 2.1, MAKERS + .5, .5, true};
	p.ymin = -(MAKERS + .5), p.ymax = -.5;
	gm_figure_text(f, 380, 24, 12, 0, GM_INK_BLACK, "three scores, three orders (best above)");
	for (int c = 0; c < 3; c++)
		gm_figure_text(f, 130 + 500 * (c + .1) / 2.2, 50, 11, 0, GM_INK_BLACK, scores[c]);
	for (int k = 0; k < MAKERS; k++) {
		double line[6];
		int points = 0;
		for (int c = 0; c < 3; c++) {
			int place = 1;
			if (!w->x[k] || isnan(value[c][k]))
				continue;
			for (int o = 0; o < MAKERS; o++)
				place += !isnan(value[c][o]) && value[c][o] > value[c][k];
			line[2 * points] = c, line[2 * points + 1] = -place;
			points++;
		}
		gm_ink ink = inks[k], disc = inks[k];
		ink.width = 3, disc.width = 6;
		gm_figure_line(f, &p, line, points, ink);
		for (int i = 0; i < points; i++)
			gm_figure_disc(f, &p, line[2 * i], line[2 * i + 1], disc);
		if (points)
			gm_figure_text(f, 640, 60 + 330 * (-line[2 * points - 1] - .5) / MAKERS + 4,
			               11, -1, inks[k], names[k]);
	}
	gm_lab_picture(w->l, "orders", f);
}

static bool draw_samples(world *w)
{
	enum { COLUMNS = 16 };
	char path[PATH_MAX];
	int rows = 0;
	float *x = malloc(MAKERS * COLUMNS * w->d * sizeof *x);
	if (!x || w->m < COLUMNS) {
		free(x);
		return gm_fail(&w->l->err, GM_ERR_MEMORY, "no memory for a picture");
	}
	for (int k = 0; k < MAKERS; k++)
		if (w->x[k]) {
			float *to = x + rows++ * COLUMNS * w->d;
			for (int64_t i = 0; i < COLUMNS * w->d; i++)
				to[i] = 2 * w->x[k][i] - 1;
		}
	gm_image *im = gm_image_grid(x,
	                             &(gm_grid){.n = rows * COLUMNS,
	                                        .channels = w->channels,
	                                        .height = w->height,
	                                        .width = w->width,
	                                        .columns = COLUMNS},
	                             &w->l->err);
	snprintf(path, sizeof path, "%s/samples.png", w->l->folder);
	bool ok = im && gm_png_write(path, im, &w->l->err);
	gm_image_free(im);
	free(x);
	return ok;
}

static void conclude(world *w)
{
	gm_lab *l = w->l;
	fprintf(l->out, "%-12s %16s %16s %12s\n", "", "log-likelihood", "Parzen", "samples");
	for (int k = 0; k < MAKERS; k++) {
		if (!w->x[k])
			continue;
		char exact[32] = "-";
		if (!isnan(w->likelihood[k]))
			snprintf(exact, sizeof exact, "%.2f", w->likelihood[k]);
		fprintf(l->out, "%-12s %16s %16.2f %12.4f\n", names[k], exact, w->parzen[k],
		        w->quality[k]);
		gm_lab_keep(l, names[k],
		            json_pack("{s:o, s:f, s:f}", "log-likelihood",
		                      isnan(w->likelihood[k]) ? json_null()
		                                              : json_real(w->likelihood[k]),
		                      "parzen", w->parzen[k], "samples", w->quality[k]));
	}
	fputs("\n", l->out);
	const double *ll = w->likelihood, *pw = w->parzen, *q = w->quality;
	gm_lab_within(l, "Parzen: k-means above the data, by nats", pw[KMEANS] - pw[DATA], 1e-9,
	              INFINITY);
	if (w->x[RUN])
		gm_lab_within(l, "Parzen: k-means above the run, by nats", pw[KMEANS] - pw[RUN],
		              1e-9, INFINITY);
	gm_lab_within(l, "likelihood lost by 99 % noise: at most log 100", ll[GAUSSIAN] - ll[NOISE],
	              0, log(100) + 1e-9);
	gm_lab_within(l, "and its samples: distinguishable from data", q[NOISE], 0, .1);
	/* 2 a - 1 has a standard error of 1 / sqrt(m) where a is 1/2: five of those. */
	double least = 1 - 5 / sqrt((double)w->m);
	gm_lab_within(l, "other data: not distinguishable from data", q[DATA], least, 1);
	gm_lab_within(l, "memorised: not distinguishable from data either", q[HEART], least, 1);
	gm_lab_within(l, "by heart: likelihood below 99 % noise, nats", ll[NOISE] - ll[HEART], 1e-9,
	              INFINITY);
	gm_lab_within(l, "likelihood: k-means below Gaussian, nats", ll[GAUSSIAN] - ll[KMEANS],
	              1e-9, INFINITY);
	gm_lab_within(l, "Parzen: k-means above Gaussian, nats", pw[KMEANS] - pw[GAUSSIAN], 1e-9,
	              INFINITY);
	gm_lab_within(l, "samples: k-means below the data", q[DATA] - q[KMEANS], .1, 1);
	gm_lab_within(l, "samples: Gaussian below by heart", q[HEART] - q[GAUSSIAN], .1, 1);
}

static bool run(gm_lab *l)
{
	world w = {.l = l,
	           .n = gm_lab_int(l, "examples"),
	           .m = gm_lab_int(l, "samples"),
	           .h = gm_lab_real(l, "noise"),
	           .rng = gm_rng_new((uint64_t)gm_lab_int(l, "seed"), 3)};
	if (!l->err.code && w.n < 3 * w.m)
		gm_fail(&l->err, GM_ERR_VALUE,
		        "option examples: three for each of the %lld samples, at least",
		        (long long)w.m);
	bool ok = !l->err.code && read_part(&w, "train", NULL, NULL);
	if (ok) {
		w.train = malloc(w.n * w.d * sizeof *w.train);
		w.test = malloc(w.n * w.d * sizeof *w.test);
		w.clean = malloc(w.n * w.d * sizeof *w.clean);
		ok = (w.train && w.test && w.clean) ||
		     gm_fail(&l->err, GM_ERR_MEMORY, "out of memory");
	}
	ok = ok && read_part(&w, "train", w.train, w.clean) && read_part(&w, "test", w.test, NULL);
	/* Of the test examples m are the samples "data", m are validation data for the Parzen
	 * width, the rest is for testing. */
	int64_t n = w.n - 2 * w.m;
	ok = ok && make_samples(&w, w.test + (n + w.m) * w.d) && likelihoods(&w, n);
	for (int k = 0; ok && k < MAKERS; k++)
		if (w.x[k])
			ok = parzen(&w, k, w.test + n * w.d, w.m, n) && quality(&w, k);
	if (ok) {
		conclude(&w);
		draw_orders(&w);
		ok = draw_samples(&w);
	}
	free(w.train), free(w.test), free(w.clean), free(w.mean), free(w.root);
	for (int k = 0; k < MAKERS; k++)
		free(w.x[k]);
	return ok;
}

const gm_experiment gm_experiment_evaluation = {
	"evaluation",
	"Parzen windows rank k-means above the data; likelihood, windows and samples disagree",
	options, run};
