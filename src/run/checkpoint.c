/* SPDX-License-Identifier: MIT
 *
 * run/checkpoint.c -- saves and loads a run's variables as safetensors files. Their metadata:
 * record.c.
 */
#include "run/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/folder.h"
#include "run/history.h"

gm_st *gm_checkpoint_open(const char *path, gm_error *err)
{
	char folder[PATH_MAX], whole[PATH_MAX];
	gm_error why = {0};
	gm_st *st = gm_st_open(path, &why);
	if (st)
		return st;
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1,
	         slash ? path : ".");
	if (why.code == GM_ERR_FORMAT && gm_folder_whole_checkpoint(folder, path, whole))
		gm_fail(err, why.code, "%s; the newest complete checkpoint there is %s",
		        why.message, whole);
	else if (err && !err->code)
		*err = why;
	return NULL;
}

static const gm_run_value *best_value(const gm_run *r)
{
	for (int i = 0; i < r->values; i++)
		if (!strcmp(r->value[i].name, r->best_name))
			return &r->value[i];
	return NULL;
}

bool gm_checkpoint_better(const gm_run *r)
{
	const gm_run_value *v = *r->best_name && r->step > 0 ? best_value(r) : NULL;
	if (!v || (v->rare && v->at != r->step))
		return false;
	return !r->has_best || (r->best_most ? v->value > r->best : v->value < r->best);
}

void gm_checkpoint_best_named(gm_run *r)
{
	/* The names of metrics are known only after the first measurement. */
	if (!*r->best_name || r->step == 0 || best_value(r) || (r->scorer && !r->scored))
		return;
	char all[300] = "";
	for (int i = 0; i < r->values; i++) {
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", r->value[i].name);
	}
	gm_run_fail(r, GM_ERR_VALUE, "option best: no logged value is named %.60s; there are %s",
	            r->best_name, all);
}

/* As gm_checkpoint_better, and updates r->best. Error if no logged value has that name. */
static bool is_best(gm_run *r)
{
	if (gm_checkpoint_better(r)) {
		r->best = best_value(r)->value, r->has_best = true;
		return true;
	}
	gm_checkpoint_best_named(r);
	return false;
}

/* Calls `each` for every variable of a checkpoint of r: those of its nets, and of imported runs
 * those that samples depend on. False if a call returned false. */
static bool each_variable(const gm_run *r, bool moments, bool (*each)(void *ctx, gm_net_entry e),
                          void *ctx)
{
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < gm_net_count(r->net[i]); j++) {
			gm_net_entry e = gm_net_at(r->net[i], j);
			if ((moments || e.role != GM_MOMENT) && !each(ctx, e))
				return false;
		}
	for (const gm_import_of *in = r->import; in; in = in->next)
		if (!each_variable(&in->run, false, each, ctx))
			return false;
	return true;
}

static bool count_one(void *ctx, gm_net_entry e)
{
	(void)e;
	++*(int *)ctx;
	return true;
}

typedef struct saving {
	gm_run *r;
	gm_st_tensor *t;
	int k;
} saving;

static bool save_one(void *ctx, gm_net_entry e)
{
	saving *s = ctx;
	gm_shape shape = gm_node_shape(e.node);
	int64_t n = gm_node_size(e.node);
	float *v = malloc(n * sizeof *v);
	bool ok = v && gm_get_f32(e.node, v, n);
	/* Never save values that are not finite: rollbacks return to checkpoints. */
	for (int64_t c = 0; ok && c < n; c++)
		if (!isfinite(v[c])) {
			gm_run_nonfinite(s->r, e.name, v[c]);
			ok = false;
		}
	gm_st_tensor *t = &s->t[s->k++];
	*t = (gm_st_tensor){.name = e.name, .type = GM_ST_F32, .rank = shape.rank, .data = v};
	memcpy(t->dims, shape.dim, shape.rank * sizeof *shape.dim);
	return ok;
}

