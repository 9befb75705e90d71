/* SPDX-License-Identifier: MIT
 *
 * figure.h -- plots: lines, arrows, filled areas, discs and words, kept as a list and written as
 * PNG (antialiased, letters drawn as strokes) or SVG (letters as text).
 *
 *	gm_figure *f = gm_figure_new(640, 480);
 *	gm_panel p = {.left = 50, .top = 30, .right = 620, .bottom = 440,
 *		.xmin = -2, .xmax = 2, .ymin = 0, .ymax = 1};
 *	gm_figure_axes(f, &p, "a density");
 *	gm_figure_line(f, &p, xy, n, GM_INK_BLUE);
 *	bool ok = gm_figure_png(f, "density.png", err) && gm_figure_svg(f, "density.svg", err);
 *	gm_figure_free(f);
 *
 * Nothing but writing can fail. What lies outside a panel is cut off at its frame, and points that
 * are not finite break a line. */
#ifndef GANYMEDE_BASE_FIGURE_H
#define GANYMEDE_BASE_FIGURE_H

#include "ganymede/image.h"

typedef struct gm_figure gm_figure;

/* Maps data [xmin,xmax] x [ymin,ymax] to a rectangle of pixels, y up. */
typedef struct gm_panel {
	double left, top, right, bottom; /* pixels from the top left corner */
	double xmin, xmax, ymin, ymax;
	bool bare; /* no tick labels */
} gm_panel;

typedef struct gm_ink {
	uint8_t r, g, b;
	double alpha; /* 0 to 1 */
	double width; /* of lines, in pixels; radius of discs */
	double dash;  /* pixels on and off; 0: a whole line */
} gm_ink;

#define GM_INK_BLACK ((gm_ink){32, 36, 44, 1, 1.6, 0})
#define GM_INK_GREY ((gm_ink){150, 156, 168, 1, 1.2, 0})
#define GM_INK_BLUE ((gm_ink){40, 98, 184, 1, 1.8, 0})
#define GM_INK_GREEN ((gm_ink){38, 140, 84, 1, 1.8, 0})
#define GM_INK_ORANGE ((gm_ink){228, 104, 28, 1, 1.8, 0})

gm_figure *gm_figure_new(int width, int height); /* white; the caller frees it */
void gm_figure_free(gm_figure *f);               /* NULL is fine */

/* xy [n,2] in the panel's data, copied. */
void gm_figure_line(gm_figure *f, const gm_panel *p, const double *xy, int n, gm_ink ink);
void gm_figure_area(gm_figure *f, const gm_panel *p, const double *xy, int n, gm_ink ink);
void gm_figure_disc(gm_figure *f, const gm_panel *p, double x, double y, gm_ink ink);
/* From (x, y) to (x+dx, y+dy), the head at its end. */
void gm_figure_arrow(gm_figure *f, const gm_panel *p, double x, double y, double dx, double dy,
                     gm_ink ink);
/* ASCII text at pixels: anchor -1 starts there, 0 is centred, 1 ends there; y is the baseline. */
void gm_figure_text(gm_figure *f, double x, double y, double size, int anchor, gm_ink ink,
                    const char *text);
/* A light frame, a few numbered ticks on each axis, and a title above. */
void gm_figure_axes(gm_figure *f, const gm_panel *p, const char *title);

/* NULL on failure; the caller frees the picture. */
gm_image *gm_figure_image(const gm_figure *f, gm_error *err);
bool gm_figure_png(const gm_figure *f, const char *path, gm_error *err);
bool gm_figure_svg(const gm_figure *f, const char *path, gm_error *err);

/* n pictures of one size as an endless WebP animation, ms milliseconds each; encode: in memory, to
 * be freed by the caller. */
bool gm_webp_animation_encode(gm_image *const *frame, int n, int ms, void **bytes, size_t *size,
                              gm_error *err);
bool gm_webp_animation(const char *path, gm_image *const *frame, int n, int ms, gm_error *err);

/* n videos and what a model predicted of them, both [n, frames, channels, height, width] in [-1,1].
 * The strip is a picture with two rows of frames for each video, the true ones above; the animation
 * has the true videos in its upper row, the predicted ones below. In colour, also of grey
 * frames. */
typedef struct gm_film {
	int64_t n, frames;
	int channels, height, width;
	const float *truth, *predicted;
} gm_film;
/* A film of n sequences of label maps and of predicted scores [n, frames, classes, height, width],
 * in the colours of gm_image_labels; *owned holds its pixels, for the caller to free. */
bool gm_film_of_maps(gm_film *f, const int32_t *maps, const float *scores, int64_t classes,
                     float **owned, gm_error *err);
gm_image *gm_film_strip(const gm_film *f, gm_error *err); /* the caller frees it */
bool gm_film_animate(const char *path, const gm_film *f, gm_error *err);

/* The strokes of an ASCII character, for figure.c: pairs of digits "xy" on a grid 4 wide, baseline
 * at 2 and capitals up to 8, a blank between strokes; "" for what has none. */
const char *gm_figure_strokes(char c);

#endif
