/* SPDX-License-Identifier: MIT
 *
 * metrics/swd.c -- sliced Wasserstein distance of patches in a Laplacian pyramid. */
#include "metrics/pairs.h"
#include "base/progress.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 7, LEVELS = 16, TOGETHER = 16, DIRECTIONS = 1 << 20 /* stream of the directions */ };

struct gm_swd {
	gm_swd_options o;
	int levels;
	int64_t wide;              /* numbers in a patch: channels * 49 */
	int64_t count[2], room[2]; /* pictures: real, fake */
	float *patch[LEVELS][2];   /* [count * patches, wide] */
	gm_rng places[LEVELS][2];
	float *gauss, *low, *scratch; /* [channels, height, width] each */
};

gm_swd *gm_swd_new(const gm_swd_options *o, gm_error *err)
{
	gm_swd *s = calloc(1, sizeof *s);
	if (!s) {
		gm_fail(err, GM_ERR_MEMORY, "no memory");
		return NULL;
	}
	s->o = *o;
	s->o.smallest = o->smallest ? o->smallest : 16;
	s->o.patches = o->patches ? o->patches : 128;
	s->o.directions = o->directions ? o->directions : 512;
	int h = o->height, w = o->width;
	bool ok = o->channels >= 1 && o->channels <= 1024 && h >= SIDE && w >= SIDE && h <= 16384 &&
	          w <= 16384 && s->o.smallest >= SIDE && s->o.patches >= 1 && s->o.directions >= 1;
	for (s->levels = 1; ok && (h < w ? h : w) / 2 >= s->o.smallest; s->levels++) {
		ok = !(h & 1) && !(w & 1);
		h /= 2, w /= 2;
	}
	if (!ok) {
		gm_fail(err, GM_ERR_VALUE,
		        "SWD of pictures [%d, %d, %d] down to %d, %d patches, %d"
		        " directions: sides from %d to 16384 are possible, even where they are "
		        "halved",
		        o->channels, o->height, o->width, s->o.smallest, s->o.patches,
		        s->o.directions, SIDE);
		free(s);
		return NULL;
	}
	size_t numel = (size_t)o->channels * o->height * o->width;
	s->wide = (int64_t)o->channels * SIDE * SIDE;
	s->gauss = malloc(numel * sizeof(float));
	s->low = malloc(numel * sizeof(float));
	s->scratch = malloc(numel * sizeof(float));
	for (int l = 0; l < s->levels; l++)
		for (int side = 0; side < 2; side++)
			s->places[l][side] = gm_rng_new(o->seed, 2 * l + side);
	if (!s->gauss || !s->low || !s->scratch) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for pictures of %d x %d", o->width,
		        o->height);
		gm_swd_free(s);
		return NULL;
	}
	return s;
}

void gm_swd_free(gm_swd *s)
{
	if (!s)
		return;
	for (int l = 0; l < LEVELS; l++)
		free(s->patch[l][0]), free(s->patch[l][1]);
	free(s->gauss), free(s->low), free(s->scratch);
	free(s);
}

int gm_swd_levels(const gm_swd *s)
{
	return s->levels;
}

/* ---- pyramid --------------------------------------------------------------------------------- */

/* Place i of a line of n, mirrored at its ends without repeating them. */
static int mirror(int i, int n)
{
	i = i < 0 ? -i : i;
	return i >= n ? 2 * (n - 1) - i : i;
}

static const float binomial[5] = {1 / 16.f, 4 / 16.f, 6 / 16.f, 4 / 16.f, 1 / 16.f};

/* out [h/2, w/2]: x [h, w] smoothed, every other pixel. across [h, w/2] is scratch. */
static void reduce(const float *x, int h, int w, float *out, float *across)
{
	for (int i = 0; i < h; i++)
		for (int j = 0; j < w / 2; j++) {
			float sum = 0;
			for (int k = -2; k <= 2; k++)
				sum += binomial[k + 2] * x[i * w + mirror(2 * j + k, w)];
			across[i * (w / 2) + j] = sum;
		}
	for (int i = 0; i < h / 2; i++)
		for (int j = 0; j < w / 2; j++) {
			float sum = 0;
			for (int k = -2; k <= 2; k++)
				sum += binomial[k + 2] * across[mirror(2 * i + k, h) * (w / 2) + j];
			out[i * (w / 2) + j] = sum;
		}
}

