/* SPDX-License-Identifier: MIT
 *
 * test_score.c PROGRAM -- metrics on the command line: distances with a known closed form, files of
 * statistics, incompatible protocols, contents of JSON and metric-NAME.jsonl.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "metrics/stats.h"
#include "scratch.h"
#include "use/hole.h"
#include "score/score.h"

#include <math.h>

static const char *program;
static char said[20000];

/* Runs `ganymede ARGS` in the scratch folder; both outputs go into said. Gives the status. */
static int run(const char *fmt, ...) GM_PRINTF(1, 2);
static int run(const char *fmt, ...)
{
	char args[2000], command[4200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(args, sizeof args, fmt, ap);
	va_end(ap);
	snprintf(command, sizeof command, "cd %s && %s %s 2>&1", scratch, program, args);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	size_t n = fread(said, 1, sizeof said - 1, f);
	said[n] = 0;
	int status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void works(int status)
{
	if (status)
		fail_msg("status %d: %s", status, said);
}

/* One line that begins with the program's name and has what in it. */
static void refuses(int want, int status, const char *what)
{
	const char *first = strchr(said, '\n');
	if (status != want || strncmp(said, "ganymede: ", 10) || !first || first[1] ||
	    !strstr(said, what))
		fail_msg("status %d, wanted %d with \"%s\": %s", status, want, what, said);
}

static json_t *read_json(const char *name)
{
	json_error_t e;
	json_t *o = json_load_file(scratch_path(name), 0, &e);
	if (!o)
		fail_msg("%s: %s", name, e.text);
	return o;
}

static double value_of(const json_t *all, const char *score)
{
	const json_t *v =
		json_object_get(json_object_get(json_object_get(all, "scores"), score), "value");
	assert_true(json_is_number(v));
	return json_number_value(v);
}

/* ---- statistics ------------------------------------------------------------------------------ */

enum { D = 7 };

/* N(mean, R diag(s^2) R^T) with R a turn by angle in the plane of the first two features. */
static void put_gaussian(const char *file, const double *mean, const double *s, double angle,
                         const char *protocol)
{
	double r[D][D] = {{0}}, sigma[D][D] = {{0}};
	for (int i = 0; i < D; i++)
		r[i][i] = 1;
	r[0][0] = r[1][1] = cos(angle), r[0][1] = -sin(angle), r[1][0] = sin(angle);
	for (int i = 0; i < D; i++)
		for (int j = 0; j < D; j++)
			for (int k = 0; k < D; k++)
				sigma[i][j] += r[i][k] * s[k] * s[k] * r[j][k];
	gm_error err = {0};
	gm_stats st = {D, (double *)mean, sigma[0], (char *)protocol};
	assert_true(gm_stats_write(scratch_path(file), &st, &err));
}

static const char ours[] = "{\"extractor\": \"pixels\", \"resize\": \"none\"}";
static const char theirs[] = "{\"extractor\": \"pixels\", \"resize\": \"bicubic\"}";

/* Same axes: |m1 - m2|^2 + sum (s1 - s2)^2. In one plane turned by a right angle the deviations
 * change places. By another angle: tr (S1 S2)^(1/2) of 2 x 2 matrices is
 * sqrt(tr S1 S2 + 2 sqrt(det S1 S2)). */
static void closed_forms(void **state)
{
	(void)state;
	const double m1[D] = {1, -2, .5, 0, 3, 1e-3, -1}, m2[D] = {0, 1, .5, 4, 3, 0, -1},
		     s1[D] = {1, 2, .1, 3, 1e-4, .7, 0}, s2[D] = {3, .5, .2, 3, 1, .7, 2};
	for (int turn = 0; turn < 3; turn++) {
		double angle = turn == 0 ? 0 : turn == 1 ? M_PI / 2 : .7, want = 0;
		for (int i = 0; i < D; i++) {
			want += (m1[i] - m2[i]) * (m1[i] - m2[i]);
			if (i > 1)
				want += (s1[i] - s2[i]) * (s1[i] - s2[i]);
		}
		double c = cos(angle), s = sin(angle), a = s1[0] * s1[0], b = s1[1] * s1[1],
		       p = s2[0] * s2[0], q = s2[1] * s2[1];
		double trace = a * (c * c * p + s * s * q) + b * (s * s * p + c * c * q);
		want += a + b + p + q - 2 * sqrt(trace + 2 * sqrt(a * b * p * q));
		put_gaussian("a.npz", m1, s1, 0, NULL);
		put_gaussian("b.npz", m2, s2, angle, NULL);
		works(run("fid a.npz b.npz --json fid.json"));
		assert_non_null(strstr(said, "assumed to be the same"));
		json_t *all = read_json("fid.json");
		assert_float_equal(value_of(all, "fid"), want, 1e-9 * want);
		json_decref(all);
	}
}

static void protocols(void **state)
{
	(void)state;
	const double m[D] = {0}, s[D] = {1, 1, 1, 1, 1, 1, 1};
	put_gaussian("ours.npz", m, s, 0, ours);
	put_gaussian("theirs.npz", m, s, 0, theirs);
	works(run("fid ours.npz ours.npz"));
	assert_null(strstr(said, "assumed to be the same"));
	refuses(1, run("fid ours.npz theirs.npz"), "resize is \"none\" here and \"bicubic\" there");
	refuses(1, run("fid ours.npz theirs.npz --json never.json"), "--force");
	assert_false(gm_file_exists(scratch_path("never.json")));
	works(run("fid ours.npz theirs.npz --force"));
	assert_non_null(strstr(said, "forced"));
	/* ours.npz was made of pixels resized by another rule than the program's own */
	refuses(1, run("fid ours.npz ring8 --extractor pixels"), "different protocols");
}

static void round_trip(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_stats a = {0}, b = {0};
	works(run("fid ring8 --count 3000 --save-stats ring.npz"));
	assert_true(gm_stats_is(scratch_path("ring.npz")));
	assert_true(gm_stats_read(scratch_path("ring.npz"), &a, &err));
	assert_int_equal(a.d, 2);
	assert_float_equal(a.sigma[0], .5, .05); /* points on a unit circle */
	assert_non_null(strstr(a.protocol, "\"count\":3000"));
	assert_true(gm_stats_write(scratch_path("again.npz"), &a, &err));
	assert_true(gm_stats_read(scratch_path("again.npz"), &b, &err));
	assert_memory_equal(a.sigma, b.sigma, 4 * sizeof *a.sigma);
	assert_string_equal(a.protocol, b.protocol);
	gm_stats_free(&b);
	works(run("fid ring.npz ring8 --count 3000 --json same.json"));
	json_t *all = read_json("same.json");
	assert_true(value_of(all, "fid") < 1e-12);
	json_decref(all);
	/* broken files: what is not refused (the archive's own list of members is cut off) is whole
	 */
	gm_bytes file;
	assert_true(gm_file_open(scratch_path("ring.npz"), &file, &err));
	for (size_t n = 0; n < file.size; n += 97) {
		gm_stats s = {0};
		scratch_write("cut.npz", file.data, n);
		if (gm_stats_read(scratch_path("cut.npz"), &s, &(gm_error){0})) {
			assert_true(n > 256 + 48);
			assert_memory_equal(a.sigma, s.sigma, 4 * sizeof *a.sigma);
			gm_stats_free(&s);
		}
		assert_null(s.mean);
	}
	gm_file_close(&file);
	gm_stats_free(&a);
}

static void wrong_arguments(void **state)
{
	(void)state;
	refuses(2, run("fid"), "two sets");
	refuses(2, run("fid ring8"), "two sets");
	refuses(2, run("fid a b c"), "too many");
	refuses(2, run("fid ring8 grid25 --cuont 3"), "did you mean count");
	refuses(1, run("fid ring8 grid25 --count 1"), "2 examples");
	refuses(1, run("fid ring8 grid25 --count many"), "not an integer");
	refuses(1, run("fid ring8 nowhere"), "nowhere");
	refuses(1, run("fid ring8 glyphs --extractor pixels --count 50"), "2 features");
	refuses(1, run("fid glyphs glyphs --count 9 --extractor pixles"), "did you mean pixels");
	refuses(1, run("fid glyphs glyphs --count 9 --extractor classifier"), "classifier:RUN");
	refuses(1, run("fid ring.npz --save-stats x.npz"), "already a file of statistics");
	refuses(2, run("eval"), "needs a run");
	refuses(1, run("eval nowhere"), "nowhere");
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* The score of a translation is that of `translate`, on the side that the run draws. */
static void translations_are_scored(void **state)
{
	(void)state;
	static const char *const ways[] = {"a-to-b", "b-to-a"};
	for (int i = 0; i < 2; i++) {
		works(run("train pix2pix --data edges2shapes --size 16 --patch 16 --width 4 "
		          "--dropout no "
		          "--direction %s --steps 5 --batch 2 --outdir pairs --name %s",
		          ways[i], ways[i]));
		works(run("translate pairs/0000%d-%s edges2shapes --split test --count 7 --seed 3",
		          i, ways[i]));
		const char *at = strstr(said, "PSNR ");
		double psnr, ssim;
		assert_non_null(strstr(said, i ? "against a" : "against b"));
		assert_true(at && sscanf(at, "PSNR %lf dB, SSIM %lf", &psnr, &ssim) == 2);
		works(run("eval pairs/0000%d-%s --metrics psnr --count 7 --seed 3 --json psnr.json",
		          i, ways[i]));
		json_t *all = read_json("psnr.json");
		assert_float_equal(value_of(all, "psnr"), psnr,
		                   6e-4); /* three decimals were said */
		assert_float_equal(value_of(all, "ssim"), ssim, 6e-5);
		json_decref(all);
	}
}

static void runs_are_scored(void **state)
{
	(void)state;
	works(run("train gan --data ring8 --width 16 --batch 50 --steps 30 --name ring"));
	works(run("train classifier --data glyphs --width 2 --features 8 --batch 32 "
	          "--steps 40 --lr 0.01 --name judge"));
	works(run("train dcgan --data glyphs --width 4 --batch 20 --steps 3 --name fake"));

	works(run("eval 0 --metrics fid,modes,parzen,prc --count 200 --json ring.json"));
	json_t *all = read_json("ring.json"), *p = json_object_get(all, "protocol");
	assert_true(value_of(all, "fid") > 0 && value_of(all, "modes") <= 8);
	value_of(all, "kid"); /* few examples: it stands beside */
	assert_string_equal(json_string_value(json_object_get(p, "extractor")), "pixels");
	assert_int_equal(json_integer_value(json_object_get(p, "count")), 200);
	assert_string_equal(json_string_value(json_object_get(p, "ganymede")), gm_version());
	assert_non_null(json_object_get(json_object_get(p, "real"), "hash"));
	assert_int_equal(json_integer_value(json_object_get(all, "step")), 30);
	/* FID of the run against its data is that of `fid` */
	works(run("fid 0 ring8 --count 200 --json two.json"));
	json_t *two = read_json("two.json");
	assert_float_equal(value_of(two, "fid"), value_of(all, "fid"), 1e-9);
	json_decref(two), json_decref(all);

	/* a classifier trained here, as extractor and as what is scored */
	works(run("eval 1 --metrics accuracy,nn,svm --count 300 --json judge.json"));
	all = read_json("judge.json");
	assert_true(value_of(all, "accuracy") >= 0 && value_of(all, "accuracy") <= 1);
	assert_true(value_of(all, "svm") > .1 && value_of(all, "nn") > .1); /* better than chance */
	json_decref(all);
	/* few labels: draws differ, also from those of another seed, and are the same again */
	double few[3];
	for (int i = 0; i < 3; i++) {
		works(run("eval 1 --metrics svm --labels-per-class 6 --draws 3 --count 300 "
		          "--force --seed %d --json few.json",
		          i == 2));
		all = read_json("few.json"), p = json_object_get(all, "protocol");
		few[i] = value_of(all, "svm");
		assert_int_equal(json_integer_value(json_object_get(p, "labels-per-class")), 6);
		const json_t *svm = json_object_get(json_object_get(all, "scores"), "svm");
		assert_true(json_number_value(json_object_get(svm, "deviation")) > 0);
		assert_true(few[i] > .1 && value_of(all, "svm-input") > .1);
		json_decref(all);
	}
	assert_true(few[0] == few[1] && few[0] != few[2]);
	refuses(1, run("eval 1 --metrics svm --labels-per-class 200 --count 300"), "has only");
	refuses(1, run("eval 1 --metrics svm --draws 3"), "without --labels-per-class");
	refuses(1, run("eval 1 --metrics nn --labels-per-class 3"), "for the metric svm");
	works(run("eval 2 --metrics fid,is,modes --extractor classifier:1 --count 100 --json "
	          "f.json"));
	all = read_json("f.json"), p = json_object_get(all, "protocol");
	assert_int_equal(strlen(json_string_value(json_object_get(p, "extractor_sha256"))), 64);
	assert_true(value_of(all, "is") >= 1 && value_of(all, "is") <= 10);
	json_decref(all);

	/* metric-fid.jsonl: a line for each, and none by an unlike protocol */
	works(run("eval 2 --metrics fid --extractor classifier:1 --count 100"));
	refuses(1, run("eval 2 --metrics fid --extractor pixels --count 100"),
	        "different protocols");
	works(run("eval 2 --metrics fid --extractor pixels --count 100 --force"));
	gm_bytes file;
	assert_true(gm_file_open(scratch_path("runs/00002-fake/metric-fid.jsonl"), &file, NULL));
	int lines = 0;
	for (size_t i = 0; i < file.size; i++)
		lines += file.data[i] == '\n';
	assert_int_equal(lines, 3);
	gm_file_close(&file);

	refuses(1, run("eval 0 --metrics fdi"), "did you mean fid");
	refuses(1, run("eval 0 --metrics accuracy"), "classify");
	refuses(1, run("eval 1 --metrics fid"), "needs samples");
	refuses(1, run("eval 0 --metrics nll"), "log-likelihood");
	refuses(1, run("eval 0 --metrics msssim"), "for pictures");
	refuses(1, run("eval 2 --metrics modes --extractor pixels --force"), "classes");
	refuses(1, run("eval 2 --metrics fid --extractor classifier:2"), "features");
}

/* Metrics during training: they are written to the right files, the best checkpoint is kept, and a
 * stopped and resumed run has identical files. */
static void scores_while_learning(void **state)
{
	(void)state;
	static const char options[] =
		"dcgan --data glyphs --width 4 --batch 20 --metrics fid,prc --extractor pixels "
		"--metrics-every 3 --metrics-count 60 --best fid:min --log-every 4 --save-every 5 "
		"--sample-every 100";
	works(run("train %s --steps 16 --outdir s --name whole", options));
	works(run("train %s --steps 10 --outdir s --name cut", options));
	works(run("train --resume s/00001-cut --steps 16"));
	static const char *const files[] = {"stats.jsonl",      "metric-fid.jsonl",
	                                    "metric-kid.jsonl", "metric-recall.jsonl",
	                                    "best.safetensors", "checkpoint-000016.safetensors"};
	for (int i = 0; i < 6; i++) {
		gm_bytes a, b;
		char name[2][80];
		snprintf(name[0], sizeof name[0], "s/00000-whole/%s", files[i]);
		snprintf(name[1], sizeof name[1], "s/00001-cut/%s", files[i]);
		assert_true(gm_file_open(scratch_path(name[0]), &a, NULL));
		assert_true(gm_file_open(scratch_path(name[1]), &b, NULL));
		if (a.size != b.size || memcmp(a.data, b.data, a.size))
			fail_msg("%s is not what it is without the stop", files[i]);
		gm_file_close(&a), gm_file_close(&b);
	}
	/* the checkpoint that was kept is the one with the least FID of those measured */
	FILE *f = fopen(scratch_path("s/00000-whole/metric-fid.jsonl"), "r");
	char line[2000];
	double least = INFINITY;
	int lines = 0, at = 0;
	assert_non_null(f);
	for (; fgets(line, sizeof line, f); lines++) {
		json_t *o = json_loads(line, 0, NULL);
		double v = json_number_value(json_object_get(o, "value"));
		if (v < least)
			least = v, at = (int)json_integer_value(json_object_get(o, "step"));
		assert_true(json_is_object(json_object_get(o, "protocol")));
		json_decref(o);
	}
	fclose(f);
	assert_int_equal(lines, 6); /* 3, 6, ..., 15, and the last */
	works(run("eval s/00000-whole/best.safetensors --metrics fid --extractor pixels --count 60 "
	          "--json best.json --force"));
	json_t *all = read_json("best.json");
	assert_int_equal(json_integer_value(json_object_get(all, "step")), at);
	assert_float_equal(value_of(all, "fid"), least, 1e-9 * least);
	json_decref(all);

	works(run("train classifier --data glyphs --width 2 --batch 8 --steps 4 --outdir s "
	          "--metrics-count 50 --metrics-every 2"));
	gm_bytes stats;
	assert_true(
		gm_file_open(scratch_path("s/00002-classifier-glyphs/stats.jsonl"), &stats, NULL));
	assert_non_null(memmem(stats.data, stats.size, "\"accuracy\": ", 12));
	gm_file_close(&stats);
	refuses(1, run("train dcgan --data glyphs --metrics fdi --outdir t"), "did you mean fid");
	refuses(1, run("train classifier --data glyphs --metrics fid --outdir t"), "needs samples");
	assert_false(gm_file_exists(scratch_path("t")));
}

/* A recipe is run as it says, and its page is made of what came out. */
static void reproduced(void **state)
{
	(void)state;
	static const char recipe[] =
		"model = gan\ndata = ring8\nwidth = 16\nbatch = 50\nsteps = 8\n"
		"published = 8 of 8 modes\npublished-source = nobody\n"
		"reproduce = eval modes --count 200\n",
			  lab[] = "published = bounded\nreproduce = lab xy --steps 20\n",
			  pairs[] = "model = pix2pix\ndata = labels2shapes\nsize = 32\nwidth = 2\n"
				    "steps = 1\nreproduce = translate l1 --count 2\n",
			  holes[] =
				  "model = dcgan\ndata = glyphs\nwidth = 2\nbatch = 4\nsteps = 1\n"
				  "reproduce = inpaint psnr-nearest --count 3 --iterations 2\n",
			  near[] = "model = dcgan\ndata = glyphs\nwidth = 2\nbatch = 4\nsteps = 1\n"
				   "reproduce = project optimisation --count 3 --evaluations 3\n",
			  wrong[] =
				  "model = dcgan\ndata = glyphs\nwidth = 2\nbatch = 4\nsteps = 1\n"
				  "reproduce = project hybrid --count 2 --evaluations 2\n",
			  silent[] = "model = gan\n";
	assert_int_equal(mkdir(scratch_path("recipes"), 0777), 0);
	scratch_write("recipes/ring.recipe", recipe, sizeof recipe - 1);
	scratch_write("recipes/xy.recipe", lab, sizeof lab - 1);
	scratch_write("recipes/silent.recipe", silent, sizeof silent - 1);
	works(run("reproduce ring --seeds 2 --outdir r"));
	assert_non_null(strstr(said, "8 of 8 modes"));
	json_t *o = read_json("reproductions/ring.json");
	assert_int_equal(json_array_size(json_object_get(o, "runs")), 2);
	assert_true(json_is_number(json_object_get(json_object_get(o, "last"), "standard_error")));
	assert_true(json_is_string(json_object_get(o, "machine")));
	assert_non_null(strstr(json_string_value(json_object_get(o, "command")), "--seeds 2"));
	json_decref(o);
	works(run("reproduce xy --outdir r"));
	works(run("reproduce --list"));
	assert_null(strstr(said, "not run yet"));
	assert_null(strstr(said, "silent"));
	works(run("reproduce --docs -o page.md"));
	gm_bytes page;
	assert_true(gm_file_open(scratch_path("page.md"), &page, NULL));
	assert_non_null(memmem(page.data, page.size, "| published | 8 of 8 modes |", 28));
	assert_non_null(memmem(page.data, page.size, "2 of 8 steps", 12));
	gm_file_close(&page);
	works(run("reproduce ring --run r/00000-ring"));
	scratch_write("recipes/pairs.recipe", pairs, sizeof pairs - 1);
	refuses(1, run("reproduce pairs --outdir r"), "give --input");
	works(run("reproduce pairs --outdir r --input labels2shapes"));
	o = read_json("reproductions/pairs.json");
	const json_t *row = json_array_get(json_object_get(o, "runs"), 0),
		     *scores = json_object_get(row, "scores");
	const double l1 =
		json_number_value(json_object_get(json_object_get(scores, "l1"), "value"));
	assert_true(l1 > 0 && l1 < 2 && json_object_get(scores, "psnr"));
	assert_float_equal(json_number_value(json_object_get(json_object_get(o, "last"), "mean")),
	                   l1, 1e-9);
	json_decref(o);
	/* Verbs that score what the run's own data are need no input. */
	scratch_write("recipes/holes.recipe", holes, sizeof holes - 1);
	scratch_write("recipes/near.recipe", near, sizeof near - 1);
	scratch_write("recipes/wrong.recipe", wrong, sizeof wrong - 1);
	works(run("reproduce holes --outdir r"));
	o = read_json("reproductions/holes.json");
	scores = json_object_get(json_array_get(json_object_get(o, "runs"), 0), "scores");
	assert_true(json_object_get(scores, "psnr") && json_object_get(scores, "seam-mean"));
	assert_string_equal(json_string_value(json_object_get(o, "metric")), "psnr-nearest");
	json_decref(o);
	works(run("reproduce near --outdir r"));
	assert_non_null(strstr(said, "optimisation  RMSE: mean"));
	o = read_json("reproductions/near.json");
	const double rmse = json_number_value(json_object_get(json_object_get(o, "last"), "mean"));
	assert_true(rmse > 0 && rmse < 2);
	json_decref(o);
	assert_int_equal(run("reproduce wrong --outdir r"), 1);
	assert_non_null(strstr(said, "has no score \"hybrid\""));
	refuses(1, run("reproduce silent"), "has no line reproduce");
	refuses(1, run("reproduce nothing"), "no recipe");
	refuses(2, run("reproduce"), "--list");
	refuses(2, run("reproduce ring --hours 1"), "without --queue");
	refuses(2, run("reproduce --queue --run 0"), "with --queue");
	refuses(2, run("reproduce --queue --data x"), "without the name of a recipe");
	refuses(1, run("reproduce --queue --hours soon"), "a number of hours");
}

/* Two channels of 5 x 6 pixels, hole of 2 x 3 pixels: of a plane a x + b y + c, which is harmonic,
 * the harmonic filling is the plane itself. */
static void holes_are_filled(void **state)
{
	(void)state;
	enum { H = 5, W = 6, PLANE = H * W, NUMEL = 2 * PLANE };
	uint8_t hidden[PLANE] = {0};
	float truth[2 * NUMEL], x[2 * NUMEL], from[3 * NUMEL];
	gm_error err = {0};
	for (int i = 1; i < 3; i++)
		for (int j = 2; j < 5; j++)
			hidden[i * W + j] = 1;
	for (int i = 0; i < 2 * NUMEL; i++)
		truth[i] = (float)(.1 * (i / W % H) - (.02 + .03 * (i / PLANE)) * (i % W));
	const gm_hole h = {2, 2, H, W, hidden, -1, 1};
	memcpy(x, truth, sizeof x);
	for (int i = 0; i < 2 * NUMEL; i++)
		x[i] = hidden[i % PLANE] ? 100 : x[i];
	gm_hole_fill_harmonic(&h, x);
	for (int i = 0; i < 2 * NUMEL; i++)
		assert_true(hidden[i % PLANE] ? fabs(x[i] - truth[i]) < 2e-4 : x[i] == truth[i]);

	memcpy(x, truth, sizeof x);
	double mean = 0;
	for (int i = 0; i < PLANE; i++)
		mean += hidden[i] ? 0 : truth[PLANE + i] / (PLANE - 6.);
	gm_hole_fill_mean(&h, x);
	assert_float_equal(x[PLANE + 1 * W + 3], mean, 1e-6);
	assert_true(x[PLANE] == truth[PLANE]);

	/* A quarter of the range off, in the second image only; only within the hole. */
	memcpy(x, truth, sizeof x);
	for (int i = NUMEL; i < 2 * NUMEL; i++)
		x[i] += hidden[i % PLANE] ? .5f : 9;
	const gm_hole_errors e = gm_hole_compare(&h, x, truth);
	assert_float_equal(e.l1, .125, 1e-6);
	assert_float_equal(e.l2, .0625 / 2, 1e-6);
	assert_float_equal(e.psnr, (58.92 + 12.04) / 2, .01);

	/* Nearest by visible pixels: not the image itself (0), not the one that is like it in the
	 * hole only (2). */
	memcpy(from, truth, NUMEL * sizeof *from);
	for (int i = 0; i < NUMEL; i++) {
		from[NUMEL + i] = hidden[i % PLANE] ? .7f : truth[i] + .01f;
		from[2 * NUMEL + i] = hidden[i % PLANE] ? truth[i] : truth[i] + .5f;
	}
	const gm_hole one = {1, 2, H, W, hidden, -1, 1};
	memcpy(x, truth, NUMEL * sizeof *x);
	assert_true(gm_hole_fill_nearest(&one, x, from, 3, &err));
	for (int i = 0; i < NUMEL; i++)
		assert_true(x[i] == (hidden[i % PLANE] ? .7f : truth[i]));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_are_filled), cmocka_unit_test(closed_forms),
		cmocka_unit_test(protocols),        cmocka_unit_test(round_trip),
		cmocka_unit_test(wrong_arguments),  cmocka_unit_test(translations_are_scored),
		cmocka_unit_test(runs_are_scored),  cmocka_unit_test(scores_while_learning),
		cmocka_unit_test(reproduced),
	};
	program = argc > 1 ? realpath(argv[1], NULL) : NULL; /* commands run elsewhere */
	if (!program)
		return 1;
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
