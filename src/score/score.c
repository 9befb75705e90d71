/* SPDX-License-Identifier: MIT
 *
 * score/score.c -- the table of metrics, metrics on features, and shared functions. See score.h.
 */
#include "run/classes.h"
#include "score/score_in.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/file.h"
#include "base/text.h"
#include "use/draw.h"

enum { COUNT = 10000 }; /* with fewer, FID is too biased to be used alone */

/* ---- what metrics share ---------------------------------------------------------------------- */

void gm_score_add(gm_scores *s, const char *name, double value, double deviation, int better,
                  const char *note)
{
	if (s->n == GM_SCORES)
		return;
	gm_score *row = &s->row[s->n++];
	*row = (gm_score){.value = value, .deviation = deviation, .better = better};
	snprintf(row->name, sizeof row->name, "%s", name);
	snprintf(row->note, sizeof row->note, "%s", note);
}

void gm_score_warn(gm_scores *s, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	size_t n = strlen(s->warning);
	if (!strstr(s->warning, text))
		snprintf(s->warning + n, sizeof s->warning - n, "%s\n", text);
}

int64_t gm_scorer_count(const gm_scorer *c)
{
	int64_t n = c->o.count ? c->o.count : COUNT;
	return c->real->count && c->real->count < (uint64_t)n ? (int64_t)c->real->count : n;
}

bool gm_scorer_look(gm_scorer *c, bool real, gm_error *err)
{
	bool *looked = real ? &c->real_looked : &c->fake_looked;
	if (*looked)
		return true;
	gm_extracted *s = real ? &c->real_seen : &c->fake_seen;
	unsigned what = real ? c->look & ~(unsigned)GM_EXTRACT_LOGITS : c->look;
	return *looked =
	               gm_extract(real ? c->real : c->fake, c->x, gm_scorer_count(c), what, s, err);
}

bool gm_scorer_trouble(gm_scorer *c, gm_error *err)
{
	const gm_error *e = &c->r->err;
	return gm_fail(err, e->code ? e->code : GM_ERR_STATE, "%s", e->message);
}

/* ---- those that compare features ------------------------------------------------------------- */

static bool look_both(gm_scorer *c, gm_features_pair *f, gm_error *err)
{
	if (!gm_scorer_look(c, true, err) || !gm_scorer_look(c, false, err))
		return false;
	*f = (gm_features_pair){.real = c->real_seen.features,
	                        .fake = c->fake_seen.features,
	                        .n_real = c->real_seen.n,
	                        .n_fake = c->fake_seen.n,
	                        .d = c->real_seen.width};
	return true;
}

static bool run_kid(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_features_pair f;
	gm_spread kid;
	for (int i = 0; i < s->n; i++) /* already computed for FID */
		if (!strcmp(s->row[i].name, "kid"))
			return true;
	if (!look_both(c, &f, err) || !gm_kid(&f, &(gm_kid_options){.seed = c->o.seed}, &kid, err))
		return false;
	gm_score_add(s, "kid", kid.mean, kid.deviation, -1, "deviation of 100 subsets");
	return true;
}

static bool run_fid(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_features_pair f;
	double fid;
	if (!look_both(c, &f, err) ||
	    !gm_frechet_moments(c->real_seen.moments, c->fake_seen.moments, &fid, err))
		return false;
	gm_score_add(s, "fid", fid, NAN, -1, "");
	if (f.n_real >= COUNT && f.n_fake >= COUNT)
		return true;
	gm_score_warn(s,
	              "FID of %" PRId64
	              " examples is biased upwards: compare only equal counts, and use KID too",
	              f.n_fake < f.n_real ? f.n_fake : f.n_real);
	return run_kid(c, s, err);
}

static bool run_is(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_spread is;
	if (!gm_scorer_look(c, false, err) ||
	    !gm_inception_score(c->fake_seen.logits, c->fake_seen.n, c->fake_seen.classes,
	                        &(gm_inception_options){.logits = true}, &is, err))
		return false;
	gm_score_add(s, "is", is.mean, is.deviation, 1, "deviation of 10 splits");
	return true;
}

/* Samples have classes 0, 1, .. in turn; the score is the fraction that the extractor classifies
 * so. */
