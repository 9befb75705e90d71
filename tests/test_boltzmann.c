/* SPDX-License-Identifier: MIT
 *
 * test_boltzmann.c -- Boltzmann machines against sums over all states: gradients, chains, log Z by
 * annealed importance sampling, bounds of deep machines.
 */
#include "scores.h"

#include "ganymede/nn.h"

static double softplus(double x)
{
	return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b)
{
	const double top = fmax(a, b);
	return top == -INFINITY ? top : top + log(exp(a - top) + exp(b - top));
}

/* ---- the functions of nn --------------------------------------------------------------------- */

enum { NV = 4, NH = 3, M = 20000, STATES = 1 << NV };
static const double weight[NV * NH] = {1.2, -.7, .3, -.4, .9, -1.5, .8, .2, 1.1, -.6, -1, .5},
				visible[NV] = {.3, -.8, .1, .6}, hidden[NH] = {-.2, .7, -.5};

static gm_rbm known(gm_net *n)
{
	gm_rbm p = gm_rbm_new(n, NV, NH, .sigma = 0);
	assert_true(gm_set_f64(p.weight, weight, NV * NH) && gm_set_f64(p.visible, visible, NV) &&
	            gm_set_f64(p.hidden, hidden, NH));
	return p;
}

static double input(int state, int j)
{
	double sum = hidden[j];
	for (int i = 0; i < NV; i++)
		sum += (state >> i & 1) * weight[i * NH + j];
	return sum;
}

static double free_energy(int state)
{
	double f = 0;
	for (int i = 0; i < NV; i++)
		f -= (state >> i & 1) * visible[i];
	for (int j = 0; j < NH; j++)
		f -= softplus(input(state, j));
	return f;
}

static double log_partition(void)
{
	double z = -INFINITY;
	for (int s = 0; s < STATES; s++)
		z = log_add(z, -free_energy(s));
	return z;
}

static int state_of(const double *v)
{
	int s = 0;
	for (int i = 0; i < NV; i++)
		s |= (v[i] > .5) << i;
	return s;
}

/* Chains of 60 sweeps from h = 0 end in p(v); the gradient of the divergence is that of the
 * statistics of its arguments, and nothing passes through the chain; so on samples of the machine
 * as data it is 0 within the noise. */
static void chains_and_gradients(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = GM_F64, .seed = 3});
	gm_net *n = gm_net_create(g, "n", .seed = 1);
	const gm_rbm p = known(n);
	gm_node *h = gm_full(g, 0, GM_SHAPE(M, NH)), *one = gm_full(g, 1, GM_SHAPE(M, NV));
	gm_node *v = gm_rbm_gibbs(&p, &h, 60), *loss = gm_rbm_divergence(&p, one, v);
	gm_node *wrt[] = {p.weight, p.visible, p.hidden}, *d[3];
	gm_grad(loss, wrt, 3, d);
	gm_step *s = gm_compile(g, v, d[0], d[1], d[2], loss);
	assert_non_null(s);
	gm_step_run(s);
	double *x = malloc(sizeof(double[M * NV])), dw[NV * NH], dv[NV], dh[NH], chi = 0;
	int count[STATES] = {0};
	must(gm_step_read_f64(s, v, x, M * NV) && gm_step_read_f64(s, d[0], dw, NV * NH) &&
	             gm_step_read_f64(s, d[1], dv, NV) && gm_step_read_f64(s, d[2], dh, NH),
	     gm_graph_error(g));
	for (int i = 0; i < M; i++)
		count[state_of(x + (ptrdiff_t)i * NV)]++;
	for (int k = 0; k < STATES; k++) {
		const double want = M * exp(-free_energy(k) - log_partition());
		chi += pow(count[k] - want, 2) / want;
	}
	print_message("chi-squared of 60 sweeps %.1f\n", chi);
	assert_true(chi < 44.3); /* 15 degrees of freedom: once in ten thousand */
	for (int i = 0; i < NV; i++)
		for (int j = 0; j < NH; j++) {
			double want = -sigmoid(input(STATES - 1, j));
			for (int k = 0; k < STATES; k++)
				want += (k >> i & 1) * sigmoid(input(k, j)) * count[k] / M;
			assert_float_equal(dw[i * NH + j], want, 1e-9);
		}
	for (int i = 0; i < NV; i++) {
		double want = -1;
		for (int k = 0; k < STATES; k++)
			want += (double)(k >> i & 1) * count[k] / M;
		assert_float_equal(dv[i], want, 1e-9);
	}
	for (int j = 0; j < NH; j++) {
		double want = -sigmoid(input(STATES - 1, j));
		for (int k = 0; k < STATES; k++)
			want += sigmoid(input(k, j)) * count[k] / M;
		assert_float_equal(dh[j], want, 1e-9);
	}
	free(x);
	gm_net_free(n), gm_graph_free(g);
}

