/* SPDX-License-Identifier: MIT
 *
 * saved.h -- a trained run in use: its endpoints (ganymede/model.h lists them) as functions over batches.
 *
 *	gm_error err = {0};
 *	gm_saved *s = gm_saved_open("runs/00000-dcgan", NULL, &err);           // or a checkpoint file
 *	if (!s)
 *		return report(err.message);
 *	float *x = malloc(100 * gm_saved_facts(s)->numel * sizeof *x);
 *	gm_saved_draw(s, &(gm_samples){.seed = 1, .n = 100}, x, &err);         // 100 samples, [100, C, H, W] in [-1, 1]
 *	gm_saved_apply(s, "features", (const void *[]){x}, 100, 0, f, &err);   // any endpoint over any number of rows
 *	gm_saved_free(s);
 *
 * Weights are their moving averages where the run kept those. The file is read when it is opened and never again: the
 * checkpoint knows its model and options, and needs no data. Functions return false with one error.
 *
 * Threads. A gm_saved belongs to one thread at a time; each thread may have its own of the same checkpoint.
 */
#ifndef GANYMEDE_SAVED_H
#define GANYMEDE_SAVED_H

#include "ganymede/model.h"

GM_BEGIN_C

typedef struct gm_saved gm_saved;

/* Zero fields take the default. */
typedef struct gm_saved_options {
	/* examples at once, at most the run's own batch, which is the default: its latents are the
	 * run's own, and a smaller batch's are a part of the same */
	int64_t batch;
	bool exact; /* batch as it is, even above the run's own */
	/* of pictures, where they are to have another size than the run's: for models that take
	 * any; all fields of the example's size change with it */
	int height, width;
	bool raw; /* the weights themselves, not their averages */
} gm_saved_options;

/* run: a run's folder (then its newest checkpoint), a checkpoint file, or the number or name of a run in the folder
 * "runs". o may be NULL. NULL on failure; the caller frees it. */
GM_API gm_saved *gm_saved_open(const char *run, const gm_saved_options *o, gm_error *err);
GM_API void gm_saved_free(gm_saved *s); /* NULL is fine */

GM_API const gm_facts *gm_saved_facts(const gm_saved *s);
/* The text of an option that the run was trained with ("width", "data"); "" where it has no such option. */
GM_API const char *gm_saved_option(const gm_saved *s, const char *name);
/* Options of the checkpoint that this version of the library does not know, with commas between; "" where it knows all. */
GM_API const char *gm_saved_unknown_options(const gm_saved *s);
GM_API const char *gm_saved_path(const gm_saved *s); /* the checkpoint that was opened */
GM_API const gm_model *gm_saved_model(const gm_saved *s);
GM_API int64_t gm_saved_step(const gm_saved *s);  /* that the checkpoint was saved at */
GM_API int64_t gm_saved_batch(const gm_saved *s); /* of every call below */
GM_API bool gm_saved_has(gm_saved *s, const char *endpoint);
/* Shape of what an endpoint gives, [batch, ..]; rank 0 where there is no such endpoint. */
GM_API gm_shape gm_saved_shape(gm_saved *s, const char *endpoint);
/* What sides of pictures other than the run's own must be multiples of; 0: there are no others. */
GM_API int64_t gm_saved_sides(const gm_saved *s);
/* True, or an error that says what the model has instead. */
GM_API bool gm_saved_must(gm_saved *s, const char *endpoint, gm_error *err);

typedef enum gm_port_kind { GM_PORT_LATENT, GM_PORT_LABEL, GM_PORT_DATA } gm_port_kind;

/* An input of an endpoint. */
typedef struct gm_port {
	char name[40];  /* of the field or the latent; "z", "z2" for latents that nobody named */
	gm_shape shape; /* [batch, ..] */
	gm_dtype dtype;
	gm_port_kind kind;
	gm_latent_kind latent; /* of a latent */
	int64_t classes;       /* of labels: 0 .. classes-1 */
} gm_port;

