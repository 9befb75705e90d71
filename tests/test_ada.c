/* SPDX-License-Identifier: MIT
 *
 * test_ada.c -- adaptive augmentation: nothing with probability 0; blitting, geometry and colours
 * by their definitions; the share of changed images; gradients; the direction and the step of the
 * probability, and that it is saved.
 */
#include "runs.h"

#include "graphs.h"
#include "ganymede/nn.h"

enum { N = 64, C = 3, S = 16, P = S * S, SIZE = N * C * P };

static unsigned which_of(const char *name)
{
	for (int i = 0; gm_augmentation_name(i); i++)
		if (!strcmp(gm_augmentation_name(i), name))
			return 1u << i;
	fail();
	return 0;
}

/* The images x [N,C,S,S] after this augmentation with probability p; seed: of random numbers. */
static void augmented(const char *name, double p, const double *x, double *y)
{
	gm_graph *g = graph(GM_F64);
	gm_node *in = gm_input(g, "x", GM_SHAPE(N, C, S, S), GM_F64);
	gm_set_f64(in, x, SIZE);
	gm_node *out = gm_augmented(in, which_of(name), gm_scalar(g, p));
	gm_step *s = compiled(g, gm_compile(g, out));
	gm_step_run(s);
	assert_true(gm_step_read_f64(s, out, y, SIZE));
	finish(g);
}

static int changed(const double *x, const double *y)
{
	int n = 0;
	for (int k = 0; k < N; k++)
		n += memcmp(x + k * C * P, y + k * C * P, C * P * sizeof *x) != 0;
	return n;
}

static const char *const parts[] = {"ada", "ada-blit", "ada-geometry", "ada-color"};

/* Bit for bit the same with probability 0; with probability 1 nearly all are changed. */
static void nothing_with_probability_0(void **state)
{
	(void)state;
	static double x[SIZE], y[SIZE];
	waves(x, SIZE, .4);
	for (int i = 0; i < 4; i++) {
		augmented(parts[i], 0, x, y);
		assert_memory_equal(x, y, sizeof x);
		augmented(parts[i], 1, x, y);
		assert_true(changed(x, y) > N - 6);
		assert_true(gm_augmentation_adapts(which_of(parts[i])));
	}
	assert_false(gm_augmentation_adapts(which_of("diff")));
	/* each of three kinds of blitting changes an image with p times 1/2, 3/4 and about 24/25 */
	augmented("ada-blit", .3, x, y);
	const double kept = N * (1 - .3 / 2) * (1 - .3 * 3 / 4) * (1 - .3 * 24 / 25);
	assert_true(fabs(N - changed(x, y) - kept) < 3 * sqrt(kept * (1 - kept / N)));
}

static int mirrored(int i)
{
	i = ((i % (2 * S - 2)) + 2 * S - 2) % (2 * S - 2);
	return i < S ? i : 2 * S - 2 - i;
}

/* Each image is one that comes from a flip, a turn and a shift of at most 2 pixels, mirrored at
 * the edges, exactly. */
static void blitting_is_exact(void **state)
{
	(void)state;
	static double x[SIZE], y[SIZE];
	waves(x, SIZE, .4);
	augmented("ada-blit", 1, x, y);
	unsigned flips = 0, turns = 0;
	int moved = 0;
	for (int k = 0; k < N; k++) {
		int found = 0;
		for (int e = 0; e < 2 * 4 * 5 * 5; e++) {
			const int flip = e % 2, turn = e / 2 % 4, down = e / 8 % 5 - 2,
				  right = e / 40 - 2;
			double most = 0;
			for (int i = 0; i < P && most < 1e-9; i++) {
				/* from the result back: shift, turn about the centre, flip */
				int r = i / S - down, c = i % S - right;
				for (int t = 0; t < turn; t++) {
					const int was = r;
					r = c, c = S - 1 - was;
				}
				c = flip ? S - 1 - c : c;
				for (int ch = 0; ch < C; ch++)
					most = fmax(most, fabs(y[(k * C + ch) * P + i] -
					                       x[(k * C + ch) * P +
					                         mirrored(r) * S + mirrored(c)]));
			}
			if (most < 1e-9)
				found++, flips |= 1u << flip, turns |= 1u << turn,
					moved += down || right;
		}
		assert_int_equal(found, 1);
	}
	assert_int_equal(flips, 3);
	assert_int_equal(turns, 15);
	assert_true(moved > N / 2);
}

