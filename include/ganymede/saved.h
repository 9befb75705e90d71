/* SPDX-License-Identifier: MIT
 *
 * saved.h -- uses a trained run: its endpoints (listed in ganymede/model.h) are functions of
 * batches.
 *
 *	gm_error err = {0};
 *	gm_saved *s = gm_saved_open("runs/00000-dcgan", NULL, &err); // or a checkpoint file
 *	if (!s)
 *		return report(err.message);
 *	float *x = malloc(100 * gm_saved_facts(s)->numel * sizeof *x);
 *	// 100 samples, [100, C, H, W] in [-1, 1]
 *	gm_saved_draw(s, &(gm_samples){.seed = 1, .n = 100}, x, &err);
 *	// any endpoint, any number of rows
 *	gm_saved_apply(s, "features", (const void *[]){x}, 100, 0, f, &err);
 *	gm_saved_free(s);
 *
 * Weights are replaced by their moving averages if the checkpoint has them. The file is read only
 * when it is opened. It contains the model's name and options; the training data are not needed.
 * Functions return false and fill err.
 *
 * Threads. A gm_saved may be used by one thread at a time; several threads may each open the same
 * checkpoint.
 */
#ifndef GANYMEDE_SAVED_H
#define GANYMEDE_SAVED_H

#include "ganymede/model.h"

GM_BEGIN_C

typedef struct gm_saved gm_saved;

/* Zero fields take the default. */
typedef struct gm_saved_options {
	/* rows per call, at most the training batch, which is the default: with it, latents equal
	 * those of the run; the latents of a smaller batch are their first part */
	int64_t batch;
	bool exact; /* use batch as it is, even above the training batch */
	/* of images, if not the size used in training; only for models that support other sizes
	 * (gm_saved_any_size). Applies to all fields of the image's size. */
	int height, width;
	bool raw; /* use the weights, not their moving averages */
	/* of models with an option temperature (wavenet), which divides logits when samples are
	 * drawn; NULL: the checkpoint's. GM_ERR_VALUE for other models. */
	const char *temperature;
} gm_saved_options;

/* run: the folder of a run (its newest checkpoint is opened), a checkpoint file, or the number or
 * name of a run in the folder "runs". o may be NULL. NULL on failure; the caller frees it. */
GM_API gm_saved *gm_saved_open(const char *run, const gm_saved_options *o, gm_error *err);
GM_API void gm_saved_free(gm_saved *s); /* NULL is allowed */

GM_API const gm_facts *gm_saved_facts(const gm_saved *s);
/* The value of a training option ("width", "data") as text; "" if the run has no such option. */
GM_API const char *gm_saved_option(const gm_saved *s, const char *name);
/* Options in the checkpoint that this version of the library does not know, separated by commas; ""
 * if there are none. */
GM_API const char *gm_saved_unknown_options(const gm_saved *s);
GM_API const char *gm_saved_path(const gm_saved *s); /* of the checkpoint */
GM_API const gm_model *gm_saved_model(const gm_saved *s);
GM_API int64_t gm_saved_step(const gm_saved *s);  /* of the checkpoint */
GM_API int64_t gm_saved_batch(const gm_saved *s); /* rows per call of gm_saved_run */
GM_API bool gm_saved_has(gm_saved *s, const char *endpoint);
/* Shape of an endpoint's output, [batch, ..]; rank 0 if there is no such endpoint. */
GM_API gm_shape gm_saved_shape(gm_saved *s, const char *endpoint);
/* Images of other sizes than in training are supported if height and width are multiples of this;
 * 0: they are not supported. */
GM_API int64_t gm_saved_any_size(const gm_saved *s);
/* True if the endpoint exists; else false and an error that lists the model's endpoints. */
GM_API bool gm_saved_must(gm_saved *s, const char *endpoint, gm_error *err);

typedef enum gm_port_kind { GM_PORT_LATENT, GM_PORT_LABEL, GM_PORT_DATA } gm_port_kind;

/* Description of an input of an endpoint. */
typedef struct gm_port {
	char name[40];  /* of the field or latent; "z", "z2" for unnamed latents */
	gm_shape shape; /* [batch, ..] */
	gm_dtype dtype;
	gm_port_kind kind;
	gm_latent_kind latent; /* distribution of a latent */
	int64_t classes;       /* of labels: 0 .. classes-1 */
} gm_port;

/* Fills at most room ports; returns the number of inputs, 0 if there is no such endpoint. */
GM_API int gm_saved_ports(gm_saved *s, const char *endpoint, gm_port *out, int room);

/* Runs one batch. in[i]: value of port i, [batch, ..] float or int32_t, or NULL; in may be NULL.
 * NULL means random values given by (seed, chunk) for a latent, 0, 1, .. in turn (continued over
 * chunks) for labels, and zeros for data. Random numbers inside the endpoint also depend on (seed,
 * chunk). out has the size of gm_saved_shape. */
GM_API bool gm_saved_run(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed,
                         uint64_t chunk, float *out, gm_error *err);
/* Runs n rows in chunks of gm_saved_batch rows. in[i]: value of port i, [n, ..], or NULL as in
 * gm_saved_run, called with chunk 0, 1, ..; in may be NULL. out [n, ..]. An incomplete last
 * chunk is padded with copies of its last row. */
GM_API bool gm_saved_apply(gm_saved *s, const char *endpoint, const void *const *in, int64_t n,
                           uint64_t seed, float *out, gm_error *err);

