/* SPDX-License-Identifier: MIT
 *
 * use/latents.c -- see latents.h.
 */
#include "use/latents.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/text.h"
#include "use/saved_run.h"
#include "use/walk.h"

enum { BATCH = 32 }; /* of directions, so that they do not depend on that of the run */
enum { NUMBERS = 1 << 16, NOISE_STREAM = 0x401 };

/* ---- latents with a density, one after the other --------------------------------------------- */

static bool is_free(const gm_walk *w, int latent, int64_t *numbers)
{
	gm_latent_kind kind;
	gm_walk_name(w, latent, numbers, &kind);
	return kind != GM_LATENT_ONE_HOT;
}

static int64_t free_numbers(const gm_walk *w)
{
	int64_t sum = 0, n;
	for (int i = 0; i < gm_walk_latents(w); i++)
		sum += is_free(w, i, &n) ? n : 0;
	return sum;
}

/* Calls change(ctx, number, value) for each value of a row, and stores the result. */
static void change_row(gm_walk *w, int64_t row, double (*change)(void *, int64_t, double),
                       void *ctx)
{
	int64_t n, at = 0;
	for (int i = 0; i < gm_walk_latents(w); i++)
		for (int64_t k = 0; is_free(w, i, &n) && k < n; k++)
			gm_walk_set(w, row, i, k, change(ctx, at++, gm_walk_get(w, row, i, k)));
}

/* ---- directions ------------------------------------------------------------------------------ */

static double copy(void *ctx, int64_t number, double value)
{
	((float *)ctx)[number] = (float)value;
	return value;
}

/* b [numbers, numel]: the sum over samples of latents times images, the latter without their mean;
 * latents are independent with mean 0, so that this is the regression up to a factor. */
static bool regress(gm_saved *s, int64_t samples, int64_t numbers, float *b, gm_error *err)
{
	const int64_t m = gm_saved_batch(s), numel = gm_saved_facts(s)->numel;
	float *x = malloc((size_t)(m * numel) * sizeof *x),
	      *z = malloc((size_t)(m * numbers) * sizeof *z),
	      *mean = calloc((size_t)numel, sizeof *mean);
	bool ok = (x && z && mean) || gm_fail(err, GM_ERR_MEMORY, "no memory for directions");
	for (int64_t at = 0; ok && at < samples; at += m) {
		gm_walk *w = gm_walk_new(s, m, 0x5EED + (uint64_t)at, err);
		ok = w &&
		     gm_progress_tell("sampling", (uint64_t)at, (uint64_t)samples, "images", err) &&
		     gm_walk_draw(w, x, err);
		for (int64_t i = 0; ok && i < m; i++)
			change_row(w, i, copy, z + i * numbers);
		gm_walk_free(w);
		/* the first batch's mean is close enough to keep sums small: any constant is right
		 * in expectation */
		for (int64_t i = 0; ok && at == 0 && i < m * numel; i++)
			mean[i % numel] += x[i] / (float)m;
		for (int64_t i = 0; ok && i < m * numel; i++)
			x[i] -= mean[i % numel];
		if (ok)
			cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)numbers,
			            (int)numel, (int)m, 1, z, (int)numbers, x, (int)numel, 1, b,
			            (int)numel);
	}
	gm_progress_end();
	free(x), free(z), free(mean);
	return ok;
}

static gm_directions *directions_of(gm_saved *s, int64_t samples, int64_t count, gm_error *err)
{
	gm_walk *one = gm_walk_new(s, 1, 0, err);
	if (!one)
		return NULL;
	const int64_t n = free_numbers(one), numel = gm_saved_facts(s)->numel;
	gm_walk_free(one);
	if (!n) {
		gm_fail(err, GM_ERR_STATE, "\"generate\" of %s has no latents with a density",
		        gm_saved_model(s)->name);
		return NULL;
	}
	count = count < n ? count : n;
	gm_directions *d = calloc(1, sizeof *d);
	float *b = calloc((size_t)(n * numel), sizeof *b);
	double *a = calloc((size_t)(n * n), sizeof *a), *value = calloc((size_t)n, sizeof *value),
	       all = 0;
	bool ok = d && (d->v = malloc((size_t)(count * n) * sizeof *d->v)) &&
	          (d->share = malloc((size_t)count * sizeof *d->share)) && b && a && value;
	if (!ok)
		gm_fail(err, GM_ERR_MEMORY, "no memory for directions");
	ok = ok && regress(s, samples, n, b, err);
	for (int64_t i = 0; ok && i < n; i++)
		for (int64_t j = 0; j <= i; j++)
			a[i * n + j] = a[j * n + i] =
				cblas_dsdot((int)numel, b + i * numel, 1, b + j * numel, 1);
	ok = ok && (!LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', (int)n, a, (int)n, value) ||
	            gm_fail(err, GM_ERR_STATE, "the directions cannot be computed"));
	for (int64_t i = 0; ok && i < n; i++)
		all += fmax(value[i], 0);
	for (int64_t k = 0; ok && k < count; k++) { /* eigenvalues are in ascending order */
		d->share[k] = all > 0 ? fmax(value[n - 1 - k], 0) / all : 0;
		for (int64_t i = 0; i < n; i++)
			d->v[k * n + i] = (float)a[i * n + n - 1 - k];
	}
	free(b), free(a), free(value);
	if (ok) {
		d->numbers = n, d->count = count;
		return d;
	}
	gm_directions_free(d);
	return NULL;
}