/* Of images that are linear, value = row in channel 0, column in channel 1: around the centre the
 * result is linear too, so that the matrix of the transformation can be read off. The standard
 * deviation of log2 of the root of its determinant is that of scales, .2, of its shift 1/8 of the
 * side; its axes have all directions. */
static void geometry_is_affine(void **state)
{
	(void)state;
	static double x[SIZE], y[SIZE];
	for (int i = 0; i < SIZE; i++) {
		const int ch = i / P % C, r = i % P / S, c = i % S;
		x[i] = ch == 0 ? r - (S - 1) / 2. : ch == 1 ? c - (S - 1) / 2. : 1;
	}
	augmented("ada-geometry", 1, x, y);
	double square = 0, shift = 0;
	int linear = 0, quadrant[4] = {0};
	for (int k = 0; k < N; k++) {
		const double *row = y + k * C * P, *column = row + P, *one = column + P;
		for (int i = 0; i < P; i++)
			near(one[i], 1, 1e-9);
		const int at = (S / 2 - 1) * S + S / 2 - 1; /* of 2x2 pixels at the centre */
		const double a = row[at + S] - row[at], b = row[at + 1] - row[at],
			     d = column[at + S] - column[at], f = column[at + 1] - column[at];
		if (fabs(row[at + S + 1] - row[at] - a - b) > 1e-9 ||
		    fabs(column[at + S + 1] - column[at] - d - f) > 1e-9)
			continue; /* mirrored at an edge */
		const double e = row[at] + (a + b) / 2, g = column[at] + (d + f) / 2,
			     det = a * f - b * d;
		if (!(det > 0))
			continue; /* likewise */
		linear++;
		square += pow(log2(sqrt(det)), 2);
		shift += (e * e + g * g) / 2;
		quadrant[(a > 0) + 2 * (b > 0)]++;
	}
	assert_true(linear > .7 * N);
	/* within 3 standard errors of a standard deviation, 1/sqrt(2 n); shifts are those of the
	 * source, larger images have smaller ones, and those beyond the edge are not counted */
	near(sqrt(square / linear), .2, .2 * 3 / sqrt(2. * linear) + .02);
	assert_true(sqrt(shift / linear) > 1 && sqrt(shift / linear) < 3);
	for (int i = 0; i < 4; i++)
		assert_true(quadrant[i] > 4);
}

/* With g the mean of channels and q = x - g: that of the result is +-c (g + b), with b of standard
 * deviation .2 and log2 c of .5, and the length of q is multiplied by c s, log2 s of standard
 * deviation 1. All pixels alike, and at angles of all directions. */
