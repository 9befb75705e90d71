/* SPDX-License-Identifier: MIT
 *
 * score/score_text.c -- metrics of models that read captions.
 */
#include "score/score_in.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "run/captions.h"
#include "run/classes.h"
#include "use/draw.h"

static gm_dataset *scored(gm_scorer *c, gm_error *err)
{
	return gm_scorer_part(c, gm_scorer_scores_other(c), err);
}

/* ---- caption-accuracy ------------------------------------------------------------------------ */

enum { EACH = 8 }; /* samples of each caption */

/* What the extractor read in samples, and in real images of the same captions. */
typedef struct reading {
	int64_t n, whole, first, last, shuffled, real, real_n;
	double distance, pairs; /* sum of mean absolute differences of samples of one caption */
} reading;

/* True if the first (or last) words of two names are equal. */
static bool same_word(const char *a, const char *b, bool last)
{
	const char *end_a = last ? strrchr(a, ' ') : strchr(a, ' '),
		   *end_b = last ? strrchr(b, ' ') : strchr(b, ' ');
	if (last)
		return !strcmp(end_a ? end_a + 1 : a, end_b ? end_b + 1 : b);
	const size_t m = end_a ? (size_t)(end_a - a) : strlen(a),
		     n = end_b ? (size_t)(end_b - b) : strlen(b);
	return m == n && !strncmp(a, b, n);
}

static int64_t best_of(const float *logit, int64_t n)
{
	int64_t best = 0;
	for (int64_t k = 1; k < n; k++)
		best = logit[k] > logit[best] ? k : best;
	return best;
}

static void count_read(reading *t, const gm_facts *f, const int32_t *label, const int64_t *read,
                       int64_t n, int64_t other)
{
	for (int64_t i = 0; i < n; i++) {
		t->n++, t->whole += read[i] == label[i];
		t->shuffled += read[i] == label[(i + other) % n];
		if (f->class_names)
			t->first +=
				same_word(f->class_names[read[i]], f->class_names[label[i]], false),
				t->last +=
				same_word(f->class_names[read[i]], f->class_names[label[i]], true);
	}
}

typedef struct room { /* of one batch */
	float *x, *logit;
	int32_t *label, *text;
	int64_t *read;
} room;

static bool read_images(gm_scorer *c, const room *b, int64_t m, int64_t classes, gm_error *err)
{
	const gm_facts *f = &c->fake->facts;
	const gm_extractor_input in = {.x = b->x,
	                               .n = m,
	                               .channels = (int)f->channels,
	                               .height = (int)f->height,
	                               .width = (int)f->width};
	if (!gm_extractor_run(c->x, &in, NULL, b->logit, err))
		return false;
	for (int64_t i = 0; i < m; i++)
		b->read[i] = best_of(b->logit + i * classes, classes);
	return true;
}

/* Mean absolute difference of neighbours among the EACH samples of a caption. */
static void add_distance(reading *t, const float *x, int64_t m, int64_t numel)
{
	for (int64_t i = 0; i + 1 < m; i++) {
		double sum = 0;
		if (i % EACH == EACH - 1)
			continue;
		for (int64_t k = 0; k < numel; k++)
			sum += fabsf(x[i * numel + k] - x[(i + 1) * numel + k]);
		t->distance += sum / (double)numel, t->pairs++;
	}
}

/* A batch of captions of the data, each EACH times. */
static bool one_batch(gm_scorer *c, gm_dataset *data, const room *b, int64_t m, int64_t length,
                      uint64_t at, reading *t, gm_error *err)
{
	gm_run *r = c->r;
	const int64_t captions = m / EACH, numel = c->fake->facts.numel,
		      classes = gm_extractor_info_of(c->x)->classes;
	const uint64_t first = at * (uint64_t)captions;
	int32_t *few = b->label;
	if (!gm_data_batch(data, c->o.seed, first, captions, b->x, few, err) ||
	    !gm_data_read(data, gm_data_field(data, "caption"), c->o.seed, first, captions, b->text,
	                  err) ||
	    !read_images(c, b, captions, classes, err))
		return false;
	for (int64_t i = 0; i < captions; i++)
		t->real += b->read[i] == few[i], t->real_n++;
	for (int64_t i = m - 1; i >= 0; i--) {
		b->label[i] = b->label[i / EACH];
		memmove(b->text + i * length, b->text + i / EACH * length,
		        (size_t)length * sizeof *b->text);
	}
	const gm_samples d = {.seed = c->o.seed,
	                      .first = (int64_t)at * m,
	                      .n = m,
	                      .label = b->label,
	                      .caption = b->text};
	if (!gm_run_draw(r, c->fake->endpoint, &d, c->o.raw, b->x))
		return gm_scorer_trouble(c, err);
	if (!read_images(c, b, m, classes, err))
		return false;
	count_read(t, &r->facts, b->label, b->read, m, EACH);
	add_distance(t, b->x, m, numel);
	return true;
}

