/* SPDX-License-Identifier: MIT
 *
 * score/sample_source.c -- see sample_source.h.
 */
#include "score/sample_source.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/file.h"
#include "data/source.h"
#include "data/tree.h"
#include "ganymede/image.h"
#include "base/progress.h"
#include "run/folder.h"
#include "use/saved_run.h"
#include "use/draw.h"

enum { BATCH = 100 };

/* ---- opening --------------------------------------------------------------------------------- */

static gm_sample_source *blank(const char *name, uint64_t seed, gm_error *err)
{
	gm_sample_source *p = calloc(1, sizeof *p);
	if (!p || !(p->name = strdup(name)) || !(p->record = json_object())) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		gm_sample_source_free(p);
		return NULL;
	}
	p->seed = seed;
	json_object_set_new(p->record, "from", gm_json_text(name));
	return p;
}

/* endpoint NULL: the first sampling endpoint */
static bool use_run(gm_sample_source *p, gm_run *r, const char *endpoint, gm_error *err)
{
	p->endpoint = endpoint ? gm_endpoint_find(r, endpoint) : gm_endpoint_first(r, GM_DRAWS);
	if (!p->endpoint)
		return gm_fail(err, GM_ERR_STATE, "%s: %s does not generate samples", p->name,
		               r->model->name);
	p->run = r;
	p->facts = gm_endpoint_facts(r, p->endpoint);
	p->batch = r->batch;
	json_object_set_new(p->record, "kind", json_string("samples"));
	json_object_set_new(p->record, "model", json_string(r->model->name));
	json_object_set_new(p->record, "seed", json_integer((json_int_t)p->seed));
	json_object_set_new(p->record, "averages", json_boolean(r->ema > 0 && !p->raw));
	return true;
}

static bool open_run(gm_sample_source *p, const char *checkpoint, gm_error *err)
{
	p->saved =
		gm_saved_open(checkpoint, &(gm_saved_options){.batch = BATCH, .raw = p->raw}, err);
	if (!p->saved || !use_run(p, gm_saved_inside(p->saved), NULL, err))
		return false;
	json_object_set_new(p->record, "step", json_integer(gm_saved_step(p->saved)));
	return true;
}

static bool open_data(gm_sample_source *p, const char *spec, const gm_data_options *o,
                      gm_error *err)
{
	char hash[24];
	p->data = gm_data_open(spec, o, err);
	if (!p->data)
		return false;
	const gm_data_info *d = gm_data_info_of(p->data);
	p->facts = gm_facts_of(d);
	p->count = d->count;
	p->batch = BATCH;
	snprintf(hash, sizeof hash, "%016" PRIx64, d->hash);
	json_object_set_new(p->record, "kind", json_string("data"));
	json_object_set_new(p->record, "seed", json_integer((json_int_t)p->seed));
	json_object_set_new(p->record, "split", json_string(o->split ? o->split : "train"));
	json_object_set_new(p->record, "hash", json_string(hash));
	json_object_set_new(p->record, "resize", json_string(d->resize));
	if (o->from || o->to)
		json_object_set_new(
			p->record, "range",
			json_sprintf("%" PRIu64 ":%" PRIu64, o->from, o->from + d->count));
	return true;
}

static bool open_stats(gm_sample_source *p, const char *path, gm_error *err)
{
	p->stats = calloc(1, sizeof *p->stats);
	if (!p->stats || !gm_stats_read(path, p->stats, err))
		return p->stats || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	json_object_set_new(p->record, "kind", json_string("statistics"));
	json_t *said = p->stats->protocol ? json_loads(p->stats->protocol, 0, NULL) : NULL;
	if (json_is_object(said))
		json_object_set(p->record, "protocol", said);
	json_decref(said);
	return true;
}

static bool is_checkpoint(const char *spec)
{
	const char *dot = strrchr(spec, '.');
	return dot && !strcmp(dot, ".safetensors");
}

/* The checkpoint given by spec; any file other than .safetensors is data. */
static bool find_run(const char *spec, const gm_sample_source_options *o, char *checkpoint,
                     gm_error *err)
{
	bool maybe = is_checkpoint(spec) || !gm_file_exists(spec) || gm_file_is_folder(spec);
	return maybe &&
	       gm_folder_checkpoint(spec, o->outdir ? o->outdir : "runs", checkpoint, NULL, err);
}

bool gm_sample_source_is_run(const char *spec, const gm_sample_source_options *o)
{
	char checkpoint[PATH_MAX];
	return !gm_stats_is(spec) && find_run(spec, o, checkpoint, NULL);
}

