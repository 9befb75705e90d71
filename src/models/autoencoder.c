/* SPDX-License-Identifier: MIT
 *
 * autoencoder.c -- autoencoders: linear, deep, convolutional (Hinton & Salakhutdinov, Science
 * 2006), denoising (Vincent, Larochelle, Bengio & Manzagol, ICML 2008) and sparse (Ng, "Sparse
 * autoencoder", CS294A lecture notes, 2011, section 3).
 *
 * The encoder E maps an example to a code of nz numbers, the decoder P maps it back. They minimise
 * the error of the reconstruction: the sum of squares, or with --loss bce the cross-entropy with
 * pixels in [0,1] taken as probabilities; a sum over values, a mean over the minibatch. Without
 * hidden layers (--layers 0) and with squares, the best code spans the first nz principal
 * components (Bourlard & Kamp 1988; Baldi & Hornik 1989): then the log has their error too, as
 * mse_pca, in the unit of mse, if the data set is finite.
 *
 * --corrupt c sets each value that E reads to 0 with probability c, --noise adds N(0, s^2); the
 * error is that of the clean example, and endpoints read clean examples. --sparse beta makes codes
 * sigmoid units and adds beta times the sum over units of the Kullback-Leibler divergence of a
 * Bernoulli variable with the unit's mean over the minibatch from one with mean --active.
 *
 * --net mlp: layers of relu units, the code linear. --net conv: the nets of Radford et al. 2016
 * with batch norm, whose last layer is a tanh.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "mlp", "nets", GM_CHOICE("mlp|conv")},
	{"batch", "100", "minibatch size m"},
	{"nz", "32", "numbers in a code", GM_INT(1, 65536)},
	{"layers", "2", "mlp: hidden layers of each net; 0: linear", GM_INT(0, 16),
         .only = "net=mlp"},
	{"width", "auto", "units of a hidden layer; auto: 512. conv: channels; auto: 32",
         GM_INT(1, 65536)},
	{"kernel", "4", "conv: kernel size, 3 to 5", GM_INT(3, 5), .only = "net=conv"},
	{"loss", "auto", "error; auto: mse with conv, points or --layers 0, else bce",
         GM_CHOICE("mse|bce")},
	{"corrupt", "0", "share of the values that E reads as 0", GM_REAL(0, .99)},
	{"noise", "0", "standard deviation of noise on what E reads; values are in [0,1]",
         GM_REAL(0, 1e6)},
	{"sparse", "0", "weight of the sparsity of codes", GM_REAL(0, 1e9)},
	{"active", "0.05", "sparse: mean activation of a unit", GM_REAL(1e-6, .999999),
         .only = "sparse"},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"metrics", "reconstruction", "scores during the training, and at its end"},
	{0},
};

typedef struct nets {
	gm_net *E, *P;
	bool conv, sparse;
	gm_mlp hidden;
	gm_dcgan map;
	int64_t nz, numel;
} nets;

/* examples, as rows [m,numel] in [0,1] or conv as images in [-1,1], to codes [m,nz] */
static gm_node *encode(const nets *p, gm_node *x)
{
	gm_node *z = p->conv ? gm_linear(p->E, "z", gm_dcgan_down(&p->map, p->E, x), .out = p->nz)
	                     : gm_mlp_net(p->E, x, &p->hidden, "z", p->nz);
	return p->sparse ? gm_sigmoid(z) : z;
}

/* codes [m,nz] to rows [m,numel], with bce logits of them */
static gm_node *decode(gm_run *r, const nets *p, gm_node *z)
{
	if (p->conv)
		return gm_example_rows(r, gm_dcgan_up(&p->map, p->P, z));
	return gm_mlp_net(p->P, z, &p->hidden, "x", p->numel);
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	nets p = {
		.conv = gm_opt_choice(r, "net") == 1, .nz = gm_opt_int(r, "nz"), .numel = f->numel};
	const double beta = gm_opt_real(r, "sparse");
	const bool linear = !p.conv && gm_opt_int(r, "layers") == 0 && beta == 0;
	gm_opt_auto(r, "width", p.conv ? "32" : "512");
	gm_opt_auto(r, "loss", p.conv || f->points || linear ? "mse" : "bce");
	const bool bce = gm_opt_choice(r, "loss") == 1;
	if (bce && (p.conv || f->points))
		gm_run_error(r, "--loss bce needs --net mlp and images, whose values are in [0,1]");
	p.E = gm_net_new(r, "E", .init = p.conv ? GM_NORMAL(0, .02) : GM_FAN_IN);
	p.P = gm_net_new(r, "P", .init = p.conv ? GM_NORMAL(0, .02) : GM_FAN_IN);
	p.hidden = (gm_mlp){(int)gm_opt_int(r, "layers"), gm_opt_int(r, "width"), GM_RELU};
	p.sparse = beta > 0;
	if (p.conv) {
		gm_net_normalise(p.E, gm_normaliser_find("batch"));
		gm_net_normalise(p.P, gm_normaliser_find("batch"));
		p.map = gm_opt_dcgan(r);
	}
	gm_node *example = gm_batch(r, "example"), *rows = gm_example_rows(r, example);
	gm_node *seen = gm_masking_noise(rows, gm_opt_real(r, "corrupt"));
	seen = gm_gaussian_noise(seen, gm_opt_real(r, "noise"));
	gm_node *z = encode(&p, p.conv ? gm_rows_example(r, seen) : seen);
	gm_node *y = decode(r, &p, z), *back = gm_rows_example(r, bce ? gm_sigmoid(y) : y);
	gm_node *error = bce ? gm_sigmoid_xent(y, rows) : gm_square(gm_sub(y, rows));
	gm_node *loss = gm_mean_all(gm_sum(error, GM_AXES(1), false));
	gm_node *mse = gm_logged(r, "mse", gm_squared_error(back, example)), *more[2] = {mse, mse};
	if (linear && f->count >= (uint64_t)p.nz && p.numel >= p.nz) {
		double pca = 0;
		gm_data_principal(r, p.nz, 0, &pca);
		more[0] = gm_logged(r, "mse_pca",
		                    gm_net_var(p.P, "mse_pca", GM_RANK0, .init = GM_CONSTANT(pca),
		                               .role = GM_STAT));
	}
	if (beta > 0) {
		more[1] = gm_logged(r, "sparsity", gm_sparsity(z, gm_opt_real(r, "active")));
		loss = gm_add(loss, gm_mul_c(more[1], beta));
	}
	gm_endpoint(r, "encode", z, example);
	gm_endpoint(r, "decode", back, z);
	gm_endpoint(r, "reconstruct", back, example);

	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), mse, more[0], more[1],
	                               gm_move(r, p.E, loss), gm_move(r, p.P, loss));
	while (gm_next(r)) { /* for each minibatch */
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_autoencoder = {
	"autoencoder", "Autoencoders: linear, deep, convolutional, denoising, sparse",
	"doi:10.1126/science.1127647", options, train};
