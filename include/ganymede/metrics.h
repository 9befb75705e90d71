/* SPDX-License-Identifier: MIT
 *
 * metrics.h -- metrics of sample quality, from features, class probabilities, points or images.
 *
 * The functions do not know the source of features: a feature vector can be the 2048 values of an
 * Inception network, the 128 of a small classifier, or the pixels. So a score means nothing without
 * its extractor, sample counts and seed; report these with it.
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
 * Matrices are row-major and owned by the caller. Functions return false and fill err for invalid
 * counts (GM_ERR_VALUE), for values that are not finite (GM_ERR_VALUE, with the row) and if out of
 * memory (GM_ERR_MEMORY); outputs are then undefined. Sums are in double precision.
 */
#ifndef GANYMEDE_METRICS_H
#define GANYMEDE_METRICS_H

#include "ganymede/base.h"

GM_BEGIN_C

/* Mean and deviation over trials, splits, subsets or examples; each function defines its
 * deviation. */
typedef struct gm_spread {
	double mean, deviation;
} gm_spread;

/* ---- Frechet distance ------------------------------------------------------------------------ */

/* Streaming mean and covariance of rows. The result depends, bit for bit, on the rows and their
 * order, not on how they are split over calls. Holds one d x d matrix of doubles. */
typedef struct gm_moments gm_moments;

/* d: values in a row, 1 .. 32768. NULL with GM_ERR_VALUE or GM_ERR_MEMORY. The caller frees it. */
GM_API gm_moments *gm_moments_new(int64_t d, gm_error *err);
GM_API void gm_moments_free(gm_moments *m); /* NULL is allowed */
/* Adds rows x [n, d]. A row that is not finite is an error; it and all later rows of x are not
 * added. */
GM_API bool gm_moments_add(gm_moments *m, const float *x, int64_t n, gm_error *err);
GM_API int64_t gm_moments_count(const gm_moments *m); /* rows so far */
/* mean [d] and covariance [d, d], divided by n - 1 as numpy.cov does; needs 2 rows. */
GM_API bool gm_moments_get(const gm_moments *m, double *mean, double *covariance, gm_error *err);

/* The Frechet distance of two Gaussians (Dowson & Landau, J. Multivariate Analysis 1982, eq. 4; of
 * Inception's features: Heusel et al., NeurIPS 2017, eq. 6),
 *
 *	|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)),
 *
 * in squared units of the features. m1, m2 [d]; S1, S2 [d, d] are covariances. They are
 * symmetrised; eigenvalues below rounding error (d eps times the largest) count as zero, and a
 * matrix with a larger negative one is an error. The trace of the root is computed as the sum of
 * the singular values of S1^(1/2) S2^(1/2), which is stable for covariances of fewer than d rows.
 * Never negative. */
GM_API bool gm_frechet(const double *m1, const double *s1, const double *m2, const double *s2,
                       int64_t d, double *distance, gm_error *err);
/* As gm_frechet, from two sets of rows with the same d. */
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
	int64_t size;    /* rows of each set in a subset; default 1000, or all if there are fewer */
	uint64_t seed;   /* of the subsets */
} gm_kid_options;

/* Kernel Inception distance (Binkowski et al., ICLR 2018, section 4): the unbiased estimate of the
 * squared maximum mean discrepancy (Gretton et al., JMLR 2012, eq. 3) under the kernel (x.y / d +
 * 1)^3, over random subsets drawn without replacement. deviation: population standard deviation
 * over the subsets (numpy.std). Not multiplied by 1000. Can be negative. */
GM_API bool gm_kid(const gm_features_pair *f, const gm_kid_options *o, gm_spread *kid,
                   gm_error *err);

/* k-means clustering of the rows of x [n, d] (Lloyd 1982), from `starts` initialisations by
 * k-means++ (Arthur & Vassilvitskii 2007, section 2.2), of which the one with the smallest cost is
 * kept. centre: [k, d]. cost, unless NULL: the mean squared distance to the nearest centre.
 * gm_nearest assigns rows to clusters. k: 1 .. n. */