/* The estimate by one random unit of each example averages to the sum over all units. */
static void pseudo_likelihood(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = GM_F64, .seed = 3});
	gm_net *n = gm_net_create(g, "n", .seed = 1);
	const gm_rbm p = known(n);
	enum { STATE = 5, ROWS = 100000 };
	const double x[NV] = {1, 0, 1, 0};
	gm_node *v = gm_broadcast(gm_array(g, x, GM_SHAPE(1, NV), GM_F64), GM_SHAPE(ROWS, NV));
	gm_node *y = gm_rbm_pseudo_likelihood(&p, v);
	gm_step *s = gm_compile(g, y);
	assert_non_null(s);
	gm_step_run(s);
	double want = 0;
	for (int i = 0; i < NV; i++)
		want -= softplus(free_energy(STATE) - free_energy(STATE ^ 1 << i));
	print_message("pseudo-likelihood %.4f, by all units %.4f\n", gm_step_scalar(s, y), want);
	/* terms between 0 and 4 times the sum: 4 |want| / sqrt(100,000) = .013 |want| */
	assert_float_equal(gm_step_scalar(s, y), want, .04 * fabs(want));
	gm_net_free(n), gm_graph_free(g);
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Bars and stripes: all rows, or all columns, of h x w pixels are on or off at random. */
static const char *bars(int h, int w)
{
	enum { N = 600 };
	static char path[PATH_MAX];
	gm_rng rng = gm_rng_new(5, 0);
	snprintf(path, sizeof path, "%s", scratch_path("bars-idx3-ubyte"));
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	const unsigned char head[] = {0, 0, 8, 3, 0, 0, N >> 8, N & 255, 0, 0, 0, h, 0, 0, 0, w};
	fwrite(head, 1, sizeof head, f);
	for (int i = 0; i < N; i++) {
		const unsigned bits = gm_rng_below(&rng, 65536);
		for (int k = 0; k < h * w; k++)
			fputc(bits >> (i % 2 ? k / w : k % w) & 1 ? 255 : 0, f);
	}
	fclose(f);
	static char option[PATH_MAX + 8];
	snprintf(option, sizeof option, "data=%s", path);
	return option;
}

#define QUIET "monitors=no", "grid=1x1", "metrics="

static double *tensor(gm_saved *s, const char *name, int64_t n)
{
	gm_error err = {0};
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	must(st != NULL, &err);
	const gm_st_tensor *t = gm_st_find(st, name);
	if (!t)
		fail_msg("no tensor %s", name);
	double *x = malloc(n * sizeof *x);
	for (int64_t i = 0; i < n; i++)
		x[i] = ((const float *)t->data)[i];
	gm_st_close(st);
	return x;
}

/* A binary machine read from a checkpoint. */
typedef struct machine {
	double *w, *b, *c;
	int nv, nh;
} machine;

static machine machine_of(gm_saved *s, const char *net, int nv, int nh)
{
	char name[3][64];
	static const char *const part[] = {"weight", "visible", "hidden"};
	for (int i = 0; i < 3; i++)
		snprintf(name[i], sizeof name[i], "%s/%s", net, part[i]);
	return (machine){tensor(s, name[0], (int64_t)nv * nh), tensor(s, name[1], nv),
	                 tensor(s, name[2], nh), nv, nh};
}

