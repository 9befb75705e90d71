/* SPDX-License-Identifier: MIT
 *
 * test_crash.c PROGRAM -- killed and failing runs: at any time, while saving, with a full disk,
 * with a read-only folder. The newest checkpoint always loads, and the resumed run equals an
 * uninterrupted one in every tensor and logged value, for every model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "tensorfile/safetensors.h"
#include "ganymede/model.h"
#include "scratch.h"
#include "run/folder.h"
#include "report/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static const char *program, *expert; /* expert: recorded episodes of cartpole */

enum { KILLS = 200 };
static const double KILLING_SECONDS = 60; /* and no longer, however slow the machine */

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Starts `ganymede words... more...` with both outputs into the file "said". */
static pid_t start(const char *const *words, const char *const *more)
{
	char *argv[40] = {(char *)program};
	int n = 1;
	while (*words)
		argv[n++] = (char *)*words++;
	while (more && *more)
		argv[n++] = (char *)*more++;
	argv[n] = NULL;
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, scratch_path("said"),
	                                 O_WRONLY | O_CREAT | O_TRUNC, 0666);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	pid_t pid;
	assert_int_equal(posix_spawn(&pid, program, &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static const char *said(void)
{
	static char text[4096];
	FILE *f = fopen(scratch_path("said"), "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

/* 0 .. 255, or -signal */
static int end_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void works(const char *const *words, const char *const *more)
{
	int status = end_of(start(words, more));
	if (status)
		fail_msg("%s %s: status %d: %s", words[0], words[1], status, said());
}

static void nap(double seconds)
{
	nanosleep(&(struct timespec){(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)}, NULL);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool newest(const char *folder, char path[PATH_MAX], gm_error *err)
{
	char in[PATH_MAX];
	return gm_folder_checkpoint(folder, "", path, in, err);
}

/* The newest checkpoint is whole: every tensor is there, and its step is the one in its name. */
static int64_t loads(const char *folder)
{
	char path[PATH_MAX];
	gm_error err = {0};
	if (!newest(folder, path, &err))
		fail_msg("%s", err.message);
	gm_st *st = gm_st_open(path, &err);
	if (!st)
		fail_msg("%s", err.message);
	int64_t step = atoll(gm_st_meta(st, "step"));
	assert_int_equal(step, atoll(strstr(path, "checkpoint-") + 11));
	assert_true(gm_st_count(st) > 8);
	gm_st_close(st);
	return step;
}

/* Files in folder with the word in their names. */
static int named(const char *folder, const char *word)
{
	int n = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));)
		n += strstr(e->d_name, word) != NULL;
	if (d)
		closedir(d);
	return n;
}

static void same_tensors(const char *a, const char *b, const char *model)
{
	gm_error err = {0};
	gm_st *x = gm_st_open(a, &err), *y = gm_st_open(b, &err);
	if (!x || !y)
		fail_msg("%s: %s", model, err.message);
	assert_int_equal(gm_st_count(x), gm_st_count(y));
	for (int64_t i = 0; i < gm_st_count(x); i++) {
		const gm_st_tensor *p = gm_st_at(x, i), *q = gm_st_find(y, p->name);
		size_t n = gm_st_type_size(p->type);
		for (int k = 0; k < p->rank; k++)
			n *= p->dims[k];
		if (!q || p->type != q->type || p->rank != q->rank ||
		    memcmp(p->dims, q->dims, p->rank * sizeof *p->dims) ||
		    memcmp(p->data, q->data, n))
			fail_msg("%s: %s is not what it is without the kill", model, p->name);
	}
	gm_st_close(x);
	gm_st_close(y);
}

static void same_file(const char *a, const char *b, const char *model)
{
	gm_bytes x, y;
	gm_error err = {0};
	if (!gm_file_open(a, &x, &err) || !gm_file_open(b, &y, &err))
		fail_msg("%s: %s", model, err.message);
	if (x.size != y.size || memcmp(x.data, y.data, x.size))
		fail_msg("%s: %s and %s differ", model, a, b);
	gm_file_close(&x);
	gm_file_close(&y);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static bool has(const gm_model *m, const char *option)
{
	for (int i = 0; m->options[i].name; i++)
		if (!strcmp(m->options[i].name, option))
			return true;
	return false;
}

/* Models that keep no moving averages. */
static bool averages(const gm_model *m)
{
	static const char *const none[] = {"autoencoder",  "bc",   "gail",
	                                   "projection",   "sda",  "style-encoder",
	                                   "text-encoder", "trpo", NULL};
	for (int i = 0; none[i]; i++)
		if (!strcmp(m->name, none[i]))
			return false;
	return true;
}

/* 9 steps = some steps, kill -9, the rest. A model without an option `width` gets its own. */
static void every_model_resumes_exactly(void **state)
{
	(void)state;
	for (int i = 0; gm_models[i]; i++) {
		const gm_model *m = gm_models[i];
		char whole[PATH_MAX], cut[PATH_MAX], a[PATH_MAX + 64], b[PATH_MAX + 64];
		snprintf(whole, sizeof whole, "%s/00000-whole", scratch_path(m->name));
		snprintf(cut, sizeof cut, "%s/00001-cut", scratch_path(m->name));
		const char *out = strdup(scratch_path(m->name));
		const char *const *words =
			WORDS("train", m->name, "--batch", "4", "--sample-every", "9", "--grid",
		              "2x2", "--log-every", "1", "--outdir", out);
		const char *const *width =
			!strcmp(m->name, "gan") ? WORDS(NULL)
			: has(m, "width")       ? WORDS("--width", "8")
			: has(m, "features")
				? WORDS("--features", "4", "--layers", "2", "--size", "8")
				: WORDS(NULL);
		const char *both[40];
		int n = 0;
		for (int k = 0; words[k]; k++)
			both[n++] = words[k];
		for (int k = 0; width[k]; k++)
			both[n++] = width[k];
		if (averages(m))
			both[n++] = "--ema", both[n++] = ".9";
		if (has(m, "metrics"))
			both[n++] = "--metrics-every", both[n++] = "9";
		/* A model for points has its own default data; the others get images. */
		if (!has(m, "data")) {
			both[n++] = "--data";
			both[n++] = "shapes";
		}
		/* A code for each example: of a finite set. */
		if (!strcmp(m->name, "glo"))
			both[n++] = "--per-class", both[n++] = "4", both[n++] = "--nz",
			both[n++] = "4";
		if (!strcmp(m->name, "wavenet"))
			both[n++] = "--sound-length", both[n++] = "64";
		if (has(m, "of")) /* trained before, by its place in the list */
			both[n++] = "--of",
			both[n++] = strdup(scratch_path(strcmp(m->name, "projection")
			                                        ? "gan-cls/00000-whole"
			                                        : "dcgan/00000-whole"));
		if (!strcmp(m->name, "ppgn"))
			both[n++] = "--encoder",
			both[n++] = strdup(scratch_path("classifier/00000-whole")),
			both[n++] = "--condition",
			both[n++] = strdup(scratch_path("classifier/00000-whole"));
		if (has(m, "timesteps"))
			both[n++] = "--timesteps", both[n++] = "100";
		if (has(m, "expert"))
			both[n++] = "--expert", both[n++] = expert, both[n++] = "--trajectories",
			both[n++] = "3", both[n++] = "--every", both[n++] = "1";
		if (has(m, "sensitive"))
			both[n++] = "--sensitive", both[n++] = "label:4";
		both[n] = NULL;
		works(both, WORDS("--steps", "9", "--name", "whole"));
		/* So long that it cannot end by itself; killed when a few checkpoints are there. */
		pid_t pid = start(both, WORDS("--steps", "1000000", "--name", "cut", "--save-every",
		                              "1", "--keep", "0", "--sample-every", "1000000"));
		char third[PATH_MAX + 64];
		snprintf(third, sizeof third, "%s/checkpoint-000003.safetensors", cut);
		for (double t = now(); !gm_file_exists(third) && now() - t < 60;)
			nap(.002);
		kill(pid, SIGKILL);
		if (end_of(pid) != -SIGKILL)
			fail_msg("%s: ended before it was killed: %s", m->name, said());
		gm_state s;
		assert_true(gm_state_read(cut, &s));
		assert_string_equal(s.state, "killed");
		/* Had it got past step 9 before the kill reached it, it goes back there. */
		for (int64_t k = loads(cut); k > 8; k--) {
			snprintf(b, sizeof b, "%s/checkpoint-%06d.safetensors", cut, (int)k);
			unlink(b);
		}
		works(WORDS("train", "--resume", cut, "--steps", "9", "--save-every", "0", "--keep",
		            "2", "--sample-every", "9"),
		      NULL);
		snprintf(a, sizeof a, "%s/checkpoint-000009.safetensors", whole);
		snprintf(b, sizeof b, "%s/checkpoint-000009.safetensors", cut);
		same_tensors(a, b, m->name);
		const char *const files[] = {"stats.jsonl", "fakes-000009.png", "fakes-init.png",
		                             "reals.png"};
		for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
			snprintf(a, sizeof a, "%s/%s", whole, files[k]);
			snprintf(b, sizeof b, "%s/%s", cut, files[k]);
			/* not every model draws */
			bool drawn = strncmp(files[k], "fakes", 5) == 0;
			if (!drawn || gm_file_exists(a) || gm_file_exists(b))
				same_file(a, b, m->name);
		}
		assert_int_equal(named(cut, ".tmp-"), 0);
		free((char *)out);
	}
}

#define TINY "train", "gan", "--data", "ring8", "--width", "16", "--batch", "8", "--log-every", "1"

/* The same random instants at every run of the test; where they fall in the program's work is
 * chance. */
static void killed_at_any_instant(void **state)
{
	(void)state;
	char run[PATH_MAX];
	gm_rng rng = gm_rng_new(200, 9);
	const char *out = strdup(scratch_path("kills"));
	snprintf(run, sizeof run, "%s/00000-gan-ring8", out);
	works(WORDS(TINY, "--steps", "1", "--outdir", out), NULL);
	/* A kill falls anywhere from before the start to some checkpoints later: half as long again
	 * as a whole small run takes just now, on a machine that does other work too. */
	double began = now();
	works(WORDS("train", "--resume", run, "--steps", "3", "--save-every", "1"), NULL);
	double longest = fmin(fmax(1.5 * (now() - began), .05), 1);
	began = now();
	int kills = 0, torn = 0, moved = 0;
	int64_t last = loads(run);
	for (; kills < KILLS && now() - began < KILLING_SECONDS; kills++) {
		pid_t pid = start(WORDS("train", "--resume", run, "--steps", "1000000",
		                        "--save-every", "1", "--keep", "3", "--sample-every", "7"),
		                  NULL);
		nap(longest * gm_rng_uniform(&rng));
		kill(pid, SIGKILL);
		if (end_of(pid) != -SIGKILL)
			fail_msg("kill %d: it had ended: %s", kills, said());
		int64_t step = loads(run);
		assert_true(step >= last);
		moved += step > last;
		/* The machine may have become slower, or faster, since that was measured. */
		longest = fmin(longest * (step > last ? .98 : 1.02), 1);
		last = step;
		torn += named(run, ".tmp-") > 0;
	}
	/* Many of the kills must have hit a run at work, or this showed nothing. */
	print_message("%d kills, %d of a run at work, %d amid a file; step %lld\n", kills, moved,
	              torn, (long long)last);
	assert_true(kills >= 20 && moved >= kills / 5);
	char steps[32];
	snprintf(steps, sizeof steps, "%lld", (long long)last + 5);
	works(WORDS("train", "--resume", run, "--steps", steps), NULL);
	assert_int_equal(loads(run), last + 5);
	assert_int_equal(named(run, ".tmp-"), 0);
	works(WORDS("sample", run, "-o", scratch_path("a.png")), NULL);
	free((char *)out);
}

static void leftovers_are_swept(void **state)
{
	(void)state;
	const char *out = strdup(scratch_path("sweep"));
	char run[PATH_MAX], path[PATH_MAX + 64];
	snprintf(run, sizeof run, "%s/00000-gan-ring8", out);
	works(WORDS(TINY, "--steps", "2", "--outdir", out), NULL);
	pid_t dead = start(WORDS("--version"), NULL);
	end_of(dead);
	const struct {
		const char *format;
		long pid;
		bool stays;
	} file[] = {
		{"checkpoint-000009.safetensors.tmp-%ld-3", dead, false},
		{"fakes-000009.png.tmp-%ld-12", dead, false},
		{"stats.jsonl.tmp-%ld-0", getpid(), true}, /* of a living process */
		{"notes.tmp-%ld-a", dead, true},           /* not ours */
		{"tmp-%ld-0", dead, true},
		{"old.tmp-%ldx-0", dead, true},
	};
	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		snprintf(path, sizeof path, "%s/", run);
		snprintf(path + strlen(path), 64, file[i].format, file[i].pid);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	works(WORDS("train", "--resume", run, "--steps", "3"), NULL);
	assert_non_null(strstr(said(), "2 incomplete files"));
	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		snprintf(path, sizeof path, "%s/", run);
		snprintf(path + strlen(path), 64, file[i].format, file[i].pid);
		if (gm_file_exists(path) != file[i].stays)
			fail_msg("%s %s", path, file[i].stays ? "is gone" : "is still there");
	}
	free((char *)out);
}

/* A file size limit simulates a full disk: writes fail half-way. Earlier checkpoints are kept;
 * without the limit the resumed run equals an uninterrupted one. */
static void a_full_disk(void **state)
{
	(void)state;
	const char *out = strdup(scratch_path("full"));
	char whole[PATH_MAX], run[PATH_MAX], a[PATH_MAX + 64], b[PATH_MAX + 64];
	snprintf(whole, sizeof whole, "%s/00000-gan-ring8", out);
	snprintf(run, sizeof run, "%s/00001-gan-ring8", out);
	works(WORDS(TINY, "--steps", "6", "--outdir", out), NULL);
	works(WORDS(TINY, "--steps", "3", "--outdir", out), NULL);
	snprintf(a, sizeof a, "%s/checkpoint-000003.safetensors", run);
	gm_bytes saved;
	gm_error err = {0};
	assert_true(gm_file_open(a, &saved, &err));
	struct rlimit before, small;
	getrlimit(RLIMIT_FSIZE, &before);
	for (int part = 1; part <= 7; part += 2) { /* of a checkpoint's size */
		small = before, small.rlim_cur = saved.size * part / 8;
		setrlimit(RLIMIT_FSIZE, &small);
		int status = end_of(
			start(WORDS("train", "--resume", run, "--steps", "6", "--save-every", "1"),
		              NULL));
		setrlimit(RLIMIT_FSIZE, &before);
		assert_int_equal(status, 1);
		if (!strstr(said(), "ganymede: ") || !strstr(said(), "cannot write"))
			fail_msg("a full disk is told as: %s", said());
		assert_int_equal(loads(run), 3);
		assert_int_equal(named(run, ".tmp-"), 0);
	}
	gm_file_close(&saved);
	works(WORDS("train", "--resume", run, "--steps", "6", "--save-every", "0"), NULL);
	snprintf(a, sizeof a, "%s/checkpoint-000006.safetensors", whole);
	snprintf(b, sizeof b, "%s/checkpoint-000006.safetensors", run);
	same_tensors(a, b, "gan");
	free((char *)out);
}

/* A second program in the same run is refused; the first finishes its step at the first signal
 * and leaves at once at the second. */
static void signals_and_neighbours(void **state)
{
	(void)state;
	const char *out = strdup(scratch_path("signals"));
	char run[PATH_MAX], path[PATH_MAX + 64];
	snprintf(run, sizeof run, "%s/00000-gan-ring8", out);
	pid_t pid = start(WORDS(TINY, "--steps", "100000000", "--save-every", "1", "--outdir", out),
	                  NULL);
	snprintf(path, sizeof path, "%s/fakes-init.png", run);
	for (double t = now(); named(run, "checkpoint-") == 0 && now() - t < 30;)
		nap(.002);
	assert_true(gm_folder_busy(AT_FDCWD, run));
	int status = end_of(start(WORDS("train", "--resume", run, "--steps", "100"), NULL));
	assert_int_equal(status, 1);
	assert_non_null(strstr(said(), "another process"));
	kill(pid, SIGINT);
	assert_int_equal(end_of(pid), 130);
	assert_false(gm_folder_busy(AT_FDCWD, run));
	loads(run);
	free((char *)out);

	/* A step of this net takes seconds: whoever leaves before left at the second signal. */
	const char *slow = strdup(scratch_path("slow"));
	snprintf(run, sizeof run, "%s/00000-dcgan-shapes", slow);
	pid = start(WORDS("train", "dcgan", "--data", "shapes", "--size", "64", "--width", "64",
	                  "--batch", "128", "--grid", "1x1", "--steps", "1000", "--log-every", "1",
	                  "--outdir", slow),
	            NULL);
	snprintf(path, sizeof path, "%s/fakes-init.png", run);
	for (double t = now(); !gm_file_exists(path) && now() - t < 100;)
		nap(.01);
	assert_true(gm_file_exists(path));
	nap(.1);
	kill(pid, SIGINT);
	nap(.1);
	kill(pid, SIGINT);
	assert_int_equal(end_of(pid), -SIGINT); /* 130 would be a run that saved first */
	free((char *)slow);
}

/* reproduce --queue: what is cheapest first; stopped in the middle by a signal, then by the file
 * `stop`, it goes on where it was, and its run equals one that was never stopped. */
static void the_queue_goes_on(void **state)
{
	(void)state;
	static const char *const recipe[][2] = {
		{"queue/recipes/a-long.recipe",
	         "model = gan\ndata = ring8\nwidth = 8\nbatch = 8\nsteps = 40000\n"
	         "published = x\nreproduce = eval modes --count 50\n"},
		{"queue/recipes/b-short.recipe",
	         "model = gan\nnet = mlp\nwidth = 8\nbatch = 8\nsteps = 20\npublished = x\n"
	         "needs = images\nreproduce = eval swd --count 4\n"},
		{"queue/recipes/c-lab.recipe", "published = x\nreproduce = lab xy --steps 20\n"},
		{"queue/recipes/d-needs.recipe",
	         "model = gan\npublished = x\nneeds = images, data-b:nowhere\n"
	         "reproduce = eval modes\n"},
	};
	char root[80], recipes[96], results[96], outdir[96], run[PATH_MAX], a[PATH_MAX],
		b[PATH_MAX], in[PATH_MAX];
	scratch_place("queue/recipes/x"), scratch_place("queue/images/x");
	for (size_t i = 0; i < sizeof recipe / sizeof *recipe; i++)
		scratch_write(recipe[i][0], recipe[i][1], strlen(recipe[i][1]));
	for (char name[] = "queue/images/0.pgm"; name[13] < '4'; name[13]++) {
		char image[12 + 64] = "P5 8 8 255\n";
		memset(image + 11, 60 * (name[13] - '0'), 64);
		scratch_write(name, image, 11 + 64);
	}
	snprintf(root, sizeof root, "%s/queue", scratch);
	snprintf(recipes, sizeof recipes, "%s/recipes", root);
	snprintf(results, sizeof results, "%s/results", root);
	snprintf(outdir, sizeof outdir, "%s/runs", root);
	snprintf(run, sizeof run, "%s/00001-a-long", outdir);
	const char *const options[] = {"--data-root", root,       "--recipes", recipes, "--results",
	                               results,       "--outdir", outdir,      NULL};

	works(WORDS("reproduce", "--queue", "--hours", "0"), options);
	const char *at[] = {strstr(said(), "\nc-lab "), strstr(said(), "\nb-short "),
	                    strstr(said(), "\na-long ")};
	if (!at[0] || !at[1] || !at[2] || at[0] > at[1] || at[1] > at[2] ||
	    !strstr(said(), "needs the data set nowhere") || !strstr(said(), "3 left"))
		fail_msg("%s", said());
	assert_int_equal(named(outdir, "0000"), 0);

	gm_state then, s;
	for (int turn = 0; turn < 2; turn++) {
		pid_t pid = start(WORDS("reproduce", "--queue"), options);
		const double began = now();
		const int64_t made = turn ? then.step : 0;
		while ((!gm_state_read(run, &s) || s.step <= made ||
		        !gm_folder_busy(AT_FDCWD, run)) &&
		       now() - began < 60)
			nap(.002);
		if (turn)
			scratch_write("queue/runs/00001-a-long/stop", "", 0);
		else
			kill(pid, SIGTERM);
		const int status = end_of(pid);
		assert_true(gm_state_read(run, &then));
		if (status != (turn ? 0 : 143) || strcmp(then.state, "stopped") != 0 ||
		    then.step <= made || then.step >= 40000)
			fail_msg("status %d, %s at step %d: %s", status, then.state, (int)then.step,
			         said());
		assert_int_equal(named(results, ".json"), 2);
		assert_int_equal(named(results, "a-long"), 0);
	}
	works(WORDS("reproduce", "--queue"), options);
	assert_int_equal(named(results, ".json"), 3);
	assert_int_equal(named(outdir, "0000"), 2);
	gm_bytes result;
	assert_true(gm_file_open(scratch_path("queue/results/a-long.json"), &result, NULL));
	assert_non_null(memmem(result.data, result.size, "\"step\": 40000", 13));
	assert_null(memmem(result.data, result.size, "timed_steps", 11)); /* of all it is known */
	gm_file_close(&result);
	works(WORDS("reproduce", "--queue"), options);
	assert_non_null(strstr(said(), "3 with a full result; 0 left"));
	assert_int_equal(named(outdir, "0000"), 2);

	snprintf(a, sizeof a, "%s/whole", root);
	works(WORDS("train", "--recipe", scratch_path(recipe[0][0]), "--outdir", a, "--name", "w"),
	      NULL);
	strcat(a, "/00000-w");
	assert_true(newest(a, b, NULL) && gm_folder_checkpoint(run, "", a, in, NULL));
	same_tensors(a, b, "gan");
}

/* The folder of a run turns read-only under it. Root may write anywhere, so root skips this. */
static void a_closed_folder(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message(
			"SKIPPED: read-only folder, for root may write anywhere (the program's "
			"own test turns into somebody else)\n");
		skip();
	}
	const char *out = strdup(scratch_path("closed"));
	char run[PATH_MAX];
	snprintf(run, sizeof run, "%s/00000-gan-ring8", out);
	works(WORDS(TINY, "--steps", "3", "--outdir", out), NULL);
	assert_int_equal(chmod(run, 0500), 0);
	assert_int_equal(end_of(start(WORDS("train", "--resume", run, "--steps", "6"), NULL)), 1);
	assert_non_null(strstr(said(), "cannot"));
	assert_int_equal(loads(run), 3);
	assert_int_equal(chmod(run, 0700), 0);
	free((char *)out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_resumes_exactly),
		cmocka_unit_test(killed_at_any_instant),
		cmocka_unit_test(leftovers_are_swept),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(signals_and_neighbours),
		cmocka_unit_test(the_queue_goes_on),
		cmocka_unit_test(a_closed_folder),
	};
	program = argc > 1 ? argv[1] : "build/ganymede";
	expert = argc > 2 ? argv[2] : "tests/control/cartpole.npz";
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
