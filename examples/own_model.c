/* SPDX-License-Identifier: MIT
 *
 * own_model.c -- a model file outside the library: registered, trained, opened again. It has
 * options, logs, checkpoints, exact resume and a report page like every model of the library.
 *
 *	cc own_model.c $(pkg-config --cflags --libs ganymede) -o own_model
 */
#include <ganymede/ganymede.h>

static const gm_option options[] = {
	{"data", "ring8", "points"},
	{"batch", "64", "minibatch size m"},
	{"width", "32", "units of each hidden layer", GM_INT(1, 4096)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.5", "constant"),
	{0},
};

static gm_node *mlp(gm_net *n, gm_node *x, int64_t width, int64_t out)
{
	x = gm_relu(gm_linear(n, "h0", x, .out = width));
	x = gm_relu(gm_linear(n, "h1", x, .out = width));
	return gm_linear(n, "y", x, .out = out);
}

/* Mao et al. 2017, eq. 9: real examples towards 1, fake ones towards 0; G wants 1. */
static int train(gm_run *r)
{
	int64_t m = gm_opt_int(r, "batch"), width = gm_opt_int(r, "width");
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_node *x = gm_batch(r, "point"), *z = gm_randn(gm_run_graph(r), GM_SHAPE(m, 2));
	gm_node *fake = mlp(G, z, width, 2), *y_real = mlp(D, x, width, 1),
		*y_fake = mlp(D, fake, width, 1);
	gm_node *loss_d = gm_add(gm_mean_all(gm_square(gm_add_c(y_real, -1))),
	                         gm_mean_all(gm_square(y_fake)));
	gm_node *loss_g = gm_mean_all(gm_square(gm_add_c(y_fake, -1)));
	gm_endpoint(r, "generate", fake, z);
	gm_step *step_d = gm_run_compile(r, gm_logged(r, "loss_d", loss_d),
	                                 gm_move(r, D, loss_d, .which = "d"));
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", loss_g),
	                                 gm_move(r, G, loss_g, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step_d);
		gm_run_step(r, step_g);
	}
	return gm_end(r);
}

static const gm_model mine = {"mine", "least squares on points", "arXiv:1611.04076", options,
                              train};

int main(void)
{
	gm_error err = {0};
	bool ok = gm_model_register(&mine, &err);
	gm_settings *s = gm_settings_new(&mine);
	ok = ok && gm_settings_set(s, "steps", "300", &err) &&
	     gm_settings_set(s, "width", "48", &err);
	gm_train_call call = {.settings = s};
	ok = ok && gm_train(&call, &err);
	gm_settings_delete(s);
	gm_saved *run = ok ? gm_saved_open(call.folder, NULL, &err) : NULL;
	float x[2 * 5];
	ok = run && gm_saved_draw(run, &(gm_samples){.seed = 1, .n = 5}, x, &err);
	for (int i = 0; ok && i < 5; i++)
		printf("%.3f %.3f\n", x[2 * i], x[2 * i + 1]);
	if (!ok)
		fprintf(stderr, "%s\n", err.message);
	gm_saved_free(run);
	return !ok;
}
