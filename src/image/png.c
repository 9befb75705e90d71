/* SPDX-License-Identifier: MIT
 *
 * png.c -- PNG files through libpng. See ganymede/image.h. */
#include "image/decode.h"
#include "base/file.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* What libpng's callbacks share with us; its longjmp lands in the function that set it up. */
typedef struct session {
	gm_error *err;
	const char *path;
	gm_writer *writer; /* where to write; or memory */
	FILE *memory;
	const uint8_t *at, *end;
} session;

static void on_error(png_structp png, png_const_charp message)
{
	session *s = png_get_error_ptr(png);
	gm_fail(s->err, GM_ERR_FORMAT, "%s: PNG: %s", s->path, message);
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
	(void)png, (void)message; /* the library never prints */
}

static void on_write(png_structp png, png_bytep data, size_t n)
{
	session *s = png_get_io_ptr(png);
	if (!gm_writer_put(s->writer, data, n, s->err))
		png_error(png, "write failed");
}

static void on_grow(png_structp png, png_bytep data, size_t n)
{
	session *s = png_get_io_ptr(png);
	if (n && fwrite(data, 1, n, s->memory) != n)
		png_error(png, "no memory");
}

static void on_flush(png_structp png)
{
	(void)png;
}

static void on_read(png_structp png, png_bytep data, size_t n)
{
	session *s = png_get_io_ptr(png);
	if ((size_t)(s->end - s->at) < n)
		png_error(png, "the file is truncated");
	memcpy(data, s->at, n);
	s->at += n;
}

static bool encode(png_structp png, png_infop info, const gm_image *im, session *s)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	png_set_write_fn(png, s, s->memory ? on_grow : on_write, on_flush);
	png_set_IHDR(png, info, (png_uint_32)im->width, (png_uint_32)im->height, 8,
	             im->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
	             PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	const size_t stride = (size_t)im->width * (size_t)im->channels;
	for (int y = 0; y < im->height; y++)
		png_write_row(png, im->pixel + (size_t)y * stride);
	png_write_end(png, info);
	return true;
}

static bool encode_to(session *s, const gm_image *im)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	bool ok = info ? encode(png, info, im, s)
	               : gm_fail(s->err, GM_ERR_MEMORY, "cannot write %s: out of memory", s->path);
	png_destroy_write_struct(&png, &info);
	return ok;
}

bool gm_png_write(const char *path, const gm_image *im, gm_error *err)
{
	session s = {.err = err, .path = path};
	s.writer = gm_writer_open(path, err);
	return s.writer && gm_writer_close(s.writer, encode_to(&s, im), err);
}

bool gm_png_encode(const gm_image *im, void **bytes, size_t *n, gm_error *err)
{
	session s = {.err = err, .path = "an image"};
	*bytes = NULL;
	s.memory = open_memstream((char **)bytes, n);
	if (!s.memory)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a PNG");
	bool ok = encode_to(&s, im);
	ok = (fclose(s.memory) == 0 || gm_fail(err, GM_ERR_MEMORY, "no memory for a PNG")) && ok;
	if (!ok)
		free(*bytes), *bytes = NULL;
	return ok;
}

/* *out is set before anything can jump after it, so the caller can free it. */
static bool decode(png_structp png, png_infop info, gm_image **out, session *s, bool header,
                   gm_image_facts *facts)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	png_set_read_fn(png, s, on_read);
	/* A few kilobytes of PNG may ask for gigabytes: bound the sides and every side chunk. */
	png_set_user_limits(png, 1 << 16, 1 << 16);
	png_set_chunk_malloc_max(png, 8 << 20);
	png_set_chunk_cache_max(png, 64);
	png_read_info(png, info);
	*facts = (gm_image_facts){.format = "PNG",
	                          .width = (int)png_get_image_width(png, info),
	                          .height = (int)png_get_image_height(png, info),
	                          .channels = png_get_channels(png, info),
	                          .bits = png_get_bit_depth(png, info),
	                          .orientation = 1};
	png_uint_32 exif_size;
	png_bytep exif;
	if (png_get_eXIf_1(png, info, &exif_size, &exif))
		facts->orientation = gm_exif_orientation(exif, exif_size);
	facts->alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) ||
	               png_get_valid(png, info, PNG_INFO_tRNS);
	if (header)
		return true;
	png_set_expand(png);
	png_set_strip_16(png);
	if (facts->alpha) {
		const png_color_16 black = {0};
		png_set_background(png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
	}
	const int passes = png_set_interlace_handling(png);
	png_read_update_info(png, info);

	const png_uint_32 w = png_get_image_width(png, info), h = png_get_image_height(png, info);
	const int channels = png_get_channels(png, info);
	*out = gm_image_new((int)w, (int)h, channels, s->err);
	if (!*out)
		return false;
	const size_t stride = (size_t)w * (size_t)channels;
	if (png_get_rowbytes(png, info) != stride)
		png_error(png, "an unexpected row length");
	for (int pass = 0; pass < passes; pass++)
		for (png_uint_32 y = 0; y < h; y++)
			png_read_row(png, (*out)->pixel + y * stride, NULL);
	png_read_end(png, NULL);
	return true;
}

gm_image *gm_png_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	session s = {.err = err, .path = f->name, .at = f->bytes, .end = f->bytes + f->n};
	if (f->n < 8 || png_sig_cmp(f->bytes, 0, 8) != 0) {
		gm_fail(err, GM_ERR_FORMAT, "%s: not a PNG file", f->name);
		return NULL;
	}
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	gm_image *im = NULL;
	const bool ok =
		info ? decode(png, info, &im, &s, f->header, facts)
		     : gm_fail(err, GM_ERR_MEMORY, "cannot read %s: out of memory", f->name);
	png_destroy_read_struct(&png, &info, NULL);
	if (!ok) {
		gm_image_free(im);
		return NULL;
	}
	return im;
}

gm_image *gm_png_read_memory(const void *bytes, size_t n, gm_error *err)
{
	gm_image_facts facts;
	return gm_png_decode(&(gm_picture_file){"picture", bytes, n, false}, &facts, err);
}

gm_image *gm_png_read(const char *path, gm_error *err)
{
	gm_bytes file;
	if (!gm_file_open(path, &file, err))
		return NULL;
	gm_image_facts facts;
	gm_image *im =
		gm_png_decode(&(gm_picture_file){path, file.data, file.size, false}, &facts, err);
	gm_file_close(&file);
	return im;
}