/* x [h, w] -= low [h/2, w/2] enlarged: zeros between its pixels, smoothed, times 4. */
static void subtract_expanded(float *x, int h, int w, const float *low, float *across)
{
	for (int i = 0; i < h / 2; i++)
		for (int j = 0; j < w; j++) {
			float sum = 0;
			for (int k = -2; k <= 2; k++) {
				int at = mirror(j + k, w);
				sum += at & 1 ? 0 : 2 * binomial[k + 2] * low[i * (w / 2) + at / 2];
			}
			across[i * w + j] = sum;
		}
	for (int i = 0; i < h; i++)
		for (int j = 0; j < w; j++) {
			float sum = 0;
			for (int k = -2; k <= 2; k++) {
				int at = mirror(i + k, h);
				sum += at & 1 ? 0 : 2 * binomial[k + 2] * across[at / 2 * w + j];
			}
			x[i * w + j] -= sum;
		}
}

/* Patches of level l, whose channels x [channels, h, w] are, join those of the set. */
static void take(gm_swd *s, int l, bool fake, const float *x, int h, int w)
{
	float *out = s->patch[l][fake] + s->count[fake] * s->o.patches * s->wide;
	for (int k = 0; k < s->o.patches; k++) {
		int top = gm_rng_below(&s->places[l][fake], h - SIDE + 1);
		int left = gm_rng_below(&s->places[l][fake], w - SIDE + 1);
		for (int c = 0; c < s->o.channels; c++)
			for (int i = 0; i < SIDE; i++, out += SIDE)
				memcpy(out, x + ((int64_t)c * h + top + i) * w + left,
				       SIDE * sizeof *out);
	}
}

bool gm_swd_add(gm_swd *s, bool fake, const float *x, int64_t n, gm_error *err)
{
	int64_t numel = (int64_t)s->o.channels * s->o.height * s->o.width;
	if (n < 0)
		return gm_fail(err, GM_ERR_VALUE, "cannot add %lld pictures", (long long)n);
	if (!gm_rows_finite("SWD", x, n, numel, err))
		return false;
	int64_t need = s->count[fake] + n;
	if (need > s->room[fake]) {
		int64_t room = need > 2 * s->room[fake] ? need : 2 * s->room[fake];
		for (int l = 0; l < s->levels; l++) {
			float *p = realloc(s->patch[l][fake],
			                   room * s->o.patches * s->wide * sizeof *p);
			if (!p)
				return gm_fail(err, GM_ERR_MEMORY,
				               "no memory for the patches of"
				               " %lld pictures",
				               (long long)room);
			s->patch[l][fake] = p;
		}
		s->room[fake] = room;
	}
	for (int64_t i = 0; i < n; i++) {
		int h = s->o.height, w = s->o.width;
		memcpy(s->gauss, x + i * numel, numel * sizeof *x);
		for (int l = 0; l < s->levels; l++) {
			int64_t size = (int64_t)h * w;
			for (int c = 0; l + 1 < s->levels && c < s->o.channels; c++) {
				float *low = s->low + c * (size / 4);
				reduce(s->gauss + c * size, h, w, low, s->scratch);
				subtract_expanded(s->gauss + c * size, h, w, low, s->scratch);
			}
			take(s, l, fake, s->gauss, h, w);
			h /= 2, w /= 2;
			float *t = s->gauss;
			s->gauss = s->low, s->low = t;
		}
		s->count[fake]++;
	}
	return true;
}

/* ---- distance -------------------------------------------------------------------------------- */

/* Ascending. Keys are the bits of floats, so turned that they order as integers; 3 passes of 11
 * bits (least significant first) against 2 million numbers for each of 1024 sorts. */
static void sort(float *x, int64_t n, uint32_t *key, uint32_t *other)
{
	for (int64_t i = 0; i < n; i++) {
		memcpy(key + i, x + i, sizeof *key);
		key[i] ^= key[i] >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
	}
	for (int shift = 0; shift < 33; shift += 11) {
		int64_t start[2049] = {0};
		for (int64_t i = 0; i < n; i++)
			start[(key[i] >> shift & 2047) + 1]++;
		for (int b = 0; b < 2048; b++)
			start[b + 1] += start[b];
		for (int64_t i = 0; i < n; i++)
			other[start[key[i] >> shift & 2047]++] = key[i];
		uint32_t *t = key;
		key = other, other = t;
	}
	for (int64_t i = 0; i < n; i++) {
		uint32_t v = key[i] ^ (key[i] >> 31 ? UINT32_C(1) << 31 : UINT32_MAX);
		memcpy(x + i, &v, sizeof v);
	}
}

