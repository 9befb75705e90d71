/* SPDX-License-Identifier: MIT
 *
 * bmp.c -- Windows bitmaps: [MS-WMF] 2.2.2 and the headers before and after it (OS/2's 12 bytes,
 * versions 3 to 5); 1, 4, 8, 16, 24 and 32 bits, RLE of 4 and 8 bits, masks. Debian has no small
 * library for it. See decode.h. */
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

enum { RGB = 0, RLE8 = 1, RLE4 = 2, MASKS = 3, ALPHA_MASKS = 6 };
#define RLE_BELIEVED (1u << 22) /* pixels that a few bytes of RLE may stand for */

typedef struct bitmap {
	const gm_picture_file *f;
	int width, height;
	bool down; /* the first row is the top one */
	int bits, packing, colours;
	const uint8_t *palette;
	int each;         /* bytes of a colour in it */
	uint32_t mask[4]; /* red, green, blue, alpha */
	size_t pixels;    /* where they begin */
	gm_error *err;
} bitmap;

static uint32_t little(const uint8_t *p, int bytes)
{
	uint32_t v = 0;
	for (int i = bytes; i--;)
		v = v << 8 | p[i];
	return v;
}

static bool fail(const bitmap *b, const char *what)
{
	return gm_fail(b->err, GM_ERR_FORMAT, "%s: BMP: %s", b->f->name, what);
}

static bool read_header(bitmap *b)
{
	const uint8_t *p = b->f->bytes;
	const size_t n = b->f->n;
	if (n < 26)
		return fail(b, "truncated");
	const uint32_t header = little(p + 14, 4);
	b->pixels = little(p + 10, 4);
	if (header > n - 14 || (header != 12 && header < 16) || header > 4096)
		return fail(b, "a corrupt header");
	int64_t height;
	if (header == 12) {
		b->width = (int)little(p + 18, 2), height = little(p + 20, 2);
		b->bits = (int)little(p + 24, 2);
	} else {
		b->width = (int32_t)little(p + 18, 4), height = (int32_t)little(p + 22, 4);
		b->bits = (int)little(p + 28, 2);
		if (header >= 40)
			b->packing = (int)little(p + 30, 4),
			b->colours = (int32_t)little(p + 46, 4);
	}
	b->down = height < 0;
	height = height < 0 ? -height : height;
	if (b->width < 1 || height < 1 || b->width > 1 << 16 || height > 1 << 16 ||
	    b->width * height > GM_PICTURE_PIXELS_MAX)
		return fail(b, "a corrupt header");
	b->height = (int)height;
	/* 5-5-5 where nothing else is said. */
	b->mask[0] = b->bits == 16 ? 0x7C00 : 0xFF0000, b->mask[1] = b->bits == 16 ? 0x3E0 : 0xFF00,
	b->mask[2] = b->bits == 16 ? 0x1F : 0xFF;
	size_t after = 14 + (size_t)header;
	if (b->packing == MASKS || b->packing == ALPHA_MASKS) {
		const int masks = header >= 56 || b->packing == ALPHA_MASKS ? 4 : 3;
		if (n < 54 + 4 * (size_t)masks)
			return fail(b, "truncated");
		for (int i = 0; i < masks; i++)
			b->mask[i] = little(p + 54 + 4 * i, 4);
		after = after < 54 + 4 * (size_t)masks ? 54 + 4 * (size_t)masks : after;
	}
	b->each = header == 12 ? 3 : 4;
	b->palette = p + after;
	if (b->bits <= 8) {
		const int most = 1 << b->bits;
		if (b->colours < 1 || b->colours > most)
			b->colours = most;
		/* A palette may be shorter than it says where pixels begin earlier. */
		const size_t end = b->pixels < n ? b->pixels : n;
		if (after > end)
			return fail(b, "truncated");
		if ((size_t)b->colours > (end - after) / (size_t)b->each)
			b->colours = (int)((end - after) / (size_t)b->each);
	}
	return b->pixels <= n || fail(b, "truncated");
}

/* The value of a mask's bits as 0 to 255. */
static uint8_t scaled(uint32_t v, uint32_t mask)
{
	if (!mask)
		return 0;
	const int shift = __builtin_ctz(mask);
	const uint64_t most = mask >> shift, value = (v & mask) >> shift;
	return (uint8_t)((value * 255 + most / 2) / most);
}

static bool put_index(const bitmap *b, gm_image *im, int x, int y, int index)
{
	if (index >= b->colours)
		return false;
	const uint8_t *c = b->palette + (size_t)index * (size_t)b->each;
	uint8_t *to =
		im->pixel + ((size_t)y * (size_t)im->width + (size_t)x) * (size_t)im->channels;
	to[0] = c[2];
	if (im->channels == 3)
		to[1] = c[1], to[2] = c[0];
	return true;
}

/* Rows in the order of the file, from the bottom unless it says otherwise. */
static int row_of(const bitmap *b, int i)
{
	return b->down ? i : b->height - 1 - i;
}

static size_t row_bytes(const bitmap *b)
{
	return ((size_t)b->width * (size_t)b->bits + 31) / 32 * 4;
}

