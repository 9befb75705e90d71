/* SPDX-License-Identifier: MIT
 *
 * cli/bench.c -- ganymede bench: training steps of well-known nets, and the feature extractor of
 * FID, compared with the peak rates of the machine.
 *
 * The machine's rates are measured before and after every row, in the same process: a 2048 x 2048
 * product by OpenBLAS on as many threads, and a copy of memory too large for any cache. Compare
 * shares of the first: absolute rates of a shared machine drift.
 */
#include "cli/cli.h"

#include <cblas.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/machine.h"
#include "base/text.h"
#include "ganymede/train.h"
#include "run/settings.h"

typedef struct bench {
	const char *name, *model, *option[20]; /* name, value, ... */
	const char *extractor;                 /* without a model: a feature extractor */
	bool no_samples;                       /* the model does not generate from noise */
} bench;

static const bench rows[] = {
	{"points", "gan", {"data", "ring8", "width", "128", "batch", "512"}},
	{"points-512", "gan", {"data", "ring8", "layers", "3", "width", "512", "batch", "256"}},
	{"pacgan", "pacgan", {"data", "ring8", "pack", "2", "batch", "200"}},
	{"gan-mlp", "gan", {"data", "glyphs", "net", "mlp", "batch", "64"}},
	{"gan-paper", "gan", {"data", "glyphs", "net", "paper", "batch", "100"}},
	{"dcgan-28", "dcgan", {"data", "glyphs", "size", "28", "width", "64", "batch", "64"}},
	{"dcgan-32", "dcgan", {"data", "shapes", "size", "32", "width", "64", "batch", "64"}},
	{"dcgan-64", "dcgan", {"data", "shapes", "size", "64", "width", "64", "batch", "64"}},
	{"wgan-gp",
         "dcgan",
         {"data", "shapes", "size", "32", "width", "64", "batch", "64", "objective", "wasserstein",
          "penalty", "wgan-gp", "normalise-d", "none", "k", "5"}},
	{"dcgan-128", "dcgan", {"data", "shapes", "size", "128", "width", "32", "batch", "32"}},
	{"cyclegan-128",
         "cyclegan",
         {"data", "circles2squares", "size", "128", "blocks", "6", "batch", "1"},
         .no_samples = true},
	{"srresnet-x4",
         "srgan",
         {"data", "small2shapes", "size", "96", "batch", "4", "mse-steps", "1000000"},
         .no_samples = true},
	{"sngan-resnet-32",
         "sngan",
         {"data", "shapes", "size", "32", "width", "64", "batch", "64"}},
	{"biggan-32",
         "biggan",
         {"data", "shapes", "size", "32", "width", "64", "batch", "64", "attention", "16"}},
	{"progan-64", /* its last stage, from the first step on */
         "progan",
         {"data", "shapes", "size", "64", "width", "64", "base", "1024", "batch", "16", "whole-to",
          "64", "stable-kimg", "0", "fade-kimg", "0"}},
	{"wavenet", "wavenet", {"data", "tones", "sound-length", "1024", "batch", "8"}},
	{"classifier", "classifier", {"data", "glyphs", "batch", "64"}, .no_samples = true},
	{"inception", NULL, {0}, "inception", true},
	{0},
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

typedef struct machine {
	double sgemm, copy; /* GFLOP/s, GB/s read and written */
} machine;

/* The best of a few measurements of each rate; keeps the maximum so far. */
static void measure_machine(machine *m)
{
	enum { N = 2048 };
	size_t bytes = (size_t)128 << 20;
	float *a = calloc((size_t)N * N, 4), *b = calloc((size_t)N * N, 4),
	      *c = calloc((size_t)N * N, 4);
	char *from = malloc(bytes), *to = malloc(bytes);
	if (a && b && c && from && to) {
		openblas_set_num_threads(gm_thread_count());
		for (int i = 0; i < N * N; i++)
			a[i] = b[i] = (float)(i % 7) - 3;
		memset(from, 1, bytes);
		memset(to, 2, bytes);
		for (int i = 0; i < 6; i++) {
			double t = seconds();
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b,
			            N, 0, c, N);
			t = seconds() - t;
			m->sgemm = 2. * N * N * N / t / 1e9 > m->sgemm ? 2. * N * N * N / t / 1e9
			                                               : m->sgemm;
			t = seconds();
#pragma omp parallel for
			for (int k = 0; k < 64; k++)
				memcpy(to + k * (bytes / 64), from + k * (bytes / 64), bytes / 64);
			t = seconds() - t;
			m->copy = 2. * (double)bytes / t / 1e9 > m->copy
			                  ? 2. * (double)bytes / t / 1e9
			                  : m->copy;
		}
	}
	free(a), free(b), free(c), free(from), free(to);
}

