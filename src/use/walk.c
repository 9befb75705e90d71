/* SPDX-License-Identifier: MIT
 *
 * use/walk.c -- rows of latents. See walk.h.
 */
#include "use/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 32 };

struct gm_walk {
	gm_saved *s;
	int64_t n;
	uint64_t seed;
	int ports, latents;
	gm_port port[PORTS];
	int at[PORTS];       /* port number of each latent */
	int64_t wide[PORTS]; /* values per row */
	float *value[PORTS]; /* [n, wide], of each latent; malloc */
	int32_t *label;      /* [n] */
	bool labelled;
};

/* Reads the latents of the seed chunk by chunk, as gm_saved_draw does. */
static bool draw_latents(gm_walk *w, gm_error *err)
{
	int64_t m = gm_saved_batch(w->s);
	float *out[PORTS] = {0};
	bool ok = true;
	for (int i = 0; i < w->latents && ok; i++)
		ok = (out[w->at[i]] = malloc(m * w->wide[i] * sizeof(float))) != NULL;
	if (!ok)
		gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	for (int64_t done = 0, chunk = 0; ok && done < w->n; done += m, chunk++) {
		int64_t take = w->n - done < m ? w->n - done : m;
		ok = gm_saved_latents(w->s, GM_ENDPOINT_GENERATE, w->seed, chunk, out, err);
		for (int i = 0; ok && i < w->latents; i++)
			memcpy(w->value[i] + done * w->wide[i], out[w->at[i]],
			       take * w->wide[i] * sizeof(float));
	}
	for (int i = 0; i < PORTS; i++)
		free(out[i]);
	return ok;
}

gm_walk *gm_walk_new(gm_saved *s, int64_t n, uint64_t seed, gm_error *err)
{
	if (!gm_saved_must(s, GM_ENDPOINT_GENERATE, err))
		return NULL;
	gm_walk *w = calloc(1, sizeof *w);
	bool ok = w && (w->label = calloc(n > 0 ? n : 1, sizeof *w->label));
	if (ok) {
		w->s = s, w->n = n, w->seed = seed;
		w->ports = gm_saved_ports(s, GM_ENDPOINT_GENERATE, w->port, PORTS);
		w->ports = w->ports < PORTS ? w->ports : PORTS;
	}
	for (int i = 0; ok && i < w->ports; i++) {
		w->labelled = w->labelled || w->port[i].kind == GM_PORT_LABEL;
		if (w->port[i].kind != GM_PORT_LATENT)
			continue;
		int k = w->latents++;
		w->at[k] = i, w->wide[k] = 1;
		for (int d = 1; d < w->port[i].shape.rank; d++)
			w->wide[k] *= w->port[i].shape.dim[d];
		ok = (w->value[k] = malloc((n > 0 ? n : 1) * w->wide[k] * sizeof(float))) != NULL;
	}
	if (!ok)
		gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	else if (draw_latents(w, err))
		return w;
	gm_walk_free(w);
	return NULL;
}

void gm_walk_free(gm_walk *w)
{
	if (!w)
		return;
	for (int i = 0; i < PORTS; i++)
		free(w->value[i]);
	free(w->label);
	free(w);
}

int gm_walk_latents(const gm_walk *w)
{
	return w->latents;
}

const char *gm_walk_name(const gm_walk *w, int latent, int64_t *numbers, gm_latent_kind *kind)
{
	const gm_port *p = &w->port[w->at[latent]];
	if (numbers)
		*numbers = w->wide[latent];
	if (kind)
		*kind = p->latent;
	return p->name;
}

int gm_walk_find(const gm_walk *w, const char *name)
{
	for (int i = 0; i < w->latents; i++)
		if (!strcmp(w->port[w->at[i]].name, name))
			return i;
	return -1;
}

bool gm_walk_labelled(const gm_walk *w)
{
	return w->labelled;
}

void gm_walk_copy(gm_walk *w, int64_t to, const gm_walk *from, int64_t at)
{
	for (int i = 0; i < w->latents; i++)
		memmove(w->value[i] + to * w->wide[i], from->value[i] + at * w->wide[i],
		        w->wide[i] * sizeof(float));
	w->label[to] = from->label[at];
}

