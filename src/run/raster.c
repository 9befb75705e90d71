/* SPDX-License-Identifier: MIT
 *
 * run/raster.c -- sampling images value by value in raster order, the channels of a pixel one after
 * the other (van den Oord et al. 2016, arXiv:1601.06759 and 1606.05328), as a process: a turn
 * samples one value of every image of the batch. With cached activations a round before each row
 * computes what the row's pixels need of the rows above.
 *
 * The states "raster/x" and "raster/hidden" (1 where values are to be sampled) hold the images as
 * [H*W*C, m], so that turn t samples row t of them. A turn writes into "raster/line", a copy of the
 * current row of pixels [W*C, m], which is put back into x when the next row begins.
 */
#include "run/run.h"

typedef struct raster {
	const gm_raster *a;
	gm_run *r;
	gm_graph *g;
	int64_t m, c, h, w;
	gm_node *turn, *row, *column, *channel, *pixel; /* of this turn's value; real, rank 0 */
	gm_node *x, *line, *hidden, *noise;             /* noise: uniform, [m] or [m,levels] */
} raster;

/* Rounded down; exact for n below 2^23. */
static gm_node *divide(gm_node *n, int64_t by)
{
	return gm_floor(gm_mul_c(gm_add_c(n, .5), 1. / (double)by));
}

/* 0, 1, .. n-1 along an axis of a shape whose other axes have size 1 */
static gm_node *count(const raster *s, int64_t n, gm_shape shape)
{
	return gm_reshape(gm_cast(gm_iota(s->g, n), GM_F32), shape);
}

/* 0 where n is 0, else 1 */
static gm_node *not_first(const raster *s, gm_node *n)
{
	return gm_less(gm_scalar(s->g, .5), n);
}

/* [m,C,H,W] or [m,1,H,W] to a state's layout, and back */
static gm_node *to_state(const raster *s, gm_node *x)
{
	x = gm_broadcast(x, GM_SHAPE(s->m, s->c, s->h, s->w));
	return gm_reshape(gm_permute(x, (int[]){2, 3, 1, 0}), GM_SHAPE(s->h * s->w * s->c, s->m));
}

/* The state x with the line put back as row number `row` of the images. */
static gm_node *with_line(const raster *s, gm_node *row)
{
	gm_node *here = gm_equal(count(s, s->h, GM_SHAPE(s->h, 1)), row);
	int64_t wide = s->w * s->c * s->m;
	gm_node *x = gm_select(here, gm_reshape(s->line, GM_SHAPE(1, wide)),
	                       gm_reshape(s->x, GM_SHAPE(s->h, wide)));
	return gm_reshape(x, gm_node_shape(s->x));
}

static gm_node *images(const raster *s)
{
	gm_node *x = gm_reshape(with_line(s, s->row), GM_SHAPE(s->h, s->w, s->c, s->m));
	return gm_permute(x, (int[]){3, 2, 0, 1});
}

/* Rows first .. first + n - 1 of a table; in the place of those outside the nearest. */
static gm_node *rows(const raster *s, gm_node *table, gm_node *first, int64_t n)
{
	return gm_gather(table, gm_cast(gm_add(count(s, n, GM_SHAPE(n)), first), GM_I32));
}

/* The pixel of each image at a column of the line, [m,C,1,1]. */
static gm_node *pixel_at(const raster *s, gm_node *column)
{
	gm_node *x = rows(s, s->line, gm_mul_c(column, (double)s->c), s->c);
	return gm_reshape(gm_transpose(x), GM_SHAPE(s->m, s->c, 1, 1));
}

/* What happens before a row: the line goes back into x, and the row that begins is the line. */
static gm_node *next_line(const raster *s)
{
	gm_node *next = rows(s, s->x, gm_mul_c(s->row, (double)(s->w * s->c)), s->w * s->c);
	gm_node *put = gm_assign(s->x, with_line(s, gm_add_c(s->row, -1)));
	return gm_group(s->g, (gm_node *[]){put, gm_assign(s->line, next)}, 2);
}

