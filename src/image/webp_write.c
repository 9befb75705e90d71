/* SPDX-License-Identifier: MIT
 *
 * webp_write.c -- images as lossless WebP files.
 */
#include <stdlib.h>
#include <webp/encode.h>

#include "base/file.h"
#include "image/decode.h"

bool gm_webp_write(const char *path, const gm_image *im, gm_error *err)
{
	size_t pixels = (size_t)im->width * im->height;
	uint8_t *rgb = malloc(pixels * 3), *bytes = NULL;
	if (!rgb)
		return gm_fail(err, GM_ERR_MEMORY, "%s: no memory to encode it", path);
	for (size_t i = 0; i < pixels; i++)
		for (int c = 0; c < 3; c++)
			rgb[3 * i + c] = im->pixel[i * im->channels + (im->channels == 3 ? c : 0)];
	size_t n = WebPEncodeLosslessRGB(rgb, im->width, im->height, 3 * im->width, &bytes);
	bool ok = n ? gm_file_write(path, bytes, n, err)
	            : gm_fail(err, GM_ERR_VALUE, "%s: WebP does not hold an image of %dx%d pixels",
	                      path, im->width, im->height);
	WebPFree(bytes);
	free(rgb);
	return ok;
}