bool gm_checkpoint_save(gm_run *r)
{
	int count = 0;
	each_variable(r, true, count_one, &count);
	for (const gm_run_kept *kept = r->kept; kept; kept = kept->next)
		count++;
	gm_st_tensor *t = calloc(count ? count : 1, sizeof *t);
	bool ok = t != NULL;
	saving at = {.r = r, .t = t};
	ok = ok && each_variable(r, true, save_one, &at);
	int k = at.k;
	for (const gm_run_kept *kept = r->kept; ok && kept; kept = kept->next, k++) {
		void *copy = malloc(kept->size ? kept->size : 1);
		ok = copy != NULL;
		if (ok)
			memcpy(copy, kept->bytes, kept->size);
		t[k] = (gm_st_tensor){.name = kept->name,
		                      .type = GM_ST_U8,
		                      .rank = 1,
		                      .dims = {kept->size},
		                      .data = copy};
	}
	gm_run_keep_tuned(r);
	char *options = gm_settings_json(r->settings, false), *facts = gm_record_facts(r);
	char step[24], seen[24], runs[24], data[24], path[PATH_MAX];
	snprintf(step, sizeof step, "%" PRId64, r->step);
	snprintf(seen, sizeof seen, "%" PRIu64, r->seen);
	snprintf(runs, sizeof runs, "%" PRIu64, gm_graph_runs(r->graph));
	snprintf(data, sizeof data, "%016" PRIx64, r->data_hash);
	char rollbacks[24], best[32], version[12];
	snprintf(version, sizeof version, "%d", GM_RECORD_VERSION);
	char *schedules = gm_record_schedules(r), *streams = gm_record_streams(r),
	     *imports = gm_record_imports(r);
	bool better = is_best(r);
	ok = ok && options && facts && schedules && streams && imports && !r->err.code;
	snprintf(best, sizeof best, "%.17g", r->best);
	snprintf(rollbacks, sizeof rollbacks, "%" PRId64, r->rollbacks);
	gm_st_pair meta[15] = {
		{"data", data},
		{"facts", facts},
		{"format", "ganymede-run"},
		{"model", r->model->name},
		{"options", options},
		{"runs", runs},
		{"schedules", schedules},
		{"seen", seen},
		{"step", step},
		{"version", version},
	};
	int metas = 10; /* optional keys: */
	if (r->rollbacks)
		meta[metas++] = (gm_st_pair){"rollbacks", rollbacks};
	if (r->origin)
		meta[metas++] = (gm_st_pair){"origin", r->origin};
	if (r->import)
		meta[metas++] = (gm_st_pair){"imports", imports};
	if (r->streams)
		meta[metas++] = (gm_st_pair){"streams", streams};
	if (r->has_best)
		meta[metas++] = (gm_st_pair){"best", best};
	if (!ok && !r->err.code)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory to save a checkpoint");
	if (snprintf(path, sizeof path, "%s/checkpoint-%06" PRId64 ".safetensors", r->folder,
	             r->step) >= PATH_MAX)
		ok = gm_fail(&r->err, GM_ERR_VALUE, "the path of the checkpoint is too long");
	/* best.safetensors is written first: if the program is killed in between, a resumed run
	 * repeats both. */
	char best_path[PATH_MAX + 32];
	snprintf(best_path, sizeof best_path, "%s/best.safetensors", r->folder);
	ok = ok && (!better || gm_st_write(best_path, t, count, meta, metas, &r->err));
	ok = ok && gm_st_write(path, t, count, meta, metas, &r->err);
	if (ok) {
		r->saved_at = r->step;
		gm_folder_rotate(r->folder, r->keep);
	}
	for (int i = 0; t && i < count; i++)
		free((void *)t[i].data);
	free(t);
	free(options);
	free(facts);
	free(schedules);
	free(streams);
	free(imports);
	return ok;
}

/* "[512,256,4,4]" */
static const char *dims_text(const int64_t *d, int rank, char *text, size_t room)
{
	size_t n = snprintf(text, room, "[");
	for (int i = 0; i < rank && n < room; i++)
		n += snprintf(text + n, room - n, "%s%" PRId64, i ? "," : "", d[i]);
	if (n < room)
		snprintf(text + n, room - n, "]");
	return text;
}

/* Determines the names of tensors in a file: version and model of the record, and the prefix of an
 * imported run. */
typedef struct naming {
	const gm_st *st;
	int version;
	const char *model, *scope;
	size_t skip;
} naming;

static int version_of(const char *text)
{
	uint64_t v;
	return gm_text_u64(text, &v) && v <= GM_RECORD_VERSION ? (int)v : GM_RECORD_VERSION;
}

static naming naming_of(const gm_run *r)
{
	return (naming){r->from, version_of(gm_run_meta(r, "version")), gm_run_meta(r, "model"),
	                r->scope, r->skip};
}

/* The name in the file of a variable with this full name. */
static const char *name_in_file(const naming *m, const char *name, char text[512])
{
	const char *bare = name + strlen(m->scope),
		   *then = gm_history_tensor(m->version, m->model, bare);
	snprintf(text, 512, "%s%s", m->scope, then);
	return text + m->skip;
}

static const gm_st_tensor *find_tensor(const naming *m, const char *name)
{
	char text[512];
	return gm_st_find(m->st, name_in_file(m, name, text));
}

