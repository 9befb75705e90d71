/* SPDX-License-Identifier: MIT
 *
 * jpeg_write.c -- images as JPEG files.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "base/file.h"
#include "image/decode.h"

enum { JPEG_QUALITY = 95 };

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

/* Into *bytes, made by malloc; the caller frees it, also on failure. Full chroma resolution, since
 * generated images are often small. */
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

bool gm_jpeg_write(const char *path, const gm_image *im, gm_error *err)
{
	unsigned char *bytes = NULL;
	unsigned long n = 0;
	bool ok = encode_jpeg(path, im, &bytes, &n, err) && gm_file_write(path, bytes, n, err);
	free(bytes);
	return ok;
}
