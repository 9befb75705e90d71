/* SPDX-License-Identifier: MIT
 *
 * step.c -- running a compiled step, reading its values, timing and checking its instructions.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/machine.h"
#include "ranks/ranks.h"
#include "graph/graph.h"
#include "graph/plan.h"

void gm_step_free(gm_step *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->ninst; i++)
		if (s->inst[i].end)
			s->inst[i].end(s->inst[i].ctx);
	if (s->next)
		s->next->link = s->link;
	*s->link = s->next;
	free(s->inst);
	free(s->memory);
	free(s->complaint);
	gm_arena_free(s->own);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

void gm_step_run(gm_step *s)
{
	s->seed = s->graph->seed;
	s->run = s->graph->runs++;
	s->rank = s->graph->rank;
	s->runs++;
	int all = s->threads ? gm_thread_limit(s->threads) : 0;
	for (int i = 0; i < s->ninst; i++) {
		gm_inst *in = &s->inst[i];
		double t = s->profile ? now() : 0;
		if (s->check)
			gm_step_check_inst(s, in);
		else
			in->run(in, s);
		if (s->profile)
			in->seconds += now() - t;
		if (s->exchanges) {
			gm_ranks_poll();
			if (gm_ranks_lost(NULL, 0))
				break; /* data of other ranks is missing */
		}
	}
	if (all)
		gm_thread_limit(all);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Elements of v in row-major order of s. */
typedef struct cursor {
	gm_shape s;
	gm_val v;
	int64_t index[GM_MAX_RANK], at;
} cursor;

static void advance(cursor *c)
{
	for (int d = c->s.rank - 1; d >= 0; d--) {
		c->at += c->v.stride[d];
		if (++c->index[d] < c->s.dim[d])
			return;
		c->at -= c->v.stride[d] * c->index[d];
		c->index[d] = 0;
	}
}

static double element(const cursor *c)
{
	const void *p = gm_val_ptr(&c->v);
	return c->v.dtype == GM_F32   ? ((const float *)p)[c->at]
	       : c->v.dtype == GM_F64 ? ((const double *)p)[c->at]
	                              : ((const int32_t *)p)[c->at];
}

static void load(gm_shape s, gm_val v, double *out)
{
	cursor c = {.s = s, .v = v};
	int64_t n = gm_shape_size(s);
	for (int64_t i = 0; i < n; i++, advance(&c))
		out[i] = element(&c);
}

static void store(gm_shape s, gm_val v, const double *x)
{
	cursor c = {.s = s, .v = v};
	int64_t n = gm_shape_size(s);
	void *p = gm_val_ptr(&v);
	for (int64_t i = 0; i < n; i++, advance(&c)) {
		if (v.dtype == GM_F32)
			((float *)p)[c.at] = (float)x[i];
		else if (v.dtype == GM_F64)
			((double *)p)[c.at] = x[i];
		else
			((int32_t *)p)[c.at] = (int32_t)x[i];
	}
}

static const struct gm_output *output(const gm_step *s, const gm_node *y)
{
	for (int i = 0; i < s->nout; i++)
		if (s->out[i].asked == y)
			return &s->out[i];
	return NULL;
}

bool gm_step_read_f64(const gm_step *s, const gm_node *y, double *data, int64_t n)
{
	const struct gm_output *o = output(s, y);
	if (!o || gm_node_size(y) != n)
		return false;
	load(o->node->shape, o->val, data);
	return true;
}

bool gm_step_read(const gm_step *s, const gm_node *y, float *data, int64_t n)
{
	const struct gm_output *o = output(s, y);
	if (!o || gm_node_size(y) != n)
		return false;
	cursor c = {.s = o->node->shape, .v = o->val};
	for (int64_t i = 0; i < n; i++, advance(&c))
		data[i] = (float)element(&c);
	return true;
}

double gm_step_scalar(const gm_step *s, const gm_node *y)
{
	double v;
	return gm_step_read_f64(s, y, &v, 1) ? v : NAN;
}

gm_step_info gm_step_describe(const gm_step *s)
{
	gm_step_info r = {.instructions = s->ninst,
	                  .profiled = s->profile,
	                  .arena_bytes = (int64_t)s->memory_bytes,
	                  .runs = s->runs,
	                  .flops = s->flops};
	for (int i = 0; i < s->ninst; i++)
		r.fallbacks += s->inst[i].fallback;
	return r;
}