/* Many programs leave the bits of the mask for transparency at zero and mean a whole picture. */
static bool is_opaque(const bitmap *b)
{
	const uint8_t *p = b->f->bytes + b->pixels;
	const size_t step = (size_t)(b->bits / 8), all = row_bytes(b) * (size_t)b->height;
	for (size_t i = 0; b->mask[3] && i + step <= all; i += step)
		if (little(p + i, b->bits / 8) & b->mask[3])
			return false;
	return true;
}

static bool read_rows(const bitmap *b, gm_image *im)
{
	const size_t row = row_bytes(b);
	const bool opaque = b->bits > 8 && is_opaque(b);
	for (int i = 0; i < b->height; i++) {
		const uint8_t *p = b->f->bytes + b->pixels + (size_t)i * row;
		const int y = row_of(b, i);
		for (int x = 0; x < b->width; x++) {
			if (b->bits <= 8) {
				const int bit = x * b->bits, shift = 8 - b->bits - bit % 8;
				if (!put_index(b, im, x, y,
				               p[bit / 8] >> shift & ((1 << b->bits) - 1)))
					return fail(b, "a colour that its palette lacks");
				continue;
			}
			const uint32_t v =
				little(p + (size_t)x * (size_t)(b->bits / 8), b->bits / 8);
			const int alpha = opaque ? 255 : scaled(v, b->mask[3]);
			for (int c = 0; c < 3; c++)
				im->pixel[((size_t)y * (size_t)im->width + (size_t)x) * 3 +
				          (size_t)c] =
					(uint8_t)((scaled(v, b->mask[c]) * alpha + 127) / 255);
		}
	}
	return true;
}

/* Runs of one colour or of a pair, and pixels as they are; what is never reached stays black. */
static bool read_runs(const bitmap *b, gm_image *im)
{
	const uint8_t *p = b->f->bytes + b->pixels, *end = b->f->bytes + b->f->n;
	const int per = 8 / b->bits, most = (1 << b->bits) - 1;
	int x = 0, i = 0;
	while (end - p >= 2) {
		const int count = p[0], code = p[1];
		p += 2;
		if (count > 0 || code > 2) {
			const int n = count ? count : code;
			const size_t bytes =
				count ? 0 : ((size_t)n + (size_t)per - 1) / (size_t)per;
			if ((size_t)(end - p) < bytes)
				break;
			for (int k = 0; k < n; k++, x++) {
				const int from = count ? code : p[k / per];
				const int index = from >> (8 - b->bits * (k % per + 1)) & most;
				if (x < b->width && i < b->height &&
				    !put_index(b, im, x, row_of(b, i), index))
					return fail(b, "a colour that its palette lacks");
			}
			/* Stretches as they are end on an even byte, where there is one. */
			p += bytes + (bytes & 1 && (size_t)(end - p) > bytes);
		} else if (code == 0) {
			x = 0, i++;
		} else if (code == 1) {
			return true;
		} else {
			if (end - p < 2)
				break;
			x += p[0], i += p[1];
			p += 2;
		}
		if (i > b->height || x > 1 << 17)
			return fail(b, "runs that lead out of the picture");
	}
	/* Some programs leave out the mark of the end. */
	return i >= b->height || (i == b->height - 1 && x >= b->width) || fail(b, "truncated");
}

gm_image *gm_bmp_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err)
{
	bitmap b = {.f = f, .err = err};
	if (!read_header(&b))
		return NULL;
	*facts = (gm_image_facts){.format = "BMP",
	                          .width = b.width,
	                          .height = b.height,
	                          .channels = b.bits <= 8 ? 1
	                                      : b.mask[3] ? 4
	                                                  : 3,
	                          .bits = 8,
	                          .alpha = b.mask[3] != 0,
	                          .orientation = 1};
	const bool runs = (b.packing == RLE8 && b.bits == 8) || (b.packing == RLE4 && b.bits == 4);
	const bool deep = b.bits == 16 || b.bits == 24 || b.bits == 32;
	const bool flat = b.packing == RGB && (b.bits == 1 || b.bits == 4 || b.bits == 8 || deep);
	const bool masked =
		(b.packing == MASKS || b.packing == ALPHA_MASKS) && (b.bits == 16 || b.bits == 32);
	if (!runs && !flat && !masked) {
		gm_fail(err, GM_ERR_FORMAT, "%s: BMP: %d bits, packed in way %d, are not read",
		        f->name, b.bits, b.packing);
		return NULL;
	}
	if (runs && (int64_t)b.width * b.height > RLE_BELIEVED &&
	    (size_t)b.width * (size_t)b.height / 256 > f->n) {
		fail(&b, "truncated");
		return NULL;
	}
	/* Before memory is taken: can the file hold it? */
	if (!runs && row_bytes(&b) * (size_t)b.height > f->n - b.pixels) {
		fail(&b, "truncated");
		return NULL;
	}
	if (f->header)
		return NULL;
	uint8_t grey[3 * 256];
	for (int i = 0; b.bits <= 8 && i < b.colours; i++)
		memcpy(grey + 3 * i, b.palette + (size_t)i * (size_t)b.each, 3);
	const bool is_grey = b.bits <= 8 && gm_palette_is_grey(grey, b.colours);
	gm_image *im = gm_image_new(b.width, b.height, is_grey ? 1 : 3, err);
	if (im && !(runs ? read_runs(&b, im) : read_rows(&b, im))) {
		gm_image_free(im);
		return NULL;
	}
	return im;
}
