/* SPDX-License-Identifier: MIT
 *
 * use/translate.c -- see translate.h.
 */
#include "use/translate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/fit.h"
#include "run/attributes.h"

enum { SIZES = 4, PORTS = 8, TILE = 256 };

/* A part of a picture: value (c, i, j) is x[c * plane + i * row + j]. */
typedef struct window {
	const float *x;
	size_t plane, row;
	int height, width;
} window;

struct gm_translator {
	char *checkpoint, *endpoint;
	gm_saved *own;         /* for the image size of training */
	gm_saved *size[SIZES]; /* for other sizes, newest first */
	gm_port port[PORTS];
	int ports, from; /* index of the image's port */
	/* ratio of the example's size to the input's; 0 if it is not an integer */
	int64_t up;
	int64_t turns; /* 0: the model's */
	int tile;      /* side of windows; 0: TILE */
	int request;   /* index of the port of attributes, or -1 */
	float *to;     /* its value, or NULL */
	int caption;   /* index of the port of captions, or -1 */
	int32_t *text; /* its value, or NULL */
};

float *gm_picture_read(const gm_image *im, int left, const gm_picture *x, gm_error *err)
{
	gm_fitter f = {0};
	gm_data_options o = {.channels = x->channels};
	if (!gm_fitter_init(&f, im->channels, x->height, x->width, &o, err))
		return NULL;
	const size_t need = gm_fitter_scratch(&f), step = (size_t)im->channels,
		     numel = (size_t)x->channels * (size_t)x->height * (size_t)x->width;
	float *scratch = malloc((need + 1) * sizeof *scratch), *to = malloc(numel * sizeof *to);
	if (scratch && to) {
		gm_fitter_run(&f, im->pixel + (size_t)left * step, 1, step * (size_t)im->width,
		              step, scratch, to);
	} else {
		gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
		free(to);
		to = NULL;
	}
	free(scratch);
	gm_fitter_free(&f);
	return to;
}

static bool inspect(gm_translator *t, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(t->own);
	const gm_endpoint_kind *kind = gm_endpoint_kind_of(t->endpoint, NULL);
	if (!gm_saved_must(t->own, t->endpoint, err))
		return false;
	t->ports = gm_saved_ports(t->own, t->endpoint, t->port, PORTS);
	t->caption = -1;
	for (int i = 0; i < t->ports; i++)
		if (!strcmp(t->port[i].name, "caption"))
			t->caption = i;
	while (t->from < t->ports &&
	       (t->port[t->from].kind != GM_PORT_DATA || t->from == t->caption))
		t->from++;
	t->request = gm_saved_inside(t->own)->attributes ? t->ports - 1 : -1;
	while (t->request >= 0 && strcmp(t->port[t->request].name, "to"))
		t->request--;
	const gm_shape *s = &t->port[t->from < t->ports ? t->from : 0].shape;
	if (!(kind->flags & GM_CHANGES) || t->from >= t->ports || s->rank != 4 ||
	    gm_saved_shape(t->own, t->endpoint).rank != 4)
		return gm_fail(err, GM_ERR_STATE, "%s: \"%s\" does not map pictures to pictures",
		               gm_saved_model(t->own)->name, t->endpoint);
	const bool whole = f->height % s->dim[2] == 0 && f->width % s->dim[3] == 0 &&
	                   f->height / s->dim[2] == f->width / s->dim[3];
	t->up = whole ? f->height / s->dim[2] : 0;
	return true;
}

gm_translator *gm_translator_open(const char *checkpoint, const char *endpoint, gm_error *err)
{
	gm_translator *t = calloc(1, sizeof *t);
	if (!t || !(t->checkpoint = strdup(checkpoint)) ||
	    !(t->endpoint = strdup(endpoint ? endpoint : GM_ENDPOINT_TRANSLATE))) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for a checkpoint");
		gm_translator_free(t);
		return NULL;
	}
	t->own = gm_saved_open(checkpoint, &(gm_saved_options){.batch = 1}, err);
	if (t->own && inspect(t, err))
		return t;
	gm_translator_free(t);
	return NULL;
}

