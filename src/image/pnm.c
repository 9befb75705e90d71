/* SPDX-License-Identifier: MIT
 *
 * pnm.c -- Netpbm's pictures, P1 to P6: bits, greys and colours, as text or as bytes
 * (netpbm.sourceforge.net/doc/pbm.html, pgm.html, ppm.html). See decode.h. */
#include "image/decode.h"

#include <ctype.h>
#include <string.h>

typedef struct reader {
	const gm_picture_file *f;
	const uint8_t *at, *end;
	gm_error *err;
} reader;

static bool fail(const reader *r, const char *what)
{
	return gm_fail(r->err, GM_ERR_FORMAT, "%s: PNM: %s", r->f->name, what);
}

static void skip_gaps(reader *r)
{
	while (r->at < r->end && (isspace(*r->at) || *r->at == '#')) {
		if (*r->at++ == '#')
			while (r->at < r->end && *r->at != '\n')
				r->at++;
	}
}

/* A whole number of at most most; of bits in text each digit is one. */
static bool number(reader *r, int most, bool digit, int *v)
{
	skip_gaps(r);
	*v = 0;
	if (r->at == r->end)
		return fail(r, "truncated");
	if (!isdigit(*r->at))
		return fail(r, "a letter where a number should be");
	do {
		*v = *v * 10 + (*r->at++ - '0');
		if (*v > most)
			return fail(r, "a number that is too large");
	} while (!digit && r->at < r->end && isdigit(*r->at));
	return true;
}

static bool read_values(reader *r, gm_image *im, int most, bool text, bool bits)
{
	const size_t row = (size_t)im->width * (size_t)im->channels;
	uint8_t *to = im->pixel;
	for (int y = 0; y < im->height; y++)
		for (size_t x = 0; x < row; x++) {
			int v;
			if (text) {
				if (!number(r, most, bits, &v))
					return false;
			} else if (bits) {
				v = r->at[x / 8] >> (7 - x % 8) & 1;
				r->at += x + 1 == row ? (row + 7) / 8 : 0;
			} else {
				v = *r->at++;
				v = most > 255 ? v << 8 | *r->at++ : v;
				v = v < most ? v : most;
			}
			/* A one is black where pictures are bits. */
			*to++ = (uint8_t)(((bits ? 1 - v : v) * 255 + most / 2) / most);
		}
	return true;
}

gm_image *gm_pnm_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	reader r = {.f = f, .at = f->bytes + 2, .end = f->bytes + f->n, .err = err};
	const int kind = f->n > 2 ? f->bytes[1] - '0' : 0;
	const bool text = kind <= 3, bits = kind == 1 || kind == 4;
	int width, height, most = 1;
	if (!number(&r, 1 << 16, false, &width) || !number(&r, 1 << 16, false, &height) ||
	    (!bits && !number(&r, 65535, false, &most)))
		return NULL;
	*facts = (gm_image_facts){.format = "PNM",
	                          .width = width,
	                          .height = height,
	                          .channels = kind == 3 || kind == 6 ? 3 : 1,
	                          .bits = bits         ? 1
	                                  : most > 255 ? 16
	                                               : 8,
	                          .orientation = 1};
	if (width < 1 || height < 1 || most < 1) {
		fail(&r, "a corrupt header");
		return NULL;
	}
	/* Before memory is taken: one byte ends the header, and as text each value takes one at
	 * least. */
	const size_t values = (size_t)width * (size_t)facts->channels;
	const size_t row = text ? values : bits ? (values + 7) / 8 : values * (most > 255 ? 2 : 1);
	if (r.at == r.end || row * (size_t)height > (size_t)(r.end - r.at) - 1) {
		fail(&r, "truncated");
		return NULL;
	}
	r.at++;
	gm_image *im = f->header ? NULL : gm_image_new(width, height, facts->channels, err);
	if (im && !read_values(&r, im, most, text, bits)) {
		gm_image_free(im);
		return NULL;
	}
	return im;
}
