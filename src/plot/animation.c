/* SPDX-License-Identifier: MIT
 *
 * animation.c -- several pictures as one animated WebP, by libwebp's muxer. See figure.h. */
#include "plot/figure.h"
#include "base/file.h"

#include <stdlib.h>
#include <webp/encode.h>
#include <webp/mux.h>

static bool add(WebPAnimEncoder *e, const gm_image *im, int at, const WebPConfig *c)
{
	WebPPicture p;
	if (!WebPPictureInit(&p))
		return false;
	p.width = im->width, p.height = im->height, p.use_argb = 1;
	bool ok = im->channels == 3 && WebPPictureImportRGB(&p, im->pixel, im->width * 3) &&
	          WebPAnimEncoderAdd(e, &p, at, c);
	WebPPictureFree(&p);
	return ok;
}

bool gm_webp_animation(const char *path, gm_image *const *frame, int n, int ms, gm_error *err)
{
	WebPAnimEncoderOptions o;
	WebPConfig c;
	WebPData d;
	WebPDataInit(&d);
	if (n < 1 || !WebPAnimEncoderOptionsInit(&o) || !WebPConfigInit(&c))
		return gm_fail(err, GM_ERR_VALUE, "%s: no frames to animate", path);
	c.lossless = 1;
	c.method = 2;
	WebPAnimEncoder *e = WebPAnimEncoderNew(frame[0]->width, frame[0]->height, &o);
	bool ok = e != NULL;
	for (int i = 0; i < n && ok; i++)
		ok = add(e, frame[i], i * ms, &c);
	ok = ok && WebPAnimEncoderAdd(e, NULL, n * ms, NULL) && WebPAnimEncoderAssemble(e, &d);
	ok = ok ? gm_file_write(path, d.bytes, d.size, err)
	        : gm_fail(err, GM_ERR_STATE, "%s: the frames do not make an animation", path);
	WebPDataClear(&d);
	WebPAnimEncoderDelete(e);
	return ok;
}
