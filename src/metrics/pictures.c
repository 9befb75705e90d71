/* SPDX-License-Identifier: MIT
 *
 * metrics/pictures.c -- image similarity: PSNR, SSIM, MS-SSIM. */
#include "metrics/pairs.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW = 11, SCALES = 5, MAPS = 5, LARGEST = 16384 };

static bool sensible(const char *what, const gm_picture_pairs *p, int least, gm_error *err)
{
	if (p->n < 1 || p->channels < 1 || p->height < least || p->width < least ||
	    p->height > LARGEST || p->width > LARGEST || !(p->range >= 0) || !isfinite(p->range))
		return gm_fail(err, GM_ERR_VALUE,
		               "%s of %lld pictures [%d, %d, %d], range %g: sides"
		               " from %d to %d are possible",
		               what, (long long)p->n, p->channels, p->height, p->width, p->range,
		               least, LARGEST);
	int64_t numel = (int64_t)p->channels * p->height * p->width;
	return gm_rows_finite(what, p->a, p->n, numel, err) &&
	       gm_rows_finite(what, p->b, p->n, numel, err);
}

bool gm_psnr(const gm_picture_pairs *p, double *each, double *mean, gm_error *err)
{
	if (!sensible("PSNR", p, 1, err))
		return false;
	double range = p->range ? p->range : 2;
	int64_t numel = (int64_t)p->channels * p->height * p->width;
	*mean = 0;
	for (int64_t i = 0; i < p->n; i++) {
		double sum = 0;
		for (int64_t j = i * numel; j < (i + 1) * numel; j++)
			sum += ((double)p->a[j] - p->b[j]) * ((double)p->a[j] - p->b[j]);
		double v = 10 * log10(range * range * numel / sum);
		*mean += v / p->n;
		if (each)
			each[i] = v;
	}
	return true;
}

/* ---- structural similarity ------------------------------------------------------------------- */

/* One plane at one scale, with scratch memory. */
typedef struct plane {
	int h, w;
	double *a, *b;        /* [h, w] */
	double *product, *in; /* [h, w] scratch */
	double *map[MAPS];    /* weighted means of a, b, aa, bb, ab over each window */
} plane;

/* out [h - size + 1, w - size + 1] = windows' weighted means of x y, y NULL: of x. */
static void window_means(const plane *p, const double *x, const double *y, const double *weight,
                         int size, double *out)
{
	int h = p->h, w = p->w, wo = w - size + 1;
	for (int i = 0; i < h * w; i++)
		p->product[i] = y ? x[i] * y[i] : x[i];
	for (int i = 0; i < h; i++)
		for (int j = 0; j < wo; j++) {
			double sum = 0;
			for (int k = 0; k < size; k++)
				sum += weight[k] * p->product[i * w + j + k];
			p->in[i * wo + j] = sum;
		}
	for (int i = 0; i < h - size + 1; i++)
		for (int j = 0; j < wo; j++) {
			double sum = 0;
			for (int k = 0; k < size; k++)
				sum += weight[k] * p->in[(i + k) * wo + j];
			out[i * wo + j] = sum;
		}
}

/* Mean similarity over windows, and of its second factor alone, contrast and structure. */
static void similarity(const plane *p, double range, double *ssim, double *contrast)
{
	int size = p->h < p->w ? p->h : p->w;
	size = size < WINDOW ? size : WINDOW;
	double sigma = 1.5 * size / WINDOW, weight[WINDOW], sum = 0;
	for (int k = 0; k < size; k++) {
		double at = k - (size - 1) / 2.;
		sum += weight[k] = exp(-at * at / (2 * sigma * sigma));
	}
	for (int k = 0; k < size; k++)
		weight[k] /= sum;
	const double *of[MAPS][2] = {
		{p->a, NULL}, {p->b, NULL}, {p->a, p->a}, {p->b, p->b}, {p->a, p->b}};
	for (int m = 0; m < MAPS; m++)
		window_means(p, of[m][0], of[m][1], weight, size, p->map[m]);
	double c1 = .01 * range * .01 * range, c2 = .03 * range * .03 * range;
	int n = (p->h - size + 1) * (p->w - size + 1);
	*ssim = *contrast = 0;
	for (int i = 0; i < n; i++) {
		double ma = p->map[0][i], mb = p->map[1][i];
		double va = p->map[2][i] - ma * ma, vb = p->map[3][i] - mb * mb;
		double cs = (2 * (p->map[4][i] - ma * mb) + c2) / (va + vb + c2);
		*contrast += cs / n;
		*ssim += cs * (2 * ma * mb + c1) / (ma * ma + mb * mb + c1) / n;
	}
}