/* ---- the scalar definition as an instruction ------------------------------------------------- */

typedef struct eval_ctx {
	gm_node *y;
	gm_val val;
	gm_val *in;
	double **x; /* inputs as double: in scratch */
	gm_buf **xbuf, *ybuf;
} eval_ctx;

static void run_eval(const gm_inst *in, gm_step *s)
{
	eval_ctx *c = in->ctx;
	for (int i = 0; i < c->y->nin; i++) {
		c->x[i] = c->xbuf[i]->ptr;
		load(c->y->in[i]->shape, c->in[i], c->x[i]);
	}
	double *y = c->ybuf->ptr;
	c->y->op->eval(c->y, &(gm_eval){(const double *const *)c->x, y, s->seed, s->run, s->rank});
	store(c->y->shape, c->val, y);
}

/* assign without a tape: a plain copy into the variable. */
static void run_assign(const gm_inst *in, gm_step *s)
{
	eval_ctx *c = in->ctx;
	(void)s;
	c->x[0] = c->ybuf->ptr;
	load(c->y->shape, c->in[0], c->x[0]);
	store(c->y->shape, c->val, c->x[0]);
}

bool gm_plan_eval(gm_plan *p, gm_unit *u)
{
	if (u->n != 1)
		return false;
	gm_node *y = u->node[0];
	gm_arena *a = gm_plan_arena(p);
	bool assign = y->opid == GM_OPID_assign;
	if (!assign && !y->op->eval)
		return false;
	eval_ctx *c = gm_arena_calloc(a, 1, sizeof *c);
	int first = assign, nin = y->nin - first;
	gm_buf **bufs = gm_arena_calloc(a, y->nin + 1, sizeof *bufs);
	c->y = y;
	c->in = gm_arena_calloc(a, nin + 1, sizeof *c->in);
	c->x = gm_arena_calloc(a, nin + 1, sizeof *c->x);
	c->xbuf = gm_arena_calloc(a, nin + 1, sizeof *c->xbuf);
	for (int i = 0; i < nin; i++) {
		c->in[i] = gm_plan_value(p, y->in[first + i]);
		bufs[i] = c->in[i].buf;
	}
	c->val = assign ? gm_plan_value(p, y->in[0]) : gm_plan_place(p, y, NULL);
	bufs[nin] = c->val.buf;
	/* One scratch piece for all inputs and the result, cut up here. */
	c->ybuf = gm_plan_buffer(p, gm_node_size(y) * sizeof(double));
	gm_buf **all = gm_arena_calloc(a, 2 * nin + 3, sizeof *all);
	int n = 0;
	for (int i = 0; i <= nin; i++)
		all[n++] = bufs[i];
	all[n++] = c->ybuf;
	for (int i = 0; i < nin && !assign; i++)
		all[n++] = c->xbuf[i] = gm_plan_buffer(p, gm_node_size(y->in[i]) * sizeof(double));
	gm_inst in = {.kind = assign ? "assign" : "eval",
	              .run = assign ? run_assign : run_eval,
	              .ctx = c,
	              .node = &y,
	              .nnode = !assign,
	              .fallback = true};
	gm_plan_emit(p, in, all, n);
	return true;
}

/* ---- check ----------------------------------------------------------------------------------- */

static bool makes(const gm_inst *in, const gm_node *y)
{
	for (int i = 0; i < in->nnode; i++)
		if (in->node[i] == y)
			return true;
	return false;
}

/* Expected value of y before `in` runs: from memory where another instruction placed it, else by
 * the definition; owned by the caller. */
static double *expect(gm_step *s, const gm_inst *in, gm_node *y)
{
	double *v = malloc(gm_node_size(y) * sizeof *v);
	if (!v)
		return NULL;
	if (!makes(in, y) && y->id < s->nwhere && s->where[y->id].buf) {
		load(y->shape, s->where[y->id], v);
		return v;
	}
	double **x = calloc(y->nin + 1, sizeof *x);
	bool fine = x && y->op->eval;
	for (int i = 0; fine && i < y->nin; i++)
		fine = (x[i] = expect(s, in, y->in[i])) != NULL;
	if (fine)
		y->op->eval(y, &(gm_eval){(const double *const *)x, v, s->seed, s->run, s->rank});
	for (int i = 0; x && i < y->nin; i++)
		free(x[i]);
	free(x);
	if (!fine) {
		free(v);
		return NULL;
	}
	return v;
}

