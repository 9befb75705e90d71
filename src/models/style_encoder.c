/* SPDX-License-Identifier: MIT
 *
 * style_encoder.c -- the style encoder of Reed et al., "Generative adversarial text to image
 * synthesis", ICML 2016, arXiv:1605.05396, section 4.4. It inverts the generator of a run that
 * draws images from captions (--of RUN): what a caption does not say about an image is its style.
 *
 * On images that G draws from z ~ N(0, 1) and embeddings phi(t) of the data's captions,
 *
 *	minimise the mean of || z - S(G(z, phi(t))) ||^2 / nz   (eq. 6)
 *
 * where 1 means that S knows nothing, because z has variance 1. Style transfer: the image x with
 * the content of a caption t is G(S(x), phi(t)), the endpoint "translate":
 *
 *	ganymede translate RUN PICTURE --caption "a blue star" -o OUT.png
 *
 * S: strided 4x4 convolutions to a small map, batch norm, a dense layer; the paper says only that
 * it is a convolutional net, and the authors' code does not contain it. G and phi are frozen and
 * saved with this run. Adam 2e-4, beta1 .5, batch 64, as for G. The real images of the data are not
 * used.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "captioned", "images with captions, of the size of the run's"},
	{"of", "", "a run that draws images from captions: gan-cls, stackgan", GM_PATH},
	{"width", "32", "channels of S's first map", GM_INT(1, 4096)},
	{"batch", "64", "minibatch size m"},
	{"steps", "2000", "length of the training"},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	{0},
};

static void check_sizes(gm_run *r)
{
	gm_shape s = gm_import_shape(r, "of", "decode", -1);
	const gm_facts *f = gm_run_facts(r);
	if (s.rank == 4 && (s.dim[2] != f->height || s.dim[3] != f->width)) /* else: failed */
		gm_run_error(
			r,
			"the run of --of draws images of %lld x %lld pixels, those of the data "
			"have %lld x %lld: give --size",
			(long long)s.dim[2], (long long)s.dim[3], (long long)f->height,
			(long long)f->width);
}

/* images to styles [m,nz] */
static gm_node *encoder(gm_run *r, gm_net *S, gm_node *x, int64_t nz)
{
	x = gm_halving_body(S, x, gm_opt_int(r, "width"), gm_want_halvings(r, 1, 8, 4), .2);
	return gm_linear(S, "style", x, .out = nz);
}

static int train(gm_run *r)
{
	gm_net *S = gm_net_new(r, "S", GM_DCGAN_STYLE);
	gm_net_normalise(S, gm_normaliser_find("batch"));
	gm_node *x = gm_batch(r, "image"), *t = gm_batch(r, "caption");
	check_sizes(r);
	int64_t nz = gm_import_shape(r, "of", "decode", 1).dim[1];
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"), nz);
	gm_node *phi = gm_import(r, "of", "encode/text", &t, 1);
	gm_node *drawn = gm_import(r, "of", "decode", (gm_node *[]){phi, z}, 2);
	gm_node *error = gm_mean_all(gm_square(gm_sub(z, encoder(r, S, drawn, nz))));
	gm_node *style = encoder(r, S, x, nz);
	gm_endpoint(r, "encode/style", style, x);
	gm_endpoint(r, "translate", gm_import(r, "of", "decode", (gm_node *[]){phi, style}, 2), x,
	            t);

	gm_step *step = gm_run_compile(r, gm_logged(r, "style_error", error), gm_move(r, S, error));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_style_encoder = {
	"style-encoder", "What captions do not say, for style transfer (Reed et al. 2016)",
	"arXiv:1605.05396", options, train};
