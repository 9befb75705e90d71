/* SPDX-License-Identifier: MIT
 *
 * metrics.h -- how good are the samples? Scores of sets of features, of class probabilities, of
 * points and of pictures.
 *
 * Nothing here knows where numbers come from: a feature is a row of floats, be it the 2048 of an
 * Inception network, the 128 of a small classifier, or the pixels themselves. So a score means
 * nothing without its extractor, its counts and its seed; whoever prints one prints those too.
 *
 *	gm_moments *real = gm_moments_new(d, &err), *fake = gm_moments_new(d, &err);
 *	while (more(x, &n))                       // x [n, d]
 *		gm_moments_add(real, x, n, &err);
 *	...
 *	double fid;
 *	if (!gm_frechet_moments(real, fake, &fid, &err))
 *		return report(err.message);
 *	gm_moments_free(real), gm_moments_free(fake);
 *
 * Every matrix is row by row, and stays its caller's. Functions return false, and fill err, for
 * counts that make no sense (GM_ERR_VALUE), for values that are not finite (GM_ERR_VALUE, naming
 * the row) and for lack of memory (GM_ERR_MEMORY); what they would have written is then
 * undefined. Sums are in double precision.
 */
#ifndef GANYMEDE_METRICS_H
#define GANYMEDE_METRICS_H

#include "ganymede/base.h"

GM_BEGIN_C

/* A mean and how it was spread, over trials, splits, subsets or examples: each function says which
 * deviation it is. */
typedef struct gm_spread {
	double mean, deviation;
} gm_spread;

/* ---- Frechet distance ------------------------------------------------------------------------ */

/* Mean and covariance of rows that come in any portions: bit for bit, the result depends on the
 * rows and their order, not on where they were cut. Holds one d x d matrix of doubles. */
typedef struct gm_moments gm_moments;

/* d: numbers in a row, 1 .. 32768. NULL with GM_ERR_VALUE or GM_ERR_MEMORY. The caller frees it. */
GM_API gm_moments *gm_moments_new(int64_t d, gm_error *err);
GM_API void gm_moments_free(gm_moments *m); /* NULL is fine */
/* x [n, d]. A row that is not finite is refused, with all that follow it in x. */
GM_API bool gm_moments_add(gm_moments *m, const float *x, int64_t n, gm_error *err);
GM_API int64_t gm_moments_count(const gm_moments *m); /* rows so far */
/* mean [d] and covariance [d, d], divided by n - 1 as numpy.cov does; needs 2 rows. */
GM_API bool gm_moments_get(const gm_moments *m, double *mean, double *covariance, gm_error *err);

/* The Frechet distance of two Gaussians (Dowson & Landau, J. Multivariate Analysis 1982, eq. 4;
 * of Inception's features: Heusel et al., NeurIPS 2017, eq. 6),
 *
 *	|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)),
 *
 * squared units of the features. m1, m2 [d]; S1, S2 [d, d] are covariances: what is not symmetric
 * is averaged, eigenvalues below rounding (d eps times the largest) count as zero, and a matrix
 * that has a truly negative one is refused. The trace of the root is the sum of the singular
 * values of S1^(1/2) S2^(1/2), so covariances of fewer rows than d do no harm. Never negative. */
GM_API bool gm_frechet(const double *m1, const double *s1, const double *m2, const double *s2,
                       int64_t d, double *distance, gm_error *err);
/* The same of two sets of rows with the same d. */
GM_API bool gm_frechet_moments(const gm_moments *a, const gm_moments *b, double *distance,
                               gm_error *err);

/* ---- kernels and neighbours ------------------------------------------------------------------ */

/* Two sets of features with the same width. */
typedef struct gm_features_pair {
	const float *real, *fake; /* [n_real, d], [n_fake, d] */
	int64_t n_real, n_fake, d;
} gm_features_pair;

/* Zero fields take the default. */
typedef struct gm_kid_options {
	int64_t subsets; /* 100 */
	int64_t size; /* rows of each set in a subset; default 1000, or all where there are fewer */
	uint64_t seed; /* of the subsets */
} gm_kid_options;

/* Kernel Inception distance (Binkowski et al., ICLR 2018, section 4): the unbiased estimate of the
 * squared maximum mean discrepancy (Gretton et al., JMLR 2012, eq. 3) under the kernel
 * (x.y / d + 1)^3, over random subsets drawn without replacement. deviation: of the subsets,
 * divided by their number (numpy.std). Not multiplied by 1000. Can be negative. */
GM_API bool gm_kid(const gm_features_pair *f, const gm_kid_options *o, gm_spread *kid,
                   gm_error *err);

/* The k nearest rows of y [ny, d] to each row of x [nx, d], nearest first (of equals, the earlier):
 * index [nx, k] and Euclidean distance [nx, k], either may be NULL. not_self: x and y are one set,
 * and row i is no neighbour of row i. k: 1 .. ny, or ny - 1 with not_self.
 * With pictures as rows, this is the nearest training example of a sample. */
