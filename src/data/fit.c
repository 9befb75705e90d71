/* SPDX-License-Identifier: MIT
 *
 * fit.c -- crops, resizes and pads stored images. See fit.h. */
#include "data/fit.h"

#include <math.h>
#include <string.h>

static int scaled(int side, int longer, int size)
{
	const int v = (int)((2LL * side * size + longer) / (2LL * longer));
	return v < 1 ? 1 : v;
}

bool gm_fitter_init(gm_fitter *f, int channels, int height, int width, const gm_data_options *o,
                    gm_error *err)
{
	static const char *const scaled_how[][2] = {
		[GM_FILTER_TRIANGLE] = {"triangle, antialiased, padded",
	                                "triangle, antialiased, centre"},
		[GM_FILTER_BOX] = {"box, antialiased, padded", "box, antialiased, centre"},
		[GM_FILTER_CUBIC] = {"cubic, antialiased, padded", "cubic, antialiased, centre"},
		[GM_FILTER_LANCZOS] = {"lanczos, antialiased, padded",
	                               "lanczos, antialiased, centre"},
		[GM_FILTER_IMRESIZE] = {"bicubic as imresize, antialiased, padded",
	                                "bicubic as imresize, antialiased, centre"},
	};
	*f = (gm_fitter){.channels = channels, .height = height, .width = width};
	f->to_channels = o->channels ? o->channels : channels;
	f->to_height = o->size ? o->size : height;
	f->to_width = o->size ? o->size : width;
	f->cut_width = width, f->cut_height = height;
	f->inner_height = f->to_height, f->inner_width = f->to_width;
	f->filter = gm_resize_name(o->filter);
	const bool pad = o->fit == GM_FIT_PAD && o->size, crop = o->fit == GM_FIT_CROP && o->size;
	if (pad) {
		const int longer = height > width ? height : width;
		const bool shrink = longer > o->size;
		f->inner_height = shrink ? scaled(height, longer, o->size) : height;
		f->inner_width = shrink ? scaled(width, longer, o->size) : width;
		f->left = (f->to_width - f->inner_width) / 2;
		f->top = (f->to_height - f->inner_height) / 2;
	} else if (crop) {
		f->cut_width = f->cut_height = height < width ? height : width;
		f->cut_x = (width - f->cut_width) / 2, f->cut_y = (height - f->cut_height) / 2;
	}
	const bool scale = f->inner_height != f->cut_height || f->inner_width != f->cut_width;
	const bool all = f->cut_width == width && f->cut_height == height;
	const bool full = f->inner_height == f->to_height && f->inner_width == f->to_width;
	if (scale)
		f->how = !full  ? scaled_how[o->filter][0]
		         : !all ? scaled_how[o->filter][1]
		                : f->filter;
	else
		f->how = !full ? "pad" : !all ? "centre" : "none";
	if (scale) {
		f->resize = gm_resize_new(f->cut_height, f->cut_width, f->inner_height,
		                          f->inner_width, o->filter);
		if (!f->resize)
			return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	}
	return true;
}

void gm_fitter_free(gm_fitter *f)
{
	gm_resize_free(f->resize);
	*f = (gm_fitter){0};
}

size_t gm_fitter_scratch(const gm_fitter *f)
{
	return f->resize ? (size_t)f->cut_width + gm_resize_scratch(f->resize) : 1;
}

/* Filters with negative lobes overshoot at edges. */
static void clamp(const gm_fitter *f, float *x)
{
	for (int y = 0; y < f->inner_height; y++, x += f->to_width)
		for (int i = 0; i < f->inner_width; i++)
			x[i] = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
}

static bool is_full(const gm_fitter *f)
{
	return f->inner_height == f->to_height && f->inner_width == f->to_width;
}

static bool makes_luma(const gm_fitter *f)
{
	return f->to_channels == 1 && f->channels == 3;
}

/* Output plane c, [to_height, to_width]; all planes of a grey image are equal. */
static void one_plane(const gm_fitter *f, int c, const uint8_t *pixel, size_t plane, size_t row,
                      size_t step, float *scratch, float *x)
{
	if (!is_full(f))
		for (size_t i = 0; i < (size_t)f->to_height * (size_t)f->to_width; i++)
			x[i] = -1;
	float *out = x + (size_t)f->top * (size_t)f->to_width + (size_t)f->left;
	float *rows = scratch + f->cut_width;
	for (int y = 0; y < f->cut_height; y++) {
		const uint8_t *in = pixel + (size_t)c * plane + (size_t)(f->cut_y + y) * row +
		                    (size_t)f->cut_x * step;
		float *v = f->resize ? scratch : out + (size_t)y * (size_t)f->to_width;
		if (makes_luma(f))
			for (int i = 0; i < f->cut_width; i++, in += step)
				v[i] = (.299f * in[0] + .587f * in[plane] + .114f * in[2 * plane]) *
				               (2.f / 255) -
				       1;
		else
			for (int i = 0; i < f->cut_width; i++)
				v[i] = (float)in[(size_t)i * step] * (2.f / 255) - 1;
		if (f->resize)
			gm_resize_row(f->resize, v, rows + (size_t)y * (size_t)f->inner_width);
	}
	if (f->resize) {
		gm_resize_down(f->resize, rows, out, (size_t)f->to_width);
		clamp(f, out);
	}
}

void gm_fitter_run(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row, size_t step,
                   float *scratch, float *x)
{
	const size_t to = (size_t)f->to_height * (size_t)f->to_width;
	for (int c = 0; c < f->to_channels; c++)
		if (c > 0 && f->channels == 1)
			memcpy(x + (size_t)c * to, x, to * sizeof *x);
		else
			one_plane(f, c, pixel, plane, row, step, scratch, x + (size_t)c * to);
}

static bool only_copies(const gm_fitter *f)
{
	return !f->resize && is_full(f) && !makes_luma(f);
}

size_t gm_fitter_bytes_scratch(const gm_fitter *f)
{
	return only_copies(f) ? 1
	                      : gm_fitter_scratch(f) + (size_t)f->to_height * (size_t)f->to_width;
}

static void copy_plane(const gm_fitter *f, const uint8_t *from, size_t row, size_t step,
                       uint8_t *to)
{
	for (int y = 0; y < f->cut_height; y++) {
		const uint8_t *in = from + (size_t)(f->cut_y + y) * row + (size_t)f->cut_x * step;
		for (int i = 0; i < f->cut_width; i++)
			*to++ = in[(size_t)i * step];
	}
}

void gm_fitter_bytes(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row,
                     size_t step, float *scratch, uint8_t *to)
{
	const size_t n = (size_t)f->to_height * (size_t)f->to_width;
	float *x = scratch + gm_fitter_scratch(f);
	for (int c = 0; c < f->to_channels; c++, to += n) {
		if (c > 0 && f->channels == 1) {
			memcpy(to, to - n, n);
		} else if (only_copies(f)) {
			copy_plane(f, pixel + (size_t)c * plane, row, step, to);
		} else {
			one_plane(f, c, pixel, plane, row, step, scratch, x);
			for (size_t i = 0; i < n; i++)
				to[i] = (uint8_t)lrintf((x[i] + 1) * 127.5f);
		}
	}
}
