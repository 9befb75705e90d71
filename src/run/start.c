/* SPDX-License-Identifier: MIT
 *
 * run/start.c -- initial values from elsewhere (option from): from another run, or from a file of
 * weights that other programs wrote.
 *
 * A variable takes the tensor of its own name. A net of which the other run has no tensor takes
 * those of the other run's net that fits best: the C of a classifier those of a GAN's D or of an
 * autoencoder's E. In a file of weights names are those within the net.
 */
#include "run/start.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ganymede/features.h"
#include "nn/net.h"
#include "run/folder.h"
#include "tensorfile/tensors.h"

/* The small library (libganymede) has no such networks, and reads checkpoints only. */
#pragma weak gm_extractor_names
#pragma weak gm_extractor_weights
#pragma weak gm_tensors_open
#pragma weak gm_tensors_close
#pragma weak gm_tensors_find
#pragma weak gm_tensor_f32

static bool is_network(const char *name)
{
	const char *known = "";
	for (int i = 0; gm_extractor_names && (known = gm_extractor_names(i, NULL)); i++)
		if (!strcmp(known, name))
			return true;
	return false;
}

/* Of a file: whether it is a checkpoint, by its record. */
static bool is_checkpoint(const char *path)
{
	gm_st *st = gm_st_open(path, NULL);
	const bool is = st && gm_st_meta(st, "model");
	gm_st_close(st);
	return is;
}

bool gm_start_find(const gm_settings *s, char path[PATH_MAX], bool *checkpoint, gm_error *err)
{
	const char *from = gm_settings_get(s, "from"),
		   *weights = gm_settings_get(s, "extractor-weights");
	*checkpoint = false;
	if (!gm_file_exists(from) && is_network(from))
		return gm_extractor_weights(from, *weights ? weights : NULL, path, err);
	if (gm_file_exists(from) && !gm_file_is_folder(from) && !is_checkpoint(from) &&
	    gm_tensors_open)
		return snprintf(path, PATH_MAX, "%s", from) < PATH_MAX;
	*checkpoint = true;
	return gm_folder_checkpoint(from, gm_settings_get(s, "outdir"), path, NULL, err);
}

/* ---- what is loaded from where --------------------------------------------------------------- */

typedef struct source {
	const gm_st *st;  /* a checkpoint; else: */
	gm_tensors *file; /* of weights */
} source;

typedef struct found { /* a tensor of either */
	const gm_st_tensor *st;
	const gm_tensor *file;
	char name[512];
} found;

static bool look(const source *s, found *f, const char *name)
{
	snprintf(f->name, sizeof f->name, "%s", name);
	f->st = s->st ? gm_checkpoint_tensor(s->st, name) : NULL;
	f->file = s->file ? gm_tensors_find(s->file, name) : NULL;
	return f->st || f->file;
}

static bool has_shape(const found *f, gm_shape s)
{
	if (f->st)
		return f->st->type == GM_ST_F32 && gm_tensor_has_shape(f->st, s);
	bool same = f->file->rank == s.rank;
	for (int i = 0; same && i < s.rank; i++)
		same = f->file->dims[i] == s.dim[i];
	return same;
}

static bool load(const found *f, gm_node *to)
{
	if (f->st)
		return gm_tensor_copy(f->st, to);
	float *v = malloc((size_t)gm_node_size(to) * sizeof *v);
	if (v)
		gm_tensor_f32(f->file, v);
	const bool ok = v && gm_set_f32(to, v, gm_node_size(to));
	free(v);
	return ok;
}

static const char *within(const gm_net *n, const char *name)
{
	return name + strlen(gm_net_name(n)) + 1;
}

/* Tensors of the net called `prefix` in the checkpoint that fit variables of n. */
static int matches(const source *s, const gm_net *n, const char *prefix)
{
	int count = 0;
	for (int i = 0; i < gm_net_count(n); i++) {
		gm_net_entry e = gm_net_at(n, i);
		char name[512];
		found f;
		snprintf(name, sizeof name, "%s/%s", prefix, within(n, e.name));
		if (e.role != GM_MOMENT && !gm_net_is_fresh(n, e.name) && look(s, &f, name) &&
		    has_shape(&f, gm_node_shape(e.node)))
			count++;
	}
	return count;
}

/* The net of a checkpoint that n takes its tensors from: its own name if there is one, else the one
 * with the most tensors that fit. */
static void partner(const source *s, const gm_net *n, char prefix[64])
{
	int best = 0;
	char last[64] = "";
	snprintf(prefix, 64, "%s", gm_net_name(n));
	for (int64_t i = 0; s->st && i < gm_st_count(s->st); i++) {
		const char *name = gm_st_at(s->st, i)->name, *slash = strchr(name, '/');
		char one[64];
		if (!slash || slash - name >= (ptrdiff_t)sizeof one)
			continue;
		snprintf(one, sizeof one, "%.*s", (int)(slash - name), name);
		if (!strcmp(one, gm_net_name(n))) {
			snprintf(prefix, 64, "%s", one);
			return;
		}
		if (!strcmp(one, last) || !strcmp(one, "keep"))
			continue;
		strcpy(last, one);
		const int fit = matches(s, n, one);
		if (fit > best)
			best = fit, snprintf(prefix, 64, "%s", one);
	}
}

static void say_shape(FILE *to, const int64_t *d, int rank)
{
	for (int i = 0; i < rank; i++)
		fprintf(to, "%s%" PRId64, i ? "," : "[", d[i]);
	fputs(rank ? "]" : "[]", to);
}