enum { GIVEN = 16, NAMES = sizeof rows / sizeof *rows };

/* What the command line asks of each row. */
typedef struct request {
	char given[GIVEN][2][64]; /* options of the model */
	int ngiven;
	double limit; /* seconds */
	bool sampling;
} request;

/* averaged: with a moving average of G's weights, as used for sampling. */
static bool run_row(const bench *row, const request *q, bool averaged, gm_train_call *call,
                    gm_error *err)
{
	gm_settings s;
	*call = (gm_train_call){0};
	if (row->extractor)
		return cli_bench_network(row->extractor, q->limit, &call->speed, err);
	gm_settings_init(&s, gm_model_find(row->model));
	bool ok = true;
	for (int i = 0; ok && row->option[i]; i += 2)
		ok = gm_settings_set(&s, row->option[i], row->option[i + 1], err);
	if (ok && averaged)
		ok = gm_settings_set(&s, "ema", "0.999", err);
	if (ok && q->sampling)
		ok = gm_settings_set(&s, "batch", "64", err);
	for (int i = 0; ok && i < q->ngiven; i++)
		ok = gm_settings_set(&s, q->given[i][0], q->given[i][1], err);
	*call = (gm_train_call){.settings = &s, .measure = q->limit, .sampling = q->sampling};
	ok = ok && gm_train(call, err);
	gm_settings_free(&s);
	return ok;
}

/* True if bf16 was requested. */
static bool wants_bf16(const request *q)
{
	bool wants = false;
	for (int i = 0; i < q->ngiven; i++)
		if (cli_is(q->given[i][0], "precision"))
			wants = !strcmp(q->given[i][1], "bf16");
	return wants;
}

static void print_row(const char *name, const gm_train_call *c, const machine *m, bool json,
                      bool first)
{
	const struct gm_speed *v = &c->speed;
	double gflops = v->flops / v->step / 1e9;
	if (json) {
		printf("%s\n  {\"name\": \"%s\", \"batch\": %" PRId64
		       ", \"examples_per_second\": %.6g, \"step_seconds\": %.6g, "
		       "\"gflop_per_example\": %.6g, \"gflop_per_second\": %.6g, "
		       "\"sgemm_gflop_per_second\": %.6g, "
		       "\"share_of_sgemm\": %.4g, \"copy_gb_per_second\": %.4g, "
		       "\"parameters\": %" PRId64 ", \"intermediate_bytes\": %" PRId64 ", "
		       "\"peak_resident_bytes\": %" PRIu64
		       ", \"seconds_to_first_step\": %.4g, \"instructions\": %d, "
		       "\"without_kernel\": %d, \"threads\": %d, \"precision\": \"%s\"}",
		       first ? "[" : ",", name, v->batch, (double)v->batch / v->step, v->step,
		       v->flops / (double)v->batch / 1e9, gflops, m->sgemm, gflops / m->sgemm,
		       m->copy, v->parameters, v->memory, v->peak, v->ready, v->instructions,
		       v->fallbacks, gm_thread_count(), v->bf16 ? "bf16" : "fp32");
		return;
	}
	if (first)
		printf("%-15s %5s %11s %9s %9s %8s %7s %7s %9s %8s %8s\n", "", "batch",
		       "examples/s", "ms/step", "GFLOP/ex", "GFLOP/s", "sgemm", "share",
		       "copy GB/s", "peak MB", "first s");
	printf("%-15s %5" PRId64 " %11.1f %9.2f %9.4f %8.1f %7.1f %6.1f%% %9.1f %8.1f %8.3f\n",
	       name, v->batch, (double)v->batch / v->step, v->step * 1e3,
	       v->flops / (double)v->batch / 1e9, gflops, m->sgemm, 100 * gflops / m->sgemm,
	       m->copy, (double)v->peak / 1e6, v->ready);
	fflush(stdout);
}

