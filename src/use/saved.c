/* SPDX-License-Identifier: MIT
 *
 * use/saved.c -- opens a checkpoint for use. The model's train function builds the graph without
 * training; only endpoints that are called are compiled.
 */
#include "use/saved_run.h"

#include <stdlib.h>
#include <string.h>

#include "run/folder.h"
#include "use/draw.h"

struct gm_saved {
	gm_run run;
	gm_record record;
	bool raw;
	char path[PATH_MAX], unknown[300];
	const char *
		*layer; /* names and values of layers, ended by NULL, in the run's arena; or NULL */
	gm_node **value;
};

/* Also resizes all fields whose size is that of the image or an integer fraction of it. */
static bool resize(gm_run *r, const gm_saved_options *o, gm_error *err)
{
	gm_facts *f = &r->facts;
	if (!o->height && !o->width)
		return true;
	if (f->points || o->height < 1 || o->width < 1 || o->height > 8192 || o->width > 8192)
		return gm_fail(err, GM_ERR_VALUE, "pictures of %dx%d are not supported", o->width,
		               o->height);
	for (int i = 0; i < r->fields; i++) {
		gm_shape *s = &r->field[i].shape;
		int64_t *h = &s->dim[s->rank - 2], *w = &s->dim[s->rank - 1];
		if (s->rank < 2 || *h < 1 || f->height % *h || f->width != f->height / *h * *w)
			continue;
		const int64_t times = f->height / *h; /* ratio of image and field size */
		if (o->height % times || o->width % times)
			return gm_fail(err, GM_ERR_VALUE,
			               "width and height of %dx%d are not multiples of %d",
			               o->width, o->height, (int)times);
		*h = o->height / times, *w = o->width / times;
	}
	f->height = o->height, f->width = o->width;
	f->numel = f->channels * f->height * f->width;
	return true;
}

static bool load(gm_saved *s, const char *checkpoint, const gm_saved_options *o, gm_error *err)
{
	gm_run *r = &s->run;
	gm_settings *settings = &s->record.settings;
	r->from = gm_checkpoint_open(checkpoint, err);
	if (!r->from || !gm_record_read(r->from, checkpoint, &s->record, err))
		return false;
	if (o->temperature && !*gm_settings_get(settings, "temperature"))
		return gm_fail(err, GM_ERR_VALUE, "option temperature: %s has none",
		               s->record.model->name);
	if (o->temperature && (!gm_settings_set(settings, "temperature", o->temperature, err) ||
	                       !gm_settings_check(settings, err)))
		return false;
	r->building = true;
	r->from_path = checkpoint;
	r->step = s->record.step, r->seen = s->record.seen;
	r->facts = s->record.facts, r->data_hash = s->record.data_hash;
	memcpy(r->field, s->record.field, sizeof r->field);
	r->fields = s->record.fields;
	r->batch = gm_settings_int(settings, "batch");
	if (!resize(r, o, err))
		return false;
	if (o->batch && (o->exact || r->batch > o->batch))
		r->batch = o->batch;
	while (r->batch > 1 && r->batch * r->facts.numel > 1 << 28)
		r->batch /= 2;
	return gm_run_init(r, settings, err) && r->model->train(r) == 0 && gm_run_ok(r) &&
	       gm_checkpoint_load(r, false);
}

typedef struct loading { /* arguments of load */
	gm_saved *s;
	const char *checkpoint;
	const gm_saved_options *o;
	gm_error *err;
	bool ok;
} loading;

static void load_it(void *ctx)
{
	loading *c = ctx;
	c->ok = load(c->s, c->checkpoint, c->o, c->err);
}

gm_saved *gm_saved_open(const char *run, const gm_saved_options *o, gm_error *err)
{
	char path[PATH_MAX];
	return gm_folder_checkpoint(run, "runs", path, NULL, err) ? gm_saved_open_file(path, o, err)
	                                                          : NULL;
}