static bool can_read(gm_scorer *c, gm_dataset *data, gm_error *err)
{
	const gm_extractor_info *x = gm_extractor_info_of(c->x);
	const gm_facts theirs = {.classes = x->classes, .class_names = x->class_names};
	gm_error why = {0};
	if (!gm_endpoint_caption_length(c->r, c->fake->endpoint))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric caption-accuracy needs a model that reads captions, but %s "
		               "does not",
		               c->r->model->name);
	if (!c->r->facts.classes || !gm_data_field(data, "caption"))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric caption-accuracy needs data with classes and captions");
	if (!gm_classes_agree(&theirs, "the extractor", &c->r->facts, "this run", &why))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric caption-accuracy: %.300s: use --extractor classifier:RUN of "
		               "the same data",
		               why.message);
	return true;
}

static void add_reading(gm_scores *s, const reading *t, bool words)
{
	char note[96];
	const double n = (double)t->n;
	snprintf(note, sizeof note, "%lld samples, %d of each caption; of real images %.4f",
	         (long long)t->n, EACH, (double)t->real / (double)t->real_n);
	gm_score_add(s, "caption-accuracy", (double)t->whole / n, NAN, 1, note);
	if (words) {
		gm_score_add(s, "caption-first-word", (double)t->first / n, NAN, 1,
		             "of the class's name");
		gm_score_add(s, "caption-last-word", (double)t->last / n, NAN, 1,
		             "of the class's name");
	}
	gm_score_add(s, "caption-shuffled", (double)t->shuffled / n, NAN, 0,
	             "accuracy for the captions of other samples");
	gm_score_add(s, "caption-spread", t->distance / t->pairs, NAN, 0,
	             "mean absolute difference of two samples of a caption");
}

bool gm_metric_captions(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_dataset *data = scored(c, err);
	if (!data || !can_read(c, data, err))
		return false;
	const int64_t length = gm_endpoint_caption_length(c->r, c->fake->endpoint),
		      m = c->r->batch / EACH * EACH, n = c->o.count ? c->o.count : 2000,
		      classes = gm_extractor_info_of(c->x)->classes;
	if (m < 2 * EACH)
		return gm_fail(err, GM_ERR_VALUE,
		               "metric caption-accuracy needs batches of %d or more: --batch",
		               2 * EACH);
	if (gm_data_field(data, "caption")->numel != length)
		return gm_fail(err, GM_ERR_VALUE, "the data's captions have another length");
	room b = {malloc((size_t)(m * c->fake->facts.numel) * sizeof *b.x),
	          malloc((size_t)(m * classes) * sizeof *b.logit),
	          malloc((size_t)m * sizeof *b.label),
	          malloc((size_t)(m * length) * sizeof *b.text),
	          malloc((size_t)m * sizeof *b.read)};
	reading t = {0};
	bool ok = (b.x && b.logit && b.label && b.text && b.read) ||
	          gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t at = 0; ok && at * m < n; at++)
		ok = gm_progress_tell("reading samples", (uint64_t)(at * m), (uint64_t)n, "samples",
		                      err) &&
		     one_batch(c, data, &b, m, length, (uint64_t)at, &t, err);
	gm_progress_end();
	if (ok)
		add_reading(s, &t, c->r->facts.class_names);
	free(b.x), free(b.logit), free(b.label), free(b.text), free(b.read);
	return ok;
}

/* ---- retrieval ------------------------------------------------------------------------------- */

enum { AT = 50 };

typedef struct ranked {
	double score;
	int32_t label;
} ranked;

static int by_score(const void *x, const void *y)
{
	const double a = ((const ranked *)x)->score, b = ((const ranked *)y)->score;
	return a < b ? 1 : a > b ? -1 : 0;
}

/* Embeddings of n images and captions, with labels. */
typedef struct embedded {
	int64_t n, width;
	float *image, *text;
	int32_t *label;
} embedded;

