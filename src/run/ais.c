/* SPDX-License-Identifier: MIT
 *
 * run/ais.c -- processes of restricted Boltzmann machines: Gibbs chains, and estimates of log Z by
 * annealed importance sampling (Salakhutdinov & Murray, ICML 2008, section 4.1) or by enumeration.
 *
 * AIS: chains pass through the distributions p_b(v) proportional to exp(-F_b(v)), b from 0 to 1,
 *	binary:   -F_b(v) = (1-b) a'v + b (bias'v) + sum_j softplus(b (c + W'v)_j)
 *	Gaussian: -F_b(v) = -(1-b) |v-a|^2/2s^2 - b |v-bias|^2/2s^2 + the same sum
 * p_0 has independent units, with the means of the data. A chain's weight is the product of
 * exp(F_b(v) - F_b'(v)) over all steps b to b', each before the Gibbs sweep at b'.
 */
#include "run/run.h"

#include <math.h>

static const double log_2_pi = 1.8378770664093453;

typedef struct annealing {
	const gm_rbm *p;
	gm_graph *g;
	int64_t m, nv, nh;
	gm_node *base;      /* a [nv]: logits, or means of Gaussian units */
	gm_node *from, *to; /* b and b' of this turn, rank 0 */
} annealing;

static gm_node *row_sum(gm_node *x)
{
	return gm_sum(x, GM_AXES(1), false);
}

static gm_node *scalar_of(gm_node *i32)
{
	return gm_reshape(gm_cast(i32, GM_F32), GM_RANK0);
}

/* (1 - t) a + t b */
static gm_node *between(gm_node *a, gm_node *b, gm_node *t)
{
	return gm_add(a, gm_mul(gm_sub(b, a), t));
}

/* b at the share s of all steps: the paper's 500 steps to .5, 4,000 to .9, 10,000 to 1, in
 * proportion. */
static gm_node *schedule(gm_node *s)
{
	static const double length[3] = {500. / 14500, 4000. / 14500, 10000. / 14500},
			    rise[3] = {.5, .4, .1};
	gm_node *sum = gm_mul_c(s, 0);
	double at = 0;
	for (int i = 0; i < 3; at += length[i++]) {
		gm_node *part = gm_clamp(gm_mul_c(gm_add_c(s, -at), 1 / length[i]), 0, 1);
		sum = gm_add(sum, gm_mul_c(part, rise[i]));
	}
	return sum;
}

static gm_node *squares(const annealing *s, gm_node *v, gm_node *mean)
{
	return gm_mul_c(gm_square(gm_sub(v, mean)), .5 / (s->p->sigma * s->p->sigma));
}

/* F_b(v) - F_b'(v), [m]; up: c + W'v. The differences are taken before the sums, which would lose
 * their digits. */
static gm_node *gain(const annealing *s, gm_node *v, gm_node *up)
{
	gm_node *hidden =
		row_sum(gm_sub(gm_softplus(gm_mul(up, s->to)), gm_softplus(gm_mul(up, s->from))));
	gm_node *own = s->p->sigma > 0
	                       ? gm_sub(squares(s, v, s->base), squares(s, v, s->p->visible))
	                       : gm_mul(v, gm_sub(s->p->visible, s->base));
	return gm_add(hidden, gm_mul(row_sum(own), gm_sub(s->to, s->from)));
}

/* A sample of units with these logits, or means. */
static gm_node *sample(const annealing *s, gm_node *y)
{
	if (s->p->sigma <= 0)
		return gm_binary_sample(gm_sigmoid(y));
	return gm_add(y, gm_mul_c(gm_randn(s->g, gm_node_shape(y)), s->p->sigma));
}

/* The next v at b'. */
static gm_node *sweep(const annealing *s, gm_node *up)
{
	gm_node *h = gm_binary_sample(gm_sigmoid(gm_mul(up, s->to)));
	return sample(s, between(s->base, gm_rbm_down(s->p, h), s->to));
}

