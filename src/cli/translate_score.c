/* SPDX-License-Identifier: MIT
 *
 * cli/translate_score.c -- compares results of ganymede translate with what they should be.
 */
#include "cli/translate.h"

#include <math.h>
#include <stdlib.h>

#include "data/resize.h"
#include "ganymede/metrics.h"

enum { SSIM_LEAST = 11 };

/* x enlarged to the size of y, which it is written to: what bicubic interpolation does. */
static bool enlarge(const gm_picture *x, gm_picture *y, gm_error *err)
{
	gm_resize *r = gm_resize_new(x->height, x->width, y->height, y->width, GM_FILTER_IMRESIZE);
	float *scratch = r ? malloc(gm_resize_scratch(r) * sizeof *scratch) : NULL;
	const size_t from = (size_t)x->height * (size_t)x->width,
		     to = (size_t)y->height * (size_t)y->width;
	for (int c = 0; scratch && c < y->channels; c++)
		gm_resize_plane(r, x->x + (size_t)c * from, y->x + (size_t)c * to, (size_t)y->width,
		                scratch);
	const bool ok = scratch || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	gm_resize_free(r);
	free(scratch);
	return ok;
}

/* PSNR and SSIM of luma without a border of `border` pixels, and the gradient energy of y's luma as
 * a share of the truth's; added to sum. */
static bool add_luma(const gm_picture *y, const gm_picture *truth, int border, translate_luma *sum,
                     gm_error *err)
{
	const int h = y->height - 2 * border, w = y->width - 2 * border;
	float *l = h > 0 && w > 0 ? malloc(2 * (size_t)h * (size_t)w * sizeof *l) : NULL;
	if (!l)
		return h > 0 && w > 0 && gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	float *a = l, *b = l + (size_t)h * (size_t)w;
	gm_luma(y->x, y->channels, y->height, y->width, border, a);
	gm_luma(truth->x, y->channels, y->height, y->width, border, b);
	const gm_picture_pairs p = {a, b, 1, 1, h, w, 255};
	double psnr, ssim = NAN, energy[2] = {0};
	bool ok = gm_psnr(&p, NULL, &psnr, err) &&
	          (h < SSIM_LEAST || w < SSIM_LEAST || gm_ssim(&p, NULL, &ssim, err));
	for (int k = 0; k < 2; k++)
		for (int i = 0; i + 1 < h; i++)
			for (int j = 0; j + 1 < w; j++) {
				const float *at = l + ((size_t)k * h + i) * w + j;
				energy[k] += pow(at[1] - at[0], 2) + pow(at[w] - at[0], 2);
			}
	sum->psnr += psnr, sum->ssim += ssim, sum->sharpness += energy[0] / energy[1];
	free(l);
	return ok;
}

bool translate_score(translate_job *j, const translate_one *p, const gm_picture *y, gm_error *err)
{
	const gm_picture *truth = &p->truth;
	const int factor = gm_translator_factor(j->t);
	if (y->channels != truth->channels || y->height != truth->height ||
	    y->width != truth->width)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: the result is %dx%d, but the target is %dx%d", p->name,
		               y->width, y->height, truth->width, truth->height);
	int64_t n = (int64_t)y->channels * y->height * y->width;
	double l1 = 0, psnr = NAN, ssim = NAN;
	gm_picture_pairs pair = {y->x, truth->x, 1, y->channels, y->height, y->width};
	for (int64_t i = 0; i < n; i++)
		l1 += fabs((double)y->x[i] - truth->x[i]) / (double)n;
	if (!gm_psnr(&pair, NULL, &psnr, err) ||
	    (y->height >= SSIM_LEAST && y->width >= SSIM_LEAST &&
	     !gm_ssim(&pair, NULL, &ssim, err)))
		return false;
	j->scored++;
	j->l1 += l1, j->psnr += psnr, j->ssim += ssim;
	if (factor < 2 || p->x.channels != y->channels || y->height <= 2 * factor ||
	    y->width <= 2 * factor)
		return true;
	gm_picture bicubic = *y;
	bicubic.x = malloc((size_t)n * sizeof *bicubic.x);
	bool ok = bicubic.x || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && enlarge(&p->x, &bicubic, err) && add_luma(y, truth, factor, &j->luma, err) &&
	     add_luma(&bicubic, truth, factor, &j->bicubic, err);
	j->enlarged += ok;
	free(bicubic.x);
	return ok;
}
