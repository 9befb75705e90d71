/* SPDX-License-Identifier: MIT
 *
 * glyphs.c -- "glyphs": handwritten-looking digits, drawn and not stored.
 *
 * A digit is one of a few skeletons: the points that a pen passes. The points are jittered,
 * joined by Catmull-Rom splines, bent by a quadratic warp, then slanted, rotated, scaled and
 * shifted; the ink is the distance to that path, with pressure and rough edges. All lengths are
 * shares of the picture's side, so any size shows the same digit. */
#include "data/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* M starts a stroke, S is a smooth point, C a corner. Coordinates in percent of half the digit's
 * height, y down. */
typedef struct pen {
	int8_t x, y;
	char kind;
} pen;

/* clang-format off */
#define M(x, y) {x, y, 'M'}
#define S(x, y) {x, y, 'S'}
#define C(x, y) {x, y, 'C'}
/* clang-format on */
#define PEN_MAX 20

typedef struct skeleton {
	int digit;
	pen p[PEN_MAX]; /* ends at kind 0 */
} skeleton;

/* clang-format off */
static const skeleton skeletons[] = {
	{0, {M(10, -98), S(-38, -74), S(-60, -5), S(-42, 72), S(2, 98), S(46, 72), S(60, 0), S(44, -72), S(4, -98)}},
	{0, {M(34, -82), S(0, -98), S(-38, -62), S(-48, 10), S(-34, 76), S(5, 98), S(42, 62), S(50, -10), S(36, -72),
	     S(2, -96)}},
	{0, {M(30, -98), S(-28, -80), S(-58, -2), S(-36, 84), S(24, 92), S(60, 10), S(44, -68), S(4, -88), S(-18, -70)}},

	{1, {M(0, -98), S(2, 0), S(0, 98)}},
	{1, {M(-36, -58), C(6, -98), S(6, 0), S(6, 98)}},
	{1, {M(-30, -60), C(4, -96), C(4, 94), M(-42, 95), S(0, 93), S(46, 95)}},

	{2, {M(-50, -54), S(-34, -88), S(8, -98), S(46, -72), S(42, -26), S(2, 28), C(-54, 92), S(58, 90)}},
	{2, {M(-48, -60), S(-18, -95), S(30, -92), S(48, -52), S(20, 14), S(-26, 74), S(-52, 88), S(-54, 62), S(-26, 58),
	     S(10, 82), S(60, 88)}},
	{2, {M(-46, -72), S(0, -98), S(44, -70), S(34, -14), S(-18, 48), C(-56, 92), S(-20, 80), S(20, 92), S(58, 80)}},

	{3, {M(-46, -78), S(-8, -98), S(36, -80), S(36, -38), C(-12, -6), S(42, 18), S(50, 62), S(6, 97), S(-50, 80)}},
	{3, {M(-48, -92), C(42, -92), C(-8, -20), S(38, 0), S(52, 45), S(24, 90), S(-22, 97), S(-54, 78)}},
	{3, {M(-44, -70), S(0, -98), S(40, -66), S(20, -18), S(-16, -4), S(18, 4), S(50, 46), S(14, 97), S(-50, 74)}},

	{4, {M(-40, -92), C(-52, 10), S(54, 6), M(28, -62), S(26, 20), S(26, 98)}},
	{4, {M(30, -98), C(-56, 34), S(60, 32), M(30, -96), S(28, 0), S(28, 98)}},
	{4, {M(-42, -90), S(-50, -24), S(-24, 6), S(42, -10), M(48, -94), S(38, 0), S(28, 98)}},

	{5, {M(50, -92), C(-36, -92), C(-44, -10), S(0, -28), S(44, 0), S(46, 60), S(0, 97), S(-50, 78)}},
	{5, {M(-34, -88), C(-42, -10), S(5, -24), S(48, 20), S(40, 76), S(-10, 98), S(-50, 80), M(-34, -88), S(54, -94)}},
	{5, {M(50, -86), S(-16, -92), S(-44, -46), S(0, -12), S(45, 25), S(30, 84), S(-48, 88)}},

	{6, {M(34, -95), S(-20, -60), S(-50, 12), S(-36, 80), S(8, 98), S(48, 66), S(40, 20), S(0, 6), S(-38, 36)}},
	{6, {M(10, -98), S(-34, -40), S(-48, 36), S(-24, 92), S(28, 90), S(48, 46), S(16, 10), S(-32, 30)}},
	{6, {M(44, -80), S(10, -97), S(-40, -40), S(-48, 40), S(-10, 97), S(40, 76), S(40, 24), S(-4, 10), S(-42, 45)}},

	{7, {M(-50, -90), C(52, -90), S(14, 0), S(-12, 98)}},
	{7, {M(-50, -86), C(50, -92), S(16, 0), S(-6, 98), M(-28, 2), S(42, -2)}},
	{7, {M(-50, -66), S(-44, -90), C(52, -90), S(8, -14), S(-2, 98)}},

	{8, {M(32, -76), S(-4, -98), S(-42, -70), S(-24, -26), S(24, 12), S(48, 60), S(0, 98), S(-48, 60), S(-24, 12),
	     S(24, -26), S(42, -68), S(6, -98)}},
	{8, {M(0, -6), S(-38, -46), S(0, -96), S(38, -48), S(0, -6), S(-48, 46), S(0, 97), S(48, 46), S(0, -6)}},
	{8, {M(44, -82), S(-6, -97), S(-44, -60), S(0, -8), S(46, 46), S(4, 97), S(-46, 50), S(4, -6), S(48, -76)}},

	{9, {M(44, -58), S(10, -97), S(-40, -66), S(-34, -18), S(8, -10), C(46, -56), S(42, 20), S(30, 98)}},
	{9, {M(42, -62), S(0, -98), S(-44, -60), S(-18, -10), S(30, -26), S(48, -72), S(46, 0), S(20, 80), S(-34, 90)}},
	{9, {M(40, -64), S(0, -97), S(-42, -54), S(0, -12), C(40, -62), S(40, 10), S(38, 98)}},
};
/* clang-format on */

