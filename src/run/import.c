/* SPDX-License-Identifier: MIT
 *
 * run/import.c -- importing another run: its model builds its nets in this graph, under the name of
 * the option that names the run, and they are frozen. They are saved with this run, so that the
 * other checkpoint is not needed later.
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

#include "run/folder.h"

static gm_node *node_of(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw, bool resize)
{
	if (!raw)
		gm_run_know_averages(r);
	int pairs = raw ? 0 : r->averages, n = 0;
	gm_node **from = gm_arena_alloc(r->arena, 2 * (pairs + e->nin + 1) * sizeof *from),
		**to = from + pairs + e->nin + 1, *y;
	for (int i = 0; i < pairs; i++, n++)
		from[n] = r->average_from[i], to[n] = r->average_to[i];
	for (int i = 0; i < e->nin; i++)
		if (in && in[i])
			from[n] = e->in[i], to[n++] = in[i];
	gm_clone(&e->y, 1, &(gm_clone_options){from, to, n, true, resize}, &y);
	return y;
}

typedef struct asking {
	gm_run *r;
	gm_run_endpoint *e;
	gm_node *const *in;
	bool raw, resize;
	gm_node *y;
} asking;

static void ask_node(void *ctx)
{
	asking *a = ctx;
	a->y = node_of(a->r, a->e, a->in, a->raw, a->resize);
}

gm_node *gm_endpoint_node(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw)
{
	asking a = {r, e, in, raw, false, NULL};
	return gm_memory_guard(ask_node, &a) ? a.y : gm_graph_no_memory(r->graph);
}

gm_node *gm_endpoint_resized(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw)
{
	asking a = {r, e, in, raw, true, NULL};
	return gm_memory_guard(ask_node, &a) ? a.y : gm_graph_no_memory(r->graph);
}

/* Opens the other run's checkpoint, when the run starts. */
static bool open_other(gm_run *r, gm_import_of *i)
{
	const char *run = gm_settings_get(r->settings, i->option);
	char *path = gm_arena_alloc(r->arena, PATH_MAX);
	if (!*run)
		return gm_fail(&i->run.err, GM_ERR_VALUE,
		               "must name the run to import from, but is empty");
	if (!gm_folder_checkpoint(run, gm_settings_get(r->settings, "outdir"), path, NULL,
	                          &i->run.err) ||
	    !(i->run.from = gm_checkpoint_open(path, &i->run.err)))
		return false;
	i->run.from_path = path;
	i->run.skip = strlen(i->run.scope);
	return gm_record_read(i->run.from, path, &i->record, &i->run.err);
}

/* Opens the record in this run's checkpoint. */
static bool open_inside(gm_run *r, gm_import_of *i)
{
	i->run.from = r->from, i->run.from_path = r->from_path;
	i->run.skip = r->skip;
	if (!gm_record_import(r, i->option, &i->run))
		return gm_fail(&i->run.err, GM_ERR_FORMAT,
		               "%s: the checkpoint has no record of that run", r->from_path);
	return gm_record_inside(i->run.pair, i->run.pairs, r->from_path, &i->record, &i->run.err);
}

static bool build(gm_run *r, gm_import_of *i)
{
	gm_run *in = &i->run;
	in->scope = gm_name(r, "%s%s/", r->scope, i->option);
	if (!(r->from ? open_inside(r, i) : open_other(r, i)))
		return false;
	in->building = in->borrows = true;
	in->graph = r->graph;
	in->model = i->record.model;
	in->facts = i->record.facts, in->data_hash = i->record.data_hash;
	in->step = i->record.step, in->seen = i->record.seen;
	memcpy(in->field, i->record.field, sizeof in->field);
	in->fields = i->record.fields;
	in->batch = r->batch, in->rank = r->rank, in->ranks = r->ranks;
	return gm_run_init(in, &i->record.settings, &in->err) && in->model->train(in) == 0 &&
	       gm_run_ok(in) && gm_checkpoint_load(in, false);
}

static gm_import_of *find(gm_run *r, const char *option)
{
	if (!gm_run_ok(r)) /* may be an error of this import */
		return NULL;
	for (gm_import_of *i = r->import; i; i = i->next)
		if (!strcmp(i->option, option))
			return i;
	gm_import_of *i = gm_arena_calloc(r->arena, 1, sizeof *i);
	i->option = gm_name(r, "%s", option);
	i->next = r->import, r->import = i;
	gm_scope_push(r->graph, option);
	bool ok = build(r, i);
	gm_scope_pop(r->graph);
	if (i->run.from != r->from)
		gm_st_close(i->run.from);
	i->run.from = NULL;
	if (!ok)
		gm_run_fail(r, i->run.err.code ? i->run.err.code : GM_ERR_STATE, "option %s: %s",
		            option, i->run.err.message);
	return ok ? i : NULL;
}

static gm_run_endpoint *endpoint(gm_run *r, const char *option, const char *name)
{
	char all[300];
	gm_import_of *i = find(r, option);
	gm_run_endpoint *e = i ? gm_endpoint_find(&i->run, name) : NULL;
	if (e && e->process)
		gm_run_fail(
			r, GM_ERR_VALUE,
			"option %s: the endpoint \"%s\" of %s is iterative, so it is not a single "
			"expression",
			option, name, i->run.model->name);
	if (!i || e)
		return e;
	gm_endpoint_list(&i->run, all, sizeof all);
	gm_run_fail(
		r, GM_ERR_VALUE,
		"option %s: %s needs a run with the endpoint \"%s\"; this is a run of %s, with: %s",
		option, r->model->name, name, i->run.model->name, all);
	return NULL;
}