void gm_translator_free(gm_translator *t)
{
	if (!t)
		return;
	for (int i = 0; i < SIZES; i++)
		gm_saved_free(t->size[i]);
	gm_saved_free(t->own);
	free(t->to);
	free(t->text);
	free(t->checkpoint);
	free(t->endpoint);
	free(t);
}

bool gm_translator_set_turns(gm_translator *t, int64_t turns, gm_error *err)
{
	t->turns = turns;
	return gm_saved_set_turns(t->own, t->endpoint, turns, err);
}

bool gm_translator_set_tile(gm_translator *t, int side, gm_error *err)
{
	const int64_t radius = gm_saved_inside(t->own)->radius;
	if (!radius)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s has no tiles: each pixel may depend on the whole picture",
		               gm_saved_model(t->own)->name);
	if (side <= 2 * radius)
		return gm_fail(err, GM_ERR_VALUE,
		               "tiles of %d pixels are too small: a pixel of the result depends on "
		               "pixels up to %d away",
		               side, (int)radius);
	t->tile = side;
	return true;
}

bool gm_translator_takes_to(const gm_translator *t)
{
	return t->request >= 0;
}

bool gm_translator_set_to(gm_translator *t, const char *text, gm_error *err)
{
	if (t->request < 0)
		return gm_fail(err, GM_ERR_VALUE, "%s: \"%s\" has no attributes",
		               gm_saved_model(t->own)->name, t->endpoint);
	free(t->to);
	t->to = calloc((size_t)t->port[t->request].shape.dim[1], sizeof *t->to);
	return t->to ? gm_attributes_parse(gm_saved_inside(t->own), text, t->to, err)
	             : gm_fail(err, GM_ERR_MEMORY, "no memory for attributes");
}

void gm_translator_attributes(const gm_translator *t, char *text, size_t room)
{
	*text = 0;
	gm_attributes_list(gm_saved_inside(t->own), text, room);
}

bool gm_translator_takes_caption(const gm_translator *t)
{
	return t->caption >= 0;
}

gm_saved *gm_translator_saved(gm_translator *t)
{
	return t->own;
}

bool gm_translator_set_caption(gm_translator *t, const int32_t *text, gm_error *err)
{
	const size_t bytes = (size_t)t->port[t->caption].shape.dim[1] * sizeof *text;
	free(t->text);
	t->text = malloc(bytes);
	if (!t->text)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a caption");
	memcpy(t->text, text, bytes);
	return true;
}

int gm_translator_factor(const gm_translator *t)
{
	return (int)t->up;
}

const char *gm_translator_field(const gm_translator *t)
{
	return t->port[t->from].name;
}

const char *gm_translator_target(const gm_translator *t)
{
	gm_run *r = gm_saved_inside(t->own);
	return gm_endpoint_target(r, gm_endpoint_find(r, t->endpoint));
}

int gm_translator_takes(const gm_translator *t)
{
	return (int)t->port[t->from].shape.dim[1];
}

int gm_translator_gives(const gm_translator *t)
{
	return (int)gm_saved_shape(t->own, t->endpoint).dim[1];
}

int64_t gm_translator_step(const gm_translator *t)
{
	return gm_saved_step(t->own);
}

const gm_settings *gm_translator_settings(const gm_translator *t)
{
	return gm_saved_settings(t->own);
}

bool gm_translator_fits(const gm_translator *t, int height, int width, int next[2])
{
	const gm_shape *own = &t->port[t->from].shape;
	/* gm_saved_any_size is for the example's size; convert it to the input's */
	int64_t m = gm_saved_any_size(t->own), up = t->up;
	m = !up ? 0 : m % up == 0 ? m / up : m;
	next[0] = height, next[1] = width;
	if (height == own->dim[2] && width == own->dim[3])
		return true;
	if (m > 0) {
		next[0] = (int)((height + m - 1) / m * m), next[1] = (int)((width + m - 1) / m * m);
		return next[0] == height && next[1] == width;
	}
	bool held = height <= own->dim[2] && width <= own->dim[3];
	next[0] = held ? (int)own->dim[2] : 0, next[1] = held ? (int)own->dim[3] : 0;
	return false;
}