gm_saved *gm_saved_open_file(const char *checkpoint, const gm_saved_options *o, gm_error *err)
{
	static const gm_saved_options as_it_is;
	gm_saved *s = calloc(1, sizeof *s);
	gm_error trouble = {0};
	loading c = {s, checkpoint, o ? o : &as_it_is, &trouble, false};
	bool ok = s ? (gm_memory_guard(load_it, &c)
	                       ? c.ok
	                       : gm_fail(&trouble, GM_ERR_MEMORY, "out of memory"))
	            : gm_fail(&trouble, GM_ERR_MEMORY, "no memory for a checkpoint");
	if (ok) {
		s->raw = o && o->raw;
		snprintf(s->path, sizeof s->path, "%s", checkpoint);
		gm_settings_unknown(&s->record.settings, s->unknown, sizeof s->unknown);
		gm_st_close(s->run.from);
		s->run.from = NULL;
		s->run.from_path = NULL;
		return s;
	}
	if (err && !err->code)
		*err = trouble.code ? trouble : s->run.err;
	gm_saved_free(s);
	return NULL;
}

gm_saved *gm_saved_again(const gm_saved *s, int64_t batch, gm_error *err)
{
	return gm_saved_open_file(
		s->path, &(gm_saved_options){.batch = batch, .exact = true, .raw = s->raw}, err);
}

void gm_saved_free(gm_saved *s)
{
	if (!s)
		return;
	gm_run_free(&s->run);
	gm_record_free(&s->record);
	free(s);
}

const gm_facts *gm_saved_facts(const gm_saved *s)
{
	return &s->run.facts;
}

const char *gm_saved_option(const gm_saved *s, const char *name)
{
	return gm_settings_get(&s->record.settings, name);
}

const char *gm_saved_unknown_options(const gm_saved *s)
{
	return s->unknown;
}

const char *gm_saved_path(const gm_saved *s)
{
	return s->path;
}

const gm_settings *gm_saved_settings(const gm_saved *s)
{
	return &s->record.settings;
}

const gm_model *gm_saved_model(const gm_saved *s)
{
	return s->record.model;
}

int64_t gm_saved_step(const gm_saved *s)
{
	return s->record.step;
}

int64_t gm_saved_batch(const gm_saved *s)
{
	return s->run.batch;
}

bool gm_saved_has(gm_saved *s, const char *endpoint)
{
	return gm_endpoint_find(&s->run, endpoint) != NULL;
}

gm_shape gm_saved_shape(gm_saved *s, const char *endpoint)
{
	gm_run_endpoint *e = gm_endpoint_find(&s->run, endpoint);
	return e ? gm_node_shape(e->y) : GM_RANK0;
}

int64_t gm_saved_any_size(const gm_saved *s)
{
	return s->run.sides;
}

bool gm_saved_must(gm_saved *s, const char *endpoint, gm_error *err)
{
	char all[300];
	if (gm_saved_has(s, endpoint))
		return true;
	gm_endpoint_list(&s->run, all, sizeof all);
	return gm_fail(err, GM_ERR_STATE, "this needs a model with the endpoint \"%s\"; %s has: %s",
	               endpoint, s->record.model->name, all);
}

int gm_saved_ports(gm_saved *s, const char *endpoint, gm_port *out, int room)
{
	gm_run *r = &s->run;
	gm_run_endpoint *e = gm_endpoint_find(r, endpoint);
	int unnamed = 0;
	for (int i = 0; e && i < e->nin && i < room; i++) {
		const gm_node *in = e->in[i];
		const char *field = gm_endpoint_field(r, in);
		const gm_run_latent *latent = gm_endpoint_latent(r, in);
		gm_port *p = &out[i];
		*p = (gm_port){.shape = gm_node_shape(in), .dtype = gm_node_dtype(in)};
		p->kind = in == r->label ? GM_PORT_LABEL : field ? GM_PORT_DATA : GM_PORT_LATENT;
		if (p->kind == GM_PORT_LABEL)
			p->classes = r->facts.classes;
		if (field || latent)
			snprintf(p->name, sizeof p->name, "%.39s", field ? field : latent->name);
		else if (unnamed++)
			snprintf(p->name, sizeof p->name, "z%d", unnamed);
		else
			snprintf(p->name, sizeof p->name, "z");
		if (latent)
			p->latent = latent->kind;
	}
	return e ? e->nin : 0;
}