/* Logits of the turn's pixel, [m,C,1,1] or [m,C,1,1,L], by a pass over the whole images. */
static gm_node *logits_by_images(const raster *s)
{
	gm_causal c = *s->a->whole;
	int64_t l = s->a->levels == 2 ? 1 : s->a->levels;
	gm_node *y = s->a->build(s->a->ctx, &c, images(s));
	y = gm_reshape(y, GM_SHAPE(s->m, s->c, s->h, s->w, l));
	y = gm_reshape(gm_permute(y, (int[]){2, 3, 0, 1, 4}),
	               GM_SHAPE(s->h * s->w, s->m * s->c * l));
	return gm_reshape(rows(s, y, s->pixel, 1), GM_SHAPE(s->m, s->c, 1, 1, l));
}

/* The net in mode ROW over the row above, which is the line still; returns the effect that fills
 * the caches. */
static gm_node *begin_row(const raster *s, gm_causal *c)
{
	gm_node *above = gm_reshape(s->line, GM_SHAPE(s->w, s->c, s->m));
	c->mode = GM_CAUSAL_ROW, c->old = not_first(s, s->row), c->hands = c->effects = 0;
	above = gm_reshape(gm_permute(above, (int[]){2, 1, 0}), GM_SHAPE(s->m, s->c, 1, s->w));
	s->a->build(s->a->ctx, c, gm_mul(above, c->old));
	return gm_group(s->g, c->effect, c->effects);
}

/* The logits by cached activations; fills c's effects. */
static gm_node *logits_by_pixels(const raster *s, gm_causal *c)
{
	gm_node *channels = count(s, s->c, GM_SHAPE(1, s->c, 1, 1));
	c->mode = GM_CAUSAL_PIXEL, c->hands = c->effects = 0;
	c->column = gm_cast(gm_reshape(s->column, GM_SHAPE(1)), GM_I32),
	c->old = not_first(s, s->column);
	c->previous = pixel_at(s, gm_add_c(s->column, -1));
	c->fresh = gm_equal(s->channel, gm_scalar(s->g, 0));
	c->last = gm_equal(s->channel, gm_scalar(s->g, (double)s->c - 1));
	return s->a->build(s->a->ctx, c,
	                   gm_mul(pixel_at(s, s->column), gm_less(channels, s->channel)));
}

/* The sampled value of each image, in [-1,1], [m]: of two levels by one uniform number, of more by
 * Gumbel noise. */
static gm_node *sample(const raster *s, gm_node *logits)
{
	int64_t l = s->a->levels == 2 ? 1 : s->a->levels;
	gm_node *of_channel = gm_equal(count(s, s->c, GM_SHAPE(1, s->c, 1)), s->channel), *level;
	logits = gm_reshape(logits, GM_SHAPE(s->m, s->c, l));
	logits = gm_sum(gm_mul(logits, of_channel), GM_AXES(1), false);
	if (s->a->temperature > 0)
		logits = gm_mul_c(logits, 1 / s->a->temperature);
	if (l == 1) {
		level = gm_less(s->noise, gm_sigmoid(gm_reshape(logits, GM_SHAPE(s->m))));
	} else {
		gm_node *gumbel = gm_neg(gm_log(gm_neg(gm_log(s->noise))));
		level = gm_cast(gm_argmax(gm_add(logits, gumbel), 1), GM_F32);
	}
	return gm_add_c(gm_mul_c(level, 2. / (double)(s->a->levels - 1)), -1);
}

/* The line with the value written where it is hidden. */
static gm_node *written(const raster *s, gm_node *value)
{
	int64_t n = s->w * s->c;
	gm_node *number = gm_add(gm_mul_c(s->column, (double)s->c), s->channel);
	gm_node *here = gm_equal(count(s, n, GM_SHAPE(n, 1)), number);
	here = gm_mul(here, rows(s, s->hidden, s->turn, 1));
	return gm_select(here, gm_reshape(value, GM_SHAPE(1, s->m)), s->line);
}

/* The numbers of a model are levels of [-1,1]; 0 where they are hidden, for they are not to be
 * known. */
