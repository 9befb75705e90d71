/* SPDX-License-Identifier: MIT
 *
 * exif.c -- the orientation of a photograph, the only tag of EXIF (JEITA CP-3451, 4.6.4 A) that
 * affects pixels. See decode.h. */
#include "image/decode.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3

typedef struct tiff {
	const uint8_t *p;
	size_t n;
	bool big; /* big-endian */
} tiff;

static uint32_t number(const tiff *t, size_t at, int bytes)
{
	uint32_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | t->p[at + (size_t)(t->big ? i : bytes - 1 - i)];
	return v;
}

int gm_exif_orientation(const void *bytes, size_t n)
{
	tiff t = {.p = bytes, .n = n};
	if (n >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0)
		t.p += 6, t.n -= 6;
	if (t.n < 8 || (memcmp(t.p, "II*\0", 4) != 0 && memcmp(t.p, "MM\0*", 4) != 0))
		return 1;
	t.big = t.p[0] == 'M';
	const size_t directory = number(&t, 4, 4);
	if (directory > t.n - 2)
		return 1;
	const size_t entries = number(&t, directory, 2);
	for (size_t i = 0, at = directory + 2; i < entries && at + 12 <= t.n; i++, at += 12)
		if (number(&t, at, 2) == TAG_ORIENTATION && number(&t, at + 2, 2) == TYPE_SHORT) {
			const uint32_t v = number(&t, at + 8, 2);
			return v >= 1 && v <= 8 ? (int)v : 1;
		}
	return 1;
}

gm_image *gm_image_turn(gm_image *im, int orientation, gm_error *err)
{
	/* Orientations 5 to 8 swap the sides; then what remains is mirroring. Row o: does the
	 * picture's x (and y) run backwards? */
	static const struct {
		bool swap, x, y;
	} how[9] = {{0},       {0},       {0, 1, 0}, {0, 1, 1}, {0, 0, 1},
	            {1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}};
	const int w = im->width, h = im->height, c = im->channels;
	const bool swap = how[orientation].swap;
	gm_image *out = gm_image_new(swap ? h : w, swap ? w : h, c, err);
	for (int y = 0; out && y < out->height; y++)
		for (int x = 0; x < out->width; x++) {
			const int u = swap ? y : x, v = swap ? x : y;
			const int from_x = how[orientation].x ? w - 1 - u : u;
			const int from_y = how[orientation].y ? h - 1 - v : v;
			memcpy(out->pixel +
			               ((size_t)y * (size_t)out->width + (size_t)x) * (size_t)c,
			       im->pixel +
			               ((size_t)from_y * (size_t)w + (size_t)from_x) * (size_t)c,
			       (size_t)c);
		}
	gm_image_free(im);
	return out;
}
