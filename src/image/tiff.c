/* SPDX-License-Identifier: MIT
 *
 * tiff.c -- the first page of a TIFF through libtiff, whose RGBA interface reads most of what the
 * format can hold: 1 to 16 bits, palettes, inks, YCbCr, tiles, every compression. See decode.h. */
#include "image/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

/* What one block may be unpacked to: a few bytes of a file can claim any size. */
#define BLOCK_MAX ((tmsize_t)1 << 30)
#define RATIO_MAX 20000 /* pixels in a byte of the file: bilevel fax pages come near it */
#define PIXELS_BELIEVED (1u << 20)

typedef struct session {
	const gm_picture_file *f;
	toff_t at;
	gm_error *err;
} session;

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
	session *s = h;
	const toff_t size = s->f->n;
	if (s->at >= size || n <= 0)
		return 0;
	const tmsize_t take = (toff_t)n < size - s->at ? n : (tmsize_t)(size - s->at);
	memcpy(to, s->f->bytes + s->at, (size_t)take);
	s->at += (toff_t)take;
	return take;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
	(void)h, (void)from, (void)n;
	return 0;
}

static toff_t on_seek(thandle_t h, toff_t to, int whence)
{
	session *s = h;
	s->at = whence == SEEK_CUR ? s->at + to : whence == SEEK_END ? s->f->n + to : to;
	return s->at;
}

static int on_close(thandle_t h)
{
	(void)h;
	return 0;
}

static toff_t on_size(thandle_t h)
{
	return ((session *)h)->f->n;
}

static int on_error(TIFF *t, void *user, const char *module, const char *format, va_list list)
{
	session *s = user;
	char text[200];
	(void)t, (void)module;
	vsnprintf(text, sizeof text, format, list);
	gm_fail(s->err, GM_ERR_FORMAT, "%s: TIFF: %s", s->f->name, text);
	return 1;
}

static int on_warning(TIFF *t, void *user, const char *module, const char *format, va_list list)
{
	(void)t, (void)user, (void)module, (void)format, (void)list; /* the library never prints */
	return 1;
}

static bool fail(session *s, const char *what)
{
	return gm_fail(s->err, GM_ERR_FORMAT, "%s: TIFF: %s", s->f->name, what);
}

/* Cameras' raw formats are TIFFs whose first page is a small preview: that is not the photograph.
 */
static bool is_preview(TIFF *t)
{
	uint32_t kind = 0;
	return TIFFGetField(t, TIFFTAG_SUBFILETYPE, &kind) && (kind & FILETYPE_REDUCEDIMAGE);
}

static bool is_grey(TIFF *t, uint16_t photometric)
{
	uint16_t bits = 1, *r, *g, *b;
	if (photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE)
		return true;
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &bits);
	if (photometric != PHOTOMETRIC_PALETTE || bits > 8 ||
	    !TIFFGetField(t, TIFFTAG_COLORMAP, &r, &g, &b))
		return false;
	for (int i = 0; i < 1 << bits; i++)
		if (r[i] != g[i] || r[i] != b[i])
			return false;
	return true;
}