/* Mean and 1 / deviation of each channel over all patches; a constant channel stays 0. */
static void normalisers(const float *patch, int64_t rows, int channels, double *mean, double *scale)
{
	enum { AREA = SIDE * SIDE };
	for (int c = 0; c < channels; c++) {
		double sum = 0, squares = 0;
		for (int64_t i = 0; i < rows; i++)
			for (int j = 0; j < AREA; j++)
				sum += patch[(i * channels + c) * AREA + j];
		mean[c] = sum / (rows * AREA);
		for (int64_t i = 0; i < rows; i++)
			for (int j = 0; j < AREA; j++) {
				double v = patch[(i * channels + c) * AREA + j] - mean[c];
				squares += v * v;
			}
		squares /= (double)rows * AREA;
		/* Equal numbers differ from their mean by its rounding. */
		scale[c] = squares > 1e-24 * mean[c] * mean[c] ? 1 / sqrt(squares) : 0;
	}
}

/* Unit vectors, as columns of out [wide, n]. */
static void directions(gm_rng *r, int64_t wide, int n, float *out)
{
	for (int k = 0; k < n; k++) {
		double length = 0;
		for (int64_t j = 0; j < wide; j++) {
			double v = gm_rng_normal(r);
			out[j * n + k] = (float)v, length += v * v;
		}
		for (int64_t j = 0; j < wide; j++)
			out[j * n + k] /= (float)sqrt(length);
	}
}

/* Projections of the normalised patches, out [n, rows]: v.(x - mean) scale by one product of x with
 * the scaled directions, less what the mean would give. */
static void project(const gm_swd *s, const float *patch, int64_t rows, const float *direction,
                    int n, const double *mean, const double *scale, float *scaled, float *out)
{
	float offset[TOGETHER];
	for (int k = 0; k < n; k++) {
		double sum = 0;
		for (int64_t j = 0; j < s->wide; j++) {
			int c = (int)(j / (SIDE * SIDE));
			scaled[k * s->wide + j] = (float)(direction[j * n + k] * scale[c]);
			sum += scaled[k * s->wide + j] * mean[c];
		}
		offset[k] = (float)sum;
	}
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, s->wide, 1, scaled, s->wide,
	            patch, s->wide, 0, out, rows);
	for (int k = 0; k < n; k++)
		for (int64_t i = 0; i < rows; i++)
			out[k * rows + i] -= offset[k];
}

bool gm_swd_get(const gm_swd *s, double *distance, gm_error *err)
{
	int64_t rows = s->count[0] * s->o.patches, wide = s->wide;
	int channels = s->o.channels;
	if (s->count[0] < 1 || s->count[0] != s->count[1])
		return gm_fail(err, GM_ERR_VALUE,
		               "SWD of %lld real and %lld fake pictures: as many"
		               " of both are needed",
		               (long long)s->count[0], (long long)s->count[1]);
	double *normal = malloc(4 * channels * sizeof *normal);
	float *line = malloc(2 * TOGETHER * wide * sizeof *line);
	float *out = malloc(2 * TOGETHER * rows * sizeof *out);
	uint32_t *key = malloc(2 * TOGETHER * rows * 2 * sizeof *key);
	bool ok = (normal && line && out && key) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for projections of %lld patches",
	                  (long long)rows);
	for (int l = 0; ok && l < s->levels; l++) {
		ok = gm_progress_tell("projecting patches", (uint64_t)l, (uint64_t)s->levels,
		                      "levels", err);
		if (!ok)
			break;
		gm_rng r = gm_rng_new(s->o.seed, DIRECTIONS + l);
		double *of[2] = {normal, normal + 2 * channels}, sum = 0;
		for (int side = 0; side < 2; side++)
			normalisers(s->patch[l][side], rows, channels, of[side],
			            of[side] + channels);
		for (int done = 0, n; done < s->o.directions; done += n) {
			n = s->o.directions - done < TOGETHER ? s->o.directions - done : TOGETHER;
			directions(&r, wide, n, line);
			for (int side = 0; side < 2; side++)
				project(s, s->patch[l][side], rows, line, n, of[side],
				        of[side] + channels, line + TOGETHER * wide,
				        out + side * n * rows);
#pragma omp parallel for schedule(static)
			for (int k = 0; k < 2 * n; k++)
				sort(out + k * rows, rows, key + 2 * k * rows,
				     key + (2 * k + 1) * rows);
			for (int64_t i = 0; i < n * rows; i++)
				sum += fabs((double)out[i] - out[n * rows + i]);
		}
		distance[l] = sum / ((double)rows * s->o.directions);
	}
	gm_progress_end();
	free(normal), free(line), free(out), free(key);
	return ok;
}