enum { DIGIT, STYLE, ROTATION, SLANT, WIDTH, SCALE, THICKNESS, CENTRE_X, CENTRE_Y, FACTORS };

static const char *const factor_names[] = {
	[DIGIT] = "digit",         [STYLE] = "style", [ROTATION] = "rotation",
	[SLANT] = "slant",         [WIDTH] = "width", [SCALE] = "scale",
	[THICKNESS] = "thickness", [CENTRE_X] = "x",  [CENTRE_Y] = "y",
};
static const char *const class_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

typedef struct vec {
	float x, y;
} vec;

/* A piece of the pen's path and half the width of the ink there. */
typedef struct segment {
	vec a, b;
	float radius;
} segment;

#define STEPS 6 /* segments for each span of a spline */
#define SEGMENTS_MAX (PEN_MAX * STEPS)

static float uniform(gm_rng *r, float low, float high)
{
	return low + (high - low) * (float)gm_rng_uniform(r);
}

/* Normal, but never further out than 2.5 sigma: no digit may become unreadable. */
static float normal(gm_rng *r, float sigma)
{
	const float v = (float)gm_rng_normal(r);
	return sigma * (v > 2.5f ? 2.5f : v < -2.5f ? -2.5f : v);
}

/* Catmull & Rom 1974, the uniform kind: between b and c, with a and d their neighbours. */
static vec spline(vec a, vec b, vec c, vec d, float t)
{
	const float t2 = t * t, t3 = t2 * t;
	const float wa = -.5f * t3 + t2 - .5f * t, wb = 1.5f * t3 - 2.5f * t2 + 1;
	const float wc = -1.5f * t3 + 2 * t2 + .5f * t, wd = .5f * t3 - .5f * t2;
	return (vec){wa * a.x + wb * b.x + wc * c.x + wd * d.x,
	             wa * a.y + wb * b.y + wc * c.y + wd * d.y};
}

/* The jittered path in units of half the digit's height. A spline sees no further than the
 * corners it lies between. */
static int flatten(const skeleton *k, gm_rng *r, segment *out)
{
	vec p[PEN_MAX];
	int n = 0, count = 0;
	for (; n < PEN_MAX && k->p[n].kind; n++)
		p[n] = (vec){k->p[n].x * .01f + normal(r, .05f),
		             k->p[n].y * .01f + normal(r, .05f)};
	for (int i = 0; i + 1 < n; i++) {
		if (k->p[i + 1].kind == 'M')
			continue;
		const bool open_left = k->p[i].kind != 'S';
		const bool open_right =
			k->p[i + 1].kind != 'S' || i + 2 >= n || k->p[i + 2].kind == 'M';
		const vec b = p[i], c = p[i + 1];
		const vec a = open_left ? (vec){2 * b.x - c.x, 2 * b.y - c.y} : p[i - 1];
		const vec d = open_right ? (vec){2 * c.x - b.x, 2 * c.y - b.y} : p[i + 2];
		vec from = b;
		for (int s = 1; s <= STEPS; s++) {
			const vec to = spline(a, b, c, d, (float)s / STEPS);
			out[count++] = (segment){.a = from, .b = to};
			from = to;
		}
	}
	return count;
}

