/* SPDX-License-Identifier: MIT
 *
 * use/hole.c -- fillings of hidden parts and their errors. See hole.h.
 */
#include "use/hole.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ganymede/metrics.h"
#include "ganymede/nn.h"

static int64_t plane_of(const gm_hole *h)
{
	return h->height * h->width;
}

/* ---- hidden parts ---------------------------------------------------------------------------- */

static const char *const parts[] = {"bottom", "top", "left", "right", "middle", "all", NULL};

typedef struct rectangle {
	int64_t x, y, width, height;
} rectangle;

static int find_part(const char *name)
{
	for (int i = 0; parts[i]; i++)
		if (!strcmp(parts[i], name))
			return i;
	return -1;
}

static bool parse_rectangle(const char *text, rectangle *r)
{
	int end = 0;
	return sscanf(text, "%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 "%n", &r->x, &r->y,
	              &r->width, &r->height, &end) == 4 &&
	       !text[end];
}

/* "random" or "random:SHARE" */
static bool parse_random(const char *text, double *share)
{
	*share = .8;
	if (strncmp(text, "random", 6) != 0)
		return false;
	return !text[6] ||
	       (text[6] == ':' && gm_text_f64(text + 7, share) && *share > 0 && *share < 1);
}

bool gm_hole_is_name(const char *name)
{
	rectangle r;
	double share;
	return find_part(name) >= 0 || !strcmp(name, "pattern") || !strcmp(name, "grid") ||
	       parse_random(name, &share) || parse_rectangle(name, &r);
}

static bool by_pattern(int64_t height, int64_t width, uint64_t seed, uint8_t *hidden, gm_error *err)
{
	if (height != width || height % 8)
		return gm_fail(err, GM_ERR_VALUE,
		               "a hidden pattern is for square images whose side is a multiple of "
		               "8, not for %dx%d",
		               (int)width, (int)height);
	gm_graph *g = gm_graph_new(NULL);
	gm_node *mask = g ? gm_mask_random(g, 1, height) : NULL;
	gm_step *s = mask ? gm_compile(g, mask) : NULL;
	float *v = s ? malloc((size_t)(height * width) * sizeof *v) : NULL;
	if (v) {
		gm_graph_seed(g, seed, 0);
		gm_step_run(s);
		gm_step_read(s, mask, v, height * width);
	}
	for (int64_t i = 0; v && i < height * width; i++)
		hidden[i] = v[i] > .5f;
	const bool ok = v || gm_fail(err, GM_ERR_MEMORY, "no memory for a pattern");
	free(v);
	gm_graph_free(g);
	return ok;
}

bool gm_hole_name(const char *name, int64_t height, int64_t width, uint64_t seed, uint8_t *hidden,
                  gm_error *err)
{
	const int64_t h = height, w = width, plane = h * w;
	const rectangle named[] = {{0, h / 2, w, h - h / 2},
	                           {0, 0, w, (h + 1) / 2},
	                           {0, 0, (w + 1) / 2, h},
	                           {w / 2, 0, w - w / 2, h},
	                           {w / 4, h / 4, w - w / 4 * 2, h - h / 4 * 2},
	                           {0, 0, w, h}};
	const int part = find_part(name);
	rectangle r;
	double share;
	memset(hidden, 0, (size_t)plane);
	if (!strcmp(name, "pattern"))
		return by_pattern(h, w, seed, hidden, err);
	if (!strcmp(name, "grid")) { /* one pixel of 4 x 4 is visible, as in a low resolution */
		for (int64_t i = 0; i < plane; i++)
			hidden[i] = i / w % 4 != 2 || i % w % 4 != 2;
		return plane > 1 || gm_fail(err, GM_ERR_VALUE, "a grid hides all of one pixel");
	}
	if (parse_random(name, &share)) {
		gm_rng rng = gm_rng_new(seed, 0x401E);
		int64_t count = 0;
		for (int64_t i = 0; i < plane; i++)
			count += hidden[i] = gm_rng_uniform(&rng) < share;
		return count > 0 || gm_fail(err, GM_ERR_VALUE, "%s hides nothing of %dx%d pixels",
		                            name, (int)w, (int)h);
	}
	if (part >= 0)
		r = named[part];
	else if (!parse_rectangle(name, &r))
		return gm_fail(err, GM_ERR_VALUE,
		               "\"%.60s\" is not bottom, top, left, right, middle, all, random, "
		               "random:SHARE, pattern, grid or X,Y,WIDTH,HEIGHT",
		               name);
	if (r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.width > w - r.x ||
	    r.height > h - r.y)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s is not within the run's images of %dx%d pixels", name, (int)w,
		               (int)h);
	for (int64_t y = r.y; y < r.y + r.height; y++)
		memset(hidden + y * w + r.x, 1, (size_t)r.width);
	return true;
}

bool gm_hole_picture(const gm_image *im, int64_t height, int64_t width, uint8_t *hidden,
                     gm_error *err)
{
	bool any = false;
	if (im->width != width || im->height != height)
		return gm_fail(err, GM_ERR_VALUE,
		               "the mask has %dx%d pixels, the run's images have %dx%d", im->width,
		               im->height, (int)width, (int)height);
	for (int64_t i = 0; i < height * width; i++)
		any = (hidden[i] = im->pixel[i * im->channels] > 127) || any;
	return any ||
	       gm_fail(err, GM_ERR_VALUE, "nothing in the mask is white, so nothing is hidden");
}

/* ---- fillings -------------------------------------------------------------------------------- */