static void halve(double *x, int h, int w)
{
	for (int i = 0; i < h / 2; i++)
		for (int j = 0; j < w / 2; j++) {
			const double *at = x + 2 * i * w + 2 * j;
			x[i * (w / 2) + j] = (at[0] + at[1] + at[w] + at[w + 1]) / 4;
		}
}

static double one_plane(plane *p, const float *a, const float *b, double range, bool scales)
{
	static const double weight[SCALES] = {.0448, .2856, .3001, .2363, .1333};
	double ssim, contrast, all = 1;
	for (int i = 0; i < p->h * p->w; i++)
		p->a[i] = a[i], p->b[i] = b[i];
	for (int s = 0;; s++) {
		similarity(p, range, &ssim, &contrast);
		if (!scales)
			return ssim;
		all *= pow(fmax(s < SCALES - 1 ? contrast : ssim, 0), weight[s]);
		if (s == SCALES - 1)
			return all;
		halve(p->a, p->h, p->w), halve(p->b, p->h, p->w);
		p->h /= 2, p->w /= 2;
	}
}

static bool similarities(const gm_picture_pairs *p, bool scales, double *each, double *mean,
                         gm_error *err)
{
	int64_t size = (int64_t)p->height * p->width, lacking = 0;
	double range = p->range ? p->range : 2, *value = malloc(p->n * sizeof *value);
	if (!value)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for %lld pictures", (long long)p->n);
#pragma omp parallel reduction(+ : lacking)
	{
		double *memory = malloc((4 + MAPS) * size * sizeof *memory);
		lacking += !memory;
#pragma omp for schedule(static)
		for (int64_t i = 0; i < p->n; i++) {
			value[i] = 0;
			for (int c = 0; memory && c < p->channels; c++) {
				plane l = {p->height,     p->width,          memory,
				           memory + size, memory + 2 * size, memory + 3 * size};
				for (int m = 0; m < MAPS; m++)
					l.map[m] = memory + (4 + m) * size;
				int64_t at = (i * p->channels + c) * size;
				value[i] += one_plane(&l, p->a + at, p->b + at, range, scales) /
				            p->channels;
			}
		}
		free(memory);
	}
	*mean = 0;
	for (int64_t i = 0; i < p->n; i++) {
		*mean += value[i] / p->n;
		if (each)
			each[i] = value[i];
	}
	free(value);
	return !lacking || gm_fail(err, GM_ERR_MEMORY, "no memory for pictures of %d x %d",
	                           p->width, p->height);
}

bool gm_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err)
{
	return sensible("SSIM", p, WINDOW, err) && similarities(p, false, each, mean, err);
}

bool gm_ms_ssim(const gm_picture_pairs *p, double *each, double *mean, gm_error *err)
{
	return sensible("MS-SSIM", p, 1 << (SCALES - 1), err) &&
	       similarities(p, true, each, mean, err);
}

static double eight_bits(float x)
{
	return round(255 * fmin(fmax((x + 1) / 2, 0), 1)) / 255;
}

void gm_luma(const float *x, int channels, int height, int width, int border, float *out)
{
	const int64_t size = (int64_t)height * width;
	for (int i = border; i < height - border; i++)
		for (int j = border; j < width - border; j++) {
			const float *at = x + (int64_t)i * width + j;
			*out++ = (float)(channels < 3 ? 255 * eight_bits(at[0])
			                              : 16 + 65.481 * eight_bits(at[0]) +
			                                        128.553 * eight_bits(at[size]) +
			                                        24.966 * eight_bits(at[2 * size]));
		}
}