/* Fills at most room ports; returns how many there are, 0 where there is no such endpoint. */
GM_API int gm_saved_ports(gm_saved *s, const char *endpoint, gm_port *out, int room);

/* One batch: in[i] is what port i is given, [batch, ..] floats or int32_t, or NULL; in may be NULL.
 * NULL means for a latent the values that (seed, chunk) draws, for labels 0, 1, .. in turn over
 * all chunks, for data zeros. Randomness inside the endpoint is of (seed, chunk) as well. out has
 * gm_saved_shape's size. */
GM_API bool gm_saved_run(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed,
                         uint64_t chunk, float *out, gm_error *err);
/* The endpoint over n rows, in portions of gm_saved_batch: in[i] is what port i is given, [n, ..], or NULL as in
 * gm_saved_run; in may be NULL. Portion k has chunk k. out [n, ..]. A last portion that is not full is filled up with
 * its own last row. */
GM_API bool gm_saved_apply(gm_saved *s, const char *endpoint, const void *const *in, int64_t n,
                           uint64_t seed, float *out, gm_error *err);

/* The graph that the run's nets are built in, for expressions of one's own: owned by s. */
GM_API gm_graph *gm_saved_graph(gm_saved *s);
/* The endpoint as an expression of that graph, for inference, with in[i] (of the port's shape and type) in the place of
 * port i, or NULL for the port itself. It can be differentiated (gm_grad), compiled for inference and run. NULL with an error
 * where there is no such endpoint, it iterates, or an input does not fit. */
GM_API gm_node *gm_saved_node(gm_saved *s, const char *endpoint, gm_node *const *in, gm_error *err);

/* The latents that NULL would draw, into out[port] [batch, ..] where that is not NULL. */
GM_API bool gm_saved_latents(gm_saved *s, const char *endpoint, uint64_t seed, uint64_t chunk,
                             float *const *out, gm_error *err);

/* Samples first .. first + n - 1 of a seed. Sample i is a function of (seed, i), its label and the truncation alone. */
typedef struct gm_samples {
	uint64_t seed; /* of the latents: the run's own seed gives its fakes-*.png */
	int64_t first, n;
	const int32_t *
		label; /* [n], of class-conditional models; NULL: sample i has class i modulo the number of classes */
	double truncation; /* normal latents are drawn again while their size is above this; 0: never */
	const char *endpoint; /* one that draws, such as "generate/16"; NULL: the model's first */
} gm_samples;
/* Samples into x [n, shape...]. GM_ERR_VALUE where the latents cannot be truncated. */
GM_API bool gm_saved_draw(gm_saved *s, const gm_samples *d, float *x, gm_error *err);
/* Fills f with the facts of what an endpoint draws (NULL: the model's first that does): the run's, but for the sizes. */
GM_API bool gm_saved_draws(gm_saved *s, const char *endpoint, gm_facts *f, gm_error *err);
/* What is hidden of pictures, for a model that draws number by number ("pixels") to go on with. */
typedef struct gm_saved_hole {
	uint64_t seed; /* picture i of n is completed by (seed, i), whatever the batch */
	int64_t n;
	const int32_t *label;  /* [n], of class-conditional models; NULL: 0, 1, .. in turn */
	const uint8_t *hidden; /* [shape]: 1 where to draw; NULL: everywhere */
	bool slow;             /* a pass over the whole picture for each number, to compare with */
} gm_saved_hole;
/* Draws what is hidden of x [n, shape...]; the rest is brought to the model's levels. */
GM_API bool gm_saved_complete(gm_saved *s, const gm_saved_hole *hole, float *x, gm_error *err);
/* Whether samples of an endpoint (NULL: the model's first that draws) have a class. */
GM_API bool gm_saved_takes_labels(gm_saved *s, const char *endpoint);
/* Rows of a grid with one for each class; otherwise where there are too many classes. */
GM_API int gm_saved_rows(const gm_saved *s, int otherwise);

GM_END_C

#endif