static bool embed(gm_scorer *c, gm_dataset *data, gm_run_endpoint *image, gm_run_endpoint *text,
                  embedded *e, gm_error *err)
{
	gm_run *r = c->r;
	const int64_t m = r->batch, length = gm_node_size(text->in[0]) / m;
	float *x = malloc((size_t)(m * r->facts.numel) * sizeof *x);
	int32_t *said = malloc((size_t)(m * length) * sizeof *said);
	bool ok = (x && said) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t at = 0; ok && at < e->n; at += m) {
		const gm_use see = {.in = (const void *[]){x}, .raw = c->o.raw},
			     read = {.in = (const void *[]){said}, .raw = c->o.raw};
		ok = gm_progress_tell("embedding", (uint64_t)at, (uint64_t)e->n, "images", err) &&
		     gm_data_batch(data, c->o.seed, (uint64_t)at, m, x, e->label + at, err) &&
		     gm_data_read(data, gm_data_field(data, "caption"), c->o.seed, (uint64_t)at, m,
		                  said, err);
		if (ok && (!gm_endpoint_run(r, image, &see, e->image + at * e->width) ||
		           !gm_endpoint_run(r, text, &read, e->text + at * e->width)))
			ok = gm_scorer_trouble(c, err);
	}
	gm_progress_end();
	free(x), free(said);
	return ok;
}

static double product(const float *a, const double *b, int64_t n)
{
	double sum = 0;
	for (int64_t k = 0; k < n; k++)
		sum += a[k] * b[k];
	return sum;
}

/* Mean embedding of the captions of each class (Reed et al. 2016, section 5), as a query. */
static void retrieve(const embedded *e, int64_t classes, double *query, int64_t *count,
                     double *score, ranked *list, gm_scores *s)
{
	double precision = 0, right = 0;
	int64_t used = 0, fewest = INT64_MAX;
	for (int64_t i = 0; i < e->n; i++) {
		count[e->label[i]]++;
		for (int64_t k = 0; k < e->width; k++)
			query[e->label[i] * e->width + k] += e->text[i * e->width + k];
	}
	for (int64_t i = 0; i < e->n; i++)
		score[i] = -INFINITY;
	int64_t *best = calloc((size_t)e->n, sizeof *best);
	for (int64_t q = 0; q < classes && best; q++) {
		int64_t hits = 0;
		if (!count[q])
			continue;
		for (int64_t i = 0; i < e->n; i++) {
			const double v =
				product(e->image + i * e->width, query + q * e->width, e->width) /
				(double)count[q];
			list[i] = (ranked){v, e->label[i]};
			if (v > score[i])
				score[i] = v, best[i] = q;
		}
		qsort(list, (size_t)e->n, sizeof *list, by_score);
		for (int64_t i = 0; i < AT && i < e->n; i++)
			hits += list[i].label == q;
		precision += (double)hits / AT, used++;
		fewest = count[q] < fewest ? count[q] : fewest;
	}
	for (int64_t i = 0; i < e->n && best; i++)
		right += best[i] == e->label[i];
	free(best);
	char note[96];
	snprintf(note, sizeof note, "%lld classes of at least %lld images", (long long)used,
	         (long long)fewest);
	gm_score_add(s, "ap-50", precision / (double)used, NAN, 1, note);
	snprintf(note, sizeof note, "of %lld images, by the nearest class", (long long)e->n);
	gm_score_add(s, "retrieval-accuracy", right / (double)e->n, NAN, 1, note);
}

bool gm_metric_retrieval(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_run *r = c->r;
	gm_run_endpoint *image = gm_scorer_endpoint(c, c->now), *text = NULL;
	gm_dataset *data = scored(c, err);
	if (!data)
		return false;
	text = gm_endpoint_find(r, "encode/text");
	if (!text || gm_node_size(text->y) != gm_node_size(image->y))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric retrieval needs the endpoints \"encode\" and "
		               "\"encode/text\" of one size, such as those of text-encoder");
	const int64_t classes = gm_data_info_of(data)->classes, m = r->batch;
	if (!classes || !gm_data_field(data, "caption"))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric retrieval needs data with classes and captions");
	int64_t n = gm_scorer_count(c);
	const uint64_t have = gm_data_info_of(data)->count;
	n = have && have < (uint64_t)n ? (int64_t)have : n;
	const int64_t width = gm_node_size(image->y) / m, rows = n + m;
	embedded e = {n, width, malloc((size_t)(rows * width) * sizeof(float)),
	              malloc((size_t)(rows * width) * sizeof(float)),
	              malloc((size_t)rows * sizeof(int32_t))};
	double *query = calloc((size_t)(classes * width), sizeof *query),
	       *score = malloc((size_t)n * sizeof *score);
	int64_t *count = calloc((size_t)classes, sizeof *count);
	ranked *list = malloc((size_t)n * sizeof *list);
	bool ok = (e.image && e.text && e.label && query && score && count && list) ||
	          gm_fail(err, GM_ERR_MEMORY, "out of memory");
	ok = ok && embed(c, data, image, text, &e, err);
	if (ok)
		retrieve(&e, classes, query, count, score, list, s);
	free(e.image), free(e.text), free(e.label), free(query), free(score), free(count);
	free(list);
	return ok;
}