/* What happens to every point of the path: warp, then the affine map. */
typedef struct map {
	float bend[4];
	float xx, xy, yx, yy;
} map;

static vec apply(const map *m, vec p)
{
	const float x = p.x + m->bend[0] * p.y * p.y + m->bend[1] * p.x * p.y;
	const float y = p.y + m->bend[2] * p.x * p.x + m->bend[3] * p.x * p.y;
	return (vec){m->xx * x + m->xy * y, m->yx * x + m->yy * y};
}

static map draw_map(gm_draw *d)
{
	gm_rng *r = &d->rng;
	map m;
	for (int i = 0; i < 4; i++)
		m.bend[i] = normal(r, .05f);
	const float rotation = normal(r, .10f), slant = .10f + normal(r, .16f),
		    width = expf(normal(r, .13f));
	const float scale = uniform(r, .30f, .385f), c = cosf(rotation), s = sinf(rotation);
	d->factor[ROTATION] = rotation, d->factor[SLANT] = slant;
	d->factor[WIDTH] = width, d->factor[SCALE] = scale;
	/* rotation x slant x stretch; y points down, so a slant to the right takes x from -y */
	m.xx = scale * c * width, m.xy = scale * (-c * slant - s);
	m.yx = scale * s * width, m.yy = scale * (-s * slant + c);
	return m;
}

/* Moves the path into the frame: to the middle plus a random shift, never over the edge. */
static void place(gm_draw *d, segment *s, int n, float radius)
{
	vec low = {9, 9}, high = {-9, -9};
	for (int i = 0; i < n; i++)
		for (int end = 0; end < 2; end++) {
			const vec p = end ? s[i].b : s[i].a;
			low.x = fminf(low.x, p.x), low.y = fminf(low.y, p.y);
			high.x = fmaxf(high.x, p.x), high.y = fmaxf(high.y, p.y);
		}
	const float room = .5f - radius - .03f;
	const float half_x = (high.x - low.x) / 2, half_y = (high.y - low.y) / 2;
	const float fit = fminf(1, fminf(room / fmaxf(half_x, 1e-3f), room / fmaxf(half_y, 1e-3f)));
	const float slack_x = room - half_x * fit, slack_y = room - half_y * fit;
	const float x = fminf(fmaxf(normal(&d->rng, .035f), -slack_x), slack_x);
	const float y = fminf(fmaxf(normal(&d->rng, .035f), -slack_y), slack_y);
	d->factor[CENTRE_X] = .5f + x, d->factor[CENTRE_Y] = .5f + y;
	const vec mid = {(low.x + high.x) / 2, (low.y + high.y) / 2};
	for (int i = 0; i < n; i++) {
		s[i].a = (vec){(s[i].a.x - mid.x) * fit + .5f + x,
		               (s[i].a.y - mid.y) * fit + .5f + y};
		s[i].b = (vec){(s[i].b.x - mid.x) * fit + .5f + x,
		               (s[i].b.y - mid.y) * fit + .5f + y};
	}
}

/* x[size,size] = the largest radius minus distance over all segments, in pixels: positive inside
 * the ink. Far from the ink it stays at -far. */
static void distances(float *x, int size, const segment *s, int n, float far)
{
	const float px = (float)size;
	for (int i = 0; i < size * size; i++)
		x[i] = -far;
	for (int i = 0; i < n; i++) {
		const float ax = s[i].a.x * px - .5f, ay = s[i].a.y * px - .5f;
		const float bx = s[i].b.x * px - .5f, by = s[i].b.y * px - .5f;
		const float radius = s[i].radius * px, reach = radius + far;
		const float dx = bx - ax, dy = by - ay,
			    inverse = 1 / fmaxf(dx * dx + dy * dy, 1e-6f);
		int x0 = (int)floorf(fminf(ax, bx) - reach), x1 = (int)ceilf(fmaxf(ax, bx) + reach);
		int y0 = (int)floorf(fminf(ay, by) - reach), y1 = (int)ceilf(fmaxf(ay, by) + reach);
		x0 = x0 < 0 ? 0 : x0, y0 = y0 < 0 ? 0 : y0;
		x1 = x1 >= size ? size - 1 : x1, y1 = y1 >= size ? size - 1 : y1;
		for (int y = y0; y <= y1; y++) {
			float *row = x + (size_t)y * (size_t)size;
			const float qy = (float)y - ay;
			for (int c = x0; c <= x1; c++) {
				const float qx = (float)c - ax;
				float t = (qx * dx + qy * dy) * inverse;
				t = t < 0 ? 0 : t;
				t = t > 1 ? 1 : t;
				const float ex = qx - t * dx, ey = qy - t * dy;
				const float v = radius - sqrtf(ex * ex + ey * ey);
				row[c] = row[c] > v ? row[c] : v;
			}
		}
	}
}