typedef struct gm_k_means_options {
	int64_t starts, turns; /* default 10, and at most 100 iterations each */
	uint64_t seed;
} gm_k_means_options;
GM_API bool gm_k_means(const float *x, int64_t n, int64_t d, int64_t k, const gm_k_means_options *o,
                       float *centre, double *cost, gm_error *err);

/* The one-to-one assignment of rows to columns with the largest sum of gain [rows, columns]
 * (Hungarian method). to: [rows], the column of each row; if there are more rows than columns, -1
 * for those without one. sum, unless NULL: the sum. With counts of clusters and classes as gain,
 * this is the matching of the clustering accuracy (Yang et al., SIGIR 2010). Time
 * O(min^2 max). */
GM_API bool gm_matching(const double *gain, int64_t rows, int64_t columns, int64_t *to, double *sum,
                        gm_error *err);

/* For each row of x [nx, d] the k nearest rows of y [ny, d], nearest first (ties: lower index
 * first): index [nx, k] and Euclidean distance [nx, k]; either may be NULL. not_self: x and y are
 * the same set, and row i is not a neighbour of itself. k: 1 .. ny, or ny - 1 with not_self. With
 * images as rows, this finds the training examples nearest to a sample. */
typedef struct gm_nearest_options {
	int64_t k; /* default 1 */
	bool not_self;
} gm_nearest_options;
GM_API bool gm_nearest(const float *x, int64_t nx, const float *y, int64_t ny, int64_t d,
                       const gm_nearest_options *o, int64_t *index, double *distance,
                       gm_error *err);

/* Each row has a closed ball whose radius is the distance to its k-th nearest neighbour in the same
 * set, itself excluded.
 *
 * precision, recall: Kynkaanniemi et al., NeurIPS 2019, eq. 1-2 (k = 3 there): the fraction of fake
 * rows inside a real row's ball; the fraction of real rows inside a fake row's ball.
 *
 * density, coverage: Naeem et al., ICML 2020, eq. 4-5 (k = 5 there): the mean number of real balls
 * that contain a fake row, divided by k (can exceed 1); the fraction of real balls that contain a
 * fake row. */
typedef struct gm_prdc {
	double precision, recall, density, coverage;
} gm_prdc;
/* k: 1 .. smaller count - 1. Time n^2 d, memory n. */
GM_API bool gm_prdc_of(const gm_features_pair *f, int64_t k, gm_prdc *score, gm_error *err);

/* Leave-one-out accuracy of a 1-nearest-neighbour classifier of fake and real rows (Lopez-Paz &
 * Oquab, ICLR 2017; Xu et al., arXiv:1806.07755, section 2): 1/2 is best; 1: the sets are
 * separated; 0: fakes are copies of real rows. */
typedef struct gm_two_sample {
	double accuracy;   /* of all rows */
	double real, fake; /* of the real rows, of the fake rows */
} gm_two_sample;
/* GM_ERR_VALUE unless there are as many real as fake rows. */
GM_API bool gm_nearest_accuracy(const gm_features_pair *f, gm_two_sample *score, gm_error *err);

/* ---- classes and modes ----------------------------------------------------------------------- */

/* Zero fields take the default. */
typedef struct gm_inception_options {
	int64_t splits; /* 10 */
	bool logits;    /* rows are logits, not probabilities */
} gm_inception_options;

/* Inception score (Salimans et al., NeurIPS 2016, section 4): exp E KL(p(y|x) || p(y)) in each of
 * the contiguous splits [i n / splits, (i + 1) n / splits) of p [n, classes]; deviation: population
 * standard deviation over the splits, as in the authors' code. Between 1 and classes. GM_ERR_VALUE
 * also for a negative probability, or a row whose sum differs from 1 by more than 1e-3. */