gm_directions *gm_directions_new(const gm_saved *s, int64_t samples, int64_t count, gm_error *err)
{
	gm_saved *own = gm_saved_again(s, BATCH, err);
	gm_directions *d = own ? directions_of(own, samples, count, err) : NULL;
	gm_saved_free(own);
	return d;
}

void gm_directions_free(gm_directions *d)
{
	if (!d)
		return;
	free(d->v);
	free(d->share);
	free(d);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool unknown_code(const gm_walk *w, const char *text, gm_error *err)
{
	char all[300] = "";
	size_t k = 0;
	for (int i = 0; i < gm_walk_latents(w) && k < sizeof all; i++) {
		int64_t n;
		gm_latent_kind kind;
		const char *name = gm_walk_name(w, i, &n, &kind);
		k += (size_t)snprintf(all + k, sizeof all - k, "%s%s", k ? ", " : "", name);
		if (kind == GM_LATENT_ONE_HOT && k < sizeof all)
			k += (size_t)snprintf(all + k, sizeof all - k, " (0..%d)", (int)n - 1);
		else if (n > 1 && k < sizeof all)
			k += (size_t)snprintf(all + k, sizeof all - k, ":0..%d", (int)n - 1);
	}
	return gm_fail(
		err, GM_ERR_VALUE,
		"\"%.60s\" is not NAME=VALUE or NAME:NUMBER=VALUE for a code of this run: %s", text,
		k ? all : "it has none");
}

/* One "NAME[:NUMBER]=VALUE" in all rows. */
static bool set_code(gm_walk *w, int64_t rows, const char *text, gm_error *err)
{
	char name[64];
	const char *equals = strrchr(text, '=');
	double value;
	int64_t number = 0, n = 1;
	gm_latent_kind kind = GM_LATENT_NORMAL;
	if (!equals || equals - text >= (ptrdiff_t)sizeof name || !gm_text_f64(equals + 1, &value))
		return unknown_code(w, text, err);
	snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
	char *colon = strrchr(name, ':');
	if (colon) {
		*colon = 0;
		if (!gm_text_i64(colon + 1, &number))
			return unknown_code(w, text, err);
	}
	const int latent = gm_walk_find(w, name);
	if (latent >= 0)
		gm_walk_name(w, latent, &n, &kind);
	const bool category = kind == GM_LATENT_ONE_HOT;
	if (category)
		number = (int64_t)value;
	if (latent < 0 || number < 0 || number >= n || !isfinite(value) ||
	    (category && (colon || value != (double)number)) || (!category && !colon && n > 1))
		return unknown_code(w, text, err);
	for (int64_t i = 0; i < rows; i++)
		gm_walk_set(w, i, latent, number, value);
	return true;
}

typedef struct mover {
	const gm_directions *d;
	int64_t direction;
	double by, psi;
} mover;

static double move(void *ctx, int64_t number, double value)
{
	const mover *m = ctx;
	return value + m->by * m->d->v[m->direction * m->d->numbers + number];
}

static double shrink(void *ctx, int64_t number, double value)
{
	(void)number;
	return value * ((const mover *)ctx)->psi;
}

/* One "DIRECTION:AMOUNT" in all rows. */
static bool go_along(gm_walk *w, const gm_directions *d, int64_t rows, const char *text,
                     gm_error *err)
{
	char number[32];
	const char *colon = strchr(text, ':');
	mover m = {.d = d};
	if (colon && colon - text < (ptrdiff_t)sizeof number)
		snprintf(number, sizeof number, "%.*s", (int)(colon - text), text);
	if (!colon || colon - text >= (ptrdiff_t)sizeof number ||
	    !gm_text_i64(number, &m.direction) || m.direction < 0 || m.direction >= d->count ||
	    !gm_text_f64(colon + 1, &m.by) || !isfinite(m.by))
		return gm_fail(err, GM_ERR_VALUE,
		               "\"%.60s\" is not DIRECTION:AMOUNT with a direction from 0 to %d",
		               text, (int)d->count - 1);
	for (int64_t i = 0; i < rows; i++)
		change_row(w, i, move, &m);
	return true;
}

bool gm_latents_change(const gm_latents_options *o)
{
	return o->psi != 1 || (o->codes && *o->codes) || (o->along && *o->along) ||
	       (o->mix && *o->mix);
}

bool gm_latents_directions(const gm_latents_options *o)
{
	return (o->along && *o->along) || (o->mix && strstr(o->mix, "along=")) ||
	       (o->to && strstr(o->to, "along="));
}

/* Calls one function for each part of a text that commas separate. */
static bool each(const char *text, gm_walk *w, const gm_directions *d, int64_t rows, gm_error *err)
{
	char *all = strdup(text), *rest = all, *part;
	bool ok = all || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	while (ok && rest && (part = strsep(&rest, ",")))
		ok = d ? go_along(w, d, rows, part, err) : set_code(w, rows, part, err);
	free(all);
	return ok;
}

/* Samples without mix; the caller frees them. NULL on failure. */
static gm_walk *samples(gm_saved *s, const gm_directions *d, const gm_latents_options *o,
                        gm_error *err)
{
	const int64_t classes = gm_saved_facts(s)->classes;
	const int64_t columns = o->columns > 0 ? o->columns : 1;
	const bool moves = o->along && *o->along;
	gm_walk *w = gm_walk_new(s, o->count, o->seed, err);
	mover m = {.psi = o->psi};
	bool ok = w && (!moves || d ||
	                gm_fail(err, GM_ERR_STATE, "the directions of this run are not known yet"));
	if (ok && o->class >= 0 && (!gm_walk_labelled(w) || o->class >= classes))
		ok = gm_fail(err, GM_ERR_VALUE, "class %d: %s", (int)o->class,
		             gm_walk_labelled(w) ? "this run has fewer classes"
		                                 : "this run is not class-conditional");
	if (ok && o->psi != 1 && !free_numbers(w))
		ok = gm_fail(err, GM_ERR_VALUE, "option psi: %s has no latents with a density",
		             gm_saved_model(s)->name);
	for (int64_t i = 0; ok && i < o->count; i++) {
		if (gm_walk_labelled(w))
			gm_walk_label(w, i,
			              (int32_t)(o->class >= 0 ? o->class
			                        : classes > 0 ? i / columns % classes
			                                      : 0));
		if (o->psi != 1)
			change_row(w, i, shrink, &m);
	}
	ok = ok && (!moves || each(o->along, w, d, o->count, err)) &&
	     (!o->codes || !*o->codes || each(o->codes, w, NULL, o->count, err));
	if (ok)
		return w;
	gm_walk_free(w);
	return NULL;
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* A term of a sum, "WEIGHT WORD=VALUE ..", which is changed; texts of o point into it. */
static bool read_term(char *text, double *weight, gm_latents_options *o, gm_error *err)
{
	char *rest = text, *word;
	bool first = true;
	*o = (gm_latents_options){.count = 1, .class = -1, .psi = 1};
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		int64_t n;
		bool ok = true;
		if (!*word)
			continue;
		if (first) {
			ok = gm_text_f64(word, weight) && isfinite(*weight);
		} else if (!value) {
			ok = false;
		} else {
			*value++ = 0;
			if (!strcmp(word, "codes"))
				o->codes = value;
			else if (!strcmp(word, "along"))
				o->along = value;
			else if (!strcmp(word, "psi"))
				ok = gm_text_f64(value, &o->psi) && fabs(o->psi) <= 10;
			else if (!strcmp(word, "seed"))
				ok = gm_text_u64(value, &o->seed);
			else if (!strcmp(word, "number"))
				ok = gm_text_i64(value, &n) && n >= 0 && n < NUMBERS &&
				     (o->count = n + 1) > 0;
			else if (!strcmp(word, "class"))
				ok = gm_text_i64(value, &n) && n >= 0 && (o->class = n) == n;
			else
				ok = false;
		}
		if (!ok)
			return gm_fail(err, GM_ERR_VALUE,
			               "\"%.60s\" is not part of a term: WEIGHT seed=N number=N "
			               "class=N psi=X "
			               "codes=NAME=VALUE,.. along=NUMBER:AMOUNT,..",
			               word);
		first = false;
	}
	return !first || gm_fail(err, GM_ERR_VALUE, "a term of the sum of samples is empty");
}

/* The values of a row of w that have a density, times weight, added to sum. */
static void add_row(const gm_walk *w, int64_t row, double weight, double *sum)
{
	int64_t n, at = 0;
	for (int i = 0; i < gm_walk_latents(w); i++)
		for (int64_t k = 0; is_free(w, i, &n) && k < n; k++)
			sum[at++] += weight * gm_walk_get(w, row, i, k);
}

typedef struct shaker {
	gm_rng rng;
	double noise;
} shaker;

static double shake(void *ctx, int64_t number, double value)
{
	shaker *k = ctx;
	(void)number;
	return value + k->noise * (2 * gm_rng_uniform(&k->rng) - 1);
}

static double from_sum(void *ctx, int64_t number, double value)
{
	(void)value;
	return ((const double *)ctx)[number];
}

/* One row: the sum that a text says; NULL on failure. */
static gm_walk *summed(gm_saved *s, const gm_directions *d, const char *text, gm_error *err)
{
	char *all = strdup(text), *rest = all, *part;
	gm_walk *first = NULL;
	double *sum = NULL;
	bool ok = all || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	while (ok && rest && (part = strsep(&rest, ";"))) {
		gm_latents_options o;
		double weight = 0;
		gm_walk *w = read_term(part, &weight, &o, err) ? samples(s, d, &o, err) : NULL;
		if (w && !free_numbers(w))
			gm_fail(err, GM_ERR_VALUE, "option mix: the samples of %s have no latents",
			        gm_saved_model(s)->name);
		ok = w && free_numbers(w) > 0 &&
		     (sum || (sum = calloc((size_t)free_numbers(w) + 1, sizeof *sum)) ||
		      gm_fail(err, GM_ERR_MEMORY, "out of memory"));
		if (ok)
			add_row(w, o.count - 1, weight, sum);
		if (ok && !first) {
			first = w;
			gm_walk_copy(first, 0, w, o.count - 1);
		} else {
			gm_walk_free(w);
		}
	}
	if (ok)
		change_row(first, 0, from_sum, sum);
	free(all), free(sum);
	if (ok)
		return first;
	gm_walk_free(first);
	return NULL;
}

/* o->count rows between the sums of o->mix and o->to; NULL on failure. */
static gm_walk *between(gm_saved *s, const gm_directions *d, const gm_latents_options *o,
                        gm_error *err)
{
	const bool way = o->to && *o->to;
	if (o->seed || o->class >= 0 || o->psi != 1 || (o->codes && *o->codes) ||
	    (o->along && *o->along)) {
		gm_fail(err, GM_ERR_VALUE,
		        "a sum of samples has seed, class, psi, codes and along in its terms");
		return NULL;
	}
	gm_walk *a = summed(s, d, o->mix, err), *b = a && way ? summed(s, d, o->to, err) : NULL,
		*ends = a && (b || !way) ? gm_walk_new(s, 2, 0, err) : NULL,
		*w = ends ? gm_walk_new(s, o->count, 0, err) : NULL;
	if (w) {
		gm_walk_copy(ends, 0, a, 0);
		gm_walk_copy(ends, 1, way ? b : a, 0);
	}
	for (int64_t i = 0; w && i < o->count; i++)
		if (way && i)
			gm_walk_between(w, i, ends, 0, 1, (double)i / (double)(o->count - 1),
			                GM_WAY_USUAL);
		else
			gm_walk_copy(w, i, ends, 0);
	shaker k = {gm_rng_new(0, NOISE_STREAM), o->noise};
	for (int64_t i = 0; w && o->noise > 0 && i < o->count; i++)
		if (i != o->count / 2)
			change_row(w, i, shake, &k);
	gm_walk_free(a), gm_walk_free(b), gm_walk_free(ends);
	return w;
}

bool gm_latents_draw(gm_saved *s, const gm_directions *d, const gm_latents_options *o, float *x,
                     gm_error *err)
{
	const bool sum = o->mix && *o->mix;
	if (!sum && o->to && *o->to)
		return gm_fail(err, GM_ERR_VALUE,
		               "option to is the end of a way that begins with mix");
	gm_walk *w = (sum ? between : samples)(s, d, o, err);
	const bool ok = w && gm_walk_draw(w, x, err);
	gm_walk_free(w);
	return ok;
}