/* Moves the run's error to the caller's, so that the next call starts without one. */
static bool report(gm_saved *s, bool ok, gm_error *err)
{
	if (ok)
		return true;
	gm_run_ok(&s->run);
	if (err && !err->code)
		*err = s->run.err;
	if (!gm_graph_error(s->run.graph)->code)
		s->run.err = (gm_error){0};
	return false;
}

bool gm_saved_run(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed,
                  uint64_t chunk, float *out, gm_error *err)
{
	gm_run_endpoint *e = gm_endpoint_find(&s->run, endpoint);
	gm_use u = {.in = in, .seed = gm_run_latent_seed(seed), .chunk = chunk, .raw = s->raw};
	return gm_saved_must(s, endpoint, err) &&
	       report(s, gm_endpoint_run(&s->run, e, &u, out), err);
}

enum { PORTS = GM_RUN_INPUTS };

bool gm_saved_apply(gm_saved *s, const char *endpoint, const void *const *in, int64_t n,
                    uint64_t seed, float *out, gm_error *err)
{
	gm_port port[PORTS];
	if (!gm_saved_must(s, endpoint, err))
		return false;
	int ports = gm_saved_ports(s, endpoint, port, PORTS);
	int64_t m = s->run.batch, width = gm_node_size(gm_endpoint_find(&s->run, endpoint)->y) / m;
	size_t row[PORTS];
	char *part[PORTS] = {0};
	const void *use[PORTS] = {0};
	float *y = malloc(m * width * sizeof *y);
	bool ok = y || gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows", (long long)m);
	for (int i = 0; ok && i < ports; i++) {
		row[i] = sizeof(float); /* same size as int32_t */
		for (int d = 1; d < port[i].shape.rank; d++)
			row[i] *= (size_t)port[i].shape.dim[d];
		if (in && in[i] && !(use[i] = part[i] = malloc(m * row[i])))
			ok = gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows", (long long)m);
	}
	for (int64_t at = 0, chunk = 0; ok && at < n; at += m, chunk++) {
		int64_t take = n - at < m ? n - at : m;
		for (int i = 0; i < ports; i++)
			for (int64_t k = 0; part[i] && k < m; k++)
				memcpy(part[i] + k * row[i],
				       (const char *)in[i] +
				               (at + (k < take ? k : take - 1)) * row[i],
				       row[i]);
		ok = gm_saved_run(s, endpoint, use, seed, (uint64_t)chunk, y, err);
		if (ok)
			memcpy(out + at * width, y, take * width * sizeof *y);
	}
	for (int i = 0; i < ports; i++)
		free(part[i]);
	free(y);
	return ok;
}

gm_graph *gm_saved_graph(gm_saved *s)
{
	return s->run.graph;
}

gm_node *gm_saved_node(gm_saved *s, const char *endpoint, gm_node *const *in, gm_error *err)
{
	gm_run *r = &s->run;
	gm_run_endpoint *e = gm_endpoint_find(r, endpoint);
	if (!gm_saved_must(s, endpoint, err))
		return NULL;
	if (e->process) {
		gm_fail(err, GM_ERR_VALUE,
		        "%s: the endpoint \"%s\" is iterative, so it is not a single expression",
		        r->model->name, endpoint);
		return NULL;
	}
	gm_node *y = gm_endpoint_node(r, e, in, s->raw);
	return report(s, !gm_graph_error(r->graph)->code, err) ? y : NULL;
}

/* The images that layers read: the first input of the first endpoint that takes data. */
static gm_node *images_of(gm_saved *s)
{
	const gm_run_endpoint *e = gm_endpoint_next(&s->run, GM_TAKES_DATA, NULL);
	return e && e->nin ? e->in[0] : NULL;
}