gm_node *gm_import(gm_run *r, const char *option, const char *name, gm_node *const *in, int n)
{
	gm_run_endpoint *e = endpoint(r, option, name);
	if (e && n > e->nin)
		gm_run_fail(r, GM_ERR_VALUE, "option %s: \"%s\" of %s takes %d inputs, not %d",
		            option, name, find(r, option)->run.model->name, e->nin, n);
	if (!e || n > e->nin)
		return gm_full(r->graph, 0, GM_SHAPE(r->batch, 1));
	gm_node *all[GM_RUN_INPUTS] = {0};
	memcpy(all, in, n * sizeof *in);
	return gm_endpoint_node(&find(r, option)->run, e, all, false);
}

gm_shape gm_import_shape(gm_run *r, const char *option, const char *name, int input)
{
	gm_run_endpoint *e = endpoint(r, option, name);
	return !e || input >= e->nin ? GM_SHAPE(r->batch, 1)
	                             : gm_node_shape(input < 0 ? e->y : e->in[input]);
}

int gm_import_factor(gm_run *r, const char *option, const char *name)
{
	const gm_shape s = gm_import_shape(r, option, name, -1);
	const gm_facts *f = &r->facts;
	if (s.rank != 4) { /* otherwise the import has failed already */
		gm_run_error(r, "--%s: its endpoint %s does not give images", option, name);
		return 1;
	}
	const int64_t by = f->height / s.dim[2];
	if (by >= 2 && !(by & (by - 1)) && s.dim[2] * by == f->height && s.dim[3] * by == f->width)
		return (int)by;
	gm_run_error(r,
	             "--%s draws images of %dx%d pixels; --size must be 2, 4, 8, .. times as "
	             "large, not %dx%d",
	             option, (int)s.dim[3], (int)s.dim[2], (int)f->width, (int)f->height);
	return 1;
}

const gm_facts *gm_import_facts(gm_run *r, const char *option)
{
	gm_import_of *i = find(r, option);
	return i ? &i->run.facts : &r->facts;
}

bool gm_import_has(gm_run *r, const char *option, const char *name)
{
	gm_import_of *i = find(r, option);
	return i && gm_endpoint_find(&i->run, name);
}

gm_latent_kind gm_import_latent(gm_run *r, const char *option, const char *name, int input)
{
	gm_run_endpoint *e = endpoint(r, option, name);
	const gm_run_latent *latent =
		e && input < e->nin ? gm_endpoint_latent(&find(r, option)->run, e->in[input])
				    : NULL;
	return latent ? latent->kind : GM_LATENT_NORMAL;
}

void gm_imports_free(gm_run *r)
{
	for (gm_import_of *i = r->import; i; i = i->next) {
		gm_run_free(&i->run);
		gm_record_free(&i->record);
	}
}

gm_node *gm_caption_embedding(gm_run *r, const char *option, gm_node *t)
{
	return *gm_opt_str(r, option) ? gm_import(r, option, GM_ENDPOINT_ENCODE "/text", &t, 1)
	                              : gm_bag_of_words(t, gm_opt_int(r, "buckets"));
}

gm_node *gm_captions_mean(gm_run *r, const char *option, gm_node *one)
{
	const int64_t n = gm_opt_int(r, "captions");
	if (n <= 1)
		return one;
	gm_node *all = gm_batch(r, "captions"), *sum = NULL;
	for (int64_t i = 0; i < n && gm_run_ok(r); i++) {
		gm_node *t = gm_reshape(gm_narrow(all, 1, i, 1), GM_SHAPE(r->batch, -1));
		gm_node *phi = gm_caption_embedding(r, option, t);
		sum = sum ? gm_add(sum, phi) : phi;
	}
	return sum ? gm_mul_c(sum, 1. / (double)n) : one;
}

gm_node *gm_guided_by(gm_run *r, const char *option)
{
	if (gm_import_has(r, option, GM_ENDPOINT_ENCODE "/text"))
		return gm_batch(r, "caption");
	const int64_t k = gm_import_shape(r, option, GM_ENDPOINT_CLASSIFY, -1).dim[1];
	if (k && k != r->facts.classes)
		gm_run_error(r, "--%s knows %d classes, not those of the data", option, (int)k);
	return gm_batch(r, "label");
}

gm_node *gm_toward(gm_run *r, const char *option, gm_node *x, gm_node *y, gm_node *h, bool scaled)
{
	gm_node *slope;
	if (gm_import_has(r, option, GM_ENDPOINT_ENCODE "/text")) {
		gm_node *theta = gm_import(r, option, GM_ENDPOINT_ENCODE, &x, 1);
		gm_node *phi = gm_import(r, option, GM_ENDPOINT_ENCODE "/text", &y, 1);
		gm_grad(gm_sum_all(gm_mul(theta, phi)), &h, 1, &slope);
		return slope;
	}
	gm_node *logit = gm_import(r, option, GM_ENDPOINT_CLASSIFY, &x, 1);
	gm_node *logp = gm_pick(gm_log_softmax(logit, 1), y);
	gm_grad(scaled ? gm_pick(logit, y) : logp, &h, 1, &slope);
	gm_node *rest = gm_add_c(gm_neg(gm_exp(logp)), 1);
	return scaled ? gm_mul(slope, gm_reshape(rest, GM_SHAPE(-1, 1))) : slope;
}
