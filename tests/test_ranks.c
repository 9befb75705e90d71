/* SPDX-License-Identifier: MIT
 *
 * test_ranks.c PROGRAM MPIRUN -- distributed training: two ranks with half a batch each do the same
 * step as one process with the whole batch; if a rank dies the run ends with an error that names
 * it, and can be resumed with any number of ranks; local events apply to all ranks. Skipped (77)
 * without mpirun or MPI support.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tensorfile/safetensors.h"
#include "scratch.h"
#include "run/folder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

static const char *program, *mpirun;

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Starts `ganymede train words... --outdir out` on so many ranks, both outputs into the file
 * "said". */
static pid_t start(int ranks, const char *const *words, const char *out)
{
	char *argv[60], count[12];
	int n = 0;
	snprintf(count, sizeof count, "%d", ranks);
	const char *const launch[] = {mpirun, "-n", count, NULL};
	for (int i = 0; ranks > 1 && launch[i]; i++)
		argv[n++] = (char *)launch[i];
	argv[n++] = (char *)program;
	argv[n++] = "train";
	while (*words)
		argv[n++] = (char *)*words++;
	argv[n++] = "--outdir";
	argv[n++] = (char *)scratch_path(out);
	argv[n] = NULL;
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, scratch_path("said"),
	                                 O_WRONLY | O_CREAT | O_TRUNC, 0666);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	pid_t pid;
	assert_int_equal(posix_spawn(&pid, argv[0], &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static const char *said(void)
{
	static char text[1 << 16];
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

static void works(int ranks, const char *const *words, const char *out)
{
	int status = end_of(start(ranks, words, out));
	if (status)
		fail_msg("%d ranks: %s: status %d: %s", ranks, words[0], status, said());
}

static gm_st *newest(const char *out, int run)
{
	char number[12], path[PATH_MAX], folder[PATH_MAX];
	gm_error err = {0};
	snprintf(number, sizeof number, "%d", run);
	gm_st *st = gm_folder_checkpoint(number, scratch_path(out), path, folder, &err)
	                    ? gm_st_open(path, &err)
	                    : NULL;
	if (!st)
		fail_msg("%s: %s", out, err.message);
	return st;
}

/* The largest difference between two checkpoints' numbers, relative to the larger of 1 and the
 * tensor's largest. */
static double difference(gm_st *a, gm_st *b)
{
	double worst = 0;
	assert_int_equal(gm_st_count(a), gm_st_count(b));
	for (int64_t i = 0; i < gm_st_count(a); i++) {
		const gm_st_tensor *x = gm_st_at(a, i), *y = gm_st_find(b, x->name);
		assert_non_null(y);
		int64_t n = 1;
		for (int k = 0; k < x->rank; k++)
			n *= x->dims[k];
		double most = 1, apart = 0;
		for (int64_t k = 0; k < n; k++) {
			float u, v;
			memcpy(&u, (const char *)x->data + 4 * k, 4);
			memcpy(&v, (const char *)y->data + 4 * k, 4);
			most = fmax(most, fabs(u));
			apart = fmax(apart, fabs((double)u - v));
		}
		worst = fmax(worst, apart / most);
	}
	gm_st_close(a);
	gm_st_close(b);
	return worst;
}

static bool same_file(const char *a, const char *b)
{
	char command[600];
	snprintf(command, sizeof command, "cmp -s %s %s", scratch_path(a), scratch_path(b));
	return system(command) == 0;
}

/* ---- two are one ----------------------------------------------------------------------------- */

/* Sums of half a batch, added, are rounded otherwise than the sum of the whole. What comes of that
 * in a gradient is about 1e-7 of it; the first step of Adam divides by it, so a weight moves by its
 * learning rate times a number that is off by 1e-7 over the weight's share of the largest gradient:
 * some 1e-6 where rates are 2e-4 and shares as small as a thousandth. */
static const double CLOSE = 1e-5;

static void two_ranks_are_one(void **state)
{
	static const struct {
		const char *name;
		const char *const words[24];
	} games[] = {
		{"batch norm",
	         {"dcgan", "--data", "glyphs", "--width", "8", "--batch", "16", "--ema", ".9",
	          "--steps", "1"}},
		{"noise of every kind, gradients within a loss",
	         {"gan", "--data", "glyphs", "--net", "mlp", "--width", "30", "--batch", "6",
	          "--noise", ".1", "--flip-labels", ".2", "--penalty", "consensus", "--steps",
	          "1"}},
		{"dropout, momentum, means within a loss",
	         {"gan", "--data", "glyphs", "--batch", "10", "--objective", "relativistic",
	          "--steps", "2"}},
		{"an encoder and its noise",
	         {"vae", "--data", "glyphs", "--batch", "16", "--steps", "1"}},
		{"second derivatives",
	         {"gan", "--data", "ring8", "--width", "24", "--batch", "32", "--objective",
	          "wasserstein", "--penalty", "wgan-gp", "--k", "2", "--steps", "2"}},
	};
	(void)state;
	for (int i = 0; i < (int)(sizeof games / sizeof *games); i++) {
		works(1, games[i].words, "one");
		works(2, games[i].words, "two");
		double d = difference(newest("one", i), newest("two", i));
		if (!(d <= CLOSE))
			fail_msg("%s: %g apart", games[i].name, d);
	}
	assert_true(
		same_file("one/00000-dcgan-glyphs/reals.png", "two/00000-dcgan-glyphs/reals.png"));
	assert_true(same_file("one/00000-dcgan-glyphs/fakes-init.png",
	                      "two/00000-dcgan-glyphs/fakes-init.png"));
}

/* Half a batch has other statistics: that the two agree above is no accident. */
static void norms_apart_are_another_run(void **state)
{
	const char *const *words = WORDS("dcgan", "--data", "glyphs", "--width", "8", "--batch",
	                                 "16", "--sync-norm", "no", "--steps", "1");
	(void)state;
	works(1, words, "apart1");
	works(2, words, "apart2");
	assert_true(difference(newest("apart1", 0), newest("apart2", 0)) > CLOSE);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void nap(double seconds)
{
	nanosleep(&(struct timespec){(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)}, NULL);
}

/* The process that is rank 1 of the run in this test's scratch folder. */
static pid_t rank_one(void)
{
	pid_t found = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		char path[300], text[1 << 16];
		if (!isdigit((unsigned char)*e->d_name))
			continue;
		for (int pass = 0; pass < 2; pass++) {
			snprintf(path, sizeof path, "/proc/%s/%s", e->d_name,
			         pass ? "environ" : "cmdline");
			FILE *f = fopen(path, "r");
			size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
			if (f)
				fclose(f);
			for (size_t i = 0; i < n; i++)
				text[i] = text[i] ? text[i] : '\n';
			text[n] = 0;
			if (!strstr(text, pass ? "_RANK=1\n" : scratch))
				break;
			if (pass)
				found = atoi(e->d_name);
		}
	}
	if (d)
		closedir(d);
	return found;
}

static bool exists(const char *path)
{
	return access(scratch_path(path), R_OK) == 0;
}

static int64_t step_of(gm_st *st)
{
	int64_t step = atoll(gm_st_meta(st, "step"));
	gm_st_close(st);
	return step;
}

static const char *const endless[] = {"gan",     "--data",      "glyphs",  "--net",
                                      "mlp",     "--width",     "16",      "--batch",
                                      "8",       "--steps",     "1000000", "--save-every",
                                      "7",       "--log-every", "50",      "--sample-every",
                                      "1000000", "--name",      "run",     "--keep",
                                      "100",     NULL};

static void wait_for(const char *path, pid_t pid)
{
	/* often: on an idle machine a hundred later checkpoints drive it out within a second */
	for (int i = 0; i < 6000 && !exists(path); i++)
		nap(.01);
	if (!exists(path)) {
		kill(pid, SIGKILL);
		fail_msg("%s never came: %s", path, said());
	}
}

static void a_rank_that_dies_ends_the_run(void **state)
{
	char steps[24], more[24], command[400];
	(void)state;
	pid_t pid = start(2, endless, "dead");
	wait_for("dead/00000-run/checkpoint-000014.safetensors", pid);
	pid_t victim = rank_one();
	assert_true(victim > 0);
	kill(victim, SIGKILL);
	assert_int_not_equal(end_of(pid), 0);
	if (!strstr(said(), "rank 1 of 2") || !strstr(said(), "--resume"))
		fail_msg("nobody says that rank 1 died: %s", said());
	int64_t step = step_of(newest("dead", 0));
	assert_true(step >= 14 && step % 7 == 0);

	/* By one, */
	snprintf(command, sizeof command, "cp -r %s %s", scratch_path("dead"),
	         scratch_path("alone"));
	assert_int_equal(system(command), 0);
	snprintf(steps, sizeof steps, "%lld", (long long)step + 5);
	works(1, WORDS("--resume", "0", "--steps", steps), "alone");
	assert_int_equal(step_of(newest("alone", 0)), step + 5);
	/* by two, which is then the run that nobody killed, in every number, */
	works(2, WORDS("--resume", "0", "--steps", steps), "dead");
	const char *const *words = endless;
	const char *whole[40];
	int n = 0;
	for (; words[n]; n++)
		whole[n] = strcmp(words[n], "1000000") ? words[n] : steps;
	whole[n] = NULL;
	works(2, whole, "whole");
	assert_true(difference(newest("whole", 0), newest("dead", 0)) == 0);
	/* and by four. */
	snprintf(more, sizeof more, "%lld", (long long)step + 6);
	works(4, WORDS("--resume", "0", "--steps", more), "dead");
	assert_int_equal(step_of(newest("dead", 0)), step + 6);
}

static void asked_to_stop_all_stop(void **state)
{
	(void)state;
	/* mpirun hands a signal on and gives its processes a second to end, which is little on a
	 * busy machine. */
	setenv("OMPI_MCA_odls_base_sigkill_timeout", "5", 1);
	setenv("PRTE_MCA_odls_base_sigkill_timeout", "5", 1);
	pid_t pid = start(2, endless, "stop");
	unsetenv("OMPI_MCA_odls_base_sigkill_timeout");
	unsetenv("PRTE_MCA_odls_base_sigkill_timeout");
	wait_for("stop/00000-run/checkpoint-000007.safetensors", pid);
	kill(pid, SIGTERM);
	end_of(pid);
	FILE *f = fopen(scratch_path("stop/00000-run/log.txt"), "r");
	char line[400], last[400] = "";
	while (f && fgets(line, sizeof line, f))
		snprintf(last, sizeof last, "%s", line);
	if (f)
		fclose(f);
	long long step = -1;
	if (sscanf(last, "stopped at step %lld, saved", &step) != 1)
		fail_msg("the last line is: %s", last);
	assert_int_equal(step_of(newest("stop", 0)), step);
}

static void one_says_what_is_wrong(void **state)
{
	(void)state;
	assert_int_not_equal(
		end_of(start(2, WORDS("gan", "--data", "glyphs", "--batch", "33"), "wrong")), 0);
	assert_non_null(strstr(said(), "a batch of 33 cannot be divided among 2 processes"));
	assert_int_not_equal(end_of(start(2, WORDS("gan", "--data", "./no-such-file"), "wrong")),
	                     0);
	const char *first = strstr(said(), "ganymede: cannot open ./no-such-file");
	assert_non_null(first);
	assert_null(strstr(first + 1, "ganymede: cannot open"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_ranks_are_one),
		cmocka_unit_test(norms_apart_are_another_run),
		cmocka_unit_test(a_rank_that_dies_ends_the_run),
		cmocka_unit_test(asked_to_stop_all_stop),
		cmocka_unit_test(one_says_what_is_wrong),
	};
	if (argc < 3 || !*argv[2]) {
		printf("1..0 # SKIP no mpirun, or a program without MPI: NOTHING of training by "
		       "several "
		       "processes was tested\n");
		return 77;
	}
	program = argv[1], mpirun = argv[2];
	/* in containers there is only root */
	setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
	setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
	/* Four ranks on two cores, or on one: Open MPI 4, and 5 with its launcher PRRTE. */
	setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
	setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 1);
	setenv("PRTE_MCA_hwloc_default_binding_policy", "none", 1);
	/* Open MPI unloads components whose memory it keeps, so that no suppression could name
	 * them. */
	char asan[512];
	const char *was = getenv("ASAN_OPTIONS");
	snprintf(asan, sizeof asan, "%s%sdetect_leaks=0", was ? was : "", was ? ":" : "");
	setenv("ASAN_OPTIONS", asan, 1);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