static void machine_free(machine *p)
{
	free(p->w), free(p->b), free(p->c);
}

/* log sum_v exp(-E(v,h)) */
static double of_hidden(const machine *p, int h)
{
	double sum = 0;
	for (int j = 0; j < p->nh; j++)
		sum += (h >> j & 1) * p->c[j];
	for (int i = 0; i < p->nv; i++) {
		double down = p->b[i];
		for (int j = 0; j < p->nh; j++)
			down += (h >> j & 1) * p->w[i * p->nh + j];
		sum += softplus(down);
	}
	return sum;
}

static double partition(const machine *p)
{
	double z = -INFINITY;
	for (int h = 0; h < 1 << p->nh; h++)
		z = log_add(z, of_hidden(p, h));
	return z;
}

/* -F(v) */
static double of_visible(const machine *p, int v)
{
	double sum = 0;
	for (int i = 0; i < p->nv; i++)
		sum += (v >> i & 1) * p->b[i];
	for (int j = 0; j < p->nh; j++) {
		double up = p->c[j];
		for (int i = 0; i < p->nv; i++)
			up += (v >> i & 1) * p->w[i * p->nh + j];
		sum += softplus(up);
	}
	return sum;
}

/* A machine of 20 x 10 units, trained until its weights are large: AIS, forwards and backwards, is
 * within .1 nat of the sum over all states, its error bar is honest, and the likelihood is that of
 * the exact Z and near the entropy of the data. */
static void ais_is_right(void **state)
{
	(void)state;
	enum { V = 20, H = 10 };
	gm_saved *s = TRAINED("rbm", bars(4, 5), QUIET, "width=10", "pcd=yes", "k=5", "lr=.05",
	                      "rate=linear:0:2000steps", "steps=2000", "l2=0", "batch=50");
	machine p = machine_of(s, "rbm", V, H);
	const double exact = partition(&p);
	double largest = 0;
	for (int i = 0; i < V * H; i++)
		largest = fmax(largest, fabs(p.w[i]));
	gm_error err = {0};
	must(gm_saved_set_turns(s, "log-z", 4000, &err), &err);
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "ais", .split = "train"});
	const gm_score *z = row(&v, "log-z"), *back = row(&v, "log-z-reverse");
	print_message(
		"log Z %.4f: AIS %.4f +- %.4f, reverse %.4f +- %.4f, enumeration %.4f; largest "
		"weight %.1f; log-likelihood %.3f\n",
		exact, z->value, z->deviation, back->value, back->deviation,
		row(&v, "log-z-exact")->value, largest, row(&v, "ais")->value);
	assert_true(largest > 2);
	assert_float_equal(row(&v, "log-z-exact")->value, exact, 1e-3);
	assert_float_equal(z->value, exact, .1);
	assert_float_equal(back->value, exact, .1);
	assert_true(z->deviation > 0 && z->deviation < .1);
	assert_true(fabs(z->value - exact) < 4 * z->deviation);
	/* -log 46 = -3.8 nats are the best for these patterns, if all are as frequent; independent
	 * pixels have -20 log 2 = -13.9 */
	assert_true(row(&v, "ais")->value > -6.5 && row(&v, "ais")->value < -3.5);
	machine_free(&p);
	gm_saved_free(s);
}

/* Contrastive divergence learns; the free energies of all states sum up to Z; the means of
 * "generate" are those of the machine. */
