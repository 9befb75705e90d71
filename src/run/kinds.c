/* SPDX-License-Identifier: MIT
 *
 * run/kinds.c -- the table of endpoints, and how a model declares them.
 */
#include "run/stream.h"

#include <string.h>

/* clang-format off */
const gm_endpoint_kind gm_endpoint_kinds[] = {
	{GM_ENDPOINT_GENERATE, "latents [, label]", "an example", GM_DRAWS | GM_GIVES_EXAMPLES},
	{GM_ENDPOINT_TRANSLATE, "a side of a pair", "the other side", GM_CHANGES | GM_PAIRS | GM_TAKES_DATA | GM_GIVES_ALIKE},
	{GM_ENDPOINT_DISCRIMINATE, "an example [, label]", "logits that it is real", GM_JUDGES | GM_TAKES_DATA},
	{GM_ENDPOINT_CLASSIFY, "an example", "logits of classes [m,K]", GM_TAKES_DATA | GM_GIVES_ROWS},
	{GM_ENDPOINT_FEATURES, "an example", "features [m,F]", GM_TAKES_DATA | GM_GIVES_ROWS},
	{GM_ENDPOINT_ENCODE, "an example", "a code [m,nz]", GM_TAKES_DATA | GM_GIVES_ROWS},
	{GM_ENDPOINT_DECODE, "a code", "an example", GM_GIVES_EXAMPLES},
	{GM_ENDPOINT_RECONSTRUCT, "an example", "an example", GM_CHANGES | GM_TAKES_DATA | GM_GIVES_EXAMPLES},
	{GM_ENDPOINT_COMPLETE, "an example, gm_hidden [, label]", "an example", GM_CHANGES | GM_TAKES_DATA | GM_TAKES_HIDDEN | GM_GIVES_EXAMPLES},
	{GM_ENDPOINT_LOG_LIKELIHOOD, "an example [, label]", "nats [m]", GM_TAKES_DATA | GM_GIVES_NUMBERS},
	{GM_ENDPOINT_LOG_WEIGHT, "an example", "log of an importance weight [m]", GM_TAKES_DATA | GM_GIVES_NUMBERS},
	{GM_ENDPOINT_FREE_ENERGY, "an example", "free energy in nats [m]", GM_TAKES_DATA | GM_GIVES_NUMBERS},
	{GM_ENDPOINT_LOG_Z, "nothing, or an example", "estimates of log Z in nats [m]", GM_GIVES_NUMBERS},
	{GM_ENDPOINT_ACT, "a state of an environment", "logits of actions [m,A]", GM_TAKES_DATA | GM_GIVES_ROWS},
	{GM_ENDPOINT_PIXELS, "an example [, label]", "logits of every value [m,C,H,W] or [m,C,H,W,L]", GM_TAKES_DATA | GM_GIVES_ROWS},
	{GM_ENDPOINT_PREDICT, "a video [m,T,C,H,W], or label maps [m,T,H,W]", "the video, or scores of classes [m,T,K,H,W], its last frames predicted", GM_TAKES_DATA | GM_FORETELLS},
	{0},
};
/* clang-format on */

const gm_endpoint_kind *gm_endpoint_kind_of(const char *name, const char **variant)
{
	const char *slash = strchr(name, '/');
	size_t n = slash ? (size_t)(slash - name) : strlen(name);
	if (variant)
		*variant = slash ? slash + 1 : NULL;
	for (const gm_endpoint_kind *k = gm_endpoint_kinds; k->name; k++)
		if (strlen(k->name) == n && !strncmp(k->name, name, n) &&
		    (!slash || (slash[1] && !strchr(slash + 1, '/'))))
			return k;
	return NULL;
}

gm_run_endpoint *gm_endpoint_find(gm_run *r, const char *name)
{
	for (int i = 0; i < r->endpoints; i++)
		if (!strcmp(r->endpoint[i].name, name))
			return &r->endpoint[i];
	return NULL;
}

gm_run_endpoint *gm_endpoint_first(gm_run *r, unsigned flags)
{
	for (const gm_endpoint_kind *k = gm_endpoint_kinds; k->name; k++)
		if (k->flags & flags && gm_endpoint_find(r, k->name))
			return gm_endpoint_find(r, k->name);
	return gm_endpoint_next(r, flags, NULL);
}

gm_run_endpoint *gm_endpoint_next(gm_run *r, unsigned flags, const gm_run_endpoint *after)
{
	for (int i = after ? (int)(after - r->endpoint) + 1 : 0; i < r->endpoints; i++)
		if (r->endpoint[i].kind->flags & flags)
			return &r->endpoint[i];
	return NULL;
}