static void help(void)
{
	cli_help("bench");
	puts("\nNames:");
	for (const bench *r = rows; r->name; r++) {
		printf("  %-15s %s", r->name,
		       r->model ? r->model : "features of 32 images, without training");
		for (int i = 0; r->option[i]; i += 2)
			printf(" --%s %s", r->option[i], r->option[i + 1]);
		puts("");
	}
	puts("\nOptions of the model (--batch 128, --width 32) change every row. --averages: each "
	     "row a second time,\nwith a moving average of G's weights. --sample: the generator "
	     "alone, in batches of 64, as ganymede\nsample runs it. share: of OpenBLAS's rate for "
	     "a 2048 x 2048 product, measured in the same run; only\nmultiply-adds of matrix "
	     "products and convolutions count, without padding. peak: peak resident memory\nof the "
	     "process.");
}

/* The names given are rows' names; with --sample, of models that sample. */
static int check_names(const char **names, int nnames, bool sampling)
{
	const char *known[NAMES];
	int nknown = 0;
	for (const bench *r = rows; r->name; r++)
		known[nknown++] = r->name;
	for (int i = 0; i < nnames; i++) {
		const bench *r = rows;
		while (r->name && strcmp(r->name, names[i]))
			r++;
		const char *near = r->name ? NULL : gm_text_nearest(names[i], known, nknown);
		if (!r->name)
			return cli_usage("there is no benchmark %.60s; %s%s", names[i],
			                 near ? "did you mean " : "see: ganymede bench --help",
			                 near ? near : "");
		if (sampling && r->no_samples)
			return cli_usage("%s does not generate from noise: --sample is not for it",
			                 r->name);
	}
	return CLI_OK;
}

int cli_bench(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "json", "averages", "sample", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	request q = {.limit = 5};
	const char *names[NAMES];
	int nnames = 0, kind;
	bool json = false, first = true, averages = false;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+') {
			if (nnames == NAMES)
				return cli_usage("bench takes at most %d names", NAMES);
			names[nnames++] = a.value;
		} else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			help();
			return CLI_OK;
		} else if (cli_is(a.name, "json")) {
			json = true;
		} else if (cli_is(a.name, "averages")) {
			averages = true;
		} else if (cli_is(a.name, "sample")) {
			q.sampling = true;
		} else if (cli_is(a.name, "seconds")) {
			if (!gm_text_f64(a.value, &q.limit) || !(q.limit > 0))
				return cli_usage("--seconds: \"%.60s\" is not a positive number",
				                 a.value);
		} else if (q.ngiven == GIVEN) {
			return cli_usage("bench takes at most %d options", GIVEN);
		} else {
			snprintf(q.given[q.ngiven][0], 64, "%s", a.name);
			snprintf(q.given[q.ngiven++][1], 64, "%s", a.value);
		}
	}
	if (q.sampling && averages)
		return cli_usage("--averages is for training: sampling by averages costs the same");
	const int wrong = check_names(names, nnames, q.sampling);
	if (wrong)
		return wrong;
	for (const bench *r = rows; r->name; r++) {
		bool wanted = nnames == 0 && !(q.sampling && r->no_samples);
		for (int i = 0; i < nnames; i++)
			wanted |= !strcmp(r->name, names[i]);
		if (!wanted)
			continue;
		for (int averaged = 0; averaged <= (averages && r->model); averaged++) {
			gm_train_call call;
			gm_error err = {0};
			machine m = {0};
			char name[32];
			snprintf(name, sizeof name, "%s%s", r->name, averaged ? "+ema" : "");
			measure_machine(&m);
			if (!run_row(r, &q, averaged, &call, &err))
				return err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
				                                : cli_fail(&err);
			measure_machine(&m);
			if (first && r->model && !call.speed.bf16 && wants_bf16(&q))
				fprintf(stderr,
				        "precision: fp32, because bf16 needs AVX512-BF16\n");
			print_row(name, &call, &m, json, first);
			first = false;
		}
	}
	if (json)
		puts("\n]");
	return CLI_OK;
}