static void probabilities_sum_to_one(void **state)
{
	(void)state;
	enum { V = 9, H = 6, ALL = 1 << V, DRAWN = 4000 };
	gm_error err = {0};
	gm_saved *s = TRAINED("rbm", bars(3, 3), QUIET, "width=6", "lr=.1", "steps=600", "k=2");
	machine p = machine_of(s, "rbm", V, H);
	static float x[ALL * V], f[ALL], y[DRAWN * V];
	for (int i = 0; i < ALL * V; i++)
		x[i] = i / V >> i % V & 1 ? 1 : -1;
	must(gm_saved_apply(s, "free-energy", (const void *[]){x}, ALL, 0, f, &err), &err);
	double sum = 0, mean[V] = {0}, got[V] = {0};
	const double z = partition(&p);
	for (int i = 0; i < ALL; i++) {
		assert_float_equal(-f[i], of_visible(&p, i), 1e-4);
		sum += exp(-f[i] - z);
		for (int k = 0; k < V; k++)
			mean[k] += (i >> k & 1) * exp(-f[i] - z);
	}
	print_message("sum of probabilities %.6f\n", sum);
	assert_float_equal(sum, 1, 1e-4);
	const int64_t batch = gm_saved_batch(s);
	for (int64_t at = 0; at < DRAWN; at += batch)
		must(gm_saved_run(s, "generate", NULL, 1, (uint64_t)at, y + at * V, &err), &err);
	for (int i = 0; i < DRAWN * V; i++)
		got[i % V] += (y[i] + 1) / 2 / DRAWN;
	for (int k = 0; k < V; k++) /* five standard errors of a bit */
		assert_float_equal(got[k], mean[k], 5 * sqrt(.25 / DRAWN));
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "ais", .split = "train"});
	print_message("log-likelihood by CD-2 %.2f nats\n", row(&v, "ais")->value);
	assert_true(row(&v, "ais")->value > -4.5); /* independent pixels: -6.2 */
	machine_free(&p);
	gm_saved_free(s);
}

/* Persistent chains are kept in the checkpoint and go on; other chains are not. */
static void chains_persist(void **state)
{
	(void)state;
	enum { H = 6, CHAINS = 7 };
	gm_error err = {0};
	const char *data = bars(3, 3);
	gm_saved *a = TRAINED("rbm", data, QUIET, "width=6", "steps=1", "pcd=yes", "chains=7"),
		 *b = TRAINED("rbm", data, QUIET, "width=6", "steps=2", "pcd=yes", "chains=7"),
		 *c = TRAINED("rbm", data, QUIET, "width=6", "steps=1");
	double *x = tensor(a, "chains/h", H * CHAINS), *y = tensor(b, "chains/h", H * CHAINS);
	int on = 0, moved = 0;
	for (int i = 0; i < H * CHAINS; i++) {
		assert_true((x[i] == 0 || x[i] == 1) && (y[i] == 0 || y[i] == 1));
		on += x[i] == 1, moved += x[i] != y[i];
	}
	assert_true(on > 5 && moved > 5);
	gm_st *st = gm_st_open(gm_saved_path(c), &err);
	assert_true(st && !gm_st_find(st, "chains/h"));
	gm_st_close(st);
	free(x), free(y);
	gm_saved_free(a), gm_saved_free(b), gm_saved_free(c);
}

/* Gaussian units: log Z, by enumeration and by AIS, is the integral of exp(-F) over the plane. */
static void gaussian_units(void **state)
{
	(void)state;
	enum { SIDE = 200 };
	gm_error err = {0};
	gm_saved *s = TRAINED("rbm", "data=ring8", QUIET, "width=8", "sigma=.4", "lr=.02", "l2=0",
	                      "pcd=yes", "steps=1500");
	static float x[SIDE * 2], f[SIDE];
	const double reach = 6, cell = 2 * reach / SIDE;
	double z = -INFINITY, squares = 0, sum = 0, drawn = 0;
	for (int i = 0; i < SIDE; i++) {
		for (int k = 0; k < SIDE; k++) {
			x[2 * k] = (float)((i + .5) * cell - reach);
			x[2 * k + 1] = (float)((k + .5) * cell - reach);
		}
		must(gm_saved_apply(s, "free-energy", (const void *[]){x}, SIDE, 0, f, &err), &err);
		for (int k = 0; k < SIDE; k++) {
			const double p = exp((double)-f[k]);
			z = log_add(z, -f[k] + 2 * log(cell));
			sum += p;
			squares += p * (x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);
		}
	}
	/* samples of points have the machine's mean square, not that of means given h, which is
	 * less by 2 sigma^2 = .32 */
	const int64_t batch = gm_saved_batch(s);
	assert_true(batch <= SIDE);
	for (int i = 0; i < 40; i++) {
		must(gm_saved_run(s, "generate", NULL, 1, (uint64_t)i, x, &err), &err);
		for (int k = 0; k < 2 * batch; k++)
			drawn += x[k] * x[k] / (double)(40 * batch);
	}
	print_message("mean square %.3f, by the integral %.3f\n", drawn, squares / sum);
	assert_float_equal(drawn, squares / sum, .08);
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "ais", .split = "train"});
	print_message("Gaussian: integral %.4f, enumeration %.4f, AIS %.4f +- %.4f, reverse %.4f; "
	              "%.3f nats\n",
	              z, row(&v, "log-z-exact")->value, row(&v, "log-z")->value,
	              row(&v, "log-z")->deviation, row(&v, "log-z-reverse")->value,
	              row(&v, "ais")->value);
	assert_float_equal(row(&v, "log-z-exact")->value, z, 2e-3);
	assert_float_equal(row(&v, "log-z")->value, z, .1);
	assert_float_equal(row(&v, "log-z-reverse")->value, z, .1);
	/* its test split has the distribution of its training split */
	const gm_scores e = scores_of(s, (gm_score_options){.metrics = "free-energy"});
	assert_true(fabs(row(&e, "free-energy-gap")->value) < .1);
	gm_saved_free(s);
}