/* The run with nets for images of this size, or NULL. */
static gm_saved *made_for(gm_translator *t, int height, int width, gm_error *err)
{
	const gm_shape *own = &t->port[t->from].shape;
	if (height == own->dim[2] && width == own->dim[3])
		return t->own;
	const int h = (int)(height * t->up), w = (int)(width * t->up);
	const gm_facts *f;
	int at = 0;
	for (; at < SIZES - 1 && t->size[at]; at++) {
		f = gm_saved_facts(t->size[at]);
		if (h == f->height && w == f->width)
			break;
	}
	gm_saved *s = t->size[at];
	if (s && (gm_saved_facts(s)->height != h || gm_saved_facts(s)->width != w)) {
		gm_saved_free(s);
		s = t->size[at] = NULL;
	}
	if (!s)
		s = gm_saved_open(t->checkpoint,
		                  &(gm_saved_options){.batch = 1, .height = h, .width = w}, err);
	memmove(t->size + 1, t->size, at * sizeof *t->size);
	return t->size[0] = s;
}

/* Reflection padding of any width. */
static int mirrored(int i, int n)
{
	int turn = n > 1 ? 2 * (n - 1) : 1;
	i %= turn;
	return i < n ? i : turn - i;
}

/* Runs the nets for a window of this size on x [takes, height, width], which may be a part of a
 * wider picture: rows are `row` and planes `plane` apart. Allocates *y [gives, ..] of the output's
 * shape. */
static bool run_window(gm_translator *t, const window *w, uint64_t seed, uint64_t index, float **y,
                       gm_shape *shape, gm_error *err)
{
	const int takes = gm_translator_takes(t);
	const void *all[PORTS] = {0};
	gm_saved *s = made_for(t, w->height, w->width, err);
	if (!s || (t->turns && !gm_saved_set_turns(s, t->endpoint, t->turns, err)))
		return false;
	*shape = gm_saved_shape(s, t->endpoint);
	float *x = malloc((size_t)takes * (size_t)w->height * (size_t)w->width * sizeof *x);
	*y = malloc((size_t)(shape->dim[1] * shape->dim[2] * shape->dim[3]) * sizeof **y);
	for (int i = 0; x && i < takes * w->height; i++)
		memcpy(x + (size_t)i * (size_t)w->width,
		       w->x + (size_t)(i / w->height) * w->plane + (size_t)(i % w->height) * w->row,
		       (size_t)w->width * sizeof *x);
	all[t->from] = x;
	if (t->to)
		all[t->request] = t->to;
	if (t->text)
		all[t->caption] = t->text;
	bool ok = (x && *y) || gm_fail(err, GM_ERR_MEMORY, "no memory for pictures of %dx%d",
	                               w->width, w->height);
	ok = ok && gm_saved_run(s, t->endpoint, all, seed, index, *y, err);
	free(x);
	if (!ok)
		free(*y), *y = NULL;
	return ok;
}

/* One side of the tiles: windows of `window` pixels, each of which gives `core` pixels that do not
 * depend on what is outside of it. */
typedef struct cover {
	int side, window, core, edge, count;
} cover;

static cover cover_of(const gm_translator *t, int side, int multiple)
{
	const int64_t radius = gm_saved_inside(t->own)->radius;
	int least = t->tile ? t->tile : TILE;
	least = least < 4 * radius && !t->tile ? (int)(4 * radius) : least;
	cover c = {.side = side, .edge = (int)((radius + multiple - 1) / multiple * multiple)};
	c.window = (least + multiple - 1) / multiple * multiple;
	c.core = c.window - 2 * c.edge;
	if (radius == 0 || c.window >= side || c.core < multiple)
		return (cover){.side = side, .window = side, .core = side, .count = 1};
	c.count = 1 + (side - c.window + c.core - 1) / c.core;
	return c;
}

