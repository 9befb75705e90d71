/* SPDX-License-Identifier: MIT
 *
 * own_gan.c -- a GAN of one's own on points, with nn.h alone: no run, no options, no files.
 *
 *	cc own_gan.c $(pkg-config --cflags --libs ganymede) -lm -o own_gan
 *
 * Prints how far samples are from the ring of radius 2 on which the data are, before and after
 * training.
 */
#include <ganymede/ganymede.h>
#include <math.h>

enum { BATCH = 128, STEPS = 1500 };

static gm_node *generator(gm_net *G, gm_node *z)
{
	z = gm_relu(gm_linear(G, "h0", z, .out = 64));
	z = gm_relu(gm_linear(G, "h1", z, .out = 64));
	return gm_linear(G, "x", z, .out = 2);
}

static gm_node *discriminator(gm_net *D, gm_node *x)
{
	x = gm_leaky_relu(gm_linear(D, "h0", x, .out = 64), .2);
	x = gm_leaky_relu(gm_linear(D, "h1", x, .out = 64), .2);
	return gm_linear(D, "y", x, .out = 1);
}

/* Mean of | |x| - 2 | over the samples. */
static double error_of(gm_step *draw, gm_node *fake)
{
	float x[2 * BATCH];
	double sum = 0;
	gm_step_run(draw);
	gm_step_read(draw, fake, x, 2 * BATCH);
	for (int i = 0; i < BATCH; i++)
		sum += fabs(hypot(x[2 * i], x[2 * i + 1]) - 2) / BATCH;
	return sum;
}

int main(void)
{
	gm_graph *g = gm_graph_new(&(gm_graph_options){.seed = 1});
	gm_net *G = gm_net_create(g, "G", .seed = 1), *D = gm_net_create(g, "D", .seed = 2);
	gm_node *real = gm_input(g, "real", GM_SHAPE(BATCH, 2), GM_F32);
	gm_node *fake = generator(G, gm_randn(g, GM_SHAPE(BATCH, 2)));
	gm_node *y_real = discriminator(D, real), *y_fake = discriminator(D, fake);
	/* Goodfellow et al. 2014: D maximises log D(x) + log(1 - D(G(z))), G log D(G(z)). */
	gm_node *loss_d =
		gm_add(gm_mean_all(gm_softplus(gm_neg(y_real))), gm_mean_all(gm_softplus(y_fake)));
	gm_node *loss_g = gm_mean_all(gm_softplus(gm_neg(y_fake)));
	gm_node *lr = gm_scalar(g, 1e-3);
	gm_step *train = gm_compile(g, loss_d, loss_g, gm_adam(D, loss_d, .lr = lr, .beta1 = .5),
	                            gm_adam(G, loss_g, .lr = lr, .beta1 = .5));
	gm_step *draw = gm_compile(g, fake);
	if (!train || !draw) {
		fprintf(stderr, "%s\n", gm_graph_error(g)->message);
		return 1;
	}
	double before = error_of(draw, fake);
	gm_rng r = gm_rng_new(3, 0);
	for (int step = 0; step < STEPS; step++) {
		float x[2 * BATCH];
		for (int i = 0; i < BATCH; i++) {
			double at = 2 * M_PI * gm_rng_uniform(&r);
			x[2 * i] = (float)(2 * cos(at)), x[2 * i + 1] = (float)(2 * sin(at));
		}
		gm_set_f32(real, x, 2 * BATCH);
		gm_step_run(train);
	}
	double after = error_of(draw, fake);
	printf("distance from the ring: %.3f before, %.3f after %d steps\n", before, after, STEPS);
	gm_net_free(G), gm_net_free(D);
	gm_graph_free(g);
	return !(after < .5 * before);
}