static void colours_are_turned(void **state)
{
	(void)state;
	static double x[SIZE], y[SIZE];
	waves(x, SIZE, .4);
	augmented("ada-color", 1, x, y);
	double cc = 0, ss = 0, bb = 0;
	int flips = 0, turned_back = 0;
	for (int k = 0; k < N; k++) {
		const double *u = x + k * C * P, *v = y + k * C * P;
		double g[P], h[P], mg = 0, mh = 0, gh = 0, gg = 0, qq = 0, rr = 0, qr = 0;
		for (int i = 0; i < P; i++) {
			g[i] = (u[i] + u[P + i] + u[2 * P + i]) / 3;
			h[i] = (v[i] + v[P + i] + v[2 * P + i]) / 3;
			mg += g[i] / P, mh += h[i] / P;
		}
		for (int i = 0; i < P; i++) {
			gg += (g[i] - mg) * (g[i] - mg), gh += (g[i] - mg) * (h[i] - mh);
			for (int c = 0; c < C; c++) {
				const double q = u[c * P + i] - g[i], r = v[c * P + i] - h[i];
				qq += q * q, rr += r * r, qr += q * r;
			}
		}
		const double slope = gh / gg, c = fabs(slope), b = mh / slope - mg;
		for (int i = 0; i < P; i++)
			near(h[i], slope * (g[i] + b), 1e-9);
		flips += slope < 0, turned_back += qr < 0;
		cc += pow(log2(c), 2), bb += b * b, ss += pow(log2(sqrt(rr / qq) / c), 2);
		/* one angle for all pixels: the parts along q and across it */
		const double along = qr / qq, length = sqrt(rr / qq);
		const double across = sqrt(fmax(0, length * length - along * along));
		double sign = 0;
		for (int i = 0; i < P; i++) {
			double q[C], r[C];
			for (int ch = 0; ch < C; ch++)
				q[ch] = u[ch * P + i] - g[i], r[ch] = v[ch * P + i] - h[i];
			const double want0 = (q[2] - q[1]) / sqrt(3), rest = r[0] - along * q[0];
			sign = sign == 0 && fabs(want0) > 1e-3 ? rest / want0 : sign;
			near(rest, sign * want0, 1e-6);
		}
		near(fabs(sign), across, 1e-6);
	}
	near(sqrt(cc / N), .5, .5 * 3 / sqrt(2. * N));
	near(sqrt(bb / N), .2, .2 * 3 / sqrt(2. * N));
	near(sqrt(ss / N), 1, 3 / sqrt(2. * N));
	assert_true(abs(flips - N / 2) < 3 * sqrt(N) / 2 &&
	            abs(turned_back - N / 2) < 3 * sqrt(N) / 2);
}

/* The gradient of a sum over the result, whose dependence on x is linear but for colours' shift,
 * against differences, and the second order through a sum of squares of a gradient. */
static void gradients(void **state)
{
	(void)state;
	enum { M = 2, Q = 6, V = M * C * Q * Q };
	gm_graph *g = graph(GM_F64);
	gm_node *x = input_of(g, "x", GM_SHAPE(M, C, Q, Q), .4), *w, *d, *dd;
	gm_node *y = gm_augmented(x, which_of("ada"), NULL);
	w = input_of(g, "w", GM_SHAPE(M, C, Q, Q), 1.3);
	gm_node *sum = gm_sum_all(gm_mul(w, gm_tanh(y)));
	gm_grad(sum, &x, 1, &d);
	gm_node *square = gm_sum_all(gm_square(d));
	gm_grad(square, &x, 1, &dd);
	gm_step *s = compiled(g, gm_compile(g, sum, d, square, dd));
	double at[V], first[V], second[V];
	gm_graph_seed(g, 7, 0);
	gm_step_run(s);
	gm_get_f64(x, at, V);
	assert_true(gm_step_read_f64(s, d, first, V) && gm_step_read_f64(s, dd, second, V));
	double size[2] = {0};
	for (int i = 0; i < V; i += 5) {
		double v[2][2], was = at[i];
		for (int e = 0; e < 2; e++) {
			at[i] = was + (e ? 1e-5 : -1e-5);
			gm_set_f64(x, at, V);
			gm_graph_seed(g, 7, 0);
			gm_step_run(s);
			v[e][0] = gm_step_scalar(s, sum), v[e][1] = gm_step_scalar(s, square);
		}
		at[i] = was;
		near((v[1][0] - v[0][0]) / 2e-5, first[i], 1e-6);
		near((v[1][1] - v[0][1]) / 2e-5, second[i], 1e-5);
		size[0] += fabs(first[i]), size[1] += fabs(second[i]);
	}
	assert_true(size[0] > .1 && size[1] > .1);
	finish(g);
}

