/* SPDX-License-Identifier: MIT
 *
 * dnn.c -- oneDNN's C API, 2.6 to 3.x.
 *
 * The API changed at 3.0: memory descriptions became opaque pointers, and operation descriptions
 * went away. The shim is the block of `md` functions and the two make_... functions below; the rest
 * is common.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "backends/cpu/dnnl/dnn.h"

static dnnl_engine_t engine;
static pthread_key_t
	stream_key; /* oneDNN does not promise that threads may share a stream: each has its own */
static dnnl_primitive_attr_t attr;      /* scratch memory comes from the caller's arena */
static dnnl_primitive_attr_t attr_relu; /* the same, and a ReLU behind */
static bool fine;

static dnnl_status_t append_relu(dnnl_post_ops_t ops)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
#else
	return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
#endif
}

static bool open_attr(dnnl_primitive_attr_t *a, bool relu)
{
	dnnl_post_ops_t ops = NULL;
	bool ok = dnnl_primitive_attr_create(a) == dnnl_success &&
	          dnnl_primitive_attr_set_scratchpad_mode(*a, dnnl_scratchpad_mode_user) ==
	                  dnnl_success;
	if (ok && relu)
		ok = dnnl_post_ops_create(&ops) == dnnl_success &&
		     append_relu(ops) == dnnl_success &&
		     dnnl_primitive_attr_set_post_ops(*a, ops) == dnnl_success;
	if (ops)
		dnnl_post_ops_destroy(ops);
	return ok;
}

static void end_stream(void *stream)
{
	dnnl_stream_destroy(stream);
}

/* This thread's stream, made at its first use and destroyed when the thread ends. NULL on failure.
 */
static dnnl_stream_t stream_here(void)
{
	dnnl_stream_t stream = pthread_getspecific(stream_key);
	if (!stream &&
	    dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) == dnnl_success)
		pthread_setspecific(stream_key, stream);
	return stream;
}

static void open_engine(void)
{
	fine = dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success &&
	       pthread_key_create(&stream_key, end_stream) == 0 && open_attr(&attr, false) &&
	       open_attr(&attr_relu, true);
}

static bool ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, open_engine);
	return fine;
}

static const char *words(dnnl_status_t s)
{
	return s == dnnl_out_of_memory       ? "oneDNN is out of memory"
	       : s == dnnl_invalid_arguments ? "oneDNN finds the arguments invalid"
	       : s == dnnl_unimplemented     ? "oneDNN has no implementation"
	                                     : "oneDNN failed";
}

/* Weight gradients of strided 1x1 convolutions of few channels: oneDNN's jit_1x1 kernels write past
 * their scratch memory when the source is channels last (uxlfoundation/oneDNN issue 6035; seen with
 * 2.6.3, open at 3.12). The next implementation takes them. */
static bool unsound(const_dnnl_primitive_desc_t pd)
{
	const char *name = NULL;
	dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
	return name && !strncmp(name, "jit_1x1", 7);
}

static bool may_be_unsound(dnn_pass pass, const dnn_tensor *w, const dnn_conv_options *o)
{
	return pass == DNN_BACKWARD_WEIGHTS && w->dim[w->rank - 3] < 16 &&
	       (o->stride[0] > 1 || o->stride[1] > 1);
}

static dnnl_data_type_t type_of(const dnn_tensor *t)
{
	return t->bf16 ? dnnl_bf16 : dnnl_f32;
}

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t md;           /* owned */
typedef const_dnnl_memory_desc_t md_ref; /* of a primitive */

static dnnl_status_t make_md(md *m, const dnn_tensor *t)
{
	if (t->any)
		return dnnl_memory_desc_create_with_tag(m, t->rank, t->dim, type_of(t),
		                                        dnnl_format_tag_any);
	return dnnl_memory_desc_create_with_strides(m, t->rank, t->dim, type_of(t), t->stride);
}

static void end_md(md *m)
{
	if (*m)
		dnnl_memory_desc_destroy(*m);
}

static md_ref ref(const md *m)
{
	return *m;
}

static bool prim_md(const dnn_prim *r, int k, md_ref *m)
{
	return dnnl_memory_get_memory_desc(r->arg[k].mem, m) == dnnl_success;
}

static dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnn_pass pass, const md *x, const md *w,
                                 const md *y, const dnn_conv_options *o, dnnl_primitive_desc_t hint)
{
	if (pass == DNN_FORWARD_RELU)
		return dnnl_convolution_forward_primitive_desc_create(
			pd, engine, dnnl_forward_inference, dnnl_convolution_direct, *x, *w, y[1],
			*y, o->stride, o->dilation, o->pad_begin, o->pad_end, attr_relu);
	if (pass == DNN_FORWARD)
		return dnnl_convolution_forward_primitive_desc_create(
			pd, engine, dnnl_forward_training, dnnl_convolution_direct, *x, *w, NULL,
			*y, o->stride, o->dilation, o->pad_begin, o->pad_end, attr);
	if (pass == DNN_BACKWARD_DATA)
		return dnnl_convolution_backward_data_primitive_desc_create(
			pd, engine, dnnl_convolution_direct, *x, *w, *y, o->stride, o->dilation,
			o->pad_begin, o->pad_end, hint, attr);
	return dnnl_convolution_backward_weights_primitive_desc_create(
		pd, engine, dnnl_convolution_direct, *x, *w, NULL, *y, o->stride, o->dilation,
		o->pad_begin, o->pad_end, hint, attr);
}

static dnnl_status_t make_conv(dnnl_primitive_desc_t *pd, dnn_pass pass, const md *x, const md *w,
                               const md *y, const dnn_conv_options *o, dnnl_primitive_desc_t hint,
                               bool wary)
{
	dnnl_status_t s = create_conv(pd, pass, x, w, y, o, hint);
	while (s == dnnl_success && wary && unsound(*pd))
		s = dnnl_primitive_desc_next_impl(*pd);
	return s;
}

static dnnl_status_t make_matmul(dnnl_primitive_desc_t *pd, const md *a, const md *b, const md *y)
{
	return dnnl_matmul_primitive_desc_create(pd, engine, *a, *b, NULL, *y, attr);
}

#else

typedef dnnl_memory_desc_t md;
typedef const dnnl_memory_desc_t *md_ref;

static dnnl_status_t make_md(md *m, const dnn_tensor *t)
{
	if (t->any)
		return dnnl_memory_desc_init_by_tag(m, t->rank, t->dim, type_of(t),
		                                    dnnl_format_tag_any);
	return dnnl_memory_desc_init_by_strides(m, t->rank, t->dim, type_of(t), t->stride);
}

static void end_md(md *m)
{
	(void)m;
}

static md_ref ref(const md *m)
{
	return m;
}

static bool prim_md(const dnn_prim *r, int k, md_ref *m)
{
	return dnnl_memory_get_memory_desc(r->arg[k].mem, m) == dnnl_success;
}

static dnnl_status_t make_conv(dnnl_primitive_desc_t *pd, dnn_pass pass, const md *x, const md *w,
                               const md *y, const dnn_conv_options *o, dnnl_primitive_desc_t hint,
                               bool wary)
{
	dnnl_convolution_desc_t d;
	dnnl_status_t s;
	const bool relu = pass == DNN_FORWARD_RELU;
	if (relu)
		s = dnnl_dilated_convolution_forward_desc_init(
			&d, dnnl_forward_inference, dnnl_convolution_direct, x, w, y + 1, y,
			o->stride, o->dilation, o->pad_begin, o->pad_end);
	else if (pass == DNN_FORWARD)
		s = dnnl_dilated_convolution_forward_desc_init(
			&d, dnnl_forward_training, dnnl_convolution_direct, x, w, NULL, y,
			o->stride, o->dilation, o->pad_begin, o->pad_end);
	else if (pass == DNN_BACKWARD_DATA)
		s = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, x,
		                                                     w, y, o->stride, o->dilation,
		                                                     o->pad_begin, o->pad_end);
	else
		s = dnnl_dilated_convolution_backward_weights_desc_init(
			&d, dnnl_convolution_direct, x, w, NULL, y, o->stride, o->dilation,
			o->pad_begin, o->pad_end);
	dnnl_primitive_desc_iterator_t it;
	if (s == dnnl_success)
		s = dnnl_primitive_desc_iterator_create(&it, &d, relu ? attr_relu : attr, engine,
		                                        hint);
	if (s != dnnl_success)
		return s;
	*pd = dnnl_primitive_desc_iterator_fetch(it);
	while (s == dnnl_success && wary && unsound(*pd)) {
		s = dnnl_primitive_desc_iterator_next(it);
		if (s != dnnl_success)
			break;
		dnnl_primitive_desc_destroy(*pd);
		*pd = dnnl_primitive_desc_iterator_fetch(it);
	}
	dnnl_primitive_desc_iterator_destroy(it);
	return s;
}