static bool run_told(gm_scorer *c, gm_scores *s, gm_error *err)
{
	if (!gm_endpoint_is_conditional(c->r, c->fake->endpoint))
		return gm_fail(
			err, GM_ERR_VALUE,
			"metric class-accuracy needs a class-conditional model, but %s is not",
			c->r->model->name);
	if (!gm_scorer_look(c, false, err))
		return false;
	const gm_extracted *f = &c->fake_seen;
	int64_t right = 0;
	const gm_extractor_info *x = gm_extractor_info_of(c->x);
	const gm_facts theirs = {.classes = f->classes, .class_names = x->class_names};
	gm_error why = {0};
	if (!gm_classes_agree(&theirs, "the extractor", &c->r->facts, "this run", &why))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric class-accuracy: %.300s: use --extractor classifier:RUN of "
		               "the same data",
		               why.message);
	for (int64_t i = 0; i < f->n; i++) {
		int64_t best = 0;
		for (int64_t k = 1; k < f->classes; k++)
			if (f->logits[i * f->classes + k] > f->logits[i * f->classes + best])
				best = k;
		right += best == i % f->classes;
	}
	char note[96];
	snprintf(note, sizeof note, "%lld of %lld samples", (long long)right, (long long)f->n);
	gm_score_add(s, "class-accuracy", (double)right / (double)f->n, NAN, 1, note);
	return true;
}

static bool run_prc(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_features_pair f;
	gm_prdc v;
	if (!look_both(c, &f, err) || !gm_prdc_of(&f, 3, &v, err))
		return false;
	gm_score_add(s, "precision", v.precision, NAN, 1, "k = 3");
	gm_score_add(s, "recall", v.recall, NAN, 1, "k = 3");
	return true;
}

static bool run_dc(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_features_pair f;
	gm_prdc v;
	if (!look_both(c, &f, err) || !gm_prdc_of(&f, 5, &v, err))
		return false;
	gm_score_add(s, "density", v.density, NAN, 1, "k = 5");
	gm_score_add(s, "coverage", v.coverage, NAN, 1, "k = 5");
	return true;
}

