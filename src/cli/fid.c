/* SPDX-License-Identifier: MIT
 *
 * cli/fid.c -- ganymede fid: the Frechet distance of any two sources, and files of statistics
 * compatible with pytorch-fid and clean-fid.
 */
#include "cli/cli.h"

#include "use/saved_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "score/score.h"

enum { ENOUGH = 10000 }; /* with fewer examples, FID is too biased to be used alone */

static const cli_option table[] = {
	{"extractor", "inception",
         "feature extractor: inception, inception-tf, vgg16, squeezenet, pixels, "
         "classifier:RUN"},
	{"weights", "", "file with the extractor's weights; default: the one of data fetch"},
	{"count", "0", "examples of each; 0: all of a finite set, else 10000"},
	{"seed", "0", "seed of samples, and of the choice of examples if not all are used"},
	{"outdir", "runs", "folder of runs"},
	{"raw", "", "for a run: the weights, not their moving averages"},
	{"save-stats", "", "write mean and covariance of A to this .npz file (mu, sigma)"},
	{"json", "", "write the result and its protocol to this file"},
	{"force", "", "compare even if protocols differ; overwrite statistics"},
	{"help", "", "this"},
	{0},
};

static void help(void)
{
	const char *about, *name;
	cli_help("fid");
	puts("\nA and B: a run or checkpoint (its samples), a data set by name or path, a folder "
	     "or archive\nof images, or an .npz with mu and sigma.");
	cli_options_help(table);
	puts("\noptions of data sets:");
	for (int i = 0; (name = gm_data_option_names(i, &about)); i++)
		printf("  --%-14s %-15s %s\n", name, "-", about);
}

/* A or B: the source and its statistics. */
typedef struct part {
	gm_sample_source *side;
	gm_extracted seen;
	int64_t n;
	gm_stats stats; /* computed, or read from a file */
} part;

static int64_t count_of(const gm_sample_source *s, uint64_t asked)
{
	int64_t n = asked ? (int64_t)asked : s->count ? (int64_t)s->count : ENOUGH;
	return s->count && s->count < (uint64_t)n ? (int64_t)s->count : n;
}

static bool look(part *p, gm_extractor *x, unsigned what, gm_error *err)
{
	if (p->side->stats) {
		p->stats = *p->side->stats;
		*p->side->stats = (gm_stats){0}; /* moved */
		return true;
	}
	if (!gm_extract(p->side, x, p->n, what, &p->seen, err))
		return false;
	int64_t d = p->seen.width;
	json_object_set_new(p->side->record, "count", json_integer(p->n));
	p->stats = (gm_stats){.d = d,
	                      .mean = malloc(d * sizeof(double)),
	                      .sigma = malloc(d * d * sizeof(double))};
	return ((p->stats.mean && p->stats.sigma) ||
	        gm_fail(err, GM_ERR_MEMORY, "no memory for %" PRId64 " features", d)) &&
	       gm_moments_get(p->seen.moments, p->stats.mean, p->stats.sigma, err);
}

static void end(part *p)
{
	gm_sample_source_free(p->side);
	gm_extracted_free(&p->seen);
	gm_stats_free(&p->stats);
}

/* The protocol in a file of statistics; NULL if there is none. */
static json_t *said(const part *p)
{
	return json_object_get(p->side->record, "protocol");
}

static bool protocols_fit(const part *a, const part *b, const json_t *ours, bool force,
                          gm_scores *s, gm_error *err)
{
	const json_t *all[2] = {a->side->stats ? said(a) : ours,
	                        b->side ? b->side->stats ? said(b) : ours : NULL};
	gm_error why = {0};
	const part *both[] = {a, b};
	for (int i = 0; i < 2; i++)
		if (both[i]->side && both[i]->side->stats && !all[i])
			gm_score_warn(s, "%s has no protocol; it is assumed to be the same",
			              both[i]->side->name);
	if (!all[0] || !all[1] || gm_protocol_same(all[0], all[1], &why))
		return true;
	if (!force)
		return gm_fail(err, why.code, "%s; --force compares them anyway", why.message);
	gm_score_warn(s, "%s: forced", why.message);
	return true;
}

