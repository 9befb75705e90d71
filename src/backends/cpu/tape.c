/* SPDX-License-Identifier: MIT
 *
 * tape.c -- from a unit of elementwise nodes and reductions to a tape, and running it on all
 * threads.
 */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/cpu.h"
#include "base/machine.h"

typedef struct builder {
	gm_plan *p;
	gm_unit *u;
	gm_shape s;             /* the domain */
	int order[GM_MAX_RANK]; /* of iteration, outermost first */
	tape t;
	gm_node *node[TAPE_MAX_REGS]; /* by register */
	gm_buf **buf;                 /* touched */
	int nbuf;
	gm_node *made[TAPE_MAX_REGS];
	int nmade;
} builder;

/* ---- walks ----------------------------------------------------------------------------------- */

/* The walk of strides over the domain s in iteration order, dimensions merged where they run on. */
static tape_walk make_walk(gm_shape s, const int *order, const int64_t *stride)
{
	tape_walk w = {0};
	for (int i = 0; i < s.rank; i++) {
		int64_t size = s.dim[order[i]], st = stride[order[i]];
		if (size == 1)
			continue;
		if (w.nd && w.stride[w.nd - 1] == st * size) {
			w.size[w.nd - 1] *= size;
			w.stride[w.nd - 1] = st;
		} else {
			w.size[w.nd] = size;
			w.stride[w.nd++] = st;
		}
	}
	if (!w.nd) {
		w.nd = 1;
		w.size[0] = 1;
	}
	return w;
}

/* Axes by decreasing stride: the storage order of v. False if v is no packed
 * permutation of s. */