const char *gm_endpoint_target(gm_run *r, const gm_run_endpoint *e)
{
	static const char *const other[][2] = {{"a", "b"},
	                                       {"b", "a"},
	                                       {"low", "high"},
	                                       {"low", "example"},
	                                       {"example", "example"}};
	const char *from = e->nin ? gm_endpoint_field(r, e->in[0]) : NULL;
	if (!(e->kind->flags & GM_CHANGES) || !from)
		return NULL;
	if (!(e->kind->flags & GM_PAIRS))
		return from;
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (!strcmp(from, other[i][0]) &&
		    (gm_field_input(r, other[i][1]) || !strcmp(other[i][1], "example")))
			return other[i][1];
	return NULL;
}

gm_facts gm_endpoint_facts(const gm_run *r, const gm_run_endpoint *e)
{
	gm_facts f = r->facts;
	const gm_shape s = gm_node_shape(e->y);
	f.numel = gm_node_size(e->y) / r->batch;
	if (s.rank == 4)
		f.channels = s.dim[1], f.height = s.dim[2], f.width = s.dim[3];
	return f;
}

static bool refuse(const gm_run_endpoint *e, gm_run *r, const char *gives, const char *row)
{
	char s[128], list[64] = "";
	gm_shape is = gm_node_shape(e->y);
	for (int i = 0, n = 0; i < is.rank; i++)
		n += snprintf(list + n, sizeof list - n, "%s%lld", i ? "," : "",
		              (long long)is.dim[i]);
	snprintf(s, sizeof s, "[%s]", list);
	gm_run_fail(r, GM_ERR_SHAPE,
	            "%s: the output of endpoint \"%s\" is %s, but should be %s: %s", r->model->name,
	            e->name, s, row, gives);
	return false;
}

/* Checks inputs and output of e against its row. */
static bool fits(gm_run *r, const gm_run_endpoint *e)
{
	const unsigned f = e->kind->flags;
	const gm_shape s = gm_node_shape(e->y);
	const bool rows = s.rank >= 1 && s.dim[0] == r->batch;
	if (f & GM_TAKES_DATA &&
	    (!e->nin || !gm_endpoint_field(r, e->in[0]) || gm_endpoint_is_label(r, e->in[0]))) {
		gm_run_fail(r, GM_ERR_STATE,
		            "%s: the first input of the endpoint \"%s\" should be %s from gm_batch",
		            r->model->name, e->name, e->kind->takes);
		return false;
	}
	bool hidden = false;
	for (int i = 0; i < e->nin; i++)
		hidden = hidden || e->in[i] == r->hidden;
	if (f & GM_TAKES_HIDDEN && (!hidden || !r->hidden)) {
		gm_run_fail(r, GM_ERR_STATE,
		            "%s: the endpoint \"%s\" should take %s, and does not take gm_hidden",
		            r->model->name, e->name, e->kind->takes);
		return false;
	}
	if (f & GM_GIVES_EXAMPLES) {
		const int rank = r->facts.points ? 2 : 4;
		const bool numel = gm_node_size(e->y) == r->batch * r->facts.numel;
		if (!rows || (e->variant ? s.rank != rank : !numel || s.rank < 2))
			return refuse(e, r, "a batch of examples", e->kind->gives);
	}
	if (f & GM_GIVES_ALIKE && (!rows || s.rank != gm_node_shape(e->in[0]).rank))
		return refuse(e, r, "a batch of the rank of its input", e->kind->gives);
	if (f & GM_GIVES_ROWS && !rows)
		return refuse(e, r, "one row per example", e->kind->gives);
	if (f & GM_FORETELLS) {
		const gm_shape x = gm_node_shape(e->in[0]);
		const bool maps = gm_node_dtype(e->in[0]) == GM_I32; /* without axis 2 */
		bool same = x.rank == (maps ? 4 : 5) && s.rank == 5;
		for (int i = 0; same && i < 5; i++)
			same = maps && i == 2 ? s.dim[2] > 1
			                      : x.dim[maps && i > 2 ? i - 1 : i] == s.dim[i];
		if (!same)
			return refuse(e, r,
			              "a video of the shape of its input, or scores of its maps",
			              e->kind->gives);
	}
	if (f & GM_GIVES_NUMBERS && (!rows || s.rank != 1))
		return refuse(e, r, "one value per example", e->kind->gives);
	return true;
}

