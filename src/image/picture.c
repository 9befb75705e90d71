/* SPDX-License-Identifier: MIT
 *
 * picture.c -- a picture from bytes of whichever format they are in. See ganymede/image.h. */
#include "image/decode.h"
#include "base/file.h"

#include <string.h>

static bool is_png(const uint8_t *p, size_t n)
{
	return n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const uint8_t *p, size_t n)
{
	return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0;
}

static bool is_webp(const uint8_t *p, size_t n)
{
	return n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0;
}

/* The content decides, not the name: the web is full of .jpg files that are something else. */
static const struct {
	bool (*is)(const uint8_t *p, size_t n);
	gm_image *(*decode)(const char *, const void *, size_t, gm_image_facts *, gm_error *);
} formats[] = {{is_png, gm_png_decode}, {is_jpeg, gm_jpeg_decode}, {is_webp, gm_webp_decode}};

gm_image *gm_image_read_memory(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                               gm_error *err)
{
	gm_image_facts ignored;
	facts = facts ? facts : &ignored;
	*facts = (gm_image_facts){.orientation = 1};
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i].is(bytes, n)) {
			gm_image *im = formats[i].decode(name, bytes, n, facts, err);
			return im && facts->orientation > 1
			               ? gm_image_turn(im, facts->orientation, err)
			               : im;
		}
	gm_fail(err, GM_ERR_FORMAT, n ? "%s: not a PNG, JPEG or WebP picture" : "%s: an empty file",
	        name);
	return NULL;
}

gm_image *gm_image_read(const char *path, gm_image_facts *facts, gm_error *err)
{
	gm_bytes file;
	if (!gm_file_open(path, &file, err))
		return NULL;
	gm_image *im = gm_image_read_memory(path, file.data, file.size, facts, err);
	gm_file_close(&file);
	return im;
}