static dnnl_status_t make_matmul(dnnl_primitive_desc_t *pd, const md *a, const md *b, const md *y)
{
	dnnl_matmul_desc_t d;
	dnnl_status_t s = dnnl_matmul_desc_init(&d, a, b, NULL, y);
	return s == dnnl_success ? dnnl_primitive_desc_create(pd, &d, attr, engine, NULL) : s;
}

#endif

static dnnl_status_t add_arg(dnn_prim *r, int id, md_ref m, md_ref asked)
{
	int k = r->narg;
	r->arg[k].id = id;
	r->arg[k].bytes = dnnl_memory_desc_get_size(m);
	r->arg[k].plain = asked && dnnl_memory_desc_equal(m, asked);
	dnnl_status_t s = dnnl_memory_create(&r->arg[k].mem, m, engine, DNNL_MEMORY_NONE);
	if (s == dnnl_success)
		r->narg++;
	return s;
}

/* The primitive of r->pd, its memories in the order of `query`, and its scratch. `plain` are the
 * row-major forms to compare with. */
static dnnl_status_t finish(dnn_prim *r, const int *id, const dnnl_query_t *query, const int *index,
                            const md *plain, int n)
{
	dnnl_status_t s = dnnl_primitive_create(&r->prim, r->pd);
	for (int i = 0; i < n && s == dnnl_success; i++)
		s = add_arg(r, id[i], dnnl_primitive_desc_query_md(r->pd, query[i], index[i]),
		            ref(&plain[i]));
	md_ref pad = dnnl_primitive_desc_query_md(r->pd, dnnl_query_scratchpad_md, 0);
	r->scratch = pad ? dnnl_memory_desc_get_size(pad) : 0;
	if (s == dnnl_success && r->scratch)
		s = add_arg(r, DNNL_ARG_SCRATCHPAD, pad, NULL);
	return s;
}

static bool conclude(dnn_prim *r, dnnl_status_t s, const char **why)
{
	if (s == dnnl_success)
		return true;
	if (why)
		*why = words(s);
	gm_dnn_end(r);
	return false;
}

