/* SPDX-License-Identifier: MIT
 *
 * figure.c -- plots as a list of shapes. A shape is rasterised to a coverage mask and composited
 * once, so that a line that crosses itself is not darker there. */
#include "plot/figure.h"
#include "base/arena.h"
#include "base/file.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { LINE, AREA, DISC, TEXT } kind;

typedef struct shape {
	kind kind;
	gm_ink ink;
	double clip[4];   /* left, top, right, bottom */
	const double *xy; /* [n,2] pixels */
	int n;
	const char *text;
	double size;
	int anchor;
	struct shape *next;
} shape;

struct gm_figure {
	int width, height;
	gm_arena *arena; /* owns all, and the struct itself */
	shape *first, **last;
};

gm_figure *gm_figure_new(int width, int height)
{
	gm_arena *a = gm_arena_new();
	gm_figure *f = gm_arena_calloc(a, 1, sizeof *f);
	*f = (gm_figure){.width = width, .height = height, .arena = a};
	f->last = &f->first;
	return f;
}

void gm_figure_free(gm_figure *f)
{
	if (f)
		gm_arena_free(f->arena);
}

static shape *add(gm_figure *f, kind k, const gm_panel *p, gm_ink ink, int n)
{
	shape *s = gm_arena_calloc(f->arena, 1, sizeof *s);
	*s = (shape){.kind = k, .ink = ink, .n = n, .clip = {0, 0, f->width, f->height}};
	if (p)
		memcpy(s->clip, (double[]){p->left, p->top, p->right, p->bottom}, sizeof s->clip);
	if (n > 0)
		s->xy = gm_arena_alloc(f->arena, 2 * n * sizeof(double));
	*f->last = s;
	f->last = &s->next;
	return s;
}

static double to_x(const gm_panel *p, double x)
{
	return p->left + (x - p->xmin) / (p->xmax - p->xmin) * (p->right - p->left);
}

static double to_y(const gm_panel *p, double y)
{
	return p->bottom - (y - p->ymin) / (p->ymax - p->ymin) * (p->bottom - p->top);
}

/* Clamp points far outside, to limit coordinates. */
static double near(double v)
{
	return v < -1e5 ? -1e5 : v > 1e5 ? 1e5 : v;
}

static void put_points(shape *s, const gm_panel *p, const double *xy)
{
	double *to = (double *)s->xy;
	for (int i = 0; i < s->n; i++)
		to[2 * i] = near(to_x(p, xy[2 * i])), to[2 * i + 1] = near(to_y(p, xy[2 * i + 1]));
}

void gm_figure_line(gm_figure *f, const gm_panel *p, const double *xy, int n, gm_ink ink)
{
	int from = 0;
	for (int i = 0; i <= n; i++)
		if (i == n || !isfinite(xy[2 * i]) || !isfinite(xy[2 * i + 1])) {
			if (i - from > 1)
				put_points(add(f, LINE, p, ink, i - from), p, xy + 2 * from);
			from = i + 1;
		}
}

void gm_figure_area(gm_figure *f, const gm_panel *p, const double *xy, int n, gm_ink ink)
{
	for (int i = 0; i < 2 * n; i++)
		if (!isfinite(xy[i]))
			return;
	if (n > 2)
		put_points(add(f, AREA, p, ink, n), p, xy);
}

void gm_figure_disc(gm_figure *f, const gm_panel *p, double x, double y, gm_ink ink)
{
	if (isfinite(x) && isfinite(y))
		put_points(add(f, DISC, p, ink, 1), p, (double[]){x, y});
}

void gm_figure_arrow(gm_figure *f, const gm_panel *p, double x, double y, double dx, double dy,
                     gm_ink ink)
{
	gm_figure_line(f, p, (double[]){x, y, x + dx, y + dy}, 2, ink);
	double x1 = to_x(p, x + dx), y1 = to_y(p, y + dy), ux = x1 - to_x(p, x),
	       uy = y1 - to_y(p, y);
	double length = hypot(ux, uy), head = fmin(3 + 2 * ink.width, .6 * length);
	if (!(length > 1e-6) || !isfinite(length))
		return;
	ux *= head / length, uy *= head / length;
	shape *s = add(f, AREA, p, ink, 3);
	memcpy((double *)s->xy,
	       (double[]){near(x1), near(y1), near(x1 - ux - .5 * uy), near(y1 - uy + .5 * ux),
	                  near(x1 - ux + .5 * uy), near(y1 - uy - .5 * ux)},
	       6 * sizeof(double));
}