/* ---- deep machines --------------------------------------------------------------------------- */

enum { PIXELS = 9, PICTURES = 64 };

static void pictures(float *x)
{
	for (int i = 0; i < PICTURES * PIXELS; i++)
		x[i] = i / PIXELS * 37 % 512 >> i % PIXELS & 1 ? 1 : -1;
}

static int picture(int i)
{
	return i * 37 % 512;
}

/* The samples of "free-energy/bound" are importance weights: their exponentials average to p*(x) by
 * enumeration of h1, their mean is a bound. Layers move in their phase alone. */
static void dbn_bound(void **state)
{
	(void)state;
	enum { H = 4, TOP = 5, RUNS = 4000 };
	static const char *const nets[] = {"layer1/", "layer2/"};
	gm_error err = {0};
	const char *data = bars(3, 3);
#define NET QUIET, "width=4", "top=5", "layer1-kimg=20", "lr=.1"
	gm_saved *s0 = TRAINED("dbn", data, NET, "steps=0"),
		 *s1 = TRAINED("dbn", data, NET, "steps=200"),
		 *s = TRAINED_AS("dbn", &(gm_saved_options){.batch = PICTURES}, data, NET,
	                         "steps=500");
	assert_int_equal(moved_nets(s0, s1, nets, 2), 1);
	assert_int_equal(moved_nets(s1, s, nets, 2), 2);
	machine low = machine_of(s, "layer1", PIXELS, H), top = machine_of(s, "layer2", H, TOP);
	static float x[PICTURES * PIXELS], f[PICTURES];
	double mean[PICTURES] = {0}, weight_of[PICTURES] = {0}, worst = 0, gap = 0;
	pictures(x);
	for (int run = 0; run < RUNS; run++) {
		must(gm_saved_run(s, "free-energy/bound", (const void *[]){x}, 1, (uint64_t)run, f,
		                  &err),
		     &err);
		for (int i = 0; i < PICTURES; i++)
			mean[i] -= f[i] / RUNS, weight_of[i] += exp((double)-f[i]) / RUNS;
	}
	for (int i = 0; i < PICTURES; i++) {
		double exact = -INFINITY;
		for (int h = 0; h < 1 << H; h++) {
			double p = of_visible(&top, h);
			for (int k = 0; k < PIXELS; k++) {
				double down = low.b[k];
				for (int j = 0; j < H; j++)
					down += (h >> j & 1) * low.w[k * H + j];
				p -= softplus(picture(i) >> k & 1 ? -down : down);
			}
			exact = log_add(exact, p);
		}
		assert_true(mean[i] < exact + .02);
		worst = fmax(worst, fabs(log(weight_of[i]) - exact));
		gap += (exact - mean[i]) / PICTURES;
	}
	print_message("DBN: weights within %.3f of log p, the bound %.3f below\n", worst, gap);
	assert_true(worst < .25 && gap > .002);
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "ais", .split = "train"});
	assert_float_equal(row(&v, "log-z-exact")->value, partition(&top), 1e-3);
	assert_float_equal(row(&v, "log-z")->value, partition(&top), .1);
	machine_free(&low), machine_free(&top);
	gm_saved_free(s0), gm_saved_free(s1), gm_saved_free(s);
}