/* Loads one variable, and tells of it. *kept: it keeps its initial value. */
static bool start_one(gm_run *r, const source *s, const gm_net *n, const char *prefix,
                      gm_net_entry e, FILE *fates, bool *kept)
{
	char name[512];
	found f = {0};
	const gm_shape shape = gm_node_shape(e.node);
	const bool fresh = gm_net_is_fresh(n, e.name),
		   frozen = gm_net_freezes(n, within(n, e.name));
	snprintf(name, sizeof name, "%s%s%s", s->file ? "" : prefix, s->file ? "" : "/",
	         within(n, e.name));
	const bool there = (s->st || s->file) && !fresh && look(s, &f, name),
		   fits = there && has_shape(&f, shape);
	*kept = !fits;
	fprintf(fates, "  %s ", e.name);
	say_shape(fates, shape.dim, shape.rank);
	if (fits)
		fprintf(fates, strcmp(f.name, e.name) ? ": taken from %s" : ": taken", f.name);
	else
		fputs(fresh ? ": new, as asked for" : ": new", fates);
	if (there && !fits) {
		fprintf(fates, ", since %s is ", f.name);
		if (f.st)
			say_shape(fates, f.st->dims, f.st->rank);
		else
			say_shape(fates, f.file->dims, f.file->rank);
	}
	fputs(frozen ? "; frozen\n" : "\n", fates);
	if (fits && !load(&f, e.node))
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for %s", e.name);
	if (frozen && !fits && (s->st || s->file))
		return gm_fail(
			&r->err, GM_ERR_VALUE,
			"option freeze: %.100s would stay at its random initial value, since "
			"%s%.100s%s",
			e.name, fresh ? "option head makes it new" : "there is no ",
			fresh ? "" : name, there ? " of its shape" : "");
	return true;
}

/* Moving averages of what was loaded begin at the loaded values. */
static bool start_average(gm_run *r, const source *s, const char *prefix, const gm_net *n,
                          gm_net_entry e)
{
	char name[512];
	found f;
	snprintf(name, sizeof name, "%s/%s.ema", prefix, within(n, e.name));
	if (s->st && look(s, &f, name) && has_shape(&f, gm_node_shape(e.node)))
		return load(&f, e.average) ||
		       gm_fail(&r->err, GM_ERR_MEMORY, "no memory for %s", name);
	const int64_t size = gm_node_size(e.node);
	float *v = malloc((size_t)size * sizeof *v);
	const bool ok = v && gm_get_f32(e.node, v, size) && gm_set_f32(e.average, v, size);
	free(v);
	return ok || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for %s", name);
}

static bool start_net(gm_run *r, const source *s, const gm_net *n, FILE *fates,
                      gm_start_report *report)
{
	char prefix[64];
	partner(s, n, prefix);
	for (int i = 0; i < gm_net_count(n); i++) {
		gm_net_entry e = gm_net_at(n, i);
		bool kept;
		if (e.role == GM_MOMENT || e.role == GM_AVERAGE)
			continue;
		if (!start_one(r, s, n, prefix, e, fates, &kept))
			return false;
		*(kept ? &report->kept : &report->loaded) += 1;
		if (!kept && e.average && !start_average(r, s, prefix, n, e))
			return false;
	}
	return true;
}

/* Every pattern of option freeze must select something. */
static bool check_patterns(gm_run *r)
{
	const char *all = gm_settings_get(r->settings, "freeze");
	char one[256];
	for (; *all; all += strspn(all, ",")) {
		const size_t size = strcspn(all, ",");
		int frozen = 0;
		snprintf(one, sizeof one, "%.*s", (int)size, all);
		for (int i = 0; i < r->nets; i++)
			frozen += gm_net_selected(r->net[i], one);
		if (!frozen && size)
			return gm_fail(
				&r->err, GM_ERR_VALUE,
				"option freeze: no parameter is called \"%.100s\"; names are such "
				"as %.100s",
				one,
				r->nets && gm_net_count(r->net[0]) ? gm_net_at(r->net[0], 0).name
								   : "C/features/weight");
		all += size;
	}
	return true;
}

bool gm_start_from(gm_run *r, const gm_st *st, const char *path, gm_start_report *report)
{
	*report = (gm_start_report){0};
	source s = {.st = st};
	char *text = NULL;
	size_t size = 0;
	if (!check_patterns(r) || (path && !st && !(s.file = gm_tensors_open(path, &r->err))))
		return false;
	FILE *fates = open_memstream(&text, &size);
	bool ok = fates || gm_fail(&r->err, GM_ERR_MEMORY, "out of memory");
	for (int i = 0; ok && i < r->nets; i++)
		ok = start_net(r, &s, r->net[i], fates, report);
	if (fates)
		fclose(fates);
	if (ok && text)
		report->fates = gm_arena_strdup(r->settings->arena, text);
	free(text);
	if (s.file)
		gm_tensors_close(s.file);
	if (!ok || !path || report->loaded > 0)
		return ok;
	const char *first = report->fates + strspn(report->fates, " ");
	return gm_fail(&r->err, GM_ERR_VALUE,
	               "option from: no tensor of %.200s has name and shape of a variable of %s, "
	               "whose first is %.*s",
	               path, r->model->name, (int)strcspn(first, ":\n"), first);
}
