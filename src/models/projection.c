/* SPDX-License-Identifier: MIT
 *
 * projection.c -- the projection network of Zhu, Krähenbühl, Shechtman & Efros, "Generative visual
 * manipulation on the natural image manifold", ECCV 2016, arXiv:1609.03552, section 3.1, equation
 * 4. It inverts the generator of a run (--of RUN): on real images x,
 *
 *	minimise the mean of || G(P(x)) - x ||^2
 *
 * P: the body of a DCGAN's discriminator, a dense layer to z; tanh where z is uniform on [-1,1], as
 * in the authors' code (junyanz/iGAN), linear where z is normal. G is frozen, in inference mode,
 * and saved with this run, whose "generate" is G's, so that `ganymede project` and `inpaint` need
 * this run alone. Adam 2e-4, beta1 .5, batch 64.
 *
 * Differs from the paper: only pixels are compared (the paper adds .002 times the squared
 * difference of AlexNet's conv4); no weight decay (the code: --l2 1e-5).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"of", "", "a run that generates images from one latent: dcgan, gan, sngan, glo", GM_PATH},
	{"width", "64", "channels of P's first map", GM_INT(1, 4096)},
	{"kernel", "4", "side of every kernel", GM_INT(2, 9)},
	{"batch", "64", "minibatch size m"},
	{"steps", "2000", "length of the training"},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	{0},
};

static void check_sizes(gm_run *r)
{
	const gm_shape s = gm_import_shape(r, "of", "generate", -1);
	const gm_facts *f = gm_run_facts(r);
	if (s.rank == 4 &&
	    (s.dim[1] != f->channels || s.dim[2] != f->height || s.dim[3] != f->width))
		gm_run_error(
			r,
			"the run of --of generates images of %lld x %lld pixels and %lld "
			"channels, those of the data have %lld x %lld and %lld: give --size and "
			"--channels",
			(long long)s.dim[3], (long long)s.dim[2], (long long)s.dim[1],
			(long long)f->width, (long long)f->height, (long long)f->channels);
}

/* images [m,C,H,W] to latents [m,nz] */
static gm_node *project(gm_run *r, gm_net *P, gm_node *x, int64_t nz, bool uniform)
{
	const gm_dcgan nets = gm_opt_dcgan(r);
	gm_node *z = gm_linear(P, "z", gm_features(P, gm_dcgan_down(&nets, P, x)), .out = nz);
	return uniform ? gm_tanh(z) : z;
}

static int train(gm_run *r)
{
	gm_net *P = gm_net_new(r, "P", GM_DCGAN_STYLE);
	gm_net_normalise(P, gm_normaliser_find("batch"));
	gm_node *x = gm_batch(r, "image");
	check_sizes(r);
	const int64_t nz = gm_import_shape(r, "of", "generate", 0).dim[1];
	const gm_latent_kind kind = gm_import_latent(r, "of", "generate", 0);
	gm_node *z = gm_noise(r, "z", kind, gm_opt_int(r, "batch"), nz);
	gm_node *code = project(r, P, x, nz, kind == GM_LATENT_UNIFORM);
	gm_node *again = gm_import(r, "of", "generate", &code, 1);
	gm_node *error = gm_mean_all(gm_square(gm_sub(again, x)));
	gm_endpoint(r, "encode", code, x);
	gm_endpoint(r, "reconstruct", again, x);
	gm_endpoint(r, "generate", gm_import(r, "of", "generate", &z, 1), z);
	if (gm_import_has(r, "of", "discriminate"))
		gm_endpoint(r, "discriminate", gm_import(r, "of", "discriminate", &x, 1), x);

	gm_step *step = gm_run_compile(r, gm_logged(r, "error", error), gm_move(r, P, error));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_projection = {"projection",
                                      "Projection onto the images of a generator (Zhu et al. 2016)",
                                      "arXiv:1609.03552", options, train};