typedef struct gm_nearest_options {
	int64_t k; /* default 1 */
	bool not_self;
} gm_nearest_options;
GM_API bool gm_nearest(const float *x, int64_t nx, const float *y, int64_t ny, int64_t d,
                       const gm_nearest_options *o, int64_t *index, double *distance,
                       gm_error *err);

/* Shares of rows by balls around rows whose radius is the distance to the k-th nearest neighbour in
 * the same set, itself excluded. Balls are closed.
 * precision, recall: Kynkaanniemi et al., NeurIPS 2019, eq. 1-2: of the fake rows, those in a ball
 * of a real one; of the real rows, those in a ball of a fake one. (k = 3 there.)
 * density, coverage: Naeem et al., ICML 2020, eq. 4-5: real balls that a fake row lies in, on
 * average, over k (above 1 is possible); real balls that hold a fake row. (k = 5 there.) */
typedef struct gm_prdc {
	double precision, recall, density, coverage;
} gm_prdc;
/* k: 1 .. smaller count - 1. Takes time n^2 d and memory of n. */
GM_API bool gm_prdc_of(const gm_features_pair *f, int64_t k, gm_prdc *score, gm_error *err);

/* Leave-one-out accuracy of the nearest neighbour in telling fake from real (Lopez-Paz & Oquab,
 * ICLR 2017; Xu et al., arXiv:1806.07755, section 2): 1/2 is best, 1 is far apart, 0 is copied. */
typedef struct gm_two_sample {
	double accuracy;   /* of all rows */
	double real, fake; /* of the real rows, of the fake rows */
} gm_two_sample;
/* As many real as fake rows: GM_ERR_VALUE otherwise. */
GM_API bool gm_nearest_accuracy(const gm_features_pair *f, gm_two_sample *score, gm_error *err);

/* ---- classes and modes ----------------------------------------------------------------------- */

/* Zero fields take the default. */
typedef struct gm_inception_options {
	int64_t splits; /* 10 */
	bool logits;    /* rows are logits, not probabilities: their softmax is taken */
} gm_inception_options;

/* Inception score (Salimans et al., NeurIPS 2016, section 4): exp E KL(p(y|x) || p(y)) in each of
 * the contiguous splits [i n / splits, (i + 1) n / splits) of p [n, classes]; deviation: of the
 * splits, divided by their number, as in the authors' code. Between 1 and classes. GM_ERR_VALUE
 * also for a row of probabilities that is negative or whose sum is not 1 to 1e-3. */
GM_API bool gm_inception_score(const float *p, int64_t n, int64_t classes,
                               const gm_inception_options *o, gm_spread *score, gm_error *err);

typedef struct gm_modes {
	int64_t found;     /* modes with at least one sample */
	double quality;    /* share of the samples that belong to a mode */
	double reverse_kl; /* KL(samples' shares || data's shares) in nats; infinite without samples */
} gm_modes;

/* Which modes have samples (Metz et al., ICLR 2017, section 3.3.1, stacked MNIST with its 1000
 * classes; PacGAN, Lin et al., NeurIPS 2018, section 4). label [n]: 0 .. modes-1, or -1 for a
 * sample of none. share [modes]: of the data, with sum 1; NULL: uniform. GM_ERR_VALUE for other
 * labels and shares. */
GM_API bool gm_modes_of(const int32_t *label, int64_t n, int64_t modes, const double *share,
                        gm_modes *score, gm_error *err);

/* A mixture of round Gaussians. */
typedef struct gm_mixture {
	const double *centre; /* [modes, d] */
	int64_t modes, d;
	double sigma;
} gm_mixture;

/* label [n]: each point of x [n, d] belongs to its nearest centre, or to none (-1) where that is
 * more than 3 sigma away: PacGAN's samples of high quality. A point that is not finite belongs to
 * none. */
GM_API bool gm_modes_label(const gm_mixture *m, const float *x, int64_t n, int32_t *label,
                           gm_error *err);

/* ---- Parzen windows -------------------------------------------------------------------------- */

/* Log-likelihood, in nats, of each row of f->real under a mixture of Gaussians of width sigma around
 * the rows of f->fake (Breuleux, Bengio & Vincent, Neural Computation 2011; Goodfellow et al.,
 * NeurIPS 2014, section 5): log (1/m) sum_j N(x; y_j, sigma^2 I). deviation: the standard error of
 * the mean, the spread divided by sqrt(n). each [n_real] may be NULL. What it can hide: Theis et
 * al., ICLR 2016. */
GM_API bool gm_parzen(const gm_features_pair *f, double sigma, gm_spread *score, double *each,
                      gm_error *err);

