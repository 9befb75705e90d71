/* SPDX-License-Identifier: MIT
 *
 * write.c -- images into files, in the format that the file's name ends in.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jpeglib.h>
#include <webp/encode.h>

#include "base/file.h"
#include "ganymede/image.h"

enum { JPEG_QUALITY = 95 };

/* ---- JPEG ------------------------------------------------------------------------------------ */

typedef struct failure { /* libjpeg reports errors by a call that must not return */
	struct jpeg_error_mgr manager;
	jmp_buf jump;
	char text[JMSG_LENGTH_MAX];
} failure;

static void on_error(j_common_ptr c)
{
	failure *f = (failure *)c->err;
	c->err->format_message(c, f->text);
	longjmp(f->jump, 1);
}

/* Into *bytes, made by malloc; the caller frees it, also on failure. Full chroma resolution, since generated images
 * are often small. */
static bool encode_jpeg(const char *path, const gm_image *im, unsigned char **bytes,
                        unsigned long *n, gm_error *err)
{
	struct jpeg_compress_struct c;
	failure f;
	c.err = jpeg_std_error(&f.manager);
	f.manager.error_exit = on_error;
	if (setjmp(f.jump)) {
		jpeg_destroy_compress(&c);
		return gm_fail(err, GM_ERR_VALUE, "%s: JPEG: %s", path, f.text);
	}
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, bytes, n);
	c.image_width = im->width, c.image_height = im->height;
	c.input_components = im->channels;
	c.in_color_space = im->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, JPEG_QUALITY, TRUE);
	c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = im->pixel + (size_t)c.next_scanline * im->width * im->channels;
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	return true;
}

static bool write_jpeg(const char *path, const gm_image *im, gm_error *err)
{
	unsigned char *bytes = NULL;
	unsigned long n = 0;
	bool ok = encode_jpeg(path, im, &bytes, &n, err) && gm_file_write(path, bytes, n, err);
	free(bytes);
	return ok;
}

/* ---- WebP ------------------------------------------------------------------------------------ */

static bool write_webp(const char *path, const gm_image *im, gm_error *err)
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

/* ---- by the ending --------------------------------------------------------------------------- */

static const struct row {
	const char *ending, *format;
	bool (*write)(const char *path, const gm_image *im, gm_error *err);
} rows[] = {
	{".png", "PNG", gm_png_write},
	{".jpg", "JPEG", write_jpeg},
	{".jpeg", "JPEG", write_jpeg},
	{".webp", "WebP", write_webp},
};

static const struct row *row_of(const char *path, gm_error *err)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	for (size_t i = 0; dot && i < sizeof rows / sizeof *rows; i++)
		if (!strcasecmp(dot, rows[i].ending))
			return &rows[i];
	gm_fail(err, GM_ERR_VALUE,
	        "%.300s: images are written as .png, .jpg or .webp; give the file one of these "
	        "endings",
	        path);
	return NULL;
}

const char *gm_image_format(const char *path, gm_error *err)
{
	const struct row *row = row_of(path, err);
	return row ? row->format : NULL;
}

bool gm_image_write(const char *path, const gm_image *im, gm_error *err)
{
	const struct row *row = row_of(path, err);
	return row && row->write(path, im, err);
}
