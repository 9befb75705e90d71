/* SPDX-License-Identifier: MIT
 *
 * gif.c -- the first frame of a GIF, or all frames, through giflib, on its canvas. See decode.h. */
#include "image/decode.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS_MAX (1 << 26) /* a few bytes of LZW can be any size */

typedef struct source {
	const uint8_t *at, *end;
} source;

static int on_read(GifFileType *gif, GifByteType *to, int n)
{
	source *s = gif->UserData;
	const size_t left = (size_t)(s->end - s->at), take = (size_t)n < left ? (size_t)n : left;
	memcpy(to, s->at, take);
	s->at += take;
	return (int)take;
}

/* What a graphics control block says about the frame after it. */
typedef struct control {
	int clear;    /* the colour that is transparent, or NO_TRANSPARENT_COLOR */
	int disposal; /* what happens to the canvas after the frame: DISPOSE_... */
} control;

/* To the next frame; false at the end and where the file is corrupt (*end is then false). */
static bool find_frame(GifFileType *gif, control *is, bool *end)
{
	GifRecordType type = UNDEFINED_RECORD_TYPE;
	GifByteType *block;
	int code;
	*is = (control){NO_TRANSPARENT_COLOR, DISPOSAL_UNSPECIFIED};
	*end = false;
	while (DGifGetRecordType(gif, &type) == GIF_OK && type != TERMINATE_RECORD_TYPE) {
		if (type == IMAGE_DESC_RECORD_TYPE)
			return DGifGetImageDesc(gif) == GIF_OK;
		if (type != EXTENSION_RECORD_TYPE || DGifGetExtension(gif, &code, &block) != GIF_OK)
			return false;
		while (block) {
			GraphicsControlBlock c;
			if (code == GRAPHICS_EXT_FUNC_CODE &&
			    DGifExtensionToGCB(block[0], block + 1, &c) == GIF_OK)
				*is = (control){c.TransparentColor, c.DisposalMode};
			if (DGifGetExtensionNext(gif, &block) != GIF_OK)
				return false;
		}
	}
	*end = type == TERMINATE_RECORD_TYPE;
	return false;
}

/* Whether anything but the end comes after the first frame. */
static bool more_frames(GifFileType *gif)
{
	GifRecordType type;
	GifByteType *block;
	int code;
	while (DGifGetRecordType(gif, &type) == GIF_OK && type == EXTENSION_RECORD_TYPE) {
		if (DGifGetExtension(gif, &code, &block) != GIF_OK)
			return false;
		while (block)
			if (DGifGetExtensionNext(gif, &block) != GIF_OK)
				return false;
	}
	return type == IMAGE_DESC_RECORD_TYPE;
}

static bool put_row(gm_image *im, const GifFileType *gif, const ColorMapObject *map,
                    const uint8_t *row, int y, int clear)
{
	const GifImageDesc *d = &gif->Image;
	uint8_t *to = im->pixel + ((size_t)(d->Top + y) * (size_t)im->width + (size_t)d->Left) *
	                                  (size_t)im->channels;
	for (int x = 0; x < d->Width; x++, to += im->channels) {
		if (row[x] == clear)
			continue; /* black shows through */
		if (row[x] >= map->ColorCount)
			return false;
		const GifColorType *c = map->Colors + row[x];
		to[0] = c->Red;
		if (im->channels == 3)
			to[1] = c->Green, to[2] = c->Blue;
	}
	return true;
}

static bool read_frame(GifFileType *gif, gm_image *im, const ColorMapObject *map, int clear)
{
	/* Interlaced rows come in four rounds. */
	static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
	const GifImageDesc *d = &gif->Image;
	uint8_t *row = malloc((size_t)d->Width);
	bool ok = row != NULL;
	for (int round = 0; ok && round < (d->Interlace ? 4 : 1); round++)
		for (int y = d->Interlace ? first[round] : 0; ok && y < d->Height;
		     y += d->Interlace ? step[round] : 1)
			ok = DGifGetLine(gif, row, d->Width) == GIF_OK &&
			     put_row(im, gif, map, row, y, clear);
	free(row);
	return ok;
}

/* The colours of the frame; NULL if it has none, or does not lie on the canvas. */
static const ColorMapObject *map_of(const GifFileType *gif)
{
	const GifImageDesc *d = &gif->Image;
	const bool lies = d->Left >= 0 && d->Top >= 0 && d->Width >= 1 && d->Height >= 1 &&
	                  d->Left <= gif->SWidth - d->Width && d->Top <= gif->SHeight - d->Height;
	return !lies ? NULL : d->ColorMap ? d->ColorMap : gif->SColorMap;
}