static gm_node *known(const raster *s, gm_node *image, gm_node *hidden)
{
	image = s->a->mu > 0 ? gm_mu_law(image, s->a->mu) : image;
	gm_node *x = gm_mul_c(gm_levels(image, s->a->levels), 2. / (double)(s->a->levels - 1));
	return gm_mul(gm_add_c(x, -1), gm_add_c(gm_neg(hidden), 1));
}

/* Sets the states to images x and what is hidden of them, both in a state's layout; and the code to
 * a value, if there is one. */
static gm_node *begin(const raster *s, gm_node *x, gm_node *hidden, gm_node *code)
{
	gm_node *line = gm_narrow(x, 0, 0, s->w * s->c),
		*set[] = {gm_assign(s->x, x), gm_assign(s->line, line),
	                  gm_assign(s->hidden, hidden), code ? gm_assign(s->a->code, code) : NULL};
	return gm_group(s->g, set, code ? 4 : 3);
}

static void declare(const raster *s, gm_process *p)
{
	const gm_raster *a = s->a;
	const gm_shape state = gm_node_shape(s->x);
	gm_node *zeros = gm_full(s->g, 0, state), *ones = gm_full(s->g, 1, state);
	for (int k = 0; a->code && k < 2 && a->coded[k].name; k++) {
		p->begin = begin(s, zeros, ones, a->coded[k].value);
		gm_endpoint_process(s->r, a->coded[k].name, p, a->coded[k].input);
	}
	if (a->code)
		return;
	gm_node *hidden = gm_hidden(s->r), *in[2 + GM_RASTER_GIVEN] = {a->image, hidden};
	int n = 2;
	for (int i = 0; i < GM_RASTER_GIVEN; i++)
		if (a->given[i])
			in[n++] = a->given[i];
	p->begin = begin(s, zeros, ones, NULL);
	gm_endpoint_process_nodes(s->r, GM_ENDPOINT_GENERATE, p, in + 2, n - 2);
	p->begin = begin(s, to_state(s, known(s, a->image, hidden)), to_state(s, hidden), NULL);
	gm_endpoint_process_nodes(s->r, GM_ENDPOINT_COMPLETE, p, in, n);
}

void gm_run_raster(gm_run *r, const gm_raster *a)
{
	const gm_causal *w = a->whole;
	raster s = {a, r, gm_run_graph(r), w->batch, w->channels, w->height, w->width};
	const gm_shape state = GM_SHAPE(s.h * s.w * s.c, s.m);
	s.turn = gm_reshape(gm_cast(gm_turn_number(r), GM_F32), GM_RANK0);
	s.pixel = divide(s.turn, s.c);
	s.channel = gm_sub(s.turn, gm_mul_c(s.pixel, (double)s.c));
	s.row = divide(s.pixel, s.w);
	s.column = gm_sub(s.pixel, gm_mul_c(s.row, (double)s.w));
	s.x = gm_process_state(r, "raster/x", state, GM_F32);
	s.line = gm_process_state(r, "raster/line", GM_SHAPE(s.w * s.c, s.m), GM_F32);
	s.hidden = gm_process_state(r, "raster/hidden", state, GM_F32);
	s.noise = gm_uniform(s.g, a->levels == 2 ? GM_SHAPE(s.m) : GM_SHAPE(s.m, a->levels));

	gm_process p = {.turns = s.h * s.w * s.c,
	                .most = s.h * s.w * s.c,
	                .round = next_line(&s),
	                .per_round = s.w * s.c,
	                .y = a->mu > 0 ? gm_mu_law_inverse(images(&s), a->mu) : images(&s)};
	gm_causal c = *w;
	if (a->cached)
		p.round = gm_group(s.g, (gm_node *[]){p.round, begin_row(&s, &c)}, 2);
	gm_node *logits = a->cached ? logits_by_pixels(&s, &c) : logits_by_images(&s);
	gm_node *effect[GM_CAUSAL_EFFECTS + 1];
	int effects = 0;
	for (; a->cached && effects < c.effects; effects++)
		effect[effects] = c.effect[effects];
	effect[effects++] = gm_assign(s.line, written(&s, sample(&s, logits)));
	p.turn = gm_group(s.g, effect, effects);

	declare(&s, &p);
}