gm_hole_errors gm_hole_compare(const gm_hole *h, const float *x, const float *truth)
{
	const double least = 1. / (12. * 255 * 255), range = h->high - h->low;
	const int64_t plane = plane_of(h), numel = h->channels * plane;
	gm_hole_errors e = {0};
	for (int64_t i = 0; i < h->n; i++) {
		double l1 = 0, l2 = 0, count = 0;
		for (int64_t j = 0; j < numel; j++) {
			if (!h->hidden[j % plane])
				continue;
			const double d = (x[i * numel + j] - (double)truth[i * numel + j]) / range;
			l1 += fabs(d), l2 += d * d, count++;
		}
		e.l1 += l1 / count / (double)h->n, e.l2 += l2 / count / (double)h->n;
		e.psnr -= 10 * log10(fmax(l2 / count, least)) / (double)h->n;
	}
	return e;
}

void gm_hole_fill_mean(const gm_hole *h, float *x)
{
	const int64_t plane = plane_of(h);
	for (int64_t c = 0; c < h->n * h->channels; c++, x += plane) {
		double sum = 0, count = 0;
		for (int64_t i = 0; i < plane; i++)
			if (!h->hidden[i])
				sum += x[i], count++;
		for (int64_t i = 0; i < plane; i++)
			x[i] = h->hidden[i] ? (float)(sum / count) : x[i];
	}
}

/* One turn over the hidden pixels of a plane; returns the largest change. */
static double relax(const gm_hole *h, float *x, double by)
{
	double most = 0;
	for (int64_t i = 0; i < h->height; i++)
		for (int64_t j = 0; j < h->width; j++) {
			float *at = x + i * h->width + j;
			if (!h->hidden[i * h->width + j])
				continue;
			double sum = 0, count = 0;
			if (i > 0)
				sum += at[-h->width], count++;
			if (i + 1 < h->height)
				sum += at[h->width], count++;
			if (j > 0)
				sum += at[-1], count++;
			if (j + 1 < h->width)
				sum += at[1], count++;
			const double step = by * (sum / count - *at);
			*at += (float)step;
			most = fmax(most, fabs(step));
		}
	return most;
}

void gm_hole_fill_harmonic(const gm_hole *h, float *x)
{
	/* The best factor for a square with sides of N pixels, here the longer side. */
	const double side = (double)(h->height > h->width ? h->height : h->width);
	const double by = 2 / (1 + sin(3.14159265358979 / (side + 1)));
	const double enough = 1e-5 * (h->high - h->low);
	gm_hole_fill_mean(h, x);
	for (int64_t c = 0; c < h->n * h->channels; c++, x += plane_of(h))
		for (int turn = 0; turn < 10000 && relax(h, x, by) > enough; turn++)
			continue;
}

void gm_hole_blend(const gm_hole *h, float *x, const float *by)
{
	/* by plus the harmonic function whose boundary values are those of x - by */
	const int64_t plane = plane_of(h), all = h->n * h->channels * plane;
	for (int64_t i = 0; i < all; i++)
		x[i] -= by[i];
	gm_hole_fill_harmonic(h, x);
	for (int64_t i = 0; i < all; i++)
		x[i] = (float)fmin(fmax(x[i] + (double)by[i], h->low), h->high);
}

double gm_hole_seam(const gm_hole *h, const float *x)
{
	double sum = 0, count = 0;
	for (int64_t c = 0; c < h->n * h->channels; c++, x += plane_of(h))
		for (int64_t i = 0; i < plane_of(h); i++) {
			const bool right = i % h->width + 1 < h->width,
				   below = i + h->width < plane_of(h);
			if (right && h->hidden[i] != h->hidden[i + 1])
				sum += fabs((double)x[i] - x[i + 1]), count++;
			if (below && h->hidden[i] != h->hidden[i + h->width])
				sum += fabs((double)x[i] - x[i + h->width]), count++;
		}
	return sum / count / (h->high - h->low);
}

static void clear_hidden(const gm_hole *h, const float *from, int64_t n, float *to)
{
	const int64_t plane = plane_of(h);
	for (int64_t i = 0; i < n * h->channels * plane; i++)
		to[i] = h->hidden[i % plane] ? 0 : from[i];
}

bool gm_hole_fill_nearest(const gm_hole *h, float *x, const float *from, int64_t count,
                          gm_error *err)
{
	const int64_t plane = plane_of(h), numel = h->channels * plane, k = count < 2 ? count : 2;
	float *a = h->n > 0 ? malloc((size_t)(h->n * numel) * sizeof *a) : NULL,
	      *b = count > 0 ? malloc((size_t)(count * numel) * sizeof *b) : NULL;
	int64_t *index = a && b ? malloc((size_t)(h->n * k) * sizeof *index) : NULL;
	double *distance = a && b ? malloc((size_t)(h->n * k) * sizeof *distance) : NULL;
	bool ok = (index && distance) || gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	if (ok) {
		clear_hidden(h, x, h->n, a);
		clear_hidden(h, from, count, b);
		ok = gm_nearest(a, h->n, b, count, numel, &(gm_nearest_options){.k = k}, index,
		                distance, err);
	}
	for (int64_t i = 0; ok && i < h->n * numel; i++) {
		const int64_t row = i / numel * k;
		const int64_t best = index[row + (k > 1 && distance[row] == 0)];
		x[i] = h->hidden[i % plane] ? from[best * numel + i % numel] : x[i];
	}
	free(a), free(b), free(index), free(distance);
	return ok;
}