/* ---- pictures of their own sizes ------------------------------------------------------------- */

enum { FILE_MOST = 1 << 28 }; /* bytes */

/* The next image of the tree, decoded. NULL at the end; also for a file that is not a readable
 * image, but then *more is true. */
static gm_image *next_picture(gm_tree *t, bool header, gm_image_facts *facts, bool *more,
                              gm_error *err)
{
	gm_tree_file f;
	char name[PATH_MAX];
	uint8_t *bytes = NULL;
	size_t n = 0;
	gm_error why = {0};
	gm_image *im = NULL;
	*facts = (gm_image_facts){0};
	*more = gm_tree_next(t, &f, err);
	if (!*more)
		return NULL;
	snprintf(name, sizeof name, "%s", f.name);
	if (gm_tree_read(t, FILE_MOST, &bytes, &n, &why)) {
		if (!header)
			im = gm_image_read_memory(name, bytes, n, facts, &why);
		else if (!gm_image_look(name, bytes, n, facts, &why))
			*facts = (gm_image_facts){0};
	}
	free(bytes);
	return im;
}

/* True if the images of a folder or archive differ in size; *count is their number. */
static bool sizes_differ(const char *path, uint64_t *count, gm_error *err)
{
	gm_tree *t = gm_tree_open(path, err);
	gm_image_facts f;
	int width = 0, height = 0;
	bool differ = false, more = t != NULL;
	*count = 0;
	while (more) {
		next_picture(t, true, &f, &more, err);
		more = more && gm_progress_tell("reading image sizes", *count, 0, "pictures", err);
		if (!f.format)
			continue;
		differ = differ || (*count && (f.width != width || f.height != height));
		width = f.width, height = f.height;
		++*count;
	}
	gm_progress_end();
	gm_tree_close(t);
	return differ && !err->code;
}

/* 8-bit pixels as RGB [3, height, width] in [-1, 1]. */
static float *rgb_of(const gm_image *im)
{
	int64_t plane = (int64_t)im->width * im->height;
	float *x = malloc(3 * plane * sizeof *x);
	for (int64_t i = 0; x && i < plane; i++)
		for (int c = 0; c < 3; c++)
			x[c * plane + i] =
				im->pixel[i * im->channels + (im->channels == 3 ? c : 0)] / 127.5f -
				1;
	return x;
}

/* Features of n images (a random choice by seed if there are more), each in its original size,
 * resized only by the extractor, as pytorch-fid does. */