/* Finds the layers that depend on the images: copies with other images are other expressions. */
static void find_layers(gm_saved *s)
{
	gm_run *r = &s->run;
	gm_node *x = images_of(s), *y, *copy;
	int room = 0;
	if (s->layer || !x)
		return;
	for (int k = 0; k < r->nets; k++)
		room += gm_net_count(r->net[k]);
	s->layer = gm_arena_calloc(r->arena, room + 1, sizeof *s->layer);
	s->value = gm_arena_calloc(r->arena, room + 1, sizeof *s->value);
	gm_node *other = gm_input(r->graph, "layers/x", gm_node_shape(x), gm_node_dtype(x));
	for (int k = 0, n = 0; k < r->nets; k++) {
		const char *name;
		for (int j = 0; n < room && (y = gm_net_layer(r->net[k], j, &name)); j++) {
			gm_clone(&y, 1, &(gm_clone_options){.from = &x, .to = &other, .n = 1},
			         &copy);
			if (copy != y)
				s->layer[n] = gm_name(r, "%s/%s", gm_net_name(r->net[k]), name),
				s->value[n++] = y;
		}
	}
}

const char *gm_saved_layer_name(gm_saved *s, int i, gm_shape *shape)
{
	find_layers(s);
	for (int k = 0; s->layer && k < i; k++)
		if (!s->layer[k])
			return NULL;
	if (s->layer && s->layer[i] && shape)
		*shape = gm_node_shape(s->value[i]);
	return s->layer ? s->layer[i] : NULL;
}

gm_node *gm_saved_layer(gm_saved *s, const char *layer, gm_node *x, gm_error *err)
{
	gm_run *r = &s->run;
	const char *name;
	char all[400] = "";
	size_t k = 0;
	int i = 0;
	for (; (name = gm_saved_layer_name(s, i, NULL)) && strcmp(name, layer); i++)
		k += k < sizeof all ? (size_t)snprintf(all + k, sizeof all - k, "%s%s",
		                                       k ? ", " : "", name)
		                    : 0;
	if (!name) {
		gm_fail(err, GM_ERR_VALUE, "there is no layer %.60s; %s%s", layer,
		        k ? "there are " : "this run has none that reads images", all);
		return NULL;
	}
	gm_run_endpoint e = {.y = s->value[i], .in = {images_of(s)}, .nin = 1};
	gm_node *y = gm_endpoint_resized(r, &e, &x, s->raw);
	return report(s, !gm_graph_error(r->graph)->code, err) ? y : NULL;
}

bool gm_saved_latents(gm_saved *s, const char *endpoint, uint64_t seed, uint64_t chunk,
                      float *const *out, gm_error *err)
{
	gm_run_endpoint *e = gm_endpoint_find(&s->run, endpoint);
	return gm_saved_must(s, endpoint, err) &&
	       report(s, gm_endpoint_latents(&s->run, e, gm_run_latent_seed(seed), chunk, out),
	              err);
}

/* The sampling endpoint of this name; NULL: the model's first one. */
static gm_run_endpoint *drawer(gm_saved *s, const char *name, gm_error *err)
{
	gm_run_endpoint *e =
		name ? gm_endpoint_find(&s->run, name) : gm_endpoint_first(&s->run, GM_DRAWS);
	if (!e)
		gm_saved_must(s, name ? name : GM_ENDPOINT_GENERATE, err);
	else if (!(e->kind->flags & GM_DRAWS))
		gm_fail(err, GM_ERR_VALUE, "the endpoint \"%s\" of %s does not generate samples",
		        e->name, s->record.model->name);
	return e && e->kind->flags & GM_DRAWS ? e : NULL;
}

bool gm_saved_draw(gm_saved *s, const gm_samples *d, float *x, gm_error *err)
{
	gm_run_endpoint *e = drawer(s, d->endpoint, err);
	return e && report(s, gm_run_draw(&s->run, e, d, s->raw, x), err);
}

bool gm_saved_stand(gm_saved *s, const gm_samples *d, int64_t batches, gm_error *err)
{
	gm_run_endpoint *e = drawer(s, d->endpoint, err);
	return e && report(s, gm_run_stand(&s->run, e, d, batches, s->raw), err);
}

bool gm_saved_draws(gm_saved *s, const char *endpoint, gm_facts *f, gm_error *err)
{
	gm_run_endpoint *e = drawer(s, endpoint, err);
	if (e)
		*f = gm_endpoint_facts(&s->run, e);
	return e;
}