static bool look(TIFF *t, session *s, gm_image_facts *facts, bool *grey)
{
	uint32_t width = 0, height = 0;
	uint16_t *extra, extras = 0, samples = 1, bits = 1, photometric = 0,
			 orientation = ORIENTATION_TOPLEFT, format = SAMPLEFORMAT_UINT;
	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &height);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &samples);
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &bits);
	TIFFGetFieldDefaulted(t, TIFFTAG_ORIENTATION, &orientation);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &format);
	if (!TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric))
		return fail(s, "it does not say what its numbers mean");
	*facts = (gm_image_facts){.format = "TIFF",
	                          .width = (int)width,
	                          .height = (int)height,
	                          .channels = samples,
	                          .bits = bits,
	                          .orientation =
	                                  orientation >= 1 && orientation <= 8 ? orientation : 1};
	TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &extras, &extra);
	for (int i = 0; i < extras; i++)
		facts->alpha |=
			extra[i] == EXTRASAMPLE_ASSOCALPHA || extra[i] == EXTRASAMPLE_UNASSALPHA;
	*grey = is_grey(t, photometric);
	const uint64_t pixels = (uint64_t)width * height;
	if (width < 1 || height < 1 || width > 1 << 16 || height > 1 << 16 ||
	    pixels > GM_PICTURE_PIXELS_MAX ||
	    (pixels > PIXELS_BELIEVED && pixels / RATIO_MAX > s->f->n))
		return gm_fail(s->err, GM_ERR_FORMAT, "%s: TIFF: %u x %u pixels in %zu bytes",
		               s->f->name, width, height, s->f->n);
	if (is_preview(t))
		return fail(s,
		            "its first page is a preview, as raw photographs have it (convert it "
		            "to PNG or JPEG)");
	if (format == SAMPLEFORMAT_IEEEFP)
		return fail(s, "numbers with a floating point (save it with 8 or 16 bits)");
	return true;
}

/* Rows as they are stored: turning them is for the caller, who knows all eight ways. */
static bool read_pixels(TIFF *t, session *s, uint32_t *rgba, int width, int height)
{
	TIFFRGBAImage im;
	char why[1024] = "";
	if (!TIFFRGBAImageOK(t, why) || !TIFFRGBAImageBegin(&im, t, 1, why))
		return fail(s, why);
	im.req_orientation = im.orientation;
	const bool ok = TIFFRGBAImageGet(&im, rgba, (uint32_t)width, (uint32_t)height) != 0;
	TIFFRGBAImageEnd(&im);
	return ok || fail(s, "corrupt or truncated");
}

static gm_image *decode(TIFF *t, session *s, gm_image_facts *facts)
{
	bool grey = false;
	if (!look(t, s, facts, &grey) || s->f->header)
		return NULL;
	const size_t pixels = (size_t)facts->width * (size_t)facts->height;
	uint32_t *rgba = malloc(pixels * sizeof *rgba);
	gm_image *im =
		rgba ? gm_image_new(facts->width, facts->height, grey ? 1 : 3, s->err) : NULL;
	if (!rgba)
		gm_fail(s->err, GM_ERR_MEMORY, "%s: out of memory", s->f->name);
	if (im && !read_pixels(t, s, rgba, facts->width, facts->height)) {
		gm_image_free(im);
		im = NULL;
	}
	/* libtiff has multiplied by what is opaque: on black already. */
	for (size_t i = 0; im && i < pixels; i++) {
		im->pixel[i * (size_t)im->channels] = (uint8_t)TIFFGetR(rgba[i]);
		if (im->channels == 3)
			im->pixel[3 * i + 1] = (uint8_t)TIFFGetG(rgba[i]),
					  im->pixel[3 * i + 2] = (uint8_t)TIFFGetB(rgba[i]);
	}
	free(rgba);
	facts->several = im && !TIFFLastDirectory(t);
	return im;
}

gm_image *gm_tiff_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	gm_error why = {0};
	session s = {.f = f, .err = &why};
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
	gm_image *im = NULL;
	if (!o) {
		gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", f->name);
		return NULL;
	}
	TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, &s);
	TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, &s);
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, BLOCK_MAX);
	/* m: no mapping, the bytes are in memory as it is. */
	TIFF *t = TIFFClientOpenExt(f->name, "rm", &s, on_read, on_write, on_seek, on_close,
	                            on_size, NULL, NULL, o);
	TIFFOpenOptionsFree(o);
	if (t) {
		im = decode(t, &s, facts);
		TIFFClose(t);
	}
	if (im || (f->header && t && !why.code))
		return im;
	gm_fail(err, why.code ? why.code : GM_ERR_FORMAT, "%s%s", why.code ? why.message : f->name,
	        why.code ? "" : ": TIFF: corrupt");
	return NULL;
}