static bool fits(const naming *m, const char *path, const char *name, gm_shape s, gm_error *err)
{
	const gm_st_tensor *t = find_tensor(m, name);
	double value;
	char have[160], want[160];
	if (!t)
		return gm_history_lacks(m->version, m->model, name + strlen(m->scope), &value) ||
		       gm_fail(err, GM_ERR_FORMAT, "%s: the tensor %s is missing", path, name);
	if (!gm_tensor_has_shape(t, s))
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: the tensor %s has shape %s, but the model's options require %s",
		               path, name, dims_text(t->dims, t->rank, have, sizeof have),
		               dims_text(s.dim, s.rank, want, sizeof want));
	if (t->type != GM_ST_F32)
		return gm_fail(err, GM_ERR_FORMAT, "%s: the tensor %s is of type %s, not F32", path,
		               name, gm_st_type_name(t->type));
	return true;
}

bool gm_checkpoint_fits(const gm_run *r, const char *name, gm_shape s, gm_error *err)
{
	const naming m = naming_of(r);
	return fits(&m, r->from_path, name, s, err);
}

/* Sets all values of a variable that is newer than the checkpoint. */
static bool fill(gm_node *n, double value)
{
	const int64_t size = gm_node_size(n);
	float *v = malloc((size_t)size * sizeof *v);
	for (int64_t i = 0; v && i < size; i++)
		v[i] = (float)value;
	const bool ok = v && gm_set_f32(n, v, size);
	free(v);
	return ok;
}

static bool load_one(const naming *m, const char *path, const gm_net_entry *e, gm_error *err)
{
	if (!fits(m, path, e->name, gm_node_shape(e->node), err))
		return false;
	const gm_st_tensor *t = find_tensor(m, e->name);
	double value = 0;
	if (!t && gm_history_lacks(m->version, m->model, e->name + strlen(m->scope), &value))
		return fill(e->node, value) ||
		       gm_fail(err, GM_ERR_MEMORY, "no memory for %s", e->name);
	return gm_tensor_copy(t, e->node) ||
	       gm_fail(err, GM_ERR_MEMORY, "no memory for %s", e->name);
}

const gm_st_tensor *gm_checkpoint_tensor(const gm_st *st, const char *name)
{
	const naming m = {st, version_of(gm_st_meta(st, "version")), gm_st_meta(st, "model"), "",
	                  0};
	return find_tensor(&m, name);
}

static bool is_kept(const gm_run *r, const char *name)
{
	for (const gm_run_kept *k = r->kept; k; k = k->next)
		if (!strcmp(k->name, name))
			return true;
	return false;
}

/* Optimiser state of a variable that is not trained: earlier versions saved some. */
static bool is_unused_memory(const gm_run *r, const char *name)
{
	const char *last = strrchr(name, '/'), *dot = last ? strchr(last, '.') : NULL;
	char variable[512];
	if (!dot || dot - name >= (ptrdiff_t)sizeof variable)
		return false;
	snprintf(variable, sizeof variable, "%.*s%.*s", (int)r->skip, r->scope, (int)(dot - name),
	         name);
	for (int i = 0; i < r->nets; i++)
		if (gm_net_find(r->net[i], variable))
			return true;
	return false;
}

typedef struct search {
	naming m;
	const char *name;
	int64_t known;
} search;

static bool count_known(void *ctx, gm_net_entry e)
{
	search *s = ctx;
	s->known += find_tensor(&s->m, e.name) != NULL;
	return true;
}

static bool is_another(void *ctx, gm_net_entry e)
{
	const search *s = ctx;
	char text[512];
	return strcmp(name_in_file(&s->m, e.name, text), s->name) && strcmp(e.name, s->name);
}

/* Checks that the file has no tensors other than those of r and its imported runs. */
static bool check_left_over(gm_run *r)
{
	search s = {.m = naming_of(r)};
	each_variable(r, true, count_known, &s);
	for (int64_t i = 0; s.known < gm_st_count(r->from) && i < gm_st_count(r->from); i++) {
		s.name = gm_st_at(r->from, i)->name;
		if (!is_kept(r, s.name) && !is_unused_memory(r, s.name) &&
		    each_variable(r, true, is_another, &s))
			return gm_fail(&r->err, GM_ERR_FORMAT,
			               "%s: the tensor %.100s is not part of %s", r->from_path,
			               s.name, r->model->name);
	}
	return true;
}

bool gm_checkpoint_load(gm_run *r, bool all)
{
	const naming m = naming_of(r);
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < gm_net_count(r->net[i]); j++) {
			gm_net_entry e = gm_net_at(r->net[i], j);
			if ((all || e.role != GM_MOMENT) &&
			    !load_one(&m, r->from_path, &e, &r->err))
				return false;
		}
	/* For an imported run, the importing run checks the whole file. */
	return r->skip != strlen(r->scope) || check_left_over(r);
}
