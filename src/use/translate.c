/* SPDX-License-Identifier: MIT
 *
 * use/translate.c -- see translate.h.
 */
#include "use/translate.h"

#include <stdlib.h>
#include <string.h>

enum { SIZES = 4, PORTS = 8 };

struct gm_translator {
	char *checkpoint, *endpoint;
	gm_saved *own;         /* for the image size of training */
	gm_saved *size[SIZES]; /* for other sizes, newest first */
	gm_port port[PORTS];
	int ports, from; /* index of the image's port */
	/* ratio of the example's size to the input's; 0 if it is not an integer */
	int64_t up;
	int64_t turns; /* 0: the model's */
};

static bool inspect(gm_translator *t, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(t->own);
	const gm_endpoint_kind *kind = gm_endpoint_kind_of(t->endpoint, NULL);
	if (!gm_saved_must(t->own, t->endpoint, err))
		return false;
	t->ports = gm_saved_ports(t->own, t->endpoint, t->port, PORTS);
	while (t->from < t->ports && t->port[t->from].kind != GM_PORT_DATA)
		t->from++;
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
	free(t->checkpoint);
	free(t->endpoint);
	free(t);
}

bool gm_translator_set_turns(gm_translator *t, int64_t turns, gm_error *err)
{
	t->turns = turns;
	return gm_saved_set_turns(t->own, t->endpoint, turns, err);
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

bool gm_translator_run(gm_translator *t, const gm_picture *x, uint64_t seed, uint64_t index,
                       gm_picture *y, gm_error *err)
{
	const int height = x->height, width = x->width, takes = gm_translator_takes(t);
	int next[2];
	*y = (gm_picture){0};
	if (!gm_translator_fits(t, height, width, next) && !next[0])
		return gm_fail(err, GM_ERR_VALUE, "pictures of %dx%d are too large for this run",
		               width, height);
	gm_saved *s = made_for(t, next[0], next[1], err);
	if (!s)
		return false;
	if (t->turns && !gm_saved_set_turns(s, t->endpoint, t->turns, err))
		return false;
	const gm_shape shape = gm_saved_shape(s, t->endpoint);
	const size_t plane = (size_t)next[0] * (size_t)next[1];
	const int64_t rows = shape.dim[2], row = shape.dim[3];
	float *in = malloc(plane * (size_t)takes * sizeof *in),
	      *out = malloc((size_t)(shape.dim[1] * rows * row) * sizeof *out);
	y->channels = (int)shape.dim[1];
	y->height = (int)(rows * height / next[0]), y->width = (int)(row * width / next[1]);
	y->x = malloc((size_t)y->channels * (size_t)y->height * (size_t)y->width * sizeof *y->x +
	              1);
	bool ok = (in && out && y->x) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for pictures of %dx%d", width, height);
	for (int c = 0; ok && c < takes; c++)
		for (int i = 0; i < next[0]; i++)
			for (int j = 0; j < next[1]; j++)
				in[(size_t)c * plane + (size_t)i * (size_t)next[1] + (size_t)j] =
					x->x[((size_t)c * height + mirrored(i, height)) * width +
				             mirrored(j, width)];
	const void *all[PORTS] = {0};
	all[t->from] = in;
	ok = ok && gm_saved_run(s, t->endpoint, all, seed, index, out, err);
	for (int c = 0; ok && c < y->channels; c++)
		for (int i = 0; i < y->height; i++)
			memcpy(y->x + ((size_t)c * y->height + i) * y->width,
			       out + (c * rows + i) * row, y->width * sizeof *out);
	if (!ok)
		free(y->x), y->x = NULL;
	free(in);
	free(out);
	return ok;
}