static bool run_two_sample(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_features_pair f;
	gm_two_sample v;
	char note[96];
	if (!look_both(c, &f, err) || !gm_nearest_accuracy(&f, &v, err))
		return false;
	snprintf(note, sizeof note, "1/2 is best; of real rows %.4f, of samples %.4f", v.real,
	         v.fake);
	gm_score_add(s, "two-sample", v.accuracy, NAN, 0, note);
	return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

enum {
	BOTH = GM_EXTRACT_MOMENTS | GM_EXTRACT_FEATURES,
	ROWS = GM_EXTRACT_FEATURES,
	SAYS = GM_EXTRACT_LOGITS
};

/* clang-format off */
static const gm_metric table[] = {
	{"fid", "Frechet distance of features", run_fid, BOTH, true, true},
	{"kid", "kernel distance of features", run_kid, ROWS, true, true},
	{"is", "Inception score, by the extractor's classes", run_is, SAYS, false, true, true},
	{"class-accuracy", "fraction of samples that the extractor assigns to the requested class", run_told, SAYS, false, true, true},
	{"prc", "improved precision and recall (k = 3)", run_prc, ROWS, true, true},
	{"dc", "density and coverage (k = 5)", run_dc, ROWS, true, true},
	{"two-sample", "accuracy of a nearest-neighbour classifier of samples and data", run_two_sample, ROWS, true, true},
	{"msssim", "MS-SSIM between samples: their similarity", gm_metric_msssim, 0, false, true, true},
	{"swd", "sliced Wasserstein distance of patches, times 1000", gm_metric_swd, 0, false, true, true},
	{"parzen", "log-likelihood under Parzen windows, in nats", gm_metric_parzen, 0, false, true},
	{"modes", "modes found, of a mixture or by the extractor's classes", gm_metric_modes, 0, false, true},
	{"nearest", "distance to the nearest training example, and an image", gm_metric_nearest, 0, false, true},
	{"gam", "generative adversarial metric: the discriminators of RUN1 and RUN2 on each other's samples", gm_metric_gam, 0, .samples = true},
	{"caption-accuracy", "fraction of samples in which the extractor reads what their captions say, on the test split (or --split)", gm_metric_captions, SAYS, .samples = true, .pictures = true, .part = true},
	{"retrieval", "AP@50 and accuracy of images by the captions of classes, on the test split (or --split)", gm_metric_retrieval, 0, .part = true, .endpoint = {GM_ENDPOINT_ENCODE}},
	{"accuracy", "of \"classify\", on the test split (or --split)", gm_metric_accuracy, 0, .part = true, .endpoint = {GM_ENDPOINT_CLASSIFY}},
	{"code-error", "of \"classify\" on the test split, its codes matched to classes", gm_metric_code_error, 0, .endpoint = {GM_ENDPOINT_CLASSIFY}},
	{"k-means", "code error of k-means clusters, as many as \"classify\" has", gm_metric_k_means, 0, .endpoint = {GM_ENDPOINT_CLASSIFY}},
	{"nll", "negative log-likelihood of the test split (or --split), in nats", gm_metric_nll, 0, .part = true, .endpoint = {GM_ENDPOINT_LOG_LIKELIHOOD, GM_ENDPOINT_LOG_WEIGHT}},
	{"bits", "bits per sample of sounds of the test split (or --split), beside two simple codes", gm_metric_bits, 0, .part = true, .endpoint = {GM_ENDPOINT_LOG_LIKELIHOOD}},
	{"free-energy", "mean free energy of the test split, and its difference from the training split", gm_metric_free_energy, 0, .endpoint = {GM_ENDPOINT_FREE_ENERGY, GM_ENDPOINT_FREE_ENERGY "/bound"}},
	{"ais", "log-likelihood of the test split (or --split) in nats, with log Z by annealed importance sampling", gm_metric_ais, 0, .part = true, .endpoint = {GM_ENDPOINT_FREE_ENERGY, GM_ENDPOINT_FREE_ENERGY "/bound"}},
	{"nn", "accuracy of the nearest neighbour on the run's features", gm_metric_nn, 0, .endpoint = {GM_ENDPOINT_FEATURES, GM_ENDPOINT_ENCODE}},
	{"svm", "accuracy of a linear SVM on the run's features", gm_metric_svm, 0, .endpoint = {GM_ENDPOINT_FEATURES, GM_ENDPOINT_ENCODE}},
	{"fairness", "differences of predictions between groups of the model's sensitive feature: parity, equalised odds", gm_metric_fairness, 0, .part = true, .endpoint = {GM_ENDPOINT_CLASSIFY}},
	{"leakage", "what a new classifier finds of the sensitive feature in the codes", gm_metric_leakage, 0, .endpoint = {GM_ENDPOINT_ENCODE, GM_ENDPOINT_FEATURES}},
	{"reconstruction", "distance of examples to their reconstructions, and to others'", gm_metric_reconstruction, 0, .part = true, .endpoint = {GM_ENDPOINT_RECONSTRUCT}},
	{"approx-parzen", "distance of examples to the nearest of several reconstructions", gm_metric_approx_parzen, 0, .part = true, .endpoint = {GM_ENDPOINT_RECONSTRUCT}},
	{"return", "sum of rewards of an episode, with the most probable actions, mean over --count episodes (53)", gm_metric_return, 0, .endpoint = {GM_ENDPOINT_ACT}},
	{"frames", "PSNR, SSIM and sharpness of \"predict\" where something moves, on the test split (or --split), beside the last frame and optical flow", gm_metric_frames, 0, .part = true, .pictures = true, .endpoint = {GM_ENDPOINT_PREDICT}},
	{"forecast", "IoU of label maps of \"predict\", of all and of moving classes, or of objects, on the test split (or --split), beside the last map and optical flow", gm_metric_forecast, 0, .part = true, .pictures = true, .endpoint = {GM_ENDPOINT_PREDICT}},
	{"psnr", "PSNR and SSIM of \"translate\" or \"reconstruct\", on the test split (or --split)", gm_metric_psnr, 0, .part = true, .pictures = true, .endpoint = {GM_ENDPOINT_TRANSLATE, GM_ENDPOINT_RECONSTRUCT}},
};
/* clang-format on */
enum { TABLE = sizeof table / sizeof *table };

const char *gm_metric_names(int i, const char **about)
{
	if (i < 0 || i >= TABLE)
		return NULL;
	if (about)
		*about = table[i].about;
	return table[i].name;
}

const char *gm_metrics_draw(const char *metrics, bool draws)
{
	char list[400], *rest = list, *name;
	snprintf(list, sizeof list, "%s", metrics);
	while ((name = strsep(&rest, ", ")))
		for (int i = 0; i < TABLE; i++)
			if (!strcmp(table[i].name, name) && table[i].samples == draws)
				return table[i].name;
	return NULL;
}

static const gm_metric *find(const char *name, gm_error *err)
{
	const char *names[TABLE];
	char known[300] = "";
	for (int i = 0; i < TABLE; i++) {
		names[i] = table[i].name;
		if (!strcmp(name, names[i]))
			return &table[i];
		size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = gm_text_nearest(name, names, TABLE);
	gm_fail(err, GM_ERR_VALUE, "there is no metric %.40s; %s%s", name,
	        near ? "did you mean " : "metrics: ", near ? near : known);
	return NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool data_options(const gm_scorer *c, const char *split, gm_data_options *o, gm_error *err)
{
	*o = (gm_data_options){.seed = c->r->seed, .again = true};
	if (!gm_settings_data(c->r->settings, false, o, err))
		return false;
	if (split && strcmp(split, o->split))
		o->split = split, o->from = o->to = 0,
		o->per_class = 0; /* these are for the other split */
	return true;
}

const char *gm_scorer_scored(const gm_scorer *c)
{
	return c->o.split ? c->o.split : "test";
}

bool gm_scorer_scores_other(const gm_scorer *c)
{
	return strcmp(gm_scorer_scored(c), "train") != 0;
}

gm_dataset *gm_scorer_part(gm_scorer *c, bool test, gm_error *err)
{
	gm_dataset **d = test ? &c->test : &c->train;
	gm_data_options o;
	const char *other = gm_scorer_scores_other(c) ? gm_scorer_scored(c) : "test";
	if (!*d && data_options(c, test ? other : NULL, &o, err))
		*d = gm_data_open(gm_settings_get(c->r->settings, "data"), &o, err);
	if (!*d)
		return NULL;
	const gm_facts facts = gm_facts_of(gm_data_info_of(*d));
	const bool fits =
		!facts.classes || !c->r->facts.classes ||
		gm_labels_fit(&c->r->facts, &facts, gm_settings_get(c->r->settings, "data"), err);
	return fits ? *d : NULL;
}

static bool is_of(const gm_run_endpoint *e, const char *kind)
{
	return e && kind && !strcmp(e->kind->name, kind);
}

gm_run_endpoint *gm_scorer_endpoint(const gm_scorer *c, const gm_metric *m)
{
	gm_run_endpoint *asked = c->o.endpoint ? gm_endpoint_find(c->r, c->o.endpoint) : NULL;
	gm_run_endpoint *e = NULL;
	if (m->samples)
		return asked && asked->kind->flags & GM_DRAWS ? asked
		                                              : gm_endpoint_first(c->r, GM_DRAWS);
	if (is_of(asked, m->endpoint[0]) || is_of(asked, m->endpoint[1]))
		return asked;
	for (int i = 0; !e && i < 2 && m->endpoint[i]; i++)
		e = gm_endpoint_find(c->r, m->endpoint[i]);
	return e;
}

/* Checks that the model has the endpoint of the metric. */
static bool able(const gm_scorer *c, const gm_metric *m, gm_error *err)
{
	if ((!m->samples && !m->endpoint[0]) || gm_scorer_endpoint(c, m))
		return true;
	if (m->samples)
		return gm_fail(err, GM_ERR_VALUE,
		               "metric %s needs samples, but %s does not generate any", m->name,
		               c->r->model->name);
	return gm_fail(err, GM_ERR_VALUE,
	               "metric %s needs the endpoint \"%s\"%s%s%s, which %s does not have", m->name,
	               m->endpoint[0], m->endpoint[1] ? " or \"" : "",
	               m->endpoint[1] ? m->endpoint[1] : "", m->endpoint[1] ? "\"" : "",
	               c->r->model->name);
}

static bool choose(gm_scorer *c, gm_error *err)
{
	bool used = !c->o.endpoint;
	char list[400], *rest = list, *name;
	snprintf(list, sizeof list, "%s", c->o.metrics ? c->o.metrics : "");
	while ((name = strsep(&rest, ", "))) {
		if (!*name)
			continue;
		const gm_metric *m = find(name, err);
		if (!m)
			return false;
		if (c->metrics == sizeof c->wanted / sizeof *c->wanted)
			return gm_fail(err, GM_ERR_VALUE, "too many metrics");
		if (m->pictures && c->r->facts.points)
			return gm_fail(err, GM_ERR_VALUE,
			               "metric %s is for pictures, but this run is for points",
			               name);
		if (!able(c, m, err))
			return false;
		if (c->o.split && strcmp(c->o.split, "test") && m->endpoint[0] && !m->part)
			return gm_fail(
				err, GM_ERR_VALUE,
				"option split: metric %s has its own splits, and scores test: "
				"leave it out",
				name);
		if (m->run == gm_metric_gam && (!c->o.against || !c->o.checkpoint))
			return gm_fail(err, GM_ERR_VALUE,
			               "metric gam compares two runs: ganymede eval --metrics gam "
			               "RUN1 RUN2");
		const gm_run_endpoint *e = gm_scorer_endpoint(c, m);
		used = used || (e && !strcmp(e->name, c->o.endpoint));
		c->wanted[c->metrics++] = m;
		c->look |= m->look;
		c->draws = c->draws || m->samples;
	}
	if (!used)
		return gm_fail(err, GM_ERR_VALUE,
		               "option endpoint: %s has no endpoint \"%s\" used by the metrics %s",
		               c->r->model->name, c->o.endpoint, c->o.metrics);
	return c->metrics > 0 || gm_fail(err, GM_ERR_VALUE, "no metrics given");
}

static bool set_turns(gm_scorer *c, gm_error *err)
{
	const char *name = c->o.endpoint ? c->o.endpoint : GM_ENDPOINT_GENERATE;
	for (int i = 0; i < c->metrics; i++)
		if (c->wanted[i]->run == gm_metric_ais)
			name = GM_ENDPOINT_LOG_Z;
	gm_run_endpoint *e = gm_endpoint_find(c->r, name);
	if (!c->o.endpoint && !c->draws && !strcmp(name, GM_ENDPOINT_GENERATE))
		return gm_fail(
			err, GM_ERR_VALUE,
			"option turns: the metrics %s draw no samples: leave it out, or name "
			"an --endpoint",
			c->o.metrics);
	if (!e)
		return gm_fail(err, GM_ERR_VALUE, "option turns: %s has no endpoint \"%s\"",
		               c->r->model->name, name);
	return gm_endpoint_set_turns(c->r, e, c->o.turns, err);
}

static bool open_all(gm_scorer *c, gm_error *err)
{
	const gm_score_options *o = &c->o;
	gm_sample_source_options p = {.seed = o->seed};
	if (o->split && strcmp(o->split, "train") && strcmp(o->split, "test") &&
	    strcmp(o->split, "val"))
		return gm_fail(err, GM_ERR_VALUE,
		               "option split: \"%.60s\" is not train, test or val", o->split);
	if (!choose(c, err) || (o->turns && !set_turns(c, err)) ||
	    !data_options(c, o->split && gm_scorer_scores_other(c) ? o->split : NULL, &p.data, err))
		return false;
	bool looks = c->look, modes = false;
	for (int i = 0; i < c->metrics; i++)
		modes = modes || !strcmp(c->wanted[i]->name, "modes");
	if (modes && !c->r->facts.points)
		looks = true;
	if (looks) {
		const char *spec = o->extractor         ? o->extractor
		                   : c->r->facts.points ? "pixels"
		                                        : "inception";
		c->x = gm_score_extractor_open(spec, o->weights, o->outdir ? o->outdir : "runs",
		                               err);
		if (!c->x)
			return false;
	}
	const char *spec = gm_settings_get(c->r->settings, "data");
	gm_error why = {0};
	c->real = gm_sample_source_open(spec, &p, &why);
	if (!c->real)
		return gm_file_exists(spec) || why.code != GM_ERR_IO
		               ? gm_fail(err, why.code, "%s", why.message)
		               : gm_fail(err, why.code,
		                         "%.380s; if the data were moved: --data PATH",
		                         why.message);
	const char *own = gm_settings_get(c->r->settings, "split");
	c->other_data = c->real->data && c->r->data_hash &&
	                !strcmp(p.data.split ? p.data.split : "train", own) &&
	                gm_data_info_of(c->real->data)->hash != c->r->data_hash;
	const gm_run_endpoint *asked = o->endpoint ? gm_endpoint_find(c->r, o->endpoint) : NULL;
	const bool draws = asked && asked->kind->flags & GM_DRAWS;
	if (c->draws && !(c->fake = gm_sample_source_of_run(c->r, draws ? o->endpoint : NULL,
	                                                    o->seed, o->raw, err)))
		return false;
	if (o->truncation > 0 && c->fake && !gm_endpoint_can_truncate(c->r, c->fake->endpoint))
		return gm_scorer_trouble(c, err);
	if (c->fake)
		c->fake->truncation = o->truncation;
	if (c->real->facts.numel != c->r->facts.numel)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s no longer contains examples of the size of the run",
		               c->real->name);
	c->protocol = c->x ? gm_protocol_new(c->x) : json_pack("{s:s}", "ganymede", gm_version());
	json_object_set(c->protocol, "real", c->real->record);
	if (o->endpoint)
		json_object_set_new(c->protocol, "endpoint", json_string(o->endpoint));
	const gm_run_endpoint *iterates = asked ? asked : c->fake ? c->fake->endpoint : NULL;
	if (iterates && gm_endpoint_turns(iterates))
		json_object_set_new(c->protocol, "turns",
		                    json_integer(gm_endpoint_turns(iterates)));
	for (int i = 0; i < c->metrics; i++)
		if (c->wanted[i]->run == gm_metric_ais && gm_endpoint_find(c->r, GM_ENDPOINT_LOG_Z))
			json_object_set_new(c->protocol, "annealing",
			                    json_integer(gm_endpoint_turns(
						    gm_endpoint_find(c->r, GM_ENDPOINT_LOG_Z))));
	if (o->per_class) {
		json_object_set_new(c->protocol, "labels-per-class", json_integer(o->per_class));
		json_object_set_new(c->protocol, "draws", json_integer(gm_svm_draws(o)));
	}
	if (o->raw)
		json_object_set_new(c->protocol, "weights",
		                    json_string("themselves, not their averages"));
	if (o->truncation > 0)
		json_object_set_new(c->protocol, "truncation", json_real(o->truncation));
	if (o->standing)
		json_object_set_new(c->protocol, "standing", json_integer(o->standing));
	if (o->temperature)
		json_object_set_new(c->protocol, "temperature", gm_json_text(o->temperature));
	if (o->ensemble)
		json_object_set_new(c->protocol, "ensemble", gm_json_text(o->ensemble));
	if (o->against)
		json_object_set_new(c->protocol, "against", gm_json_text(o->against));
	for (int i = 0; i < c->metrics; i++)
		if (c->wanted[i]->part)
			json_object_set_new(c->protocol, "scored",
			                    json_string(gm_scorer_scored(c)));
	if (c->fake)
		json_object_set(c->protocol, "samples", c->fake->record);
	json_object_set_new(c->protocol, "count", json_integer(gm_scorer_count(c)));
	json_object_set_new(c->protocol, "seed", json_integer((json_int_t)o->seed));
	return true;
}

gm_scorer *gm_scorer_open(gm_run *r, const gm_score_options *o, gm_error *err)
{
	gm_scorer *c = calloc(1, sizeof *c);
	if (!c) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	c->r = r;
	c->o = *o;
	if (open_all(c, err))
		return c;
	gm_scorer_free(c);
	return NULL;
}

void gm_scorer_free(gm_scorer *c)
{
	if (!c)
		return;
	gm_extracted_free(&c->real_seen);
	gm_extracted_free(&c->fake_seen);
	gm_extractor_free(c->x);
	gm_sample_source_free(c->real);
	gm_sample_source_free(c->fake);
	gm_data_close(c->test);
	gm_data_close(c->train);
	json_decref(c->protocol);
	free(c);
}

bool gm_scorer_score(gm_scorer *c, gm_scores *s, gm_error *err)
{
	*s = (gm_scores){0};
	bool ok = true;
	if (c->other_data)
		gm_score_warn(s,
		              "%s is not the data that the run was trained on: it has changed, or "
		              "is another set",
		              c->real->name);
	for (int i = 0; i < c->metrics && ok; i++) {
		c->now = c->wanted[i];
		ok = c->now->run(c, s, err);
	}
	gm_extracted_free(&c->fake_seen); /* the run may train before the next call */
	c->fake_looked = false;
	return ok;
}

const json_t *gm_scorer_protocol(const gm_scorer *c)
{
	return c->protocol;
}

/* ---- protocols ------------------------------------------------------------------------------- */

static const char *const compared[] = {"extractor", "extractor_sha256", "resize", "pixels", NULL};

json_t *gm_protocol_new(const gm_extractor *x)
{
	const gm_extractor_info *i = gm_extractor_info_of(x);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "extractor", i->name, "extractor_sha256",
	                 i->sha256, "resize", i->resize, "pixels", "8 bits", "ganymede",
	                 gm_version());
}

bool gm_protocol_same(const json_t *a, const json_t *b, gm_error *err)
{
	for (int i = 0; compared[i]; i++) {
		const json_t *x = json_object_get(a, compared[i]),
			     *y = json_object_get(b, compared[i]);
		if (x && y && !json_equal((json_t *)x, (json_t *)y))
			return gm_fail(
				err, GM_ERR_VALUE,
				"different protocols: %s is \"%.90s\" here and \"%.90s\" there",
				compared[i], json_string_value(x), json_string_value(y));
	}
	return true;
}
