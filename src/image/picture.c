/* SPDX-License-Identifier: MIT
 *
 * picture.c -- a picture from bytes of whichever format they are in. See ganymede/image.h. */
#include "base/content.h"
#include "base/file.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

/* The small library (libganymede) reads PNG, BMP and PNM alone: the others are then NULL. */
#pragma weak gm_jpeg_decode
#pragma weak gm_webp_decode
#pragma weak gm_gif_decode
#pragma weak gm_tiff_decode
#pragma weak gm_gif_frames
#pragma weak gm_webp_frames

/* The content decides, not the name: the web is full of .jpg files that are something else. */
static const struct {
	const char *content; /* as base/content.c names it */
	gm_image *(*decode)(const gm_picture_file *, gm_image_facts *, gm_error *);
} formats[] = {
	{"a PNG picture", gm_png_decode},   {"a JPEG picture", gm_jpeg_decode},
	{"a WebP picture", gm_webp_decode}, {"a GIF picture", gm_gif_decode},
	{"a TIFF picture", gm_tiff_decode}, {"a BMP picture", gm_bmp_decode},
	{"a PNM picture", gm_pnm_decode},
};

static gm_image *decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	const gm_content c = gm_content_of(f->bytes, f->n);
	*facts = (gm_image_facts){.orientation = 1};
	for (size_t i = 0; c.kind == GM_CONTENT_PICTURE && i < sizeof formats / sizeof *formats;
	     i++)
		if (formats[i].decode && strcmp(formats[i].content, c.name) == 0)
			return formats[i].decode(f, facts, err);
	if (c.kind == GM_CONTENT_EMPTY)
		gm_fail(err, GM_ERR_FORMAT, "%s: an empty file", f->name);
	else if (c.kind == GM_CONTENT_UNREAD)
		gm_fail(err, GM_ERR_FORMAT, "%s: %s, which is not read (%s)", f->name, c.name,
		        c.advice);
	else if (c.kind == GM_CONTENT_PICTURE)
		gm_fail(err, GM_ERR_FORMAT,
		        "%s: %s, which libganymede-full reads and this small library does not",
		        f->name, c.name);
	else
		gm_fail(err, GM_ERR_FORMAT, "%s: not a picture but %s%s%s%s", f->name, c.name,
		        c.advice ? " (" : "", c.advice ? c.advice : "", c.advice ? ")" : "");
	return NULL;
}

gm_image *gm_image_read_memory(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                               gm_error *err)
{
	gm_image_facts ignored;
	facts = facts ? facts : &ignored;
	gm_image *im = decode(&(gm_picture_file){.name = name, .bytes = bytes, .n = n}, facts, err);
	return im && facts->orientation > 1 ? gm_image_turn(im, facts->orientation, err) : im;
}

bool gm_image_look(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                   gm_error *err)
{
	gm_error why = {0};
	const gm_picture_file f = {.name = name, .bytes = bytes, .n = n, .header = true};
	gm_image_free(decode(&f, facts, &why));
	return !why.code || gm_fail_at(err, why.offset, why.code, "%s", why.message);
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

/* ---- animations ---- */

bool gm_frames_add(gm_frames *to, gm_image *im, const char *name, gm_error *err)
{
	gm_image **more = NULL;
	if (!im)
		return false;
	to->pixels += (int64_t)im->width * im->height;
	if (to->pixels <= GM_PICTURE_PIXELS_MAX)
		more = realloc(to->frame, (size_t)(to->n + 1) * sizeof *more);
	if (!more) {
		gm_image_free(im);
		return to->pixels > GM_PICTURE_PIXELS_MAX
		               ? gm_fail(err, GM_ERR_FORMAT, "%s: too many frames of this size",
		                         name)
		               : gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	}
	to->frame = more;
	to->frame[to->n++] = im;
	return true;
}

void gm_image_frames_free(gm_image **frames, int n)
{
	for (int i = 0; frames && i < n; i++)
		gm_image_free(frames[i]);
	free(frames);
}

gm_image **gm_image_read_frames(const char *name, const void *bytes, size_t size, int *n,
                                gm_error *err)
{
	const gm_picture_file f = {.name = name, .bytes = bytes, .n = size};
	const char *what = gm_content_of(bytes, size).name;
	gm_image_facts facts = {0};
	gm_frames list = {0};
	bool ok;
	*n = 0;
	if (what && strcmp(what, "a GIF picture") == 0 && gm_gif_frames)
		ok = gm_gif_frames(&f, &list, err);
	else if (what && strcmp(what, "a WebP picture") == 0 && gm_webp_frames &&
	         gm_image_look(name, bytes, size, &facts, NULL) && facts.several)
		ok = gm_webp_frames(&f, &list, err);
	else
		ok = gm_frames_add(&list, gm_image_read_memory(name, bytes, size, NULL, err), name,
		                   err);
	if (!ok) {
		gm_image_frames_free(list.frame, list.n);
		return NULL;
	}
	*n = list.n;
	return list.frame;
}

bool gm_palette_is_grey(const uint8_t *rgb, int n)
{
	for (int i = 0; i < n; i++)
		if (rgb[3 * i] != rgb[3 * i + 1] || rgb[3 * i] != rgb[3 * i + 2])
			return false;
	return true;
}
