/* SPDX-License-Identifier: MIT
 *
 * jpeg.c -- JPEG pictures through libjpeg-turbo. See decode.h. */
#include "image/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* A block of 64 pixels takes a bit at least in the scan that first shows it. Twice that, and small
 * pictures whatever they hold, are believed before any memory is taken. */
#define PIXELS_PER_BYTE 1024
#define PIXELS_BELIEVED (1u << 20)
#define SCANS_MAX 200 /* a progressive file may ask for the same work over and over */

typedef struct session {
	struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
	struct jpeg_progress_mgr progress;
	jmp_buf jump;
	const char *name;
	gm_error *err;
} session;

static session *session_of(j_common_ptr c)
{
	return (session *)c->err;
}

static void on_error(j_common_ptr c)
{
	session *s = session_of(c);
	char message[JMSG_LENGTH_MAX];
	s->manager.format_message(c, message);
	gm_fail(s->err, GM_ERR_FORMAT, "%s: JPEG: %s", s->name, message);
	longjmp(s->jump, 1);
}

/* Warnings of libjpeg range from harmless to half an image of grey; the latter are errors here. */
static void on_message(j_common_ptr c, int level)
{
	const int code = c->err->msg_code;
	if (level < 0 &&
	    (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
	     code == JWRN_MUST_RESYNC || code == JWRN_ARITH_BAD_CODE))
		on_error(c);
}

static void on_output(j_common_ptr c)
{
	(void)c; /* the library never prints */
}

static void on_progress(j_common_ptr c)
{
	session *s = session_of(c);
	if (((j_decompress_ptr)c)->input_scan_number <= SCANS_MAX)
		return;
	gm_fail(s->err, GM_ERR_FORMAT, "%s: JPEG: more than %d scans", s->name, SCANS_MAX);
	longjmp(s->jump, 1);
}

/* CMYK to RGB: each ink absorbs light independently. Adobe's programs store inverted values, which
 * readers expect; files without Adobe's marker are not inverted. */
static void from_inks(uint8_t *to, const uint8_t *from, int width, bool inverted)
{
	for (int x = 0; x < width; x++) {
		const int flip = inverted ? 0 : 255, k = from[4 * x + 3] ^ flip;
		for (int i = 0; i < 3; i++)
			to[3 * x + i] = (uint8_t)(((from[4 * x + i] ^ flip) * k + 127) / 255);
	}
}

/* *out and *row are set before anything can jump after them, so the caller can free them. */
static bool decode(struct jpeg_decompress_struct *j, session *s, const gm_picture_file *f,
                   gm_image **out, uint8_t **row, gm_image_facts *facts)
{
	if (setjmp(s->jump))
		return false;
	jpeg_create_decompress(j);
	j->progress = &s->progress;
	jpeg_mem_src(j, f->bytes, f->n);
	jpeg_save_markers(j, JPEG_APP0 + 1, 0xFFFF);
	jpeg_read_header(j, TRUE);
	const bool inks = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
	*facts = (gm_image_facts){.format = "JPEG",
	                          .width = (int)j->image_width,
	                          .height = (int)j->image_height,
	                          .channels = j->num_components,
	                          .bits = j->data_precision,
	                          .orientation = 1};
	for (jpeg_saved_marker_ptr m = j->marker_list; m; m = m->next)
		if (m->data_length >= 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
			facts->orientation = gm_exif_orientation(m->data, m->data_length);
	const uint64_t pixels = (uint64_t)j->image_width * j->image_height;
	if (pixels > PIXELS_BELIEVED && pixels / PIXELS_PER_BYTE > f->n)
		return gm_fail(s->err, GM_ERR_FORMAT,
		               "%s: JPEG: the file is truncated (%u x %u pixels in %zu bytes)",
		               s->name, j->image_width, j->image_height, f->n);
	if (f->header)
		return true;
	const bool grey = j->jpeg_color_space == JCS_GRAYSCALE;
	j->out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
	j->dct_method = JDCT_ISLOW; /* the exact one: the same pixels on every machine */
	*out = gm_image_new((int)j->image_width, (int)j->image_height, grey ? 1 : 3, s->err);
	*row = inks ? malloc((size_t)j->image_width * 4) : NULL;
	if (!*out || (inks && !*row))
		return gm_fail(s->err, GM_ERR_MEMORY, "%s: out of memory", s->name);
	jpeg_start_decompress(j);
	while (j->output_scanline < j->output_height) {
		uint8_t *to = (*out)->pixel + (size_t)j->output_scanline * (size_t)(*out)->width *
		                                      (size_t)(*out)->channels;
		uint8_t *into = inks ? *row : to;
		jpeg_read_scanlines(j, &into, 1);
		if (inks)
			from_inks(to, *row, (*out)->width, j->saw_Adobe_marker);
	}
	jpeg_finish_decompress(j);
	return true;
}

gm_image *gm_jpeg_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	session s = {.progress.progress_monitor = on_progress, .name = f->name, .err = err};
	struct jpeg_decompress_struct j = {.err = jpeg_std_error(&s.manager)};
	s.manager.error_exit = on_error;
	s.manager.emit_message = on_message;
	s.manager.output_message = on_output;
	gm_image *im = NULL;
	uint8_t *row = NULL;
	const bool ok = decode(&j, &s, f, &im, &row, facts);
	jpeg_destroy_decompress(&j);
	free(row);
	if (!ok) {
		gm_image_free(im);
		return NULL;
	}
	return im;
}