#define ROUGH 12 /* cells of the paper's grain along each side */

/* Ink from distance: an edge of `edge` pixels, displaced by smooth noise. */
static void ink(gm_draw *d, float edge, float grain, float black)
{
	float noise[ROUGH + 1][ROUGH + 1];
	const int size = d->size;
	float *x = d->x;
	for (int i = 0; i <= ROUGH; i++)
		for (int j = 0; j <= ROUGH; j++)
			noise[i][j] = grain * ((float)gm_rng_uniform(&d->rng) * 2 - 1);
	const float step = (float)ROUGH / (float)size;
	for (int y = 0; y < size; y++)
		for (int c = 0; c < size; c++, x++) {
			if (*x <= -edge - grain) {
				*x = -1;
				continue;
			}
			const float fy = (float)y * step, fx = (float)c * step;
			const int iy = (int)fy, ix = (int)fx;
			const float ty = fy - (float)iy, tx = fx - (float)ix;
			const float top = noise[iy][ix] + tx * (noise[iy][ix + 1] - noise[iy][ix]);
			const float low = noise[iy + 1][ix] +
			                  tx * (noise[iy + 1][ix + 1] - noise[iy + 1][ix]);
			const float rough = top + ty * (low - top);
			float t = (*x + rough) / (2 * edge) + .5f;
			t = t < 0 ? 0 : t > 1 ? 1 : t;
			/* smoothstep: the profile of a soft pen */
			*x = 2 * black * t * t * (3 - 2 * t) - 1;
		}
}

static void draw(gm_draw *d)
{
	gm_rng *r = &d->rng;
	segment s[SEGMENTS_MAX];
	const int digit = (int)gm_rng_below(r, 10), style = (int)gm_rng_below(r, 3);
	d->label = digit;
	d->factor[DIGIT] = (float)digit, d->factor[STYLE] = (float)style;

	const map m = draw_map(d);
	const float radius =
		.032f * expf(uniform(r, 0, .85f)); /* strokes of 1.8 to 4.2 pixels at 28 */
	d->factor[THICKNESS] = radius;
	const int n = flatten(&skeletons[digit * 3 + style], r, s);
	const float phase = uniform(r, 0, 6.2832f), waves = uniform(r, .5f, 2);
	for (int i = 0; i < n; i++) {
		s[i].a = apply(&m, s[i].a);
		s[i].b = apply(&m, s[i].b);
		s[i].radius =
			radius * (1 + .15f * sinf(phase + 6.2832f * waves * (float)i / (float)n));
	}
	place(d, s, n, radius * 1.15f);
	const float soft = uniform(r, .75f, 1.25f), grain = uniform(r, 0, .45f),
		    black = uniform(r, .86f, 1);
	if (!d->x)
		return;

	const float zoom = (float)d->size / 28,
		    edge = fmaxf(.6f, soft * fminf(zoom, 1 + (zoom - 1) * .5f));
	distances(d->x, d->size, s, n, edge + grain * zoom + .01f);
	ink(d, edge, grain * zoom, black);
	const size_t plane = (size_t)d->size * (size_t)d->size;
	for (int c = 1; c < d->channels; c++)
		memcpy(d->x + (size_t)c * plane, d->x, plane * sizeof *d->x);
}

static void caption(const gm_draw *d, char *text, size_t room)
{
	static const char *const words[] = {"zero", "one", "two",   "three", "four",
	                                    "five", "six", "seven", "eight", "nine"};
	const float t = d->factor[THICKNESS], lean = d->factor[SLANT] + d->factor[ROTATION];
	snprintf(text, room, "a %shandwritten %s%s",
	         t < .039f   ? "thin "
	         : t > .062f ? "bold "
	                     : "",
	         words[(int)d->factor[DIGIT]],
	         lean > .3f     ? " leaning to the right"
	         : lean < -.12f ? " leaning to the left"
	                        : "");
}

const gm_source gm_source_glyphs = {
	.name = "glyphs",
	.about = "digits 0-9 like handwriting, grey, at any size (28)",
	.rank = 3,
	.size = 28,
	.channels = 1,
	.classes = 10,
	.class_names = class_names,
	.factors = FACTORS,
	.factor_names = factor_names,
	.version = 1,
	.draw = draw,
	.caption = caption,
};