static bool look_at_own_sizes(gm_sample_source *p, gm_extractor *x, int64_t n, unsigned what,
                              gm_extracted *s, gm_error *err)
{
	bool whole = what & GM_EXTRACT_FEATURES;
	gm_tree *t = gm_tree_open(p->name, err);
	char *chosen = calloc(p->count + 1, 1);
	bool ok = t && (chosen || gm_fail(err, GM_ERR_MEMORY, "out of memory")), more = ok;
	for (int64_t i = 0; ok && i < n; i++)
		chosen[(uint64_t)n < p->count ? gm_data_permute(p->seed, 0, p->count, (uint64_t)i)
		                              : (uint64_t)i] = 1;
	for (int64_t k = 0, at = 0; ok && at < n;) {
		gm_image_facts f;
		gm_image *im = next_picture(t, false, &f, &more, err);
		if (!more) {
			ok = err->code == GM_OK &&
			     gm_fail(err, GM_ERR_STATE, "%s changed while it was read", p->name);
			break;
		}
		if (!f.format || !im || !chosen[k++]) {
			gm_image_free(im);
			continue;
		}
		float *pixels = rgb_of(im);
		gm_extractor_input in = {.x = pixels,
		                         .n = 1,
		                         .channels = 3,
		                         .height = im->height,
		                         .width = im->width};
		int64_t width = gm_extractor_width(x, &in);
		if (!s->width) {
			s->width = width;
			s->features = malloc((whole ? n : 1) * width * sizeof *s->features);
			s->logits = s->classes ? malloc(n * s->classes * sizeof *s->logits) : NULL;
			s->moments = what & GM_EXTRACT_MOMENTS ? gm_moments_new(width, err) : NULL;
			ok = (s->features && (s->logits || !s->classes) &&
			      (s->moments || !(what & GM_EXTRACT_MOMENTS))) ||
			     gm_fail(err, GM_ERR_MEMORY, "no memory for features");
		}
		if (ok && width != s->width)
			ok = gm_fail(err, GM_ERR_VALUE,
			             "%s: extractor %s needs pictures of one size: give --size N",
			             p->name, gm_extractor_info_of(x)->name);
		float *row = ok ? s->features + (whole ? at * s->width : 0) : NULL;
		ok = ok && (pixels || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture")) &&
		     gm_progress_tell("features", (uint64_t)at, (uint64_t)n, "pictures", err) &&
		     gm_extractor_run(x, &in, row, s->classes ? s->logits + at * s->classes : NULL,
		                      err) &&
		     (!s->moments || gm_moments_add(s->moments, row, 1, err));
		at++;
		free(pixels);
		gm_image_free(im);
	}
	gm_progress_end();
	gm_tree_close(t);
	free(chosen);
	return ok;
}

static bool open_own_sizes(gm_sample_source *p, uint64_t count)
{
	p->own_sizes = true;
	p->count = count;
	p->facts = (gm_facts){.channels = 3};
	json_object_set_new(p->record, "kind", json_string("data"));
	json_object_set_new(p->record, "seed", json_integer((json_int_t)p->seed));
	json_object_set_new(p->record, "split", json_string("whole"));
	json_object_set_new(p->record, "resize",
	                    json_string("by the extractor, each from its original size"));
	return true;
}

gm_sample_source *gm_sample_source_open(const char *spec, const gm_sample_source_options *o,
                                        gm_error *err)
{
	char checkpoint[PATH_MAX];
	gm_sample_source *p = blank(spec, o->seed, err);
	uint64_t count = 0;
	gm_error several = {0}; /* an ambiguous run number is not the name of a data set */
	bool ok = p != NULL, is_file = is_checkpoint(spec);
	if (ok)
		p->raw = o->raw;
	if (ok && gm_stats_is(spec))
		ok = o->stats ? open_stats(p, spec, err)
		              : gm_fail(err, GM_ERR_VALUE,
		                        "%s contains statistics of features, but pictures are "
		                        "needed",
		                        spec);
	else if (ok && find_run(spec, o, checkpoint, is_file ? err : &several))
		ok = open_run(p, checkpoint, err);
	else if (ok && several.code == GM_ERR_VALUE)
		ok = gm_fail(err, several.code, "%s", several.message);
	else if (ok && o->own_sizes && !is_file && gm_file_exists(spec) &&
	         (gm_file_is_folder(spec) || gm_tree_is_archive(spec)) &&
	         sizes_differ(spec, &count, err))
		ok = open_own_sizes(p, count);
	else if (ok)
		ok = !is_file && !(err && err->code) && open_data(p, spec, &o->data, err);
	if (ok)
		return p;
	gm_sample_source_free(p);
	return NULL;
}

gm_sample_source *gm_sample_source_of_run(gm_run *r, const char *endpoint, uint64_t seed, bool raw,
                                          gm_error *err)
{
	gm_sample_source *p = blank("the run itself", seed, err);
	if (p)
		p->raw = raw;
	if (p && use_run(p, r, endpoint, err))
		return p;
	gm_sample_source_free(p);
	return NULL;
}

void gm_sample_source_free(gm_sample_source *p)
{
	if (!p)
		return;
	gm_data_close(p->data);
	gm_saved_free(p->saved);
	if (p->stats)
		gm_stats_free(p->stats);
	free(p->stats);
	json_decref(p->record);
	free(p->name);
	free(p);
}

/* ---- reading --------------------------------------------------------------------------------- */

bool gm_sample_source_read(gm_sample_source *p, uint64_t i, float *x, int32_t *label, gm_error *err)
{
	if (p->data)
		return gm_data_batch(p->data, p->seed, i * p->batch, p->batch, x, label, err);
	if (p->stats)
		return gm_fail(err, GM_ERR_STATE, "%s contains only statistics, no examples",
		               p->name);
	gm_run *r = p->run;
	for (int64_t k = 0; label && k < p->batch; k++)
		label[k] = r->facts.classes ? (int32_t)((i * p->batch + k) % r->facts.classes) : 0;
	if (gm_endpoint_run(r, p->endpoint,
	                    &(gm_use){.seed = gm_run_latent_seed(p->seed),
	                              .chunk = i,
	                              .raw = p->raw,
	                              .truncation = p->truncation},
	                    x))
		return true;
	return gm_fail(err, r->err.code ? r->err.code : GM_ERR_STATE, "%s", r->err.message);
}

static void round_to_bytes(const gm_facts *f, float *x, int64_t n)
{
	if (f->points || f->rate)
		return;
	for (int64_t i = 0; i < n; i++) {
		float v = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
		x[i] = isfinite(v) ? rintf((v + 1) * 127.5f) / 127.5f - 1 : v;
	}
}

bool gm_sample_source_take(gm_sample_source *p, int64_t n, bool rounded, float *x, int32_t *label,
                           gm_error *err)
{
	int64_t m = p->batch, numel = p->facts.numel;
	float *some = malloc(m * numel * sizeof *some);
	int32_t *some_label = malloc(m * sizeof *some_label);
	bool ok = (some && some_label) || gm_fail(err, GM_ERR_MEMORY, "no memory for examples");
	for (int64_t at = 0; ok && at < n; at += m) {
		int64_t take = n - at < m ? n - at : m;
		ok = gm_progress_tell(p->data ? "reading examples" : "sampling", (uint64_t)at,
		                      (uint64_t)n, "examples", err) &&
		     gm_sample_source_read(p, at / m, some, some_label, err);
		if (ok)
			memcpy(x + at * numel, some, take * numel * sizeof *x);
		if (ok && label)
			memcpy(label + at, some_label, take * sizeof *label);
	}
	gm_progress_end();
	if (ok && rounded)
		round_to_bytes(&p->facts, x, n * numel);
	free(some);
	free(some_label);
	return ok;
}

/* ---- looking --------------------------------------------------------------------------------- */

void gm_extracted_free(gm_extracted *s)
{
	gm_moments_free(s->moments);
	free(s->features);
	free(s->logits);
	*s = (gm_extracted){0};
}

bool gm_extract(gm_sample_source *p, gm_extractor *x, int64_t n, unsigned what, gm_extracted *s,
                gm_error *err)
{
	const gm_facts *f = &p->facts;
	gm_extractor_input in = {.channels = f->points ? 1 : (int)f->channels,
	                         .height = f->points ? 1 : (int)f->height,
	                         .width = f->points ? (int)f->numel : (int)f->width};
	int64_t m = p->batch;
	char what_of[64];
	snprintf(what_of, sizeof what_of, "features of %.40s", p->name);
	s->n = n;
	s->width = gm_extractor_width(x, &in);
	s->classes = what & GM_EXTRACT_LOGITS ? gm_extractor_info_of(x)->classes : 0;
	if (what & GM_EXTRACT_LOGITS && !s->classes)
		return gm_fail(err, GM_ERR_VALUE, "extractor %s has no classes",
		               gm_extractor_info_of(x)->name);
	if (p->own_sizes) {
		s->width = 0;
		bool seen = look_at_own_sizes(p, x, n, what, s, err);
		if (!seen)
			gm_extracted_free(s);
		else if (!(what & GM_EXTRACT_FEATURES))
			free(s->features), s->features = NULL;
		return seen;
	}
	bool whole = what & GM_EXTRACT_FEATURES;
	float *pictures = malloc(m * f->numel * sizeof *pictures);
	s->features = malloc((whole ? n : m) * s->width * sizeof *s->features);
	if (s->classes)
		s->logits = malloc(n * s->classes * sizeof *s->logits);
	bool ok = (pictures && s->features && (!s->classes || s->logits)) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld features of %lld examples",
	                  (long long)s->width, (long long)n);
	if (ok && what & GM_EXTRACT_MOMENTS)
		ok = (s->moments = gm_moments_new(s->width, err)) != NULL;
	for (int64_t at = 0; ok && at < n; at += m) {
		float *row = s->features + (whole ? at * s->width : 0);
		in.x = pictures;
		in.n = n - at < m ? n - at : m;
		ok = gm_progress_tell(what_of, (uint64_t)at, (uint64_t)n,
		                      f->points ? "points" : "pictures", err) &&
		     gm_sample_source_read(p, at / m, pictures, NULL, err);
		if (!ok)
			break;
		round_to_bytes(f, pictures, in.n * f->numel);
		ok = gm_extractor_run(x, &in, row, s->classes ? s->logits + at * s->classes : NULL,
		                      err) &&
		     (!s->moments || gm_moments_add(s->moments, row, in.n, err));
	}
	gm_progress_end();
	free(pictures);
	if (!whole || !ok)
		free(s->features), s->features = NULL;
	if (!ok)
		gm_extracted_free(s);
	return ok;
}