void gm_figure_text(gm_figure *f, double x, double y, double size, int anchor, gm_ink ink,
                    const char *text)
{
	shape *s = add(f, TEXT, NULL, ink, 1);
	((double *)s->xy)[0] = x, ((double *)s->xy)[1] = y;
	s->text = gm_arena_strdup(f->arena, text);
	s->size = size, s->anchor = anchor;
}

/* 1, 2 or 5 times a power of ten, about four of them in the range */
static double step_of(double range)
{
	double raw = range / 4, power = pow(10, floor(log10(raw))), lead = raw / power;
	return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

void gm_figure_axes(gm_figure *f, const gm_panel *p, const char *title)
{
	gm_ink light = {226, 229, 234, 1, 1, 0}, frame = {170, 176, 186, 1, 1.2, 0};
	char text[32];
	for (int axis = 0; axis < 2; axis++) {
		double lo = axis ? p->ymin : p->xmin, hi = axis ? p->ymax : p->xmax;
		double step = step_of(hi - lo);
		int first = (int)ceil(lo / step - 1e-9), last = (int)floor(hi / step + 1e-9);
		for (int k = first; k <= last; k++) {
			double at = k * step;
			double across[4] = {at, p->ymin, at, p->ymax},
			       along[4] = {p->xmin, at, p->xmax, at};
			gm_figure_line(f, p, axis ? along : across, 2, light);
			snprintf(text, sizeof text, "%g", at);
			if (!p->bare && axis)
				gm_figure_text(f, p->left - 5, to_y(p, at) + 3.5, 9, 1,
				               GM_INK_BLACK, text);
			else if (!p->bare)
				gm_figure_text(f, to_x(p, at), p->bottom + 14, 9, 0, GM_INK_BLACK,
				               text);
		}
	}
	shape *s = add(f, LINE, NULL, frame, 5);
	memcpy((double *)s->xy,
	       (double[]){p->left, p->top, p->right, p->top, p->right, p->bottom, p->left,
	                  p->bottom, p->left, p->top},
	       10 * sizeof(double));
	if (title)
		gm_figure_text(f, (p->left + p->right) / 2, p->top - 7, 11, 0, GM_INK_BLACK, title);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

typedef struct box {
	int x0, y0, x1, y1; /* pixels, the last ones included */
} box;

typedef struct canvas {
	gm_image *im;
	float *cover; /* [height][width] */
	box touched;  /* where cover may not be 0 */
} canvas;

static const box nowhere = {INT_MAX, INT_MAX, -1, -1};

static box bounds(canvas *k, const double *clip, double x0, double y0, double x1, double y1)
{
	box b = {(int)floor(fmax(x0, clip[0])), (int)floor(fmax(y0, clip[1])),
	         (int)ceil(fmin(x1, clip[2])), (int)ceil(fmin(y1, clip[3]))};
	b.x0 = b.x0 < 0 ? 0 : b.x0, b.y0 = b.y0 < 0 ? 0 : b.y0;
	b.x1 = b.x1 >= k->im->width ? k->im->width - 1 : b.x1;
	b.y1 = b.y1 >= k->im->height ? k->im->height - 1 : b.y1;
	box *t = &k->touched;
	*t = (box){b.x0 < t->x0 ? b.x0 : t->x0, b.y0 < t->y0 ? b.y0 : t->y0,
	           b.x1 > t->x1 ? b.x1 : t->x1, b.y1 > t->y1 ? b.y1 : t->y1};
	return b;
}

static void lay(canvas *k, gm_ink ink)
{
	box b = k->touched;
	const uint8_t colour[3] = {ink.r, ink.g, ink.b};
	for (int y = b.y0; y <= b.y1; y++)
		for (int x = b.x0; x <= b.x1; x++) {
			float *c = &k->cover[(size_t)y * k->im->width + x];
			if (*c <= 0)
				continue;
			uint8_t *p = k->im->pixel + ((size_t)y * k->im->width + x) * 3;
			for (int i = 0; i < 3; i++)
				p[i] = (uint8_t)lrint(p[i] + (colour[i] - p[i]) * *c * ink.alpha);
			*c = 0;
		}
	k->touched = nowhere;
}

static void segment(canvas *k, const double *clip, const double *a, const double *b, double radius)
{
	double reach = radius + 1, ux = b[0] - a[0], uy = b[1] - a[1], square = ux * ux + uy * uy;
	box at = bounds(k, clip, fmin(a[0], b[0]) - reach, fmin(a[1], b[1]) - reach,
	                fmax(a[0], b[0]) + reach, fmax(a[1], b[1]) + reach);
	for (int y = at.y0; y <= at.y1; y++)
		for (int x = at.x0; x <= at.x1; x++) {
			double px = x + .5 - a[0], py = y + .5 - a[1];
			double t = square > 0 ? fmin(fmax((px * ux + py * uy) / square, 0), 1) : 0;
			double c = fmin(radius + .5 - hypot(px - t * ux, py - t * uy), 1);
			float *cover = &k->cover[(size_t)y * k->im->width + x];
			if (c > *cover)
				*cover = (float)c;
		}
}

static void line(canvas *k, const shape *s)
{
	double along = 0;
	for (int i = 0; i + 1 < s->n; i++) {
		const double *a = s->xy + 2 * i, *b = a + 2;
		double length = hypot(b[0] - a[0], b[1] - a[1]), dash = s->ink.dash;
		if (dash <= 0 || length > 1e4) {
			segment(k, s->clip, a, b, s->ink.width / 2);
			continue;
		}
		for (double t = 0; t < length;) {
			double part = fmod(along + t, 2 * dash);
			double end = fmin(length,
			                  t + (part < dash ? dash - part : 2 * dash - part) + 1e-9);
			double p[4] = {a[0] + (b[0] - a[0]) * t / length,
			               a[1] + (b[1] - a[1]) * t / length,
			               a[0] + (b[0] - a[0]) * end / length,
			               a[1] + (b[1] - a[1]) * end / length};
			if (part < dash)
				segment(k, s->clip, p, p + 2, s->ink.width / 2);
			t = end;
		}
		along += length;
	}
}

enum { SUB = 4 }; /* rows and columns of samples in a pixel */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Even-odd filling, by the crossings of SUB lines in each row of pixels. */
static void area(canvas *k, const shape *s)
{
	double left = 1e9, right = -1e9, lo = 1e9, hi = -1e9, *cross = malloc(s->n * sizeof *cross);
	if (!cross)
		return;
	for (int i = 0; i < s->n; i++)
		lo = fmin(lo, s->xy[2 * i + 1]), hi = fmax(hi, s->xy[2 * i + 1]),
		left = fmin(left, s->xy[2 * i]), right = fmax(right, s->xy[2 * i]);
	box b = bounds(k, s->clip, left, lo, right, hi);
	for (int row = b.y0 * SUB; row < (b.y1 + 1) * SUB; row++) {
		double y = (row + .5) / SUB;
		int n = 0;
		for (int i = 0; i < s->n; i++) {
			const double *p = s->xy + 2 * i, *q = s->xy + 2 * ((i + 1) % s->n);
			if ((p[1] <= y) != (q[1] <= y))
				cross[n++] = p[0] + (y - p[1]) / (q[1] - p[1]) * (q[0] - p[0]);
		}
		qsort(cross, n, sizeof *cross, by_size);
		for (int i = 0; i + 1 < n; i += 2)
			for (int x = (int)fmax(floor(cross[i]), b.x0);
			     x <= b.x1 && x < cross[i + 1]; x++) {
				double part = fmin(x + 1, cross[i + 1]) - fmax(x, cross[i]);
				k->cover[(size_t)(row / SUB) * k->im->width + x] +=
					(float)(part / SUB);
			}
	}
	free(cross);
}

static double text_width(const char *text, double size)
{
	return size / 6 * 5.4 * (double)strlen(text);
}

static void text(canvas *k, const shape *s)
{
	double unit = s->size / 6 * .86, wide = text_width(s->text, s->size);
	double x = s->xy[0] - (s->anchor + 1) * wide / 2, radius = fmax(.55, s->size / 18);
	for (const char *c = s->text; *c; c++, x += s->size / 6 * 5.4) {
		double last[2];
		bool pen = false;
		for (const char *p = gm_figure_strokes(*c); *p; p++) {
			if (*p == ' ' || !p[1]) {
				pen = false;
				continue;
			}
			double now[2] = {x + (p[0] - '0') * unit,
			                 s->xy[1] - (p[1] - '2') * unit * 1.15};
			if (pen)
				segment(k, s->clip, last, now, radius);
			memcpy(last, now, sizeof last);
			pen = true;
			p++;
		}
	}
}

gm_image *gm_figure_image(const gm_figure *f, gm_error *err)
{
	canvas k = {.im = gm_image_new(f->width, f->height, 3, err), .touched = nowhere};
	if (!k.im)
		return NULL;
	k.cover = calloc((size_t)f->width * f->height, sizeof *k.cover);
	if (!k.cover) {
		gm_image_free(k.im);
		gm_fail(err, GM_ERR_MEMORY, "no memory for a plot");
		return NULL;
	}
	memset(k.im->pixel, 255, (size_t)f->width * f->height * 3);
	for (const shape *s = f->first; s; s = s->next) {
		if (s->kind == LINE)
			line(&k, s);
		else if (s->kind == AREA)
			area(&k, s);
		else if (s->kind == DISC)
			segment(&k, s->clip, s->xy, s->xy, s->ink.width);
		else
			text(&k, s);
		lay(&k, s->ink);
	}
	free(k.cover);
	return k.im;
}

bool gm_figure_png(const gm_figure *f, const char *path, gm_error *err)
{
	gm_image *im = gm_figure_image(f, err);
	bool ok = im && gm_png_write(path, im, err);
	gm_image_free(im);
	return ok;
}

/* ---- SVG ------------------------------------------------------------------------------------- */

static void escape(FILE *o, const char *text)
{
	for (; *text; text++)
		if (*text == '<' || *text == '>' || *text == '&')
			fputs(*text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;", o);
		else
			fputc(*text, o);
}

/* Shapes that follow each other in the same panel share one clipped group. */
static void svg_shape(FILE *o, const shape *s)
{
	const gm_ink *i = &s->ink;
	if (s->kind == DISC) {
		fprintf(o,
		        "<circle cx='%.2f' cy='%.2f' r='%.2f' fill='#%02x%02x%02x' "
		        "fill-opacity='%.3g'/>\n",
		        s->xy[0], s->xy[1], i->width, i->r, i->g, i->b, i->alpha);
	} else if (s->kind == TEXT) {
		static const char *const anchors[] = {"start", "middle", "end"};
		fprintf(o,
		        "<text x='%.2f' y='%.2f' font-size='%.3g' text-anchor='%s' "
		        "fill='#%02x%02x%02x'>",
		        s->xy[0], s->xy[1], s->size * 1.25, anchors[s->anchor + 1], i->r, i->g,
		        i->b);
		escape(o, s->text);
		fputs("</text>\n", o);
	} else {
		fprintf(o, "<path d='");
		for (int j = 0; j < s->n; j++)
			fprintf(o, "%c%.2f %.2f", j ? 'L' : 'M', s->xy[2 * j], s->xy[2 * j + 1]);
		if (s->kind == AREA)
			fprintf(o,
			        "Z' fill='#%02x%02x%02x' fill-opacity='%.3g' "
			        "fill-rule='evenodd'/>\n",
			        i->r, i->g, i->b, i->alpha);
		else
			fprintf(o,
			        "' fill='none' stroke='#%02x%02x%02x' stroke-opacity='%.3g' "
			        "stroke-width='%.3g' stroke-dasharray='%.3g'/>\n",
			        i->r, i->g, i->b, i->alpha, i->width, i->dash);
	}
}

bool gm_figure_svg(const gm_figure *f, const char *path, gm_error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *o = open_memstream(&text, &size);
	if (!o)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a plot");
	fprintf(o,
	        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' "
	        "height='%d' "
	        "font-family='sans-serif'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
	        f->width, f->height, f->width, f->height);
	const shape *group = NULL;
	int groups = 0;
	for (const shape *s = f->first; s; s = s->next) {
		if (group && memcmp(group->clip, s->clip, sizeof s->clip)) {
			fputs("</g>\n", o);
			group = NULL;
		}
		if (!group) {
			group = s;
			groups++;
			fprintf(o,
			        "<clipPath id='c%d'><rect x='%.2f' y='%.2f' width='%.2f' "
			        "height='%.2f'/>"
			        "</clipPath><g clip-path='url(#c%d)'>\n",
			        groups, s->clip[0], s->clip[1], s->clip[2] - s->clip[0],
			        s->clip[3] - s->clip[1], groups);
		}
		svg_shape(o, s);
	}
	fputs(group ? "</g>\n</svg>\n" : "</svg>\n", o);
	bool ok = !ferror(o);
	ok = !fclose(o) && ok;
	ok = ok ? gm_file_write(path, text, size, err)
	        : gm_fail(err, GM_ERR_MEMORY, "no memory for a plot");
	free(text);
	return ok;
}