GM_API bool gm_inception_score(const float *p, int64_t n, int64_t classes,
                               const gm_inception_options *o, gm_spread *score, gm_error *err);

typedef struct gm_modes {
	int64_t found;  /* modes with at least one sample */
	double quality; /* fraction of samples that belong to a mode */
	/* KL(distribution of samples over modes || that of the data) in nats; infinite without
	 * samples */
	double reverse_kl;
} gm_modes;

/* Mode coverage (Metz et al., ICLR 2017, section 3.3.1, stacked MNIST with its 1000 classes;
 * PacGAN, Lin et al., NeurIPS 2018, section 4). label [n]: 0 .. modes-1, or -1 for a sample of no
 * mode. share [modes]: frequencies of the data's modes, with sum 1; NULL: uniform. GM_ERR_VALUE for
 * other labels and shares. */
GM_API bool gm_modes_of(const int32_t *label, int64_t n, int64_t modes, const double *share,
                        gm_modes *score, gm_error *err);

/* A mixture of isotropic Gaussians. */
typedef struct gm_mixture {
	const double *centre; /* [modes, d] */
	int64_t modes, d;
	double sigma;
} gm_mixture;

/* Writes to label [n] the centre nearest to each point of x [n, d], or -1 if it is more than 3
 * sigma away (PacGAN's criterion of high quality) or the point is not finite. */
GM_API bool gm_modes_label(const gm_mixture *m, const float *x, int64_t n, int32_t *label,
                           gm_error *err);

/* ---- Parzen windows -------------------------------------------------------------------------- */

/* Log-likelihood, in nats, of each row of f->real under a mixture of Gaussians of width sigma
 * around the rows of f->fake (Breuleux, Bengio & Vincent, Neural Computation 2011; Goodfellow et
 * al., NeurIPS 2014, section 5): log (1/m) sum_j N(x; y_j, sigma^2 I). deviation: the standard
 * error of the mean, that is the standard deviation divided by sqrt(n). each [n_real] may be NULL.
 * For its weaknesses see Theis et al., ICLR 2016. */
GM_API bool gm_parzen(const gm_features_pair *f, double sigma, gm_spread *score, double *each,
                      gm_error *err);

/* Zero fields take the default. */
typedef struct gm_parzen_grid {
	double from, to; /* default .1 and 1; both are candidates */
	int64_t count;   /* default 10, equal steps of the logarithm */
} gm_parzen_grid;

/* Finds the sigma of the grid with the highest likelihood of f->real, which must be validation
 * data. score: of the validation data; may be NULL. */
GM_API bool gm_parzen_sigma(const gm_features_pair *f, const gm_parzen_grid *grid, double *sigma,
                            gm_spread *score, gm_error *err);

/* ---- pictures -------------------------------------------------------------------------------- */

/* Pairs of images a[i], b[i]. */
typedef struct gm_picture_pairs {
	const float *a, *b; /* [n, channels, height, width] */
	int64_t n;
	int channels, height, width;
	double range; /* of possible values, largest minus smallest; default 2, for [-1, 1] */
} gm_picture_pairs;

/* These functions write one value per pair to each [n], which may be NULL, and the mean to *mean.
 * Width and height are at most 16384. */

/* Peak signal-to-noise ratio in dB, 10 log10(range^2 / mean squared difference); infinite for equal
 * images. */
GM_API bool gm_psnr(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);
/* Structural similarity (Wang et al., IEEE TIP 2004, eq. 13): Gaussian windows of 11 x 11 with
 * sigma 1.5, inside the image only; K1 = .01, K2 = .03; biased variances; mean over windows and
 * channels. Width and height must be at least 11. */
GM_API bool gm_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);
/* Luma of x [channels, height, width] in [-1, 1], as studies of super-resolution compute it: values
 * are rounded to 8 bits; of three channels Y = 16 + 65.481 R + 128.553 G + 24.966 B for R, G, B in
 * [0, 1] (ITU-R BT.601, 16 to 235), of one channel 255 times the value. Without `border` pixels on
 * each side: out [height - 2 border, width - 2 border]. For gm_psnr and gm_ssim with range 255. */
