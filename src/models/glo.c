/* SPDX-License-Identifier: MIT
 *
 * glo.c -- Bojanowski, Joulin, Lopez-Paz & Szlam, "Optimizing the latent space of generative
 * networks", ICML 2018, arXiv:1707.05776. The authors published no code; settings from
 * github.com/tneumann/minimal_glo and, for sampling, github.com/yedidh/glann.
 * Each example has a learned code in the unit ball, projected by z / max(|z|, 1) after each update;
 * codes and G minimise the Laplacian pyramid loss (section 2): the sum over levels of mean absolute
 * errors, which is the paper's sum over pixels weighted by 4^j. SGD, learning rate 1 for G and 10
 * for codes at batch 128 (scaled for other batches). Initial codes: principal component scores in
 * the ball. Samples: codes of a normal distribution with the mean and covariance of all codes,
 * mean + sum_i e_i (z_i - mean) / sqrt(N). Codes of unseen images: Adam on z. G is DCGAN's (section
 * 3). Differs: the blur reflects edges (minimal_glo repeats them); principal components of fewer
 * examples (minimal_glo: 24,576); no squared error is added (the paper's weight of it is unknown).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "64", "values of a code", GM_INT(1, 4096)},
	{"width", "32", "channels of the largest map of G", GM_INT(1, 4096)},
	{"kernel", "4", "side of every kernel", GM_INT(2, 9)},
	{"start", "principal", "initial codes: principal components, or normal",
         GM_CHOICE("principal|normal")},
	{"loss", "pyramid", "pyramid: absolute errors of a Laplacian pyramid; l2",
         GM_CHOICE("pyramid|l2")},
	{"levels", "3", "levels besides the rest", GM_INT(1, 8), .only = "loss=pyramid"},
	{"lr-z", "10", "learning rate of the codes at batch 128", GM_REAL(0, 1e30), .resume = true},
	{"search", "200", "reconstruct: steps on the code of an unseen image", GM_INT(1, 100000)},
	GM_OPTIMISER_OPTIONS("sgd", "1", "0.5", "constant"),
	{0},
};

static gm_node *in_ball(gm_node *z)
{
	gm_node *norm = gm_sqrt(gm_sum(gm_square(z), GM_AXES(1), true));
	return gm_div(z, gm_max(norm, gm_scalar(gm_node_graph(z), 1)));
}

static gm_node *project(void *ctx, const char *key, gm_node *next)
{
	(void)ctx, (void)key;
	return in_ball(next);
}

/* Mean over the batch of the distance of y to x. */
static gm_node *distance(gm_node *x, gm_node *y, int levels)
{
	gm_node *level[9], *d = gm_sub(y, x);
	if (!levels)
		return gm_mean_all(gm_square(d));
	gm_laplacian(d, levels, level); /* linear: the pyramid of the difference */
	d = gm_mean_all(gm_abs(level[levels]));
	for (int j = 0; j < levels; j++)
		d = gm_add(d, gm_mean_all(gm_abs(level[j])));
	return d;
}

/* Adam on the codes z of unseen images, rate .05, projected after each step. Initial values are on
 * the sphere, where training codes are: at the centre of the ball gradients vanish. */
static gm_process search(gm_run *r, gm_net *G, const gm_dcgan *net, gm_node *x, gm_node *drawn,
                         int levels, gm_node **z)
{
	gm_graph *g = gm_run_graph(r);
	const gm_shape s = gm_node_shape(drawn);
	gm_node *m = gm_process_state(r, "m", s, GM_F32), *v = gm_process_state(r, "v", s, GM_F32),
		*none = gm_full(g, 0, s), *y, *slope;
	*z = gm_process_state(r, "z", s, GM_F32);
	y = gm_dcgan_up(net, G, *z);
	gm_clone(&y, 1, &(gm_clone_options){.infer = true}, &y);
	gm_grad(gm_mul_c(distance(x, y, levels), (double)s.dim[0]), z, 1, &slope);
	gm_node *m1 = gm_add(gm_mul_c(m, .9), gm_mul_c(slope, .1)),
		*v1 = gm_add(gm_mul_c(v, .99), gm_mul_c(gm_square(slope), .01));
	gm_node *next = in_ball(gm_sub(*z, gm_mul_c(gm_div(m1, gm_add_c(gm_sqrt(v1), 1e-8)), .05)));
	return (gm_process){
		.begin = gm_group(g,
	                          (gm_node *[]){gm_assign(*z, in_ball(gm_mul_c(drawn, 1e3))),
	                                        gm_assign(m, none), gm_assign(v, none)},
	                          3),
		.turn = gm_group(
			g, (gm_node *[]){gm_assign(*z, next), gm_assign(m, m1), gm_assign(v, v1)},
			3),
		.turns = gm_opt_int(r, "search"),
		.y = y};
}

static int train(gm_run *r)
{
	const int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz"),
		      n = (int64_t)gm_run_facts(r)->count;
	int levels = gm_opt_choice(r, "loss") ? 0 : (int)gm_opt_int(r, "levels");
	if (levels)
		gm_want_halvings(r, levels, levels, 3);
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *Z = gm_net_new(r, "Z");
	gm_net_normalise(G, gm_normaliser_find("batch"));
	gm_dcgan net = gm_opt_dcgan(r);
	gm_node *x = gm_batch(r, "image"), *index = gm_batch(r, "index");
	double pca = 0;
	const double *scores = gm_data_principal(r, nz, 1, &pca);
	gm_init start = gm_opt_choice(r, "start") || !scores ? GM_NORMAL(0, .1) : GM_GIVEN(scores);
	gm_node *codes = gm_net_var(Z, "codes", GM_SHAPE(n, nz), .init = start);
	gm_node *of_pca =
		gm_net_var(Z, "mse_pca", GM_RANK0, .init = GM_CONSTANT(pca), .role = GM_STAT);
	gm_node *y = gm_dcgan_up(&net, G, gm_gather(codes, index));
	gm_node *loss = distance(x, y, levels), *mse = gm_squared_error(y, x);

	gm_graph *g = gm_run_graph(r);
	gm_node *mean = gm_mean(codes, GM_AXES(0), true), *e = gm_randn(g, GM_SHAPE(m, n));
	gm_node *drawn = gm_div(gm_matmul(e, gm_sub(codes, mean), false, false),
	                        gm_sqrt(gm_scalar(g, (double)n)));
	gm_node *z = gm_latent(r, "z", gm_add(drawn, mean), GM_LATENT_NORMAL), *found;
	gm_endpoint(r, "generate", gm_dcgan_up(&net, G, z), z);
	gm_endpoint(r, "decode", gm_dcgan_up(&net, G, z), z);
	gm_process p = search(r, G, &net, x, z, levels, &found);
	gm_endpoint_process(r, "reconstruct", &p, x);
	p.y = found;
	gm_endpoint_process(r, "encode", &p, x);

	gm_step *step = gm_run_compile(
		r, gm_logged(r, "loss", loss), gm_logged(r, "mse", mse),
		gm_logged(r, "mse_pca", of_pca), gm_move(r, G, loss, .average = true),
		gm_move(r, Z, loss, .which = "z", .lr_times = (double)m / 128, .project = project));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_glo = {"glo", "Generative latent optimization (Bojanowski et al. 2018)",
                               "arXiv:1707.05776", options, train};
