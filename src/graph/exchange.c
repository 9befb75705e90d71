/* SPDX-License-Identifier: MIT
 *
 * exchange.c -- schedules communication between ranks in a step. A mean over ranks has three parts:
 * its value is packed into a bucket as soon as it is computed; the all-reduce of the bucket is
 * started and overlaps with later instructions; and it is awaited before its first reader. Means
 * that can wait (gradients, what is logged) share buckets of some megabytes, so that there are few
 * messages, and all that reads them comes last (units.c): the first buckets travel while the rest
 * of the backward pass runs. The others are begun at once, each by itself.
 *
 * Every rank compiles the same expressions to the same instructions, so all begin the same sums in
 * the same order.
 */
#include <string.h>

#include "ranks/ranks.h"
#include "graph/graph.h"
#include "graph/plan.h"

enum { BUCKET_BYTES = 1 << 20 };

typedef struct bucket {
	gm_buf *buf;
	gm_dtype dtype;
	int64_t n; /* number of elements */
	bool begun, waited;
	int ranks, handle; /* handle: of the pending sum */
	struct bucket *next;
} bucket;

struct gm_exchange {
	bucket **of; /* by node number */
	bucket *open, *all;
};

typedef struct pack {
	gm_val from, to;
	size_t bytes;
} pack;

static void run_pack(const gm_inst *in, gm_step *s)
{
	const pack *k = in->ctx;
	(void)s;
	memcpy(gm_val_ptr(&k->to), gm_val_ptr(&k->from), k->bytes);
}

static void run_begin(const gm_inst *in, gm_step *s)
{
	bucket *b = in->ctx;
	(void)s;
	b->handle = b->ranks > 1 ? gm_ranks_sum(b->buf->ptr, (size_t)b->n, b->dtype == GM_F64) : -1;
}

static void run_wait(const gm_inst *in, gm_step *s)
{
	bucket *b = in->ctx;
	(void)s;
	if (b->ranks == 1 || !gm_ranks_wait(b->handle))
		return;
	if (b->dtype == GM_F64) {
		double *x = b->buf->ptr, share = 1. / b->ranks;
		for (int64_t i = 0; i < b->n; i++)
			x[i] *= share;
	} else {
		float *x = b->buf->ptr, share = 1.f / (float)b->ranks;
		for (int64_t i = 0; i < b->n; i++)
			x[i] *= share;
	}
}

static void emit(gm_plan *p, bucket *b, const char *kind, void (*run)(const gm_inst *, gm_step *))
{
	gm_plan_emit(p, (gm_inst){.kind = kind, .run = run, .ctx = b}, &b->buf, 1);
}

static void begin(gm_plan *p, gm_exchange *x, bucket *b)
{
	if (!b->begun)
		emit(p, b, "ranks: begin", run_begin);
	b->begun = true;
	if (x->open == b)
		x->open = NULL;
}

static void settle(gm_plan *p, gm_exchange *x, bucket *b)
{
	begin(p, x, b);
	if (!b->waited)
		emit(p, b, "ranks: wait", run_wait);
	b->waited = true;
}

static bucket *new_bucket(gm_plan *p, gm_exchange *x, gm_dtype type)
{
	bucket *b = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *b);
	*b = (bucket){.buf = gm_plan_buffer(p, 0),
	              .dtype = type,
	              .ranks = gm_graph_ranks(gm_plan_graph(p)),
	              .next = x->all};
	gm_plan_step(p)->exchanges = b->ranks > 1;
	return x->all = b;
}

static void put(gm_plan *p, gm_exchange *x, gm_node *y)
{
	bool later = *(const int *)y->attr;
	gm_val from = gm_plan_value(p, y->in[0]);
	if (x->open && later && x->open->dtype != y->dtype)
		begin(p, x, x->open);
	bucket *b = later && x->open ? x->open : new_bucket(p, x, y->dtype);
	b->n = (b->n + 15) & ~(int64_t)15; /* aligned for vector loads */
	gm_val to = {.buf = b->buf, .offset = b->n, .dtype = y->dtype};
	gm_order_strides(y->shape, NULL, to.stride);
	b->n += gm_node_size(y);
	b->buf->bytes = (size_t)b->n * gm_dtype_size(y->dtype);
	gm_plan_place_at(p, y, to);
	x->of[y->id] = b;
	if (!gm_plan_copy(p, y->shape, from, to)) {
		pack *k = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *k);
		*k = (pack){gm_plan_value_as(p, y->in[0], NULL), to,
		            (size_t)gm_node_size(y) * gm_dtype_size(y->dtype)};
		gm_plan_emit(p,
		             (gm_inst){.kind = "ranks: pack",
		                       .run = run_pack,
		                       .ctx = k,
		                       .node = &y,
		                       .nnode = 1},
		             (gm_buf *[]){k->from.buf, b->buf}, 2);
	}
	if (later && b->buf->bytes < BUCKET_BYTES)
		x->open = b;
	else
		begin(p, x, b);
}

gm_exchange *gm_exchange_new(gm_plan *p)
{
	gm_exchange *x = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *x);
	x->of = gm_arena_calloc(gm_plan_arena(p), gm_plan_graph(p)->nnode, sizeof *x->of);
	return x;
}

bool gm_exchange_unit(gm_plan *p, gm_exchange *x, gm_unit *u)
{
	for (int i = 0; x->all && i < u->nleaf; i++) {
		bucket *b = x->of[gm_plan_root(gm_plan_backend(p), u->leaf[i])->id];
		if (b)
			settle(p, x, b);
	}
	if (u->n != 1 || u->node[0]->opid != GM_OPID_all_reduce)
		return false;
	put(p, x, u->node[0]);
	return true;
}

void gm_exchange_end(gm_plan *p, gm_exchange *x)
{
	for (bucket *b = x->all; b; b = b->next)
		settle(p, x, b);
}