GM_API void gm_luma(const float *x, int channels, int height, int width, int border, float *out);
/* Multi-scale structural similarity (Wang, Simoncelli & Bovik, Asilomar 2003, eq. 7; weights .0448
 * .2856 .3001 .2363 .1333): images are halved by 2 x 2 means between scales (an odd row or column
 * is dropped), negative factors count as zero, and the result is the mean over separate channels.
 * If a scale is smaller than the window, window and sigma shrink to it, as the GAN literature does
 * for images of 64 and 128 pixels (Odena et al., ICML 2017, section 4.2). Width and height must be
 * at least 16; results are comparable with the original from 176 up. */
GM_API bool gm_ms_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err);

/* Semantic segmentation scores (Long, Shelhamer & Darrell, CVPR 2015, section 5): with n_ij pixels
 * of class i predicted as j, pixel = sum n_ii / sum n_ij; per_class = mean over i of n_ii / sum_j
 * n_ij; iou = mean over i of n_ii / (sum_j n_ij + sum_j n_ji - n_ii). Classes without a pixel in
 * the ground truth are excluded from both means. */
typedef struct gm_segments {
	double pixel, per_class, iou;
	int64_t pixels, classes; /* pixels counted; classes that occur in the ground truth */
} gm_segments;
/* Adds n pixels to the confusion matrix count [classes, classes], whose rows are the true classes.
 * GM_ERR_VALUE for a class outside 0 .. classes-1. */
GM_API bool gm_segments_add(int64_t *count, const int32_t *truth, const int32_t *got, int64_t n,
                            int64_t classes, gm_error *err);
/* GM_ERR_VALUE if count is all zero. */
GM_API bool gm_segments_of(const int64_t *count, int64_t classes, gm_segments *score,
                           gm_error *err);
/* The mean IoU of the chosen classes alone; NaN if none of them has a pixel in the ground truth. */
GM_API double gm_segments_iou(const int64_t *count, int64_t classes, const bool *chosen);

/* Sliced Wasserstein distance between patches of two sets of pictures (Karras et al., ICLR 2018,
 * section 5), at each level of a Laplacian pyramid (Burt & Adelson 1983) down to 16 pixels. Patches
 * of 7 x 7 pixels are taken at random positions of each image and level; the channels of each set
 * are normalised to mean 0 and deviation 1; the distance is the mean absolute difference of the
 * sorted projections, averaged over random directions. The paper's values are multiplied by 1000
 * and use 16384 images. */
typedef struct gm_swd gm_swd;

/* Zero fields take the default. */
typedef struct gm_swd_options {
	int channels, height, width; /* of every image; no default */
	/* default 16: the shorter side of every level but the first is at least this */
	int smallest;
	int patches;    /* default 128 per image and level */
	int directions; /* default 512 */
	uint64_t seed;
} gm_swd_options;

/* GM_ERR_VALUE if width or height is below 7, or odd where it must be halved. The caller frees it.
 * Holds patches * 49 * channels floats per image and level. */
GM_API gm_swd *gm_swd_new(const gm_swd_options *o, gm_error *err);
GM_API void gm_swd_free(gm_swd *s); /* NULL is allowed */
/* Adds images x [n, channels, height, width] to the real or fake set. The result depends on the
 * images and their order, not on how they are split over calls. */
GM_API bool gm_swd_add(gm_swd *s, bool fake, const float *x, int64_t n, gm_error *err);
/* number of levels; level i has the image size divided by 2^i */
GM_API int gm_swd_levels(const gm_swd *s);
/* Writes distance [levels] for the images so far; more may be added later. Needs as many real as
 * fake images. */
GM_API bool gm_swd_get(const gm_swd *s, double *distance, gm_error *err);

GM_END_C

#endif
