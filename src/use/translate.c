/* SPDX-License-Identifier: MIT
 *
 * use/translate.c -- see translate.h.
 */
#include "use/translate.h"

#include <stdlib.h>
#include <string.h>

enum { SIZES = 4, PORTS = 8 };

struct gm_translator {
	char *checkpoint;
	gm_saved *own;         /* for the sides of the training */
	gm_saved *size[SIZES]; /* for others, the newest first */
	gm_port port[PORTS];
	int ports, from; /* which port the picture is */
};

static bool inspect(gm_translator *t, gm_error *err)
{
	if (!gm_saved_must(t->own, GM_ENDPOINT_TRANSLATE, err))
		return false;
	t->ports = gm_saved_ports(t->own, GM_ENDPOINT_TRANSLATE, t->port, PORTS);
	while (t->from < t->ports && t->port[t->from].kind != GM_PORT_DATA)
		t->from++;
	if (t->from < t->ports && t->port[t->from].shape.rank == 4 &&
	    gm_saved_shape(t->own, GM_ENDPOINT_TRANSLATE).rank == 4)
		return true;
	return gm_fail(err, GM_ERR_STATE, "%s: \"translate\" makes no picture of a picture",
	               gm_saved_model(t->own)->name);
}

gm_translator *gm_translator_open(const char *checkpoint, gm_error *err)
{
	gm_translator *t = calloc(1, sizeof *t);
	if (!t || !(t->checkpoint = strdup(checkpoint))) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for a checkpoint");
		free(t);
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
	free(t);
}

const char *gm_translator_field(const gm_translator *t)
{
	return t->port[t->from].name;
}

int gm_translator_takes(const gm_translator *t)
{
	return (int)t->port[t->from].shape.dim[1];
}

int gm_translator_gives(const gm_translator *t)
{
	return (int)gm_saved_shape(t->own, GM_ENDPOINT_TRANSLATE).dim[1];
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
	const gm_facts *f = gm_saved_facts(t->own);
	int64_t m = gm_saved_sides(t->own);
	next[0] = height, next[1] = width;
	if (height == f->height && width == f->width)
		return true;
	if (m > 0) {
		next[0] = (int)((height + m - 1) / m * m), next[1] = (int)((width + m - 1) / m * m);
		return next[0] == height && next[1] == width;
	}
	bool held = height <= f->height && width <= f->width;
	next[0] = held ? (int)f->height : 0, next[1] = held ? (int)f->width : 0;
	return false;
}

static gm_saved *made_for(gm_translator *t, int height, int width, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(t->own);
	if (height == f->height && width == f->width)
		return t->own;
	int at = 0;
	for (; at < SIZES - 1 && t->size[at]; at++) {
		f = gm_saved_facts(t->size[at]);
		if (height == f->height && width == f->width)
			break;
	}
	gm_saved *s = t->size[at];
	if (s && (gm_saved_facts(s)->height != height || gm_saved_facts(s)->width != width)) {
		gm_saved_free(s);
		s = t->size[at] = NULL;
	}
	if (!s)
		s = gm_saved_open(t->checkpoint,
		                  &(gm_saved_options){.batch = 1, .height = height, .width = width},
		                  err);
	memmove(t->size + 1, t->size, at * sizeof *t->size);
	return t->size[0] = s;
}

/* Beyond an edge the picture goes on backwards, the edge itself not repeated; as often as needed. */
static int mirrored(int i, int n)
{
	int turn = n > 1 ? 2 * (n - 1) : 1;
	i %= turn;
	return i < n ? i : turn - i;
}

bool gm_translator_run(gm_translator *t, const float *x, int height, int width, uint64_t seed,
                       uint64_t index, float *y, gm_error *err)
{
	int next[2], takes = gm_translator_takes(t), gives = gm_translator_gives(t);
	if (!gm_translator_fits(t, height, width, next) && !next[0])
		return gm_fail(err, GM_ERR_VALUE, "pictures of %dx%d are too large for this run",
		               width, height);
	gm_saved *s = made_for(t, next[0], next[1], err);
	if (!s)
		return false;
	size_t plane = (size_t)next[0] * (size_t)next[1], row = (size_t)next[1];
	float *in = malloc(plane * (size_t)(takes + gives) * sizeof *in), *out = in + plane * takes;
	if (!in)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for pictures of %dx%d", width,
		               height);
	for (int c = 0; c < takes; c++)
		for (int i = 0; i < next[0]; i++)
			for (int j = 0; j < next[1]; j++)
				in[(size_t)c * plane + (size_t)i * row + (size_t)j] =
					x[((size_t)c * height + mirrored(i, height)) * width +
				          mirrored(j, width)];
	const void *all[PORTS] = {0};
	all[t->from] = in;
	bool ok = gm_saved_run(s, GM_ENDPOINT_TRANSLATE, all, seed, index, out, err);
	for (int c = 0; ok && c < gives; c++)
		for (int i = 0; i < height; i++)
			memcpy(y + ((size_t)c * height + i) * width,
			       out + (size_t)c * plane + (size_t)i * row, width * sizeof *y);
	free(in);
	return ok;
}