void gm_step_complain(gm_step *s, const gm_inst *in, const char *what)
{
	char text[300];
	const gm_node *y = in->nnode ? in->node[0] : NULL;
	snprintf(text, sizeof text, "%s%s%s: %s", y ? y->scope : "", y && *y->scope ? ": " : "",
	         in->kind, what);
	if (!s->complaint)
		s->complaint = strdup(text);
}

static void complain(gm_step *s, const gm_node *y, const char *what, int64_t i, double got,
                     double want)
{
	char text[400];
	snprintf(text, sizeof text,
	         "%s%s%s: %s: element %lld of %s is %.9g, the definition gives %.9g", y->scope,
	         *y->scope ? ": " : "", y->op->name, what, (long long)i, gm_shape_text(y->shape),
	         got, want);
	s->complaint = strdup(text);
}

static void compare(gm_step *s, const gm_node *y, gm_val val, const double *want, double rounding)
{
	int64_t n = gm_node_size(y);
	double *got = malloc(n * sizeof *got), scale = 0;
	if (!got)
		return;
	load(y->shape, val, got);
	for (int64_t i = 0; i < n; i++)
		if (fabs(want[i]) > scale)
			scale = fabs(want[i]);
	double terms = y->op->terms ? y->op->terms(y) : 1;
	double eps = val.dtype == GM_F64 ? 0x1p-53 : 0x1p-24;
	/* A fused chain rounds at each of its nodes; sums of n terms err by about sqrt(n) ulps of
	 * the scale. */
	double bound = (1e4 + 64 * sqrt(terms)) * eps * (scale + 1e-30);
	/* Rounded operands: each product is off by up to twice that, at random, so a sum by about
	 * as much of its scale; more where most of it cancels. */
	bound += 8 * rounding * scale;
	for (int64_t i = 0; i < n && !s->complaint; i++) {
		if (isnan(got[i]) || isinf(got[i]))
			complain(s, y, "not a finite number", i, got[i], want[i]);
		else if (fabs(got[i] - want[i]) > bound)
			complain(s, y, "wrong", i, got[i], want[i]);
	}
	free(got);
}

void gm_step_check_inst(gm_step *s, gm_inst *in)
{
	if (s->complaint) { /* report only the first: later ones are consequences */
		in->run(in, s);
		return;
	}
	double **want = calloc(in->nnode + 1, sizeof *want);
	for (int i = 0; want && i < in->nnode;
	     i++) /* before the run: it may overwrite a variable that it reads */
		want[i] = expect(s, in, in->node[i]);
	in->run(in, s);
	for (int i = 0; want && i < in->nnode; i++) {
		if (want[i] && !s->complaint)
			compare(s, in->node[i], in->made[i], want[i], in->rounding);
		free(want[i]);
	}
	free(want);
}

const char *gm_step_check(const gm_step *s)
{
	return s->complaint;
}

/* ---- profile --------------------------------------------------------------------------------- */

char *gm_step_profile(const gm_step *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	double total = 1e-30;
	for (int i = 0; i < s->ninst; i++)
		total += s->inst[i].seconds;
	double runs = s->runs ? s->runs : 1;
	fprintf(f, "%5s %8s %9s %9s  %-22s %s\n", "%", "ms", "GB/s", "GFLOP/s", "instruction",
	        "node");
	for (int i = 0; i < s->ninst; i++) {
		const gm_inst *in = &s->inst[i];
		double t = in->seconds / runs + 1e-12;
		const gm_node *y = in->nnode ? in->node[in->nnode - 1] : NULL;
		fprintf(f, "%5.1f %8.3f %9.1f %9.1f  %-22s %s%s%s %s%s\n",
		        100 * in->seconds / total, t * 1e3, in->bytes / t / 1e9,
		        in->flops / t / 1e9, in->kind, y ? y->scope : "",
		        y && *y->scope ? ": " : "", y ? y->op->name : "",
		        y ? gm_shape_text(y->shape) : "",
		        in->fallback ? "  (no kernel: scalar definition)" : "");
	}
	fprintf(f, "%5.1f %8.3f %9s %9.1f  %d instructions, %.1f MB\n", 100., total / runs * 1e3,
	        "", s->flops * runs / total / 1e9, s->ninst, s->memory_bytes / 1e6);
	fclose(f);
	return text;
}