static bool compare(part *a, part *b, uint64_t seed, gm_scores *s, gm_error *err)
{
	double fid;
	if (a->stats.d != b->stats.d)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s has %" PRId64 " features, %s has %" PRId64
		               ": they cannot be compared",
		               a->side->name, a->stats.d, b->side->name, b->stats.d);
	if (!gm_frechet(a->stats.mean, a->stats.sigma, b->stats.mean, b->stats.sigma, a->stats.d,
	                &fid, err))
		return false;
	gm_score_add(s, "fid", fid, NAN, -1, "");
	int64_t least = ENOUGH;
	if (a->n)
		least = a->n < least ? a->n : least;
	if (b->n)
		least = b->n < least ? b->n : least;
	if (least == ENOUGH)
		return true;
	gm_score_warn(s,
	              "FID of %" PRId64
	              " examples is biased upwards: compare only equal counts, and use KID too",
	              least);
	if (!a->seen.features || !b->seen.features)
		return true;
	gm_features_pair f = {a->seen.features, b->seen.features, a->n, b->n, a->stats.d};
	gm_spread kid;
	if (!gm_kid(&f, &(gm_kid_options){.seed = seed}, &kid, err))
		return false;
	gm_score_add(s, "kid", kid.mean, kid.deviation, -1, "deviation of 100 subsets");
	return true;
}

/* Checks the extension, and does not overwrite files without --force. */
static bool may_save(const char *path, bool force, gm_error *err)
{
	const char *dot = strrchr(path, '.');
	if (!dot || strcmp(dot, ".npz"))
		return gm_fail(err, GM_ERR_VALUE, "option save-stats: %.300s does not end in .npz",
		               path);
	return force || !gm_file_exists(path) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%.300s already exists: give another name, or --force to overwrite", path);
}

static bool save(const char *path, part *a, const json_t *protocol, gm_error *err)
{
	json_t *p = json_deep_copy(protocol);
	json_object_set(p, "of", a->side->record);
	a->stats.protocol = json_dumps(p, JSON_COMPACT);
	json_decref(p);
	if (!gm_stats_write(path, &a->stats, err))
		return false;
	printf("%s: mu [%" PRId64 "] and sigma of %" PRId64 " examples of %s\n", path, a->stats.d,
	       a->n, a->side->name);
	return true;
}

static bool write_json(const char *path, const gm_scores *s, const json_t *protocol, gm_error *err)
{
	json_t *all = gm_scores_json(s, 0, protocol);
	json_object_del(all, "step");
	char *text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	bool ok = text ? gm_file_write(path, text, strlen(text), err)
	               : gm_fail(err, GM_ERR_MEMORY, "out of memory");
	free(text);
	json_decref(all);
	return ok;
}

enum { GIVEN = 32 };

/* The given options of data sets, as texts. */
typedef struct given {
	const char *name[GIVEN], *value[GIVEN];
	int n;
} given;

static bool data_option(void *context, const char *name, const char *value, gm_error *err)
{
	given *g = context;
	gm_data_options try = {0};
	const char *known;
	if (!gm_data_option(&try, name, value, err))
		return false;
	for (int i = 0; (known = gm_data_option_names(i, NULL)) && g->n < GIVEN; i++)
		if (cli_is(name, known))
			g->name[g->n] = known, g->value[g->n++] = value;
	return true;
}

/* If the other side is a run, a data set is resized as the run's data, so that `fid RUN DATA`
 * equals `eval RUN`; given options have priority. The range of the run's data is not used: it is
 * for its own files. */
static bool data_options(const gm_sample_source *beside, const given *g, gm_data_options *o,
                         gm_error *err)
{
	*o = (gm_data_options){0};
	if (beside && beside->saved &&
	    !gm_settings_data(gm_saved_settings(beside->saved), false, o, err))
		return false;
	o->from = o->to = 0;
	bool ok = true;
	for (int i = 0; i < g->n && ok; i++)
		ok = gm_data_option(o, g->name[i], g->value[i], err);
	return ok;
}

