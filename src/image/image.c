/* SPDX-License-Identifier: MIT
 *
 * image.c -- sample grids and scatter plots. See ganymede/image.h. */
#include "ganymede/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS_MAX (1 << 28)

gm_image *gm_image_new(int width, int height, int channels, gm_error *err)
{
	if (width < 1 || height < 1 || (channels != 1 && channels != 3) ||
	    width > PIXELS_MAX / height) {
		gm_fail(err, GM_ERR_VALUE, "no picture can be %d x %d pixels with %d channels",
		        width, height, channels);
		return NULL;
	}
	gm_image *im = malloc(sizeof *im);
	uint8_t *pixel = calloc((size_t)width * (size_t)height, (size_t)channels);
	if (!im || !pixel) {
		free(im);
		free(pixel);
		gm_fail(err, GM_ERR_MEMORY, "out of memory for a picture of %d x %d pixels", width,
		        height);
		return NULL;
	}
	*im = (gm_image){width, height, channels, pixel};
	return im;
}

void gm_image_free(gm_image *im)
{
	if (!im)
		return;
	free(im->pixel);
	free(im);
}

/* ---- grids ---- */

#define FRAME 24     /* the grey of the frame around pictures */
#define PLEASANT 640 /* a grid is magnified while its longer side is below this */

static uint8_t to_byte(float v)
{
	const float b = (v + 1) * 127.5f;
	return b <= 0 ? 0 : b >= 255 ? 255 : (uint8_t)lrintf(b);
}

/* One magnified pixel of the picture whose planes start at x. */
static void cell_pixel(const float *x, size_t plane, int channels, uint8_t *out)
{
	for (int c = 0; c < channels; c++) {
		const float v = x[(size_t)c * plane];
		if (isnan(v)) {
			/* magenta cannot be mistaken for a sample */
			static const uint8_t alarm[3] = {255, 0, 255};
			if (channels == 3)
				memcpy(out, alarm, 3);
			else
				out[0] = 128;
			return;
		}
		out[c] = to_byte(v);
	}
}

gm_image *gm_image_grid(const float *x, const gm_grid *g, gm_error *err)
{
	if (g->n < 1 || g->channels < 1 || g->height < 1 || g->width < 1 || g->n > PIXELS_MAX ||
	    g->height > 1 << 14 || g->width > 1 << 14 || g->columns < 0 || g->scale < 0 ||
	    g->scale > 64 || g->padding < -1 || g->padding > 1 << 10) {
		gm_fail(err, GM_ERR_VALUE, "no grid of %lld pictures of %d x %d x %d",
		        (long long)g->n, g->channels, g->height, g->width);
		return NULL;
	}
	const int pad = g->padding == 0 ? 2 : g->padding < 0 ? 0 : g->padding;
	int64_t columns = g->columns ? g->columns : (int64_t)ceil(sqrt((double)g->n));
	if (columns > g->n)
		columns = g->n;
	const int64_t rows = (g->n + columns - 1) / columns;
	const int64_t w = columns * (g->width + pad) + pad, h = rows * (g->height + pad) + pad;
	const int64_t longer = w > h ? w : h;
	int64_t scale = g->scale ? g->scale : PLEASANT / longer;
	if (scale < 1)
		scale = 1;
	if (!g->scale && scale > 16)
		scale = 16;
	if (longer * scale > INT32_MAX) {
		gm_fail(err, GM_ERR_VALUE, "a grid of %lld pictures is too large to draw",
		        (long long)g->n);
		return NULL;
	}
	const int channels = g->channels >= 3 ? 3 : 1;
	gm_image *im = gm_image_new((int)(w * scale), (int)(h * scale), channels, err);
	if (!im)
		return NULL;
	const size_t stride = (size_t)im->width * (size_t)channels;
	memset(im->pixel, FRAME, stride * (size_t)im->height);

	const size_t plane = (size_t)g->height * (size_t)g->width;
	for (int64_t i = 0; i < g->n; i++) {
		const float *picture = x + (size_t)i * plane * (size_t)g->channels;
		const int64_t left = (pad + i % columns * (g->width + pad)) * scale;
		const int64_t top = (pad + i / columns * (g->height + pad)) * scale;
		for (int y = 0; y < g->height; y++) {
			uint8_t *row = im->pixel + (size_t)(top + y * scale) * stride +
			               (size_t)left * (size_t)channels;
			uint8_t *out = row;
			for (int c = 0; c < g->width; c++) {
				const uint8_t *first = out;
				cell_pixel(picture + (size_t)y * (size_t)g->width + c, plane,
				           channels, out);
				out += channels;
				for (int64_t k = 1; k < scale; k++, out += channels)
					memcpy(out, first, (size_t)channels);
			}
			for (int64_t k = 1; k < scale; k++)
				memcpy(row + (size_t)k * stride, row, (size_t)(out - row));
		}
	}
	return im;
}

/* ---- label maps ---- */

void gm_image_labels(const int32_t *map, int64_t n, int64_t plane, float *x)
{
	for (int64_t i = 0; i < n; i++, map += plane, x += 3 * plane)
		for (int64_t k = 0; k < plane; k++) {
			const unsigned class = (unsigned)map[k] & 255;
			for (unsigned c = 0; c < 3; c++) {
				unsigned v = 0;
				for (unsigned b = 0; b < 3; b++)
					v |= (class >> (3 * b + c) & 1) << (7 - b);
				x[c * (size_t)plane + (size_t)k] = (float)v / 127.5f - 1;
			}
		}
}

