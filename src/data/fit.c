/* SPDX-License-Identifier: MIT
 *
 * fit.c -- from stored pictures to delivered ones. See fit.h. */
#include "data/fit.h"

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
	return (size_t)f->cut_height * (size_t)f->cut_width +
	       (f->resize ? gm_resize_scratch(f->resize) : 0);
}

/* Filters with negative lobes overshoot at edges. */
static void clamp(const gm_fitter *f, float *x)
{
	for (int y = 0; y < f->inner_height; y++, x += f->to_width)
		for (int i = 0; i < f->inner_width; i++)
			x[i] = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
}

void gm_fitter_run(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row, size_t step,
                   float *scratch, float *x)
{
	const size_t from = (size_t)f->cut_height * (size_t)f->cut_width,
		     to = (size_t)f->to_height * (size_t)f->to_width;
	const bool luma = f->to_channels == 1 && f->channels == 3,
		   copy = f->to_channels == 3 && f->channels == 1;

	if (f->inner_height != f->to_height || f->inner_width != f->to_width)
		for (size_t i = 0; i < to * (size_t)f->to_channels; i++)
			x[i] = -1;
	for (int c = 0; c < (copy ? 1 : f->to_channels); c++) {
		float *out =
			x + (size_t)c * to + (size_t)f->top * (size_t)f->to_width + (size_t)f->left;
		for (int y = 0; y < f->cut_height; y++) {
			const uint8_t *in = pixel + (size_t)c * plane +
			                    (size_t)(f->cut_y + y) * row + (size_t)f->cut_x * step;
			float *v = f->resize ? scratch + (size_t)y * (size_t)f->cut_width
			                     : out + (size_t)y * (size_t)f->to_width;
			if (luma)
				for (int i = 0; i < f->cut_width; i++, in += step)
					v[i] = (.299f * in[0] + .587f * in[plane] +
					        .114f * in[2 * plane]) *
					               (2.f / 255) -
					       1;
			else
				for (int i = 0; i < f->cut_width; i++)
					v[i] = (float)in[(size_t)i * step] * (2.f / 255) - 1;
		}
		if (f->resize) {
			gm_resize_plane(f->resize, scratch, out, (size_t)f->to_width,
			                scratch + from);
			clamp(f, out);
		}
	}
	for (int c = 1; copy && c < f->to_channels; c++)
		memcpy(x + (size_t)c * to, x, to * sizeof *x);
}