/* The mean-field bound never exceeds the exact log-likelihood, and is near it; log Z is that of all
 * three layers; pre-training moves its layer alone. */
static void dbm_bound(void **state)
{
	(void)state;
	enum { H = 5, TOP = 4, U = PIXELS + TOP };
	static const char *const nets[] = {"layer1/", "layer2/"};
	gm_error err = {0};
	const char *data = bars(3, 3);
#define DEEP QUIET, "width=5", "top=4", "layer1-kimg=10", "layer2-kimg=10", "lr=.05"
	gm_saved *s0 = TRAINED("dbm", data, DEEP, "steps=0"),
		 *s1 = TRAINED("dbm", data, DEEP, "steps=100"),
		 *s2 = TRAINED("dbm", data, DEEP, "steps=200"),
		 *s = TRAINED_AS("dbm", &(gm_saved_options){.batch = PICTURES}, data, DEEP,
	                         "steps=1500");
	assert_int_equal(moved_nets(s0, s1, nets, 2), 1);
	assert_int_equal(moved_nets(s1, s2, nets, 2), 2);
	assert_int_equal(moved_nets(s2, s, nets, 2), 3);
	machine low = machine_of(s, "layer1", PIXELS, H);
	double *w2 = tensor(s, "layer2/weight", H * TOP), *c2 = tensor(s, "layer2/hidden", TOP);
	double w[U * H], b[U];
	for (int i = 0; i < U; i++) {
		b[i] = i < PIXELS ? low.b[i] : c2[i - PIXELS];
		for (int j = 0; j < H; j++)
			w[i * H + j] = i < PIXELS ? low.w[i * H + j] : w2[j * TOP + i - PIXELS];
	}
	const machine all = {w, b, low.c, U, H};
	static float x[PICTURES * PIXELS], f[PICTURES];
	double gap = 0;
	pictures(x);
	must(gm_saved_apply(s, "free-energy/bound", (const void *[]){x}, PICTURES, 0, f, &err),
	     &err);
	for (int i = 0; i < PICTURES; i++) {
		double exact = -INFINITY;
		for (int h2 = 0; h2 < 1 << TOP; h2++)
			exact = log_add(exact, of_visible(&all, picture(i) | h2 << PIXELS));
		assert_true(-f[i] < exact + 1e-4);
		gap += (exact + f[i]) / PICTURES;
	}
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "ais", .split = "train"});
	print_message("DBM: mean-field bound %.4f below log p; log Z %.4f, AIS %.4f +- %.4f, "
	              "enumeration %.4f; %.2f nats\n",
	              gap, partition(&all), row(&v, "log-z")->value, row(&v, "log-z")->deviation,
	              row(&v, "log-z-exact")->value, row(&v, "ais")->value);
	assert_true(gap < .5);
	assert_float_equal(row(&v, "log-z-exact")->value, partition(&all), 1e-3);
	assert_float_equal(row(&v, "log-z")->value, partition(&all), .1);
	assert_true(row(&v, "ais")->value > -5.6); /* independent pixels: -6.2 */
	machine_free(&low);
	free(w2), free(c2);
	gm_saved_free(s0), gm_saved_free(s1), gm_saved_free(s2), gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_and_gradients),
		cmocka_unit_test(pseudo_likelihood),
		cmocka_unit_test(ais_is_right),
		cmocka_unit_test(probabilities_sum_to_one),
		cmocka_unit_test(chains_persist),
		cmocka_unit_test(gaussian_units),
		cmocka_unit_test(dbn_bound),
		cmocka_unit_test(dbm_bound),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