static bool packed_order(gm_shape s, gm_val v, int *order)
{
	for (int i = 0; i < s.rank; i++) {
		int k = i;
		for (;
		     k > 0 && (v.stride[order[k - 1]] < v.stride[i] ||
		               (s.dim[order[k - 1]] == 1 && v.stride[order[k - 1]] == v.stride[i]));
		     k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return gm_val_packed(v, s, order);
}

/* x's value as if it had the domain's shape: broadcast axes with stride 0. */
static gm_val spread(gm_val v, gm_shape x, gm_shape s)
{
	gm_val r = v;
	for (int i = 0; i < s.rank; i++) {
		int k = i - (s.rank - x.rank);
		r.stride[i] = k < 0 || x.dim[k] == 1 ? 0 : v.stride[k];
	}
	return r;
}

/* Iterate in the storage order of the largest operands, so that they are used in place; assigns
 * are row-major. */
static void choose_order(builder *b)
{
	int order[GM_MAX_RANK];
	for (int i = 0; i < b->s.rank; i++)
		b->order[i] = i;
	for (int i = 0; i < b->u->n; i++)
		if (b->u->node[i]->opid == GM_OPID_assign)
			return;
	for (int i = 0; i < b->u->nleaf; i++) {
		gm_node *x = b->u->leaf[i];
		if (!gm_shape_equal(x->shape, b->s) || x->opid == GM_OPID_constant)
			continue;
		if (packed_order(b->s, gm_plan_value(b->p, x), order)) {
			memcpy(b->order, order, sizeof order);
			return;
		}
	}
}

/* ---- registers ------------------------------------------------------------------------------- */

static void touch(builder *b, gm_buf *buf)
{
	for (int i = 0; i < b->nbuf; i++)
		if (b->buf[i] == buf)
			return;
	b->buf[b->nbuf++] = buf;
}

static int find(const builder *b, const gm_node *x)
{
	for (int i = 0; i < b->t.nreg; i++)
		if (b->node[i] == x)
			return i;
	return -1;
}

static int new_reg(builder *b, gm_node *x, tape_kind kind)
{
	tape_reg *r = &b->t.reg[b->t.nreg];
	memset(r, 0, sizeof *r);
	r->kind = kind;
	b->node[b->t.nreg] = x;
	return b->t.nreg++;
}

/* A value from memory. Broadcast and packed operands are distinguished once the tile is known. */
enum { WORTH_TURNING = 4096 };

static int load_reg(builder *b, gm_node *x)
{
	int k = find(b, x);
	if (k >= 0)
		return k;
	k = new_reg(b, x, TAPE_GATHER);
	tape_reg *r = &b->t.reg[k];
	int order[GM_MAX_RANK];
	gm_val v = gm_plan_value(b->p, x);
	/* Large and packed in another order: turned once, for all tapes that want it so. */
	if (b->t.n >= WORTH_TURNING && v.dtype == GM_F32 && gm_shape_equal(x->shape, b->s) &&
	    packed_order(b->s, v, order) && !gm_val_packed(v, b->s, b->order))
		v = gm_plan_value_as(b->p, x, b->order);
	r->val = spread(v, x->shape, b->s);
	r->walk = make_walk(b->s, b->order, r->val.stride);
	touch(b, r->val.buf);
	bool one = r->walk.nd == 1;
	if (one && (r->walk.stride[0] == 0 || r->walk.size[0] == 1))
		r->kind = TAPE_SCALAR;
	else if (one && r->walk.stride[0] == 1 && r->val.dtype == GM_F32)
		r->kind = TAPE_DENSE;
	return k;
}

/* The innermost dimensions that a walk really moves in, when all outer strides are 0: the period. 0
 * when there is none. */
static int64_t period(const tape_walk *w)
{
	return w->nd == 2 && w->stride[0] == 0 ? w->size[1] : 0;
}

static const signed char codes[GM_OP_COUNT] = {
#define TAPE1(name, expression) [GM_OPID_##name] = TAPE_##name + 1,
#define TAPE2(name, expression) [GM_OPID_##name] = TAPE_##name + 1,
#include "backends/cpu/tape.def"
#undef TAPE1
#undef TAPE2
	[GM_OPID_select] = TAPE_select + 1,
	[GM_OPID_leaky_relu] = TAPE_leaky_relu + 1,
	[GM_OPID_cast] = TAPE_copy + 1,
	[GM_OPID_stop_gradient] = TAPE_copy + 1,
};

bool gm_tape_has(const gm_node *y)
{
	return codes[y->opid] != 0;
}

static bool at_hand(const builder *b, const gm_node *x)
{
	if (x->op->flags & GM_OP_REDUCE || x->opid == GM_OPID_assign)
		return false;
	for (int i = 0; i < b->u->n; i++)
		if (b->u->node[i] == x)
			return true;
	return false;
}

/* The register of x, computed in this tape or loaded. */
static int value_reg(builder *b, gm_node *x)
{
	int k = find(b, x);
	if (k >= 0)
		return k;
	if (!at_hand(b, x))
		return load_reg(b, x);
	tape_op o = {.code = codes[x->opid] - 1, .b = -1, .c = -1, .x = -1, .y = -1};
	o.a = value_reg(b, x->in[0]);
	if (x->nin > 1)
		o.b = value_reg(b, x->in[1]);
	if (x->nin > 2)
		o.c = value_reg(b, x->in[2]);
	if (x->opid == GM_OPID_leaky_relu) {
		double slope;
		memcpy(&slope, x->attr, sizeof slope);
		o.imm = (float)slope;
	}
	if (x->opid == GM_OPID_cast && x->dtype == GM_I32)
		o.code = TAPE_trunc;
	o.dst = new_reg(b, x, TAPE_SCRATCH);
	b->t.op[b->t.nop++] = o;
	return o.dst;
}

static void add_store(builder *b, int reg, gm_val v)
{
	tape_store *o = &b->t.store[b->t.nstore++];
	o->reg = reg;
	o->val = v;
	o->walk = make_walk(b->s, b->order, v.stride);
	o->dense = v.dtype == GM_F32 && o->walk.nd == 1 &&
	           (o->walk.stride[0] == 1 || o->walk.size[0] == 1);
	touch(b, v.buf);
}

static void add_reduce(builder *b, gm_node *x)
{
	const gm_reduce_attr *a = x->attr;
	tape_reduce *r = &b->t.reduce[b->t.nreduce++];
	r->reg = value_reg(b, x->in[0]);
	r->max = x->opid == GM_OPID_reduce_max;
	/* The result is stored in iteration order, so that kept elements are adjacent. */
	int axis[GM_MAX_RANK], order[GM_MAX_RANK], n = 0;
	for (int i = 0; i < b->s.rank; i++)
		axis[i] = a->keep || !(a->axes >> i & 1) ? n++ : -1;
	n = 0;
	for (int i = 0; i < b->s.rank; i++)
		if (axis[b->order[i]] >= 0)
			order[n++] = axis[b->order[i]];
	r->val = gm_plan_place(b->p, x, order);
	r->kept = gm_node_size(x);
	int64_t stride[GM_MAX_RANK] = {0}; /* of the results over the domain */
	for (int i = 0; i < b->s.rank; i++)
		stride[i] = a->axes >> i & 1 ? 0 : r->val.stride[axis[i]];
	r->walk = make_walk(b->s, b->order, stride);
	touch(b, r->val.buf);
	b->made[b->nmade++] = x;
}

/* ---- several operations in one --------------------------------------------------------------- */

/* Every operation loads and stores whole tiles, so one that replaces three costs a third. */
typedef struct fuser {
	tape *t;
	int made[TAPE_MAX_REGS],
		uses[TAPE_MAX_REGS]; /* by register: the operation, -1 for memory */
} fuser;

/* The operation whose only reader uses register r, if it has this code. */
static tape_op *only(const fuser *f, int r, tape_code code)
{
	int k = r >= 0 ? f->made[r] : -1;
	return k >= 0 && f->uses[r] == 1 && f->t->op[k].code == code ? &f->t->op[k] : NULL;
}

/* o = vector code scalar (or, where the order does not matter, the other way round). */
static bool by_number(const fuser *f, const tape_op *o, int *vector, int *number)
{
	bool a = f->t->reg[o->a].kind == TAPE_SCALAR, b = f->t->reg[o->b].kind == TAPE_SCALAR;
	*vector = a ? o->b : o->a;
	*number = a ? o->a : o->b;
	return a != b;
}

static void drop(fuser *f, tape_op *o)
{
	f->made[o->dst] = -1;
	o->code = TAPE_CODES;
}

/* x a + y b, or x a + y b^2 */
static bool fuse_mix(fuser *f, tape_op *o)
{
	tape_op *l = only(f, o->a, TAPE_mul), *r = only(f, o->b, TAPE_mul);
	int a, b, x, y;
	if (!l || !r || l == r || !by_number(f, l, &a, &x) || !by_number(f, r, &b, &y))
		return false;
	tape_op *square = only(f, b, TAPE_square);
	*o = (tape_op){.code = square ? TAPE_mix_square : TAPE_mix,
	               .dst = o->dst,
	               .a = a,
	               .b = square ? square->a : b,
	               .c = -1,
	               .x = x,
	               .y = y};
	drop(f, l);
	drop(f, r);
	if (square)
		drop(f, square);
	return true;
}

static bool fuse_mul_add(fuser *f, tape_op *o)
{
	tape_op *l = only(f, o->a, TAPE_mul);
	int other = o->b;
	if (!l) {
		l = only(f, o->b, TAPE_mul);
		other = o->a;
	}
	if (!l || o->a == o->b)
		return false;
	*o = (tape_op){.code = TAPE_mul_add,
	               .dst = o->dst,
	               .a = l->a,
	               .b = l->b,
	               .c = other,
	               .x = -1,
	               .y = -1};
	drop(f, l);
	return true;
}

static bool fuse_descend(fuser *f, tape_op *o)
{
	tape_op *quotient = only(f, o->b, TAPE_div);
	tape_op *move = quotient ? only(f, quotient->a, TAPE_mul) : NULL,
		*below = quotient ? only(f, quotient->b, TAPE_add) : NULL;
	int b, c, x, y;
	if (!move || !below || !by_number(f, move, &b, &x) || !by_number(f, below, &c, &y))
		return false;
	tape_op *root = only(f, c, TAPE_sqrt);
	if (!root)
		return false;
	*o = (tape_op){.code = TAPE_descend,
	               .dst = o->dst,
	               .a = o->a,
	               .b = b,
	               .c = root->a,
	               .x = x,
	               .y = y};
	drop(f, quotient);
	drop(f, move);
	drop(f, below);
	drop(f, root);
	return true;
}

static void fuse(tape *t)
{
	fuser f = {.t = t};
	memset(f.made, -1, sizeof f.made);
	for (int i = 0; i < t->nop; i++) {
		const tape_op *o = &t->op[i];
		f.made[o->dst] = i;
		f.uses[o->a]++;
		if (o->b >= 0)
			f.uses[o->b]++;
		if (o->c >= 0)
			f.uses[o->c]++;
	}
	for (int i = 0; i < t->nstore; i++)
		f.uses[t->store[i].reg] += 2; /* wanted in memory */
	for (int i = 0; i < t->nreduce; i++)
		f.uses[t->reduce[i].reg] += 2;
	for (int i = 0; i < t->nop; i++)
		if (t->op[i].code == TAPE_sub)
			fuse_descend(&f, &t->op[i]);
		else if (t->op[i].code == TAPE_add)
			(void)(fuse_mix(&f, &t->op[i]) || fuse_mul_add(&f, &t->op[i]));
	int n = 0;
	for (int i = 0; i < t->nop; i++)
		if (t->op[i].code != TAPE_CODES)
			t->op[n++] = t->op[i];
	t->nop = n;
}

/* ---- tiles, chunks, scratch ------------------------------------------------------------------ */

static int64_t lcm(int64_t a, int64_t b)
{
	int64_t x = a, y = b;
	while (y) {
		int64_t r = x % y;
		x = y, y = r;
	}
	return a / x * b;
}

/* The tile is a common multiple of all periods, so that what repeats is gathered once for all
 * tiles. */
static void choose_tile(builder *b)
{
	tape *t = &b->t;
	int64_t base = 1;
	for (int i = 0; i < t->nreg; i++) {
		int64_t q = t->reg[i].kind == TAPE_GATHER ? period(&t->reg[i].walk) : 0;
		if (q && lcm(base, q) <= TAPE_MAX_TILE)
			base = lcm(base, q);
	}
	for (int i = 0; i < t->nreduce; i++) {
		const tape_walk *w = &t->reduce[i].walk;
		int64_t q = period(w);
		if (q && w->stride[1] == 1 && lcm(base, q) <= TAPE_MAX_TILE)
			base = lcm(base, q);
	}
	t->tile = base >= TAPE_TILE ? base : (TAPE_TILE + base - 1) / base * base;
	t->unit = base;
	for (int i = 0; i < t->nreg; i++) {
		int64_t q = t->reg[i].kind == TAPE_GATHER ? period(&t->reg[i].walk) : 0;
		if (q && t->tile % q == 0)
			t->reg[i].kind = TAPE_HELD;
	}
	for (int i = 0; i < t->nreduce; i++) {
		tape_reduce *r = &t->reduce[i];
		int64_t q = period(&r->walk);
		bool all =
			r->walk.nd == 1 && r->walk.stride[0] == 0; /* everything into one number */
		if (all || (q && r->walk.stride[1] == 1 && t->tile % q == 0)) {
			r->fold = TAPE_PERIODIC;
		} else if (r->walk.stride[0] != 0 && r->walk.size[0] > 1) {
			r->fold = TAPE_OUTER;
			/* cut between whole rows of the outermost dimension */
			int64_t row = t->n / r->walk.size[0];
			t->unit = lcm(t->unit, row) <= t->n ? lcm(t->unit, row) : t->n;
		} else {
			r->fold = TAPE_ANY;
		}
	}
}

static void choose_chunks(builder *b)
{
	tape *t = &b->t;
	int64_t units = t->n / t->unit, work = t->n * (t->nop + t->nreg + 1);
	int64_t useful = (work + 65535) /
	                 65536; /* below some ten microseconds a chunk is not worth a thread */
	t->chunks = TAPE_CHUNKS;
	if (t->chunks > useful)
		t->chunks = (int)useful;
	if (t->chunks > units)
		t->chunks = (int)units;
	if (t->chunks < 1)
		t->chunks = 1;
	t->serial = t->chunks == 1;
}

/* Results whose lifetimes do not overlap share tiles, to stay within the first-level cache. */
static void choose_slots(builder *b)
{
	tape *t = &b->t;
	int last[TAPE_MAX_REGS], free_[TAPE_MAX_REGS], nfree = 0;
	for (int i = 0; i < t->nreg; i++)
		last[i] = -1;
	for (int i = 0; i < t->nop; i++) {
		const tape_op *o = &t->op[i];
		last[o->dst] = last[o->dst] > i ? last[o->dst] : i;
		last[o->a] = i;
		if (o->b >= 0)
			last[o->b] = i;
		if (o->c >= 0)
			last[o->c] = i;
	}
	for (int i = 0; i < t->nstore; i++)
		last[t->store[i].reg] = t->nop;
	for (int i = 0; i < t->nreduce; i++)
		last[t->reduce[i].reg] = t->nop;
	for (int i = 0; i < t->nreg; i++)
		if (t->reg[i].kind != TAPE_SCRATCH && t->reg[i].kind != TAPE_DENSE)
			t->reg[i].slot = t->slots++;
	for (int i = 0; i < t->nop; i++) {
		tape_reg *d = &t->reg[t->op[i].dst];
		for (int r = 0; r < t->nreg; r++) /* those that died before this operation */
			if (t->reg[r].kind == TAPE_SCRATCH && last[r] == i - 1 && i > 0)
				free_[nfree++] = t->reg[r].slot;
		if (d->kind == TAPE_SCRATCH)
			d->slot = nfree ? free_[--nfree] : t->slots++;
	}
}

/* A result that is stored packed and not changed in place can be computed at its destination. */
static void store_directly(builder *b)
{
	tape *t = &b->t;
	for (int i = 0; i < t->nstore; i++) {
		tape_store *o = &t->store[i];
		tape_reg *r = &t->reg[o->reg];
		bool fresh = r->kind == TAPE_SCRATCH && o->dense && !o->val.buf->outside;
		if (fresh) {
			r->kind = TAPE_DENSE;
			r->val = o->val;
		}
	}
}

/* ---- run ------------------------------------------------------------------------------------- */

static void finish(const tape_reduce *r, const tape *t)
{
	float *out = gm_val_ptr(&r->val);
	const float *part = r->partial->ptr;
	if (r->fold == TAPE_OUTER)
		return; /* the results themselves */
	int64_t size = r->fold == TAPE_PERIODIC ? t->tile : r->kept;
	int64_t used = size < t->n ? size : t->n;
	int chunks = t->chunks;
	for (int64_t k = 0; k < r->kept; k++) {
		double v = r->max ? -INFINITY : 0;
		for (int c = 0; c < chunks; c++)
			for (int64_t i = k; i < (r->fold == TAPE_PERIODIC ? used : k + 1);
			     i += r->kept) {
				float x = part[c * size + i];
				v = r->max ? (x > v ? x : v) : v + x;
			}
		out[k] = (float)v;
	}
}

static void run_tape(const gm_inst *in, gm_step *s)
{
	const tape *t = in->ctx;
	const gm_simd *simd = gm_simd_best();
	char *scratch = t->scratch->ptr;
	(void)s;
	for (int i = 0; i < t->nreduce; i++)
		if (t->reduce[i].fold == TAPE_OUTER)
			for (int64_t k = 0; k < t->reduce[i].kept; k++)
				((float *)t->reduce[i].partial->ptr)[k] =
					t->reduce[i].max ? -INFINITY : 0;
	if (t->serial) {
		simd->chunk(t, 0, (float *)scratch);
	} else {
#pragma omp parallel for schedule(static) num_threads(t->threads)
		for (int c = 0; c < t->chunks; c++)
			simd->chunk(t, c,
			            (float *)(scratch + (size_t)omp_get_thread_num() * t->stride));
	}
	for (int i = 0; i < t->nreduce; i++)
		finish(&t->reduce[i], t);
}

static void emit(builder *b)
{
	tape *t = &b->t;
	gm_arena *a = gm_plan_arena(b->p);
	fuse(t);
	choose_tile(b);
	choose_chunks(b);
	store_directly(b);
	choose_slots(b);
	t->threads = t->serial ? 1 : gm_thread_count();
	if (t->threads > t->chunks)
		t->threads = t->chunks;
	t->scratch = gm_plan_thread_scratch(b->p, (size_t)(t->slots + 1) * t->tile * sizeof(float),
	                                    t->threads, &t->stride);
	for (int i = 0; i < t->nreduce; i++) {
		tape_reduce *r = &t->reduce[i];
		if (r->fold == TAPE_OUTER) {
			r->partial = r->val.buf;
		} else {
			r->partial = gm_plan_buffer(
				b->p, (size_t)t->chunks *
					      (r->fold == TAPE_PERIODIC ? t->tile : r->kept) * 4);
			touch(b, r->partial);
		}
	}
	t->reg = gm_arena_copy(a, t->reg, t->nreg * sizeof *t->reg);
	t->op = t->nop ? gm_arena_copy(a, t->op, t->nop * sizeof *t->op) : NULL;
	t->store = t->nstore ? gm_arena_copy(a, t->store, t->nstore * sizeof *t->store) : NULL;
	t->reduce = t->nreduce ? gm_arena_copy(a, t->reduce, t->nreduce * sizeof *t->reduce) : NULL;
	gm_inst in = {
		.kind = gm_arena_printf(a, "tape %d ops%s", t->nop, t->nreduce ? " + sums" : ""),
		.run = run_tape,
		.ctx = gm_arena_copy(a, t, sizeof *t),
		.node = b->made,
		.nnode = b->nmade};
	gm_plan_emit(b->p, in, b->buf, b->nbuf);
}

static void begin(builder *b, gm_plan *p, gm_unit *u, gm_shape s, tape_reg *reg, tape_op *op,
                  tape_store *store, tape_reduce *reduce, gm_buf **buf)
{
	memset(b, 0, sizeof *b);
	b->p = p;
	b->u = u;
	b->s = s;
	b->t.n = gm_shape_size(s);
	b->t.reg = reg;
	b->t.op = op;
	b->t.store = store;
	b->t.reduce = reduce;
	b->buf = buf;
}

bool gm_tape_planner(gm_plan *p, gm_unit *u)
{
	if (!u->tape)
		return false;
	tape_reg reg[TAPE_MAX_REGS];
	tape_op op[TAPE_MAX_REGS];
	tape_store store[TAPE_MAX_REGS];
	tape_reduce reduce[TAPE_MAX_REGS];
	gm_buf *buf[3 * TAPE_MAX_REGS];
	builder b;
	begin(&b, p, u, u->domain, reg, op, store, reduce, buf);
	choose_order(&b);
	for (int i = 0; i < u->n; i++) {
		gm_node *x = u->node[i];
		if (x->opid == GM_OPID_assign) {
			add_store(&b, value_reg(&b, x->in[1]), gm_plan_value(p, x->in[0]));
		} else if (!gm_plan_needed(p, u, x)) {
			continue;
		} else if (x->op->flags & GM_OP_REDUCE) {
			add_reduce(&b, x);
		} else {
			int r = value_reg(&b, x);
			add_store(&b, r, gm_plan_place(p, x, b.order));
			b.made[b.nmade++] = x;
		}
	}
	if (b.t.nstore || b.t.nreduce)
		emit(&b);
	return true;
}

/* Tiles hold floats, so doubles are copied one by one: studies in double are small. */
typedef struct wide_copy {
	gm_shape s;
	gm_val x, y;
} wide_copy;

static void run_wide_copy(const gm_inst *in, gm_step *s)
{
	const wide_copy *c = in->ctx;
	const double *x = gm_val_ptr(&c->x);
	double *y = gm_val_ptr(&c->y);
	int64_t index[GM_MAX_RANK] = {0};
	(void)s;
	for (int64_t n = gm_shape_size(c->s); n > 0; n--) {
		int64_t from = 0, to = 0;
		for (int a = 0; a < c->s.rank; a++)
			from += index[a] * c->x.stride[a], to += index[a] * c->y.stride[a];
		y[to] = x[from];
		for (int a = c->s.rank - 1; a >= 0 && ++index[a] == c->s.dim[a]; a--)
			index[a] = 0;
	}
}

static void copy_wide(gm_plan *p, gm_shape s, gm_val x, gm_val y)
{
	wide_copy *c = gm_arena_alloc(gm_plan_arena(p), sizeof *c);
	*c = (wide_copy){s, x, y};
	gm_plan_emit(p, (gm_inst){.kind = "copy", .run = run_wide_copy, .ctx = c},
	             (gm_buf *[]){x.buf, y.buf}, 2);
}

void gm_tape_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y)
{
	if (x.dtype == GM_F64) {
		copy_wide(p, s, x, y);
		return;
	}
	tape_reg reg[1];
	tape_op op[1];
	tape_store store[1];
	gm_buf *buf[4];
	gm_unit none = {.tape = true};
	builder b;
	int from[GM_MAX_RANK], to[GM_MAX_RANK];
	if (gm_shape_size(s) >= WORTH_TURNING && x.dtype == GM_F32 && y.dtype == GM_F32 &&
	    packed_order(s, x, from) && packed_order(s, y, to) && gm_dnn_copy(p, s, x, y))
		return;
	begin(&b, p, &none, s, reg, op, store, NULL, buf);
	if (!packed_order(s, y, b.order) && !packed_order(s, x, b.order))
		for (int i = 0; i < s.rank; i++)
			b.order[i] = i;
	int k = new_reg(&b, NULL, TAPE_GATHER);
	reg[k].val = x;
	reg[k].walk = make_walk(s, b.order, x.stride);
	if (reg[k].walk.nd == 1 && (reg[k].walk.stride[0] == 0 || reg[k].walk.size[0] == 1))
		reg[k].kind = TAPE_SCALAR;
	else if (reg[k].walk.nd == 1 && reg[k].walk.stride[0] == 1 && x.dtype == GM_F32)
		reg[k].kind = TAPE_DENSE;
	touch(&b, x.buf);
	add_store(&b, k, y);
	emit(&b);
}