/* Zero fields take the default. */
typedef struct gm_parzen_grid {
	double from, to; /* .1 and 1, both among the candidates */
	int64_t count;   /* 10, evenly spaced in the logarithm */
} gm_parzen_grid;

/* The sigma of the grid under which f->real, which is validation data here, is likeliest. score may
 * be NULL, and is the validation's. */
GM_API bool gm_parzen_sigma(const gm_features_pair *f, const gm_parzen_grid *grid, double *sigma,
                            gm_spread *score, gm_error *err);

/* ---- pictures -------------------------------------------------------------------------------- */

/* Pictures a and b, pair by pair. */
typedef struct gm_picture_pairs {
	const float *a, *b; /* [n, channels, height, width] */
	int64_t n;
	int channels, height, width;
	double range; /* largest value minus smallest that is possible; default 2, of [-1, 1] */
} gm_picture_pairs;

/* Each writes one number for each pair to each [n], which may be NULL, and their mean. Sides are at
 * most 16384. */

/* Peak signal-to-noise ratio in dB, 10 log10(range^2 / mean squared difference); infinite for equal
 * pictures. */
GM_API bool gm_psnr(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);
/* Structural similarity (Wang et al., IEEE TIP 2004, eq. 13): Gaussian windows of 11 x 11 and sigma
 * 1.5 that lie inside the picture, K1 = .01, K2 = .03, variances not corrected; mean over windows
 * and channels. Sides of 11 at least. */
GM_API bool gm_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);
/* Multi-scale structural similarity (Wang, Simoncelli & Bovik, Asilomar 2003, eq. 7; weights .0448
 * .2856 .3001 .2363 .1333): halved by the mean of 2 x 2 between scales (an odd row or column is
 * dropped), a negative factor counts as zero, channels apart and averaged. Where a scale is smaller
 * than the window, the window shrinks to it and its sigma with it, as pictures of 64 and 128 are
 * compared in the GAN literature (Odena et al., ICML 2017, section 4.2); so sides of 16 at least,
 * and comparable with others' figures from 176. */
GM_API bool gm_ms_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);

/* How well classes of single pixels are met, as fully convolutional nets are scored (Long, Shelhamer
 * & Darrell, CVPR 2015, section 5): with n_ij pixels of class i taken for j, pixel = sum n_ii / sum
 * n_ij; per_class = mean over i of n_ii / sum_j n_ij; iou = mean over i of n_ii / (sum_j n_ij + sum_j
 * n_ji - n_ii). Classes without a pixel in truth are left out of both means. */
typedef struct gm_segments {
	double pixel, per_class, iou;
	int64_t pixels, classes; /* how many there were */
} gm_segments;
/* Adds n pixels to count [classes, classes], rows by truth. GM_ERR_VALUE for a class outside of 0
 * .. classes-1. */
GM_API bool gm_segments_add(int64_t *count, const int32_t *truth, const int32_t *got, int64_t n,
                            int64_t classes, gm_error *err);
/* GM_ERR_VALUE where nothing was added. */
GM_API bool gm_segments_of(const int64_t *count, int64_t classes, gm_segments *score,
                           gm_error *err);

/* Sliced Wasserstein distance between patches of two sets of pictures (Karras et al., ICLR 2018,
 * section 5), at each level of a Laplacian pyramid (Burt & Adelson 1983) down to 16 pixels. From
 * each picture and level come patches of 7 x 7 at random places; each set's channels are brought to
 * mean 0 and deviation 1; the distance is the mean over random directions of the mean difference
 * of the sorted projections. Multiply by 1000 for the paper's figures, which have 16384 pictures. */
typedef struct gm_swd gm_swd;

/* Zero fields take the default. */
typedef struct gm_swd_options {
	int channels, height, width; /* of every picture; no default */
	int smallest;                /* 16: levels go on while the smaller half is at least this */
	int patches;                 /* 128 from each picture and level */
	int directions;              /* 512 */
	uint64_t seed;
} gm_swd_options;

/* GM_ERR_VALUE for sides below 7, or that are odd where they must be halved. The caller frees it.
 * Holds patches * 49 * channels floats of each picture and level. */
GM_API gm_swd *gm_swd_new(const gm_swd_options *o, gm_error *err);
GM_API void gm_swd_free(gm_swd *s); /* NULL is fine */
/* x [n, channels, height, width] joins the real (fake: the fake) set. The result depends on the
 * pictures and their order, not on the portions. */
GM_API bool gm_swd_add(gm_swd *s, bool fake, const float *x, int64_t n, gm_error *err);
GM_API int gm_swd_levels(const gm_swd *s); /* level i has the sides of the pictures / 2^i */
/* distance [levels]; as many real as fake pictures are needed. Sets as they are: more may join. */
GM_API bool gm_swd_get(const gm_swd *s, double *distance, gm_error *err);

GM_END_C

#endif