/* D's score is its bias, so that r is the sign of it. */
static gm_node *biased(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)ctx, (void)with;
	gm_node *b = gm_net_var(D, "b", GM_RANK0);
	return gm_add(gm_mul_c(gm_reshape(gm_mean(x, GM_AXES(1, 2, 3), false), GM_SHAPE(4, 1)), 0),
	              b);
}

/* p changes with every fourth step, by 4 minibatches' share: up while D is sure of real images,
 * down while it is not, and never below 0 or above 1. */
static void probability_follows(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D");
	gm_node *x = input_of(g, "x", GM_SHAPE(4, 3, 8, 8), .4);
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = biased,
	             .real.x = x,
	             .fake.x = gm_mul_c(x, .5),
	             .objective = gm_objective_find("non-saturating"),
	             .augment = which_of("ada"),
	             .augment_kimg = .04};
	gm_game_build(&m);
	assert_null(m.refusal);
	gm_step *d = compiled(g, gm_compile(g, m.loss_d, m.augment_r)),
		*other = compiled(g, gm_compile(g, m.loss_g));
	gm_node *p = gm_net_find(D, "D/augment/p"), *b = gm_net_find(D, "D/b");
	assert_true(p && p == m.augment_p);
	static const struct {
		double bias;
		int steps;
		double p;
	} turn[] = {{1, 3, 0},
	            {1, 1, .4},
	            {1, 4, .8},
	            {1, 3, .8},
	            {1, 1, 1},
	            {1, 8, 1},
	            {-1, 4, .6},
	            {-1, 4, .2},
	            {-1, 4, 0},
	            {-1, 4, 0},
	            {1, 1, 0},
	            {-1, 1, 0},
	            {1, 2, 0} /* 1/2, not above .6 */,
	            {1, 4, .4}};
	for (size_t i = 0; i < sizeof turn / sizeof *turn; i++) {
		gm_set_f64(b, &turn[i].bias, 1);
		for (int k = 0; k < turn[i].steps; k++) {
			gm_step_run(d);
			near(gm_step_scalar(d, m.augment_r), turn[i].bias, 0);
			gm_step_run(other); /* G's step does not count */
		}
		double v;
		gm_get_f64(p, &v, 1);
		near(v, turn[i].p, 1e-12);
	}
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

/* p is logged and saved: as by its rule from the logged means. */
static void runs_log_it(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s =
		TRAINED("dcgan", "data=shapes", "batch=4", "width=4", "steps=20", "log-every=1",
	                "augment=ada", "augment-kimg=.1", "lr=.01", "augment-target=.01", "seed=2");
	char path[PATH_MAX + 16], line[4096];
	double p = 0, sum = 0, moves = 0;
	snprintf(path, sizeof path, "%s/stats.jsonl", last_run);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	for (int step = 1; fgets(line, sizeof line, f); step++) {
		const char *at_p = strstr(line, "\"augment_p\":"),
			   *at_r = strstr(line, "\"augment_r\":");
		assert_true(at_p && at_r);
		near(strtod(at_p + 12, NULL), p, 1e-6);
		sum += strtod(at_r + 12, NULL);
		if (step % 4)
			continue;
		const double was = p;
		p = fmin(fmax(p + (sum / 4 > .01 ? .16 : -.16), 0), 1);
		moves += p != was, sum = 0;
	}
	fclose(f);
	assert_true(moves > 0);
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	must(st != NULL, &err);
	const gm_st_tensor *t = gm_st_find(st, "D/augment/p");
	assert_non_null(t);
	near(*(const float *)t->data, p, 1e-6);
	gm_st_close(st), gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_with_probability_0),
		cmocka_unit_test(blitting_is_exact),
		cmocka_unit_test(geometry_is_affine),
		cmocka_unit_test(colours_are_turned),
		cmocka_unit_test(gradients),
		cmocka_unit_test(probability_follows),
		cmocka_unit_test(runs_log_it),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