/* log Z_0, rank 0 */
static gm_node *log_z_base(const annealing *s)
{
	const double hidden = (double)s->nh * M_LN2;
	if (s->p->sigma > 0)
		return gm_scalar(s->g, hidden + (double)s->nv * (.5 * log_2_pi + log(s->p->sigma)));
	return gm_add_c(gm_sum_all(gm_softplus(s->base)), hidden);
}

/* Forwards a chain begins with a sample of the base; backwards with `start`, whose first half of
 * all turns are sweeps of the machine itself. */
static gm_process anneal(gm_run *r, annealing *s, const char *name, gm_node *start)
{
	gm_node *v = gm_process_state(r, gm_name(r, "%s/v", name), GM_SHAPE(s->m, s->nv), GM_F32);
	gm_node *w = gm_process_state(r, gm_name(r, "%s/w", name), GM_SHAPE(s->m), GM_F32);
	gm_node *t = scalar_of(gm_turn_number(r)), *all = scalar_of(gm_turn_count(r));
	gm_node *at = gm_div(t, all), *then = gm_div(gm_add_c(t, 1), all);
	if (start) { /* 1, .., 1, then down to 0 */
		at = gm_clamp(gm_add_c(gm_mul_c(at, -2), 2), 0, 1);
		then = gm_clamp(gm_add_c(gm_mul_c(then, -2), 2), 0, 1);
	}
	s->from = schedule(at), s->to = schedule(then);
	gm_node *up = gm_rbm_up(s->p, v), *zero = gm_full(s->g, 0, GM_SHAPE(s->m));
	gm_node *first = start ? start : sample(s, gm_broadcast(s->base, GM_SHAPE(s->m, s->nv)));
	gm_node *begin[2] = {gm_assign(v, first), gm_assign(w, zero)},
		*turn[2] = {gm_assign(v, sweep(s, up)), gm_assign(w, gm_add(w, gain(s, v, up)))};
	gm_node *of_base = log_z_base(s);
	return (gm_process){.begin = gm_group(s->g, begin, 2),
	                    .turn = gm_group(s->g, turn, 2),
	                    .turns = start ? 2 * GM_ANNEALED : GM_ANNEALED,
	                    .y = start ? gm_sub(of_base, w) : gm_add(of_base, w)};
}

/* ---- enumeration ----------------------------------------------------------------------------- */

/* Hidden states number first + row, [m,nh]: bit j of the number is unit j. */
static gm_node *states(const annealing *s, gm_node *number)
{
	double power[GM_ENUMERATED];
	for (int j = 0; j < s->nh; j++)
		power[j] = ldexp(1, -j);
	gm_node *x = gm_mul(gm_reshape(number, GM_SHAPE(s->m, 1)),
	                    gm_array(s->g, power, GM_SHAPE(1, s->nh), GM_F32));
	return gm_sub(gm_floor(x), gm_mul_c(gm_floor(gm_mul_c(x, .5)), 2));
}

/* log sum_v exp(-E(v,h)), [m] */
static gm_node *log_p_hidden(const annealing *s, gm_node *h)
{
	gm_node *own = row_sum(gm_mul(h, s->p->hidden)), *down = gm_rbm_down(s->p, h);
	if (s->p->sigma <= 0)
		return gm_add(own, row_sum(gm_softplus(down)));
	const double s2 = s->p->sigma * s->p->sigma;
	gm_node *rise = gm_sub(gm_square(down), gm_square(s->p->visible));
	own = gm_add(own, gm_mul_c(row_sum(rise), .5 / s2));
	return gm_add_c(own, .5 * (double)s->nv * (log_2_pi + log(s2)));
}

/* Row i sums over states i, m + i, 2 m + i, ..; each is counted m times, so that the mean over rows
 * is Z. The sum of a row is kept as exp(top) times a number, in which small terms are not lost. */