static bool run(const cli_values *v, const given *g, gm_error *err)
{
	uint64_t count, seed;
	if (!cli_whole(v, "count", 0, 1 << 26, &count, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &seed, err))
		return false;
	if (count == 1)
		return gm_fail(err, GM_ERR_VALUE, "option count: a covariance needs 2 examples");
	gm_sample_source_options o = {.seed = seed,
	                              .outdir = cli_value(v, "outdir"),
	                              .raw = cli_given(v, "raw"),
	                              .stats = true};
	/* As pytorch-fid reads folders, unless the options, or a run on the other side, determine
	 * the resizing. */
	bool beside_run = gm_sample_source_is_run(v->operand[0], &o) ||
	                  (v->operand[1] && gm_sample_source_is_run(v->operand[1], &o));
	o.own_sizes = !g->n && !beside_run;
	bool any_data =
		!beside_run || !(gm_sample_source_is_run(v->operand[0], &o) &&
	                         (!v->operand[1] || gm_sample_source_is_run(v->operand[1], &o)));
	if (g->n && (!any_data || (gm_stats_is(v->operand[0]) &&
	                           (!v->operand[1] || gm_stats_is(v->operand[1])))))
		return gm_fail(err, GM_ERR_VALUE,
		               "option %s is for data sets; neither A nor B is one", g->name[0]);
	if (o.raw && !beside_run)
		return gm_fail(err, GM_ERR_VALUE, "option raw is for runs; neither A nor B is one");
	part a = {0}, b = {0};
	gm_extractor *x = NULL;
	gm_scores s = {0};
	const char *out = cli_given(v, "save-stats");
	/* Open a run first: it determines the resizing of the other side. */
	bool swap = v->operand[1] && !gm_sample_source_is_run(v->operand[0], &o) &&
	            gm_sample_source_is_run(v->operand[1], &o);
	part *first = swap ? &b : &a, *second = swap ? &a : &b;
	bool ok = (!out || may_save(out, cli_given(v, "force"), err)) &&
	          data_options(NULL, g, &o.data, err) &&
	          (first->side = gm_sample_source_open(v->operand[swap], &o, err));
	if (ok && v->operand[1])
		ok = data_options(first->side, g, &o.data, err) &&
		     (second->side = gm_sample_source_open(v->operand[!swap], &o, err));
	bool pictures = ok && (!a.side->stats || (b.side && !b.side->stats));
	if (ok && out && a.side->stats)
		ok = gm_fail(err, GM_ERR_VALUE, "%s is already a file of statistics", a.side->name);
	const char *spec = cli_value(v, "extractor");
	if (ok && !cli_given(v, "extractor") &&
	    ((!a.side->stats && a.side->facts.points) ||
	     (b.side && !b.side->stats && b.side->facts.points)))
		spec = "pixels";
	if (ok && pictures)
		ok = (x = gm_score_extractor_open(spec, cli_given(v, "weights"), o.outdir, err)) !=
		     NULL;
	json_t *protocol =
		ok && x ? gm_protocol_new(x) : json_pack("{s:s}", "ganymede", gm_version());
	ok = ok && protocols_fit(&a, &b, protocol, cli_given(v, "force"), &s, err);
	if (ok) {
		bool both = b.side && !a.side->stats && !b.side->stats;
		a.n = a.side->stats ? 0 : count_of(a.side, count);
		b.n = !b.side || b.side->stats ? 0 : count_of(b.side, count);
		unsigned what = GM_EXTRACT_MOMENTS |
		                (both && (a.n < ENOUGH || b.n < ENOUGH) ? GM_EXTRACT_FEATURES : 0);
		ok = look(&a, x, what, err) && (!b.side || look(&b, x, what, err));
		json_object_set(protocol, "a", a.side->record);
		if (b.side)
			json_object_set(protocol, "b", b.side->record);
	}
	if (ok && out)
		ok = save(out, &a, protocol, err);
	if (ok && b.side) {
		ok = compare(&a, &b, seed, &s, err);
		if (ok)
			gm_scores_print(&s, protocol, stdout);
		ok = ok &&
		     (!cli_given(v, "json") || write_json(cli_given(v, "json"), &s, protocol, err));
	}
	json_decref(protocol);
	gm_extractor_free(x);
	end(&a), end(&b);
	return ok;
}

int cli_fid(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", "force", NULL};
	given data = {0};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "fid", .option = table, .other = data_option, .context = &data};
	gm_error err = {0};
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		help();
		return CLI_OK;
	}
	if (!v.operand[0] || (!v.operand[1] && !cli_given(&v, "save-stats")))
		return cli_usage(
			"fid needs two sets, such as: ganymede fid runs/00000-dcgan-glyphs "
			"glyphs; or one with --save-stats FILE.npz");
	return run(&v, &data, &err) ? CLI_OK : cli_fail(&err);
}
