/* SPDX-License-Identifier: MIT
 *
 * webp.c -- WebP pictures through libwebp. See decode.h. */
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

#define PIXELS_MAX (1 << 26) /* a few bytes of lossless WebP can be any size */

static uint32_t little(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The EXIF chunk of the RIFF container, where there is one. */
static int orientation(const uint8_t *p, size_t n)
{
	for (size_t at = 12; n >= 20 && at <= n - 8;) {
		const size_t size = little(p + at + 4), left = n - at - 8;
		if (size > left)
			return 1;
		if (memcmp(p + at, "EXIF", 4) == 0)
			return gm_exif_orientation(p + at + 8, size);
		at += 8 + size + (size & 1);
	}
	return 1;
}

gm_image *gm_webp_decode(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                         gm_error *err)
{
	WebPBitstreamFeatures f;
	if (WebPGetFeatures(bytes, n, &f) != VP8_STATUS_OK) {
		gm_fail(err, GM_ERR_FORMAT, "%s: WebP: a corrupt header", name);
		return NULL;
	}
	*facts = (gm_image_facts){.format = "WebP",
	                          .width = f.width,
	                          .height = f.height,
	                          .channels = f.has_alpha ? 4 : 3,
	                          .bits = 8,
	                          .orientation = orientation(bytes, n)};
	if (f.has_animation) {
		gm_fail(err, GM_ERR_FORMAT, "%s: WebP: an animation, not a picture", name);
		return NULL;
	}
	const int64_t pixels = (int64_t)f.width * f.height;
	if (pixels > PIXELS_MAX) {
		gm_fail(err, GM_ERR_MEMORY, "%s: WebP: %d x %d pixels are too many", name, f.width,
		        f.height);
		return NULL;
	}
	gm_image *im = gm_image_new(f.width, f.height, 3, err);
	uint8_t *rgba = im && f.has_alpha ? malloc((size_t)pixels * 4) : NULL;
	const uint8_t *done = NULL;
	if (im && !f.has_alpha)
		done = WebPDecodeRGBInto(bytes, n, im->pixel, (size_t)pixels * 3, f.width * 3);
	else if (rgba)
		done = WebPDecodeRGBAInto(bytes, n, rgba, (size_t)pixels * 4, f.width * 4);
	for (int64_t i = 0; done && rgba && i < pixels; i++)
		for (int c = 0; c < 3; c++)
			im->pixel[3 * i + c] =
				(uint8_t)((rgba[4 * i + c] * rgba[4 * i + 3] + 127) / 255);
	if (!done) {
		if (im && f.has_alpha && !rgba)
			gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
		gm_fail(err, GM_ERR_FORMAT, "%s: WebP: corrupt or cut short", name);
		gm_image_free(im);
		im = NULL;
	}
	free(rgba);
	return im;
}