static gm_process enumerate(gm_run *r, const annealing *s)
{
	const int64_t all = (int64_t)1 << s->nh;
	const gm_shape rows = GM_SHAPE(s->m);
	gm_node *top = gm_process_state(r, "enumerate/top", rows, GM_F32),
		*sum = gm_process_state(r, "enumerate/sum", rows, GM_F32);
	gm_node *number = gm_add(gm_cast(gm_iota(s->g, s->m), GM_F32),
	                         gm_mul_c(scalar_of(gm_turn_number(r)), (double)s->m));
	gm_node *x = gm_select(gm_less(number, gm_scalar(s->g, (double)all)),
	                       log_p_hidden(s, states(s, number)), gm_full(s->g, -1e30, rows));
	gm_node *higher = gm_max(top, x);
	gm_node *total =
		gm_add(gm_mul(sum, gm_exp(gm_sub(top, higher))), gm_exp(gm_sub(x, higher)));
	gm_node *begin[2] = {gm_assign(top, gm_full(s->g, -1e30, rows)),
	                     gm_assign(sum, gm_full(s->g, 0, rows))},
		*turn[2] = {gm_assign(top, higher), gm_assign(sum, total)};
	const int64_t turns = (all + s->m - 1) / s->m;
	return (gm_process){.begin = gm_group(s->g, begin, 2),
	                    .turn = gm_group(s->g, turn, 2),
	                    .turns = turns,
	                    .most = turns,
	                    .y = gm_add_c(gm_add(top, gm_log(gm_max(sum, gm_scalar(s->g, 1e-30)))),
	                                  log((double)s->m))};
}

/* ---- what models call ------------------------------------------------------------------------ */

gm_process gm_rbm_chain(gm_run *r, const gm_rbm *p, gm_node *mean, gm_node **h)
{
	gm_graph *g = gm_run_graph(r);
	const gm_shape w = gm_node_shape(p->weight);
	const int64_t m = r->batch;
	gm_node *first = gm_broadcast(mean, GM_SHAPE(m, w.dim[0])), *next;
	first = p->sigma > 0 ? gm_add(first, gm_mul_c(gm_randn(g, gm_node_shape(first)), p->sigma))
	                     : gm_binary_sample(first);
	next = *h = gm_process_state(r, "chain/h", GM_SHAPE(m, w.dim[1]), GM_F32);
	gm_rbm_gibbs(p, &next, 1);
	return (gm_process){.begin = gm_assign(*h, gm_rbm_sample_hidden(p, first)),
	                    .turn = gm_assign(*h, next),
	                    .turns = 200,
	                    .y = *h};
}

gm_node *gm_rbm_filters(gm_run *r, const gm_rbm *p, gm_node *unit)
{
	gm_node *w = gm_matmul(unit, p->weight, false, true);
	gm_node *most = gm_reduce_max(gm_abs(w), GM_AXES(1), true);
	w = gm_div(w, gm_max(most, gm_scalar(gm_run_graph(r), 1e-12)));
	return gm_rows_example(r, r->facts.points ? w : gm_unit(w));
}

void gm_run_partition(gm_run *r, const gm_rbm *p, const gm_partition *a)
{
	const gm_shape w = gm_node_shape(p->weight);
	annealing s = {p, gm_run_graph(r), r->batch, w.dim[0], w.dim[1]};
	if (p->sigma > 0) {
		s.base = a->mean;
	} else {
		gm_node *share = gm_clamp(a->mean, .005, .995);
		s.base = gm_sub(gm_log(share), gm_log(gm_add_c(gm_neg(share), 1)));
	}
	gm_process up = anneal(r, &s, "ais", NULL), down = anneal(r, &s, "reverse", a->start);
	gm_endpoint_process_nodes(r, GM_ENDPOINT_LOG_Z, &up, NULL, 0);
	gm_endpoint_process_nodes(r, GM_ENDPOINT_LOG_Z "/reverse", &down, (gm_node *[]){a->example},
	                          1);
	if (s.nh <= GM_ENUMERATED) {
		gm_process exact = enumerate(r, &s);
		gm_endpoint_process_nodes(r, GM_ENDPOINT_LOG_Z "/exact", &exact, NULL, 0);
	}
}