gm_run *gm_saved_inside(gm_saved *s)
{
	return &s->run;
}

bool gm_saved_takes_labels(gm_saved *s, const char *endpoint)
{
	gm_run *r = &s->run;
	return gm_endpoint_is_conditional(r, endpoint ? gm_endpoint_find(r, endpoint)
	                                              : gm_endpoint_first(r, GM_DRAWS));
}

int64_t gm_saved_caption_length(gm_saved *s, const char *endpoint)
{
	gm_run *r = &s->run;
	return gm_endpoint_caption_length(r, endpoint ? gm_endpoint_find(r, endpoint)
	                                              : gm_endpoint_first(r, GM_DRAWS));
}

bool gm_saved_complete(gm_saved *s, const gm_saved_hole *hole, float *x, gm_error *err)
{
	gm_run *r = &s->run;
	gm_run_endpoint *e = gm_endpoint_find(r, GM_ENDPOINT_COMPLETE);
	if (!gm_saved_must(s, GM_ENDPOINT_COMPLETE, err))
		return false;
	const int64_t m = r->batch, numel = r->facts.numel,
		      plane = r->facts.height * r->facts.width;
	float *hidden = calloc(m * plane, sizeof *hidden), *in = calloc(m * numel, sizeof *in),
	      *y = malloc(m * numel * sizeof *y);
	int32_t *label = malloc(m * sizeof *label);
	const void *use[GM_RUN_INPUTS] = {in};
	bool ok =
		(hidden && in && y && label) || gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; ok && i < m * plane; i++)
		hidden[i] = !hole->hidden || hole->hidden[i % plane];
	for (int i = 1; i < e->nin; i++)
		use[i] = e->in[i] == r->hidden                              ? (void *)hidden
		         : hole->label && gm_endpoint_is_label(r, e->in[i]) ? (void *)label
		                                                            : NULL;
	for (int64_t at = 0, chunk = 0; ok && at < hole->n; at += m, chunk++) {
		const int64_t take = hole->n - at < m ? hole->n - at : m;
		for (int64_t i = 0; i < take * numel; i++)
			in[i] = hidden[i % plane] ? 0 : x[at * numel + i];
		for (int64_t i = 0; i < m && hole->label; i++)
			label[i] = hole->label[at + (i < take ? i : take - 1)];
		ok = gm_saved_run(s, GM_ENDPOINT_COMPLETE, use, hole->seed, (uint64_t)chunk, y,
		                  err);
		if (ok)
			memcpy(x + at * numel, y, take * numel * sizeof *x);
	}
	free(hidden);
	free(in);
	free(y);
	free(label);
	return ok;
}

int64_t gm_saved_turns(gm_saved *s, const char *endpoint)
{
	const gm_run_endpoint *e = gm_endpoint_find(&s->run, endpoint);
	return e ? gm_endpoint_turns(e) : 0;
}

bool gm_saved_set_turns(gm_saved *s, const char *endpoint, int64_t turns, gm_error *err)
{
	return gm_saved_must(s, endpoint, err) &&
	       gm_endpoint_set_turns(&s->run, gm_endpoint_find(&s->run, endpoint), turns, err);
}

bool gm_saved_frames(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed,
                     uint64_t chunk, int64_t frames, float *out, gm_error *err)
{
	gm_run_endpoint *e = gm_endpoint_find(&s->run, endpoint);
	gm_use u = {.in = in,
	            .seed = gm_run_latent_seed(seed),
	            .chunk = chunk,
	            .raw = s->raw,
	            .frames = frames};
	if (!gm_saved_must(s, endpoint, err))
		return false;
	if (frames < 2 || !gm_endpoint_turns(e))
		return gm_fail(err, GM_ERR_VALUE,
		               "\"%s\" of %s is one evaluation: it has no steps to show", endpoint,
		               s->record.model->name);
	return report(s, gm_endpoint_run(&s->run, e, &u, out), err);
}

int gm_saved_rows(const gm_saved *s, int otherwise)
{
	int64_t classes = s->run.facts.classes;
	return classes >= 1 && classes <= GM_GRID_CLASSES ? (int)classes : otherwise;
}
