/* SPDX-License-Identifier: MIT
 *
 * webp.c -- WebP pictures through libwebp. See decode.h. */
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

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

/* One picture of w x h with its left top corner at (x, y) of im, laid on black. */
static bool put(gm_image *im, const uint8_t *bytes, size_t n, int x, int y, int w, int h,
                gm_error *err)
{
	const size_t row = (size_t)w * 4;
	if (x < 0 || y < 0 || w < 1 || h < 1 || x > im->width - w || y > im->height - h)
		return false;
	uint8_t *rgba = malloc(row * (size_t)h);
	if (!rgba)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	const bool ok = WebPDecodeRGBAInto(bytes, n, rgba, row * (size_t)h, (int)row) != NULL;
	for (int i = 0; ok && i < h; i++) {
		const uint8_t *from = rgba + (size_t)i * row;
		uint8_t *to = im->pixel + ((size_t)(y + i) * (size_t)im->width + (size_t)x) * 3;
		for (int k = 0; k < w; k++, from += 4)
			for (int c = 0; c < 3; c++)
				*to++ = (uint8_t)((from[c] * from[3] + 127) / 255);
	}
	free(rgba);
	return ok;
}

static bool first_frame(gm_image *im, const gm_picture_file *f, gm_error *err)
{
	const WebPData data = {f->bytes, f->n};
	WebPDemuxer *demux = WebPDemux(&data);
	WebPIterator it;
	bool ok = false;
	if (demux && WebPDemuxGetFrame(demux, 1, &it)) {
		ok = it.complete && put(im, it.fragment.bytes, it.fragment.size, it.x_offset,
		                        it.y_offset, it.width, it.height, err);
		WebPDemuxReleaseIterator(&it);
	}
	WebPDemuxDelete(demux);
	return ok;
}

gm_image *gm_webp_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	WebPBitstreamFeatures has;
	if (WebPGetFeatures(f->bytes, f->n, &has) != VP8_STATUS_OK) {
		gm_fail(err, GM_ERR_FORMAT, "%s: WebP: a corrupt header", f->name);
		return NULL;
	}
	*facts = (gm_image_facts){.format = "WebP",
	                          .width = has.width,
	                          .height = has.height,
	                          .channels = has.has_alpha ? 4 : 3,
	                          .bits = 8,
	                          .alpha = has.has_alpha,
	                          .several = has.has_animation,
	                          .orientation = orientation(f->bytes, f->n)};
	const int64_t pixels = (int64_t)has.width * has.height;
	if (pixels > PIXELS_MAX) {
		gm_fail(err, GM_ERR_FORMAT, "%s: WebP: %d x %d pixels are too many", f->name,
		        has.width, has.height);
		return NULL;
	}
	gm_image *im = f->header ? NULL : gm_image_new(has.width, has.height, 3, err);
	if (!im)
		return NULL;
	bool ok;
	if (has.has_animation)
		ok = first_frame(im, f, err);
	else if (has.has_alpha)
		ok = put(im, f->bytes, f->n, 0, 0, has.width, has.height, err);
	else
		ok = WebPDecodeRGBInto(f->bytes, f->n, im->pixel, (size_t)pixels * 3,
		                       has.width * 3) != NULL;
	if (ok)
		return im;
	gm_fail(err, GM_ERR_FORMAT, "%s: WebP: corrupt or truncated", f->name);
	gm_image_free(im);
	return NULL;
}

/* ---- animations ---- */

static gm_image *on_black(const uint8_t *rgba, int width, int height, gm_error *err)
{
	gm_image *im = gm_image_new(width, height, 3, err);
	uint8_t *to = im ? im->pixel : NULL;
	for (int64_t i = 0; im && i < (int64_t)width * height; i++, rgba += 4)
		for (int c = 0; c < 3; c++)
			*to++ = (uint8_t)((rgba[c] * rgba[3] + 127) / 255);
	return im;
}

bool gm_webp_frames(const gm_picture_file *f, gm_frames *to, gm_error *err)
{
	const WebPData data = {f->bytes, f->n};
	WebPAnimInfo info = {0};
	WebPBitstreamFeatures has;
	if (WebPGetFeatures(f->bytes, f->n, &has) != VP8_STATUS_OK ||
	    (int64_t)has.width * has.height > PIXELS_MAX)
		return gm_fail(err, GM_ERR_FORMAT, "%s: WebP: a corrupt header", f->name);
	WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, NULL);
	bool ok = decoder && WebPAnimDecoderGetInfo(decoder, &info);
	while (ok && WebPAnimDecoderHasMoreFrames(decoder)) {
		uint8_t *rgba;
		int time;
		ok = WebPAnimDecoderGetNext(decoder, &rgba, &time) &&
		     gm_frames_add(
			     to,
			     on_black(rgba, (int)info.canvas_width, (int)info.canvas_height, err),
			     f->name, err);
	}
	WebPAnimDecoderDelete(decoder);
	if (ok && to->n)
		return true;
	return err && err->code
	               ? false
	               : gm_fail(err, GM_ERR_FORMAT, "%s: WebP: corrupt or truncated", f->name);
}