void gm_image_classes(const float *scores, int64_t n, int64_t classes, int64_t plane, int32_t *map)
{
	for (int64_t i = 0; i < n; i++, scores += classes * plane, map += plane)
		for (int64_t k = 0; k < plane; k++) {
			int32_t best = 0;
			for (int32_t c = 1; c < classes; c++)
				if (scores[c * plane + k] > scores[best * plane + k])
					best = c;
			map[k] = best;
		}
}

/* ---- scatters ---- */

typedef struct canvas {
	gm_image *im;
	float extent;
} canvas;

static const float paper[3] = {255, 255, 255}, line_light[3] = {232, 234, 238},
		   line_axis[3] = {196, 200, 208}, ink_real[3] = {108, 132, 168},
		   ink_fake[3] = {232, 106, 36};

static void blend(gm_image *im, int x, int y, const float colour[3], float alpha)
{
	if (x < 0 || y < 0 || x >= im->width || y >= im->height)
		return;
	uint8_t *p = im->pixel + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
	for (int c = 0; c < 3; c++)
		p[c] = (uint8_t)lrintf(p[c] + (colour[c] - p[c]) * alpha);
}

/* y points up, as in every plot. */
static float pixel_of(const canvas *k, float v)
{
	return (v / k->extent * .5f + .5f) * (float)k->im->width - .5f;
}

static void disc(const canvas *k, float px, float py, float radius, const float colour[3],
                 float alpha)
{
	const int reach = (int)ceilf(radius + 1);
	for (int y = (int)py - reach; y <= (int)py + reach; y++)
		for (int x = (int)px - reach; x <= (int)px + reach; x++) {
			const float d = hypotf((float)x - px, (float)y - py);
			const float cover = fminf(fmaxf(radius + .5f - d, 0), 1);
			if (cover > 0)
				blend(k->im, x, y, colour, alpha * cover);
		}
}

static void points(const canvas *k, const float *p, int64_t n, const float colour[3])
{
	const float size = (float)k->im->width;
	/* Many points are drawn fainter and smaller, so that density still shows. */
	const float crowd = fminf(1, sqrtf(2000.f / (float)(n + 1)));
	const float radius = size / 512 * (1.3f + .9f * crowd), alpha = .25f + .4f * crowd;
	for (int64_t i = 0; i < n; i++) {
		const float px = pixel_of(k, p[2 * i]), py = pixel_of(k, -p[2 * i + 1]);
		if (px > -8 && py > -8 && px < size + 8 && py < size + 8)
			disc(k, px, py, radius, colour, alpha);
	}
}

/* A step of 1, 2 or 5 times a power of ten that gives about four lines on each side of the
 * middle. */
static float nice_step(float extent)
{
	const float raw = extent / 4, power = powf(10, floorf(log10f(raw)));
	const float lead = raw / power;
	return power * (lead < 1.5f ? 1 : lead < 3.5f ? 2 : lead < 7.5f ? 5 : 10);
}

static void rule(const canvas *k, float v, const float colour[3])
{
	const int at = (int)lrintf(pixel_of(k, v));
	for (int i = 0; i < k->im->width; i++) {
		blend(k->im, at, i, colour, 1);
		blend(k->im, i, k->im->width - 1 - at, colour, 1);
	}
}

static float extent_of(const gm_scatter *s)
{
	float most = 0;
	const float *p = s->n_real ? s->real : s->fake;
	const int64_t n = 2 * (s->n_real ? s->n_real : s->n_fake);
	for (int64_t i = 0; i < n; i++)
		if (isfinite(p[i]) && fabsf(p[i]) > most)
			most = fabsf(p[i]);
	return most > 0 ? most * 1.25f : 1;
}

gm_image *gm_image_scatter(const gm_scatter *s, gm_error *err)
{
	const int size = s->size ? s->size : 512;
	const float extent = s->extent > 0 && isfinite(s->extent) ? s->extent : extent_of(s);
	if (size < 16 || size > 8192 || s->n_real < 0 || s->n_fake < 0) {
		gm_fail(err, GM_ERR_VALUE,
		        "a scatter of %d pixels cannot be drawn (16 to 8192 can)", size);
		return NULL;
	}
	gm_image *im = gm_image_new(size, size, 3, err);
	if (!im)
		return NULL;
	const canvas k = {im, extent};
	for (size_t i = 0; i < (size_t)size * (size_t)size * 3; i++)
		im->pixel[i] = (uint8_t)paper[i % 3];
	const float step = nice_step(extent);
	for (int i = 1; (float)i * step < extent; i++) {
		rule(&k, (float)i * step, line_light);
		rule(&k, -(float)i * step, line_light);
	}
	rule(&k, 0, line_axis);
	points(&k, s->real, s->n_real, ink_real);
	points(&k, s->fake, s->n_fake, ink_fake);
	for (int i = 0; i < size; i++) {
		blend(im, i, 0, line_axis, 1), blend(im, i, size - 1, line_axis, 1);
		blend(im, 0, i, line_axis, 1), blend(im, size - 1, i, line_axis, 1);
	}
	return im;
}