bool gm_dnn_conv(dnn_prim *r, dnn_pass pass, const dnn_tensor *x, const dnn_tensor *w,
                 const dnn_tensor *y, const dnn_conv_options *o, const char **why)
{
	memset(r, 0, sizeof *r);
	if (!ready())
		return conclude(r, dnnl_runtime_error, why);
	const dnn_tensor bias = {.rank = 1, .dim = {y->dim[1]}, .stride = {1}};
	const dnn_tensor *t[4] = {x, w, y, &bias}; /* make_conv expects the bias after y */
	const int n = pass == DNN_FORWARD_RELU ? 4 : 3;
	md m[4], plain[4];
	memset(m, 0, sizeof m);
	memset(plain, 0, sizeof plain);
	dnnl_status_t s = dnnl_success;
	for (int i = 0; i < n && s == dnnl_success; i++) {
		dnn_tensor p = *t[i];
		p.any = false;
		s = make_md(&m[i], t[i]);
		if (s == dnnl_success)
			s = make_md(&plain[i], &p);
	}
	dnnl_primitive_desc_t hint = NULL;
	if (s == dnnl_success && (pass == DNN_BACKWARD_DATA || pass == DNN_BACKWARD_WEIGHTS))
		s = make_conv(&hint, DNN_FORWARD, &m[0], &m[1], &m[2], o, NULL, false);
	if (s == dnnl_success)
		s = make_conv(&r->pd, pass, &m[0], &m[1], &m[2], o, hint,
		              may_be_unsound(pass, w, o));
	static const int ids[4][4] = {
		{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
		{DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
		{DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
		{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS},
	};
	static const dnnl_query_t queries[4][4] = {
		{dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
		{dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
		{dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
		{dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md,
	         dnnl_query_weights_md},
	};
	if (s == dnnl_success)
		s = finish(r, ids[pass], queries[pass], (int[]){0, 0, 0, 1}, plain, n);
	if (hint)
		dnnl_primitive_desc_destroy(hint);
	for (int i = 0; i < n; i++) {
		end_md(&m[i]);
		end_md(&plain[i]);
	}
	return conclude(r, s, why);
}

bool gm_dnn_matmul(dnn_prim *r, const dnn_tensor *a, const dnn_tensor *b, const dnn_tensor *y,
                   const char **why)
{
	memset(r, 0, sizeof *r);
	if (!ready())
		return conclude(r, dnnl_runtime_error, why);
	const dnn_tensor *t[3] = {a, b, y};
	md m[3];
	memset(m, 0, sizeof m);
	dnnl_status_t s = dnnl_success;
	for (int i = 0; i < 3 && s == dnnl_success; i++)
		s = make_md(&m[i], t[i]);
	if (s == dnnl_success)
		s = make_matmul(&r->pd, &m[0], &m[1], &m[2]);
	if (s == dnnl_success)
		s = finish(r, (int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
		           (dnnl_query_t[]){dnnl_query_src_md, dnnl_query_weights_md,
		                            dnnl_query_dst_md},
		           (int[]){0, 0, 0}, m, 3);
	for (int i = 0; i < 3; i++)
		end_md(&m[i]);
	return conclude(r, s, why);
}

bool gm_dnn_reorder(dnn_prim *r, const dnn_tensor *from, const dnn_tensor *to, const dnn_prim *like,
                    int arg, const char **why)
{
	memset(r, 0, sizeof *r);
	if (!ready())
		return conclude(r, dnnl_runtime_error, why);
	const dnn_tensor *t[2] = {from, to};
	md m[2];
	memset(m, 0, sizeof m);
	md_ref use[2] = {NULL, NULL};
	dnnl_status_t s = dnnl_success;
	for (int i = 0; i < 2 && s == dnnl_success; i++) {
		if (t[i]) {
			s = make_md(&m[i], t[i]);
			use[i] = ref(&m[i]);
		} else if (!prim_md(like, arg, &use[i])) {
			s = dnnl_runtime_error;
		}
	}
	if (s == dnnl_success)
		s = dnnl_reorder_primitive_desc_create(&r->pd, use[0], engine, use[1], engine,
		                                       attr);
	if (s == dnnl_success)
		s = dnnl_primitive_create(&r->prim, r->pd);
	for (int i = 0; i < 2 && s == dnnl_success; i++)
		s = add_arg(r, i ? DNNL_ARG_TO : DNNL_ARG_FROM, use[i], use[i]);
	if (s == dnnl_success) {
		md_ref pad = dnnl_primitive_desc_query_md(r->pd, dnnl_query_scratchpad_md, 0);
		r->scratch = pad ? dnnl_memory_desc_get_size(pad) : 0;
		if (r->scratch)
			s = add_arg(r, DNNL_ARG_SCRATCHPAD, pad, NULL);
	}
	for (int i = 0; i < 2; i++)
		if (t[i])
			end_md(&m[i]);
	return conclude(r, s, why);
}

bool gm_dnn_same_layout(const dnn_prim *a, int arg_a, const dnn_prim *b, int arg_b)
{
	md_ref x, y;
	return prim_md(a, arg_a, &x) && prim_md(b, arg_b, &y) && dnnl_memory_desc_equal(x, y);
}

const char *gm_dnn_impl(const dnn_prim *r)
{
	const char *name = NULL;
	dnnl_primitive_desc_query(r->pd, dnnl_query_impl_info_str, 0, &name);
	return name ? name : "?";
}

bool gm_dnn_run(dnn_prim *r, void *const *ptr)
{
	dnnl_exec_arg_t arg[DNN_MAX_ARGS];
	for (int i = 0; i < r->narg; i++) {
		if (!r->bound)
			dnnl_memory_set_data_handle(r->arg[i].mem, ptr[i]);
		arg[i] = (dnnl_exec_arg_t){r->arg[i].id, r->arg[i].mem};
	}
	r->bound = true;
	dnnl_stream_t stream = stream_here();
	return stream && dnnl_primitive_execute(r->prim, stream, r->narg, arg) == dnnl_success &&
	       dnnl_stream_wait(stream) == dnnl_success;
}

void gm_dnn_end(dnn_prim *r)
{
	for (int i = 0; i < r->narg; i++)
		dnnl_memory_destroy(r->arg[i].mem);
	if (r->prim)
		dnnl_primitive_destroy(r->prim);
	if (r->pd)
		dnnl_primitive_desc_destroy(r->pd);
	memset(r, 0, sizeof *r);
}

const char *gm_dnn_version(void)
{
	static _Thread_local char text[32];
	const dnnl_version_t *v = dnnl_version();
	snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
	return text;
}
