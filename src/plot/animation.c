/* SPDX-License-Identifier: MIT
 *
 * animation.c -- several pictures as one animated WebP, by libwebp's muxer. See figure.h. */
#include "plot/figure.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

static bool add(WebPAnimEncoder *e, const gm_image *im, int at, const WebPConfig *c)
{
	WebPPicture p;
	const size_t n = (size_t)im->width * (size_t)im->height * 3;
	uint8_t *rgb = im->channels == 3 ? im->pixel : malloc(n);
	if (!rgb || !WebPPictureInit(&p))
		return false;
	for (size_t i = 0; rgb != im->pixel && i < n; i++)
		rgb[i] = im->pixel[i / 3];
	p.width = im->width, p.height = im->height, p.use_argb = 1;
	bool ok = WebPPictureImportRGB(&p, rgb, im->width * 3) && WebPAnimEncoderAdd(e, &p, at, c);
	WebPPictureFree(&p);
	if (rgb != im->pixel)
		free(rgb);
	return ok;
}

bool gm_webp_animation_encode(gm_image *const *frame, int n, int ms, void **bytes, size_t *size,
                              gm_error *err)
{
	WebPAnimEncoderOptions o;
	WebPConfig c;
	WebPData d;
	WebPDataInit(&d);
	if (n < 1 || !WebPAnimEncoderOptionsInit(&o) || !WebPConfigInit(&c))
		return gm_fail(err, GM_ERR_VALUE, "no frames to animate");
	c.lossless = 1;
	c.method = 2;
	WebPAnimEncoder *e = WebPAnimEncoderNew(frame[0]->width, frame[0]->height, &o);
	bool ok = e != NULL;
	for (int i = 0; i < n && ok; i++)
		ok = add(e, frame[i], i * ms, &c);
	ok = ok && WebPAnimEncoderAdd(e, NULL, n * ms, NULL) && WebPAnimEncoderAssemble(e, &d);
	ok = ok || gm_fail(err, GM_ERR_STATE, "the frames do not make an animation");
	ok = ok && ((*bytes = malloc(d.size)) || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok) {
		memcpy(*bytes, d.bytes, d.size);
		*size = d.size;
	}
	WebPDataClear(&d);
	WebPAnimEncoderDelete(e);
	return ok;
}

bool gm_webp_animation(const char *path, gm_image *const *frame, int n, int ms, gm_error *err)
{
	void *bytes = NULL;
	size_t size = 0;
	gm_error why = {0};
	const bool ok = gm_webp_animation_encode(frame, n, ms, &bytes, &size, &why)
	                        ? gm_file_write(path, bytes, size, err)
	                        : gm_fail(err, why.code, "%s: %.300s", path, why.message);
	free(bytes);
	return ok;
}