static gm_image *decode(GifFileType *gif, const gm_picture_file *f, gm_image_facts *facts,
                        gm_error *err)
{
	control is;
	bool end;
	const int64_t pixels = (int64_t)gif->SWidth * gif->SHeight;
	*facts = (gm_image_facts){.format = "GIF",
	                          .width = gif->SWidth,
	                          .height = gif->SHeight,
	                          .channels = 1,
	                          .bits = 8,
	                          .orientation = 1};
	if (pixels < 1 || pixels > PIXELS_MAX) {
		gm_fail(err, GM_ERR_FORMAT, "%s: GIF: %d x %d pixels", f->name, gif->SWidth,
		        gif->SHeight);
		return NULL;
	}
	if (f->header)
		return NULL;
	const bool found = find_frame(gif, &is, &end);
	const ColorMapObject *map = map_of(gif);
	if (!found || !map) {
		gm_fail(err, GM_ERR_FORMAT, "%s: GIF: no picture in it that can be read", f->name);
		return NULL;
	}
	_Static_assert(sizeof(GifColorType) == 3, "palettes are bytes");
	const bool grey = gm_palette_is_grey((const uint8_t *)map->Colors, map->ColorCount);
	gm_image *im = gm_image_new(gif->SWidth, gif->SHeight, grey ? 1 : 3, err);
	if (im && !read_frame(gif, im, map, is.clear)) {
		gm_fail(err, GM_ERR_FORMAT, "%s: GIF: corrupt or truncated", f->name);
		gm_image_free(im);
		return NULL;
	}
	facts->alpha = is.clear >= 0;
	facts->several = im && more_frames(gif);
	return im;
}

gm_image *gm_gif_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	source s = {f->bytes, f->bytes + f->n};
	int code = 0;
	GifFileType *gif = DGifOpen(&s, on_read, &code);
	if (!gif) {
		gm_fail(err, GM_ERR_FORMAT, "%s: GIF: a corrupt header", f->name);
		return NULL;
	}
	gm_image *im = decode(gif, f, facts, err);
	DGifCloseFile(gif, &code);
	return im;
}

/* ---- animations ---- */

static gm_image *copy_of(const gm_image *im, gm_error *err)
{
	gm_image *copy = gm_image_new(im->width, im->height, im->channels, err);
	if (copy)
		memcpy(copy->pixel, im->pixel,
		       (size_t)im->width * (size_t)im->height * (size_t)im->channels);
	return copy;
}

/* Black where the frame was. */
static void clear_frame(gm_image *im, const GifImageDesc *d)
{
	for (int y = d->Top; y < d->Top + d->Height; y++)
		memset(im->pixel + ((size_t)y * (size_t)im->width + (size_t)d->Left) * 3, 0,
		       (size_t)d->Width * 3);
}

static bool all_frames(GifFileType *gif, const gm_picture_file *f, gm_frames *to, gm_error *err)
{
	control is;
	bool end, ok = true;
	gm_image *canvas = gm_image_new(gif->SWidth, gif->SHeight, 3, err);
	while (canvas && ok && find_frame(gif, &is, &end)) {
		const GifImageDesc d = gif->Image;
		const ColorMapObject *map = map_of(gif);
		gm_image *before = is.disposal == DISPOSE_PREVIOUS ? copy_of(canvas, err) : NULL;
		ok = (map && (before || is.disposal != DISPOSE_PREVIOUS) &&
		      read_frame(gif, canvas, map, is.clear)) ||
		     gm_fail(err, GM_ERR_FORMAT, "%s: GIF: corrupt or truncated", f->name);
		ok = ok && gm_frames_add(to, copy_of(canvas, err), f->name, err);
		if (ok && is.disposal == DISPOSE_BACKGROUND)
			clear_frame(canvas, &d);
		if (ok && before) {
			gm_image_free(canvas);
			canvas = before, before = NULL;
		}
		gm_image_free(before);
	}
	ok = canvas && ok &&
	     ((end && to->n) ||
	      gm_fail(err, GM_ERR_FORMAT, "%s: GIF: corrupt or truncated", f->name));
	gm_image_free(canvas);
	return ok;
}

bool gm_gif_frames(const gm_picture_file *f, gm_frames *to, gm_error *err)
{
	source s = {f->bytes, f->bytes + f->n};
	int code = 0;
	GifFileType *gif = DGifOpen(&s, on_read, &code);
	if (!gif)
		return gm_fail(err, GM_ERR_FORMAT, "%s: GIF: a corrupt header", f->name);
	const int64_t pixels = (int64_t)gif->SWidth * gif->SHeight;
	const bool ok = pixels < 1 || pixels > PIXELS_MAX
	                        ? gm_fail(err, GM_ERR_FORMAT, "%s: GIF: %d x %d pixels", f->name,
	                                  gif->SWidth, gif->SHeight)
	                        : all_frames(gif, f, to, err);
	DGifCloseFile(gif, &code);
	return ok;
}