/* Where window i begins, and which pixels of the side are taken from it: first .. end - 1. */
static int window_at(const cover *c, int i, int *first, int *end)
{
	const int at = i == c->count - 1 ? c->side - c->window : i * c->core;
	*first = i == 0 ? 0 : at + c->edge;
	*end = i == c->count - 1 ? c->side : at + c->window - c->edge;
	return at;
}

/* Runs the nets on x [takes, height, width] in tiles; y gets [gives, ..]. */
static bool run_tiles(gm_translator *t, const gm_picture *x, uint64_t seed, uint64_t index,
                      gm_picture *y, gm_error *err)
{
	int64_t up = t->up, m = gm_saved_any_size(t->own);
	const int multiple = up && m % up == 0 && m / up > 0 ? (int)(m / up) : 1;
	const cover rows = cover_of(t, x->height, multiple),
		    columns = cover_of(t, x->width, multiple);
	bool ok = true;
	for (int i = 0; ok && i < rows.count * columns.count; i++) {
		int top, bottom, left, right;
		const int r = window_at(&rows, i / columns.count, &top, &bottom),
			  c = window_at(&columns, i % columns.count, &left, &right);
		const size_t plane = (size_t)x->height * (size_t)x->width, row = (size_t)x->width;
		const window w = {x->x + (size_t)r * row + c, plane, row, rows.window,
		                  columns.window};
		gm_shape s;
		float *out;
		ok = run_window(t, &w, seed, index, &out, &s, err);
		if (!ok)
			break;
		/* pixels of the output for one of the input */
		const double high = (double)s.dim[2] / w.height, wide = (double)s.dim[3] / w.width;
		if (!y->x) {
			*y = (gm_picture){.channels = (int)s.dim[1],
			                  .height = (int)lround(x->height * high),
			                  .width = (int)lround(x->width * wide)};
			y->x = malloc((size_t)y->channels * (size_t)y->height * (size_t)y->width *
			              sizeof *y->x);
			ok = y->x || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture of %dx%d",
			                     y->width, y->height);
		}
		const int from = (int)lround(left * wide), to = (int)lround(right * wide),
			  at = (int)lround(c * wide), above = (int)lround(r * high);
		for (int k = 0; ok && k < y->channels; k++)
			for (int j = (int)lround(top * high); j < (int)lround(bottom * high); j++)
				memcpy(y->x + ((size_t)k * y->height + j) * y->width + from,
				       out + (k * s.dim[2] + j - above) * s.dim[3] + from - at,
				       (size_t)(to - from) * sizeof *out);
		free(out);
	}
	return ok;
}

bool gm_translator_run(gm_translator *t, const gm_picture *x, uint64_t seed, uint64_t index,
                       gm_picture *y, gm_error *err)
{
	const int takes = gm_translator_takes(t);
	int next[2];
	*y = (gm_picture){0};
	if (!gm_translator_fits(t, x->height, x->width, next) && !next[0])
		return gm_fail(err, GM_ERR_VALUE, "pictures of %dx%d are too large for this run",
		               x->width, x->height);
	gm_picture padded = {.channels = takes, .height = next[0], .width = next[1]};
	padded.x = malloc((size_t)takes * (size_t)next[0] * (size_t)next[1] * sizeof *padded.x);
	if (!padded.x)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a picture of %dx%d", x->width,
		               x->height);
	float *to = padded.x;
	for (int c = 0; c < takes; c++)
		for (int i = 0; i < next[0]; i++)
			for (int j = 0; j < next[1]; j++)
				*to++ = x->x[((size_t)c * x->height + mirrored(i, x->height)) *
				                     x->width +
				             mirrored(j, x->width)];
	bool ok = run_tiles(t, &padded, seed, index, y, err);
	free(padded.x);
	const int height = (int)((int64_t)y->height * x->height / next[0]),
		  width = (int)((int64_t)y->width * x->width / next[1]);
	for (int i = 0; ok && i < y->channels * height; i++)
		memmove(y->x + (size_t)i * width,
		        y->x + ((size_t)(i / height) * y->height + i % height) * y->width,
		        (size_t)width * sizeof *y->x);
	y->height = height, y->width = width;
	if (!ok)
		free(y->x), y->x = NULL;
	return ok;
}