/* The run's endpoint "act" as a policy of most probable actions, and the environment that it was
 * trained in. s must outlive it. GM_ERR_STATE if the run's data are no environment. */
GM_API bool gm_saved_policy(gm_saved *s, const gm_env **env, gm_policy *p, gm_error *err);

/* The graph of the run's nets, to build further expressions in; owned by s. */
GM_API gm_graph *gm_saved_graph(gm_saved *s);
/* The endpoint as an expression of that graph, in inference mode, with port i replaced by in[i] (of
 * the port's shape and type), or not if that is NULL. It can be differentiated (gm_grad), compiled
 * for inference and run. NULL with an error if there is no such endpoint, it is iterative, or an
 * input has another shape. */
GM_API gm_node *gm_saved_node(gm_saved *s, const char *endpoint, gm_node *const *in, gm_error *err);

/* Layer i = 0, 1, .. of the run's nets as "NET/LAYER", in order of creation, NULL after the last.
 * *shape, unless NULL: of its value in training, [m,..]. Only layers that read images. */
GM_API const char *gm_saved_layer_name(gm_saved *s, int i, gm_shape *shape);
/* The value of a layer as an expression of images x [n,C,H,W], in inference mode, with moving
 * averages. Sizes may differ from those in training for layers that only convolutions precede. NULL
 * with an error if there is no such layer (it lists them), or x does not fit. */
GM_API gm_node *gm_saved_layer(gm_saved *s, const char *layer, gm_node *x, gm_error *err);

/* Writes the latents that gm_saved_run uses for NULL to out[port] [batch, ..], unless out[port] is
 * NULL. */
GM_API bool gm_saved_latents(gm_saved *s, const char *endpoint, uint64_t seed, uint64_t chunk,
                             float *const *out, gm_error *err);

/* Samples first .. first + n - 1 of a seed. Sample i depends only on (seed, i), its label and
 * truncation. */
typedef struct gm_samples {
	uint64_t seed; /* of the latents; the run's seed reproduces its fakes-*.png */
	int64_t first, n;
	/* [n], for class-conditional models; NULL: sample i has class i modulo the number of
	 * classes */
	const int32_t *label;
	/* [n, length], for models that read captions (gm_saved_caption_length): bytes of UTF-8,
	 * zeros after the end; NULL: sample i has caption i of those in the checkpoint, modulo
	 * their number */
	const int32_t *caption;
	/* truncation trick: normal latents are resampled while their absolute value is above
	 * this; 0: off */
	double truncation;
	/* a sampling endpoint, such as "generate/16"; NULL: the model's first one */
	const char *endpoint;
} gm_samples;
/* Samples into x [n, shape...]. GM_ERR_VALUE if the latents cannot be truncated. */
GM_API bool gm_saved_draw(gm_saved *s, const gm_samples *d, float *x, gm_error *err);
/* Standing statistics (Brock et al. 2019, arXiv:1809.11096, section 3.2 and appendix): means and
 * variances of the batch norms of the sampling endpoint become the means over `batches` batches of
 * samples with d's seed and truncation; moving averages of weights, and truncated latents, have
 * other statistics than the running ones of the training. The checkpoint is not changed.
 * GM_ERR_VALUE if the endpoint iterates or has no batch norm. */
GM_API bool gm_saved_stand(gm_saved *s, const gm_samples *d, int64_t batches, gm_error *err);
/* Fills f with the facts of an endpoint's samples (NULL: of the model's first sampling endpoint):
 * those of the run, except for the sizes. */
GM_API bool gm_saved_draws(gm_saved *s, const char *endpoint, gm_facts *f, gm_error *err);
/* Image completion, by the endpoint "complete". */
typedef struct gm_saved_hole {
	uint64_t seed;
	int64_t n;
	const int32_t *label;  /* [n], for class-conditional models; NULL: 0, 1, .. in turn */
	const uint8_t *hidden; /* [height, width]: 1 where to fill in; NULL: everywhere */
} gm_saved_hole;
/* Fills in the hidden part of x [n, shape...]; the rest is as the model represents it, such as at
 * its levels. */
GM_API bool gm_saved_complete(gm_saved *s, const gm_saved_hole *hole, float *x, gm_error *err);

/* Endpoints that iterate (gm_process of model.h): the number of turns of a call, 0 for others. */
GM_API int64_t gm_saved_turns(gm_saved *s, const char *endpoint);
/* Sets the number of turns of all following calls. GM_ERR_VALUE for an endpoint that does not
 * iterate, or takes fewer. */
GM_API bool gm_saved_set_turns(gm_saved *s, const char *endpoint, int64_t turns, gm_error *err);
/* gm_saved_run of an endpoint that iterates; out [frames, batch, ..], frames >= 2: evenly spaced
 * from the beginning to the end. */
GM_API bool gm_saved_frames(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed,
                            uint64_t chunk, int64_t frames, float *out, gm_error *err);
/* True if samples of an endpoint (NULL: the model's first sampling endpoint) have a class. */
GM_API bool gm_saved_takes_labels(gm_saved *s, const char *endpoint);
/* The length of the captions that an endpoint (NULL: the model's first sampling endpoint) reads; 0
 * if it reads none. */
GM_API int64_t gm_saved_caption_length(gm_saved *s, const char *endpoint);
/* Number of rows of a sample grid: the number of classes, or `otherwise` if there are none or too
 * many. */
GM_API int gm_saved_rows(const gm_saved *s, int otherwise);

GM_END_C

#endif