static void no_such_kind(gm_run *r, const char *name)
{
	char all[300] = "";
	size_t n = 0;
	for (const gm_endpoint_kind *k = gm_endpoint_kinds; k->name && n < sizeof all; k++)
		n += snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", k->name);
	gm_run_fail(
		r, GM_ERR_STATE,
		"%s: unknown endpoint \"%s\"; there are %s, and variants such as translate/back",
		r->model->name, name, all);
}

void gm_endpoint_nodes(gm_run *r, const char *name, gm_node *y, gm_node *const *inputs, int n)
{
	gm_run_endpoint e = {.name = name, .y = y, .nin = n};
	if (!gm_run_ok(r))
		return;
	if (r->endpoints == GM_RUN_ENDPOINTS || n > GM_RUN_INPUTS) {
		gm_run_fail(r, GM_ERR_STATE, "%s: too many endpoints, or inputs of %s",
		            r->model->name, name);
		return;
	}
	if (gm_endpoint_find(r, name)) {
		gm_run_fail(r, GM_ERR_STATE, "%s declares the endpoint \"%s\" twice",
		            r->model->name, name);
		return;
	}
	if (n > 0) /* inputs may be NULL then */
		memcpy(e.in, inputs, n * sizeof *inputs);
	if (!(e.kind = gm_endpoint_kind_of(name, &e.variant)))
		no_such_kind(r, name);
	else if (fits(r, &e))
		r->endpoint[r->endpoints++] = e;
}

gm_node *gm_latent(gm_run *r, const char *name, gm_node *source, gm_latent_kind kind)
{
	if (r->latents == GM_RUN_LATENTS)
		gm_run_fail(r, GM_ERR_STATE, "%s names more than %d latents", r->model->name,
		            GM_RUN_LATENTS);
	else
		r->latent[r->latents++] = (gm_run_latent){name, source, kind};
	return source;
}

gm_node *gm_hidden(gm_run *r)
{
	const gm_shape s = GM_SHAPE(r->batch, 1, r->facts.height, r->facts.width);
	if (r->facts.points)
		gm_run_fail(r, GM_ERR_VALUE, "%s completes pictures, and these data are points",
		            r->model->name);
	if (!r->hidden)
		r->hidden = gm_input(r->graph, "hidden", r->facts.points ? GM_SHAPE(1, 1, 1, 1) : s,
		                     GM_F32);
	return r->hidden;
}

void gm_any_size(gm_run *r, int64_t multiple)
{
	r->sides = multiple;
}

void gm_local(gm_run *r, int64_t radius)
{
	r->radius = radius;
}

const char *gm_endpoint_field(const gm_run *r, const gm_node *in)
{
	if (in == r->hidden)
		return "hidden";
	if (in == r->label)
		return "label";
	if (in == r->example)
		return "example";
	for (int i = 0; i < r->fields; i++)
		if (r->field[i].node == in)
			return r->field[i].name;
	for (int k = 0; k < r->streams; k++)
		for (int i = 0; i < r->stream[k]->fields; i++)
			if (r->stream[k]->field[i].node == in) {
				const char *name = r->stream[k]->field[i].name;
				return strcmp(name, "image") ? name : "example";
			}
	return NULL;
}

bool gm_endpoint_is_label(const gm_run *r, const gm_node *in)
{
	const char *field = gm_endpoint_field(r, in);
	return field && !strcmp(field, "label");
}

gm_node *gm_field_input(const gm_run *r, const char *field)
{
	if (!strcmp(field, "example") && r->example)
		return r->example;
	for (int i = 0; i < r->fields; i++)
		if (r->field[i].node && !strcmp(r->field[i].name, field))
			return r->field[i].node;
	for (int k = 0; k < r->streams; k++)
		for (int i = 0; i < r->stream[k]->fields; i++) {
			gm_node *in = r->stream[k]->field[i].node;
			if (in && !strcmp(gm_endpoint_field(r, in), field))
				return in;
		}
	return NULL;
}

const gm_run_latent *gm_endpoint_latent(const gm_run *r, const gm_node *in)
{
	for (int i = 0; i < r->latents; i++)
		if (r->latent[i].node == in)
			return &r->latent[i];
	return NULL;
}

void gm_endpoint_list(const gm_run *r, char *text, size_t room)
{
	size_t n = (size_t)snprintf(text, room, "%s", r->endpoints ? "" : "none");
	for (int i = 0; i < r->endpoints && n < room; i++)
		n += (size_t)snprintf(text + n, room - n, "%s%s", i ? ", " : "",
		                      r->endpoint[i].name);
}