/* The weights of a and b at t. If they are parallel or antiparallel the great circle is not unique,
 * and linear weights are used. */
static void weights(const float *a, const float *b, int64_t n, double t, bool arc, double *wa,
                    double *wb)
{
	double aa = 0, bb = 0, ab = 0;
	for (int64_t i = 0; i < n; i++)
		aa += (double)a[i] * a[i], bb += (double)b[i] * b[i], ab += (double)a[i] * b[i];
	double angle = aa > 0 && bb > 0 ? acos(fmin(fmax(ab / sqrt(aa * bb), -1), 1)) : 0;
	*wa = 1 - t, *wb = t;
	if (arc && sin(angle) > 1e-6)
		*wa = sin((1 - t) * angle) / sin(angle), *wb = sin(t * angle) / sin(angle);
}

void gm_walk_between(gm_walk *w, int64_t to, const gm_walk *ends, int64_t a, int64_t b, double t,
                     gm_way way)
{
	for (int i = 0; i < w->latents; i++) {
		int64_t n = w->wide[i];
		const float *from = ends->value[i] + a * n, *up_to = ends->value[i] + b * n;
		bool normal = w->port[w->at[i]].latent == GM_LATENT_NORMAL;
		double wa, wb;
		weights(from, up_to, n, t,
		        way == GM_WAY_SPHERICAL || (way == GM_WAY_USUAL && normal), &wa, &wb);
		for (int64_t j = 0; j < n; j++)
			w->value[i][to * n + j] = (float)(wa * from[j] + wb * up_to[j]);
	}
	w->label[to] = ends->label[a];
}

void gm_walk_set(gm_walk *w, int64_t row, int latent, int64_t number, double v)
{
	float *at = w->value[latent] + row * w->wide[latent];
	bool one_hot = w->port[w->at[latent]].latent == GM_LATENT_ONE_HOT;
	if (one_hot)
		memset(at, 0, w->wide[latent] * sizeof *at);
	at[number] = (float)(one_hot ? 1 : v);
}

double gm_walk_get(const gm_walk *w, int64_t row, int latent, int64_t number)
{
	return w->value[latent][row * w->wide[latent] + number];
}

void gm_walk_label(gm_walk *w, int64_t row, int32_t label)
{
	w->label[row] = label;
}

bool gm_walk_draw(const gm_walk *w, float *x, gm_error *err)
{
	int64_t m = gm_saved_batch(w->s), numel = gm_saved_facts(w->s)->numel;
	gm_shape shape = gm_saved_shape(w->s, GM_ENDPOINT_GENERATE);
	int64_t each = 1;
	for (int d = 1; d < shape.rank; d++)
		each *= shape.dim[d];
	if (each != numel)
		return gm_fail(err, GM_ERR_STATE, "%s: \"generate\" does not give examples",
		               gm_saved_model(w->s)->name);
	const void *in[PORTS] = {0};
	float *some[PORTS] = {0}, *y = malloc(m * numel * sizeof *y);
	int32_t *label = calloc(m, sizeof *label);
	bool ok = y && label;
	for (int i = 0; ok && i < w->latents; i++) {
		ok = (some[i] = calloc(m * w->wide[i], sizeof(float))) != NULL;
		in[w->at[i]] = some[i];
	}
	for (int i = 0; i < w->ports; i++)
		if (w->port[i].kind == GM_PORT_LABEL)
			in[i] = label;
	if (!ok)
		gm_fail(err, GM_ERR_MEMORY, "no memory for samples");
	for (int64_t done = 0, chunk = 0; ok && done < w->n; done += m, chunk++) {
		int64_t take = w->n - done < m ? w->n - done : m;
		for (int i = 0; i < w->latents; i++)
			memcpy(some[i], w->value[i] + done * w->wide[i],
			       take * w->wide[i] * sizeof(float));
		memcpy(label, w->label + done, take * sizeof *label);
		ok = gm_saved_run(w->s, GM_ENDPOINT_GENERATE, in, w->seed, chunk, y, err);
		if (ok)
			memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	for (int i = 0; i < PORTS; i++)
		free(some[i]);
	free(y);
	free(label);
	return ok;
}
