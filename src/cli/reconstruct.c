/* SPDX-License-Identifier: MIT
 *
 * cli/reconstruct.c -- ganymede reconstruct: reconstructions by endpoint "reconstruct", or "encode"
 * and "decode".
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/metrics.h"
#include "run/folder.h"

static int64_t numbers(gm_shape s)
{
	int64_t n = 1;
	for (int i = 0; i < s.rank; i++)
		n *= s.dim[i];
	return n;
}

/* Reconstructs batch number `chunk`, x, to y; code: buffer for the output of "encode". */
static bool through(gm_saved *s, const float *x, uint64_t seed, uint64_t chunk, float *code,
                    float *y, gm_error *err)
{
	const void *in[] = {x}, *middle[] = {code};
	if (gm_saved_has(s, GM_ENDPOINT_RECONSTRUCT))
		return gm_saved_run(s, GM_ENDPOINT_RECONSTRUCT, in, seed, chunk, y, err);
	return gm_saved_run(s, GM_ENDPOINT_ENCODE, in, seed, chunk, code, err) &&
	       gm_saved_run(s, GM_ENDPOINT_DECODE, middle, seed, chunk, y, err);
}

/* Checks the endpoints; *code is the number of values of a batch of codes. */
static bool able(gm_saved *s, int64_t *code, gm_error *err)
{
	bool two = !gm_saved_has(s, GM_ENDPOINT_RECONSTRUCT) &&
	           gm_saved_has(s, GM_ENDPOINT_ENCODE) && gm_saved_has(s, GM_ENDPOINT_DECODE);
	gm_port port[2];
	*code = two ? numbers(gm_saved_shape(s, GM_ENDPOINT_ENCODE)) : 1;
	if (!two && !gm_saved_must(s, GM_ENDPOINT_RECONSTRUCT, err))
		return false;
	const char *last = two ? GM_ENDPOINT_DECODE : GM_ENDPOINT_RECONSTRUCT;
	if (numbers(gm_saved_shape(s, last)) != gm_saved_batch(s) * gm_saved_facts(s)->numel)
		return gm_fail(err, GM_ERR_STATE, "\"%s\" of %s gives no examples", last,
		               gm_saved_model(s)->name);
	if (two && (gm_saved_ports(s, GM_ENDPOINT_DECODE, port, 2) != 1 ||
	            numbers(port[0].shape) != *code))
		return gm_fail(err, GM_ERR_STATE,
		               "\"decode\" of %s does not accept the output of \"encode\"",
		               gm_saved_model(s)->name);
	return true;
}

static bool reconstruct(gm_saved *s, const cli_examples *e, uint64_t seed, float *y, gm_error *err)
{
	int64_t m = gm_saved_batch(s), numel = gm_saved_facts(s)->numel, size;
	if (!able(s, &size, err))
		return false;
	float *x = calloc(2 * m * numel + size, sizeof *x), *out = x + m * numel;
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for a batch");
	for (int64_t done = 0; ok && done < e->n; done += m) {
		int64_t take = e->n - done < m ? e->n - done : m;
		memcpy(x, e->x + done * numel, take * numel * sizeof *x);
		ok = through(s, x, seed, (uint64_t)(done / m), out + m * numel, out, err);
		if (ok)
			memcpy(y + done * numel, out, take * numel * sizeof *y);
	}
	free(x);
	return ok;
}

/* original | reconstruction | .., for one example after the other; y: all first ones, then all
 * second ones, .. */
static gm_image *picture(gm_saved *s, const cli_examples *e, const float *y, int draws,
                         gm_error *err)
{
	int64_t numel = gm_saved_facts(s)->numel, each = 1 + draws;
	float *all = malloc(each * e->n * numel * sizeof *all);
	gm_image *im = NULL;
	for (int64_t i = 0; all && i < e->n; i++)
		for (int64_t k = 0; k < each; k++)
			memcpy(all + (each * i + k) * numel,
			       k ? y + ((k - 1) * e->n + i) * numel : e->x + i * numel,
			       numel * sizeof *all);
	if (all)
		im = cli_examples_grid(s, all, each * e->n, (int)each * e->columns, err);
	else
		gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	free(all);
	return im;
}

static int work(gm_saved *s, const cli_examples *e, int draws, uint64_t seed, const char *out)
{
	const gm_facts *f = gm_saved_facts(s);
	gm_error err = {0};
	double mean = 0;
	const int64_t all = e->n * f->numel;
	float *y = malloc(draws * all * sizeof *y);
	gm_image *im = NULL;
	bool ok = y || gm_fail(&err, GM_ERR_MEMORY, "no memory for pictures");
	for (int k = 0; ok && k < draws; k++)
		ok = reconstruct(s, e, seed + (uint64_t)k, y + k * all, &err);
	if (ok && draws > 1 && !memcmp(y, y + all, (size_t)all * sizeof *y))
		ok = gm_fail(&err, GM_ERR_VALUE,
		             "option draws: %s draws nothing, all its reconstructions are equal",
		             gm_saved_model(s)->name);
	ok = ok &&
	     gm_psnr(&(gm_picture_pairs){e->x, y, e->n, (int)f->channels, (int)f->height,
	                                 (int)f->width, 2},
	             NULL, &mean, &err) &&
	     (im = picture(s, e, y, draws, &err)) && gm_image_write(out, im, &err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: %" PRId64 " of %s, original | reconstruction; mean PSNR %.2f dB\n", out,
		       e->n, e->from, mean);
	}
	gm_image_free(im);
	free(y);
	return ok ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
	{"grid", "4x8", "columns x rows of pairs"},
	{"split", "", "split of a data set: train or test"},
	{"draws", "1", "reconstructions of each image, for models that draw them"},
	{"seed", "0", "seed of their noise"},
	{"turns", "", "iterations of an iterative endpoint; default: the model's"},
	{"out", "reconstructed.png", "FILE.png, .jpg or .webp; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

int cli_reconstruct(int argc, char **argv)
{
	cli_values v = {
		.verb = "reconstruct",
		.option = options,
		.about = "The image shows pairs: original | reconstruction; with --draws the "
			 "original and that many reconstructions."};
	cli_examples e;
	if (!cli_examples_read(&e, &v, argc, argv))
		return e.status;
	gm_error err = {0};
	int64_t code;
	uint64_t seed, draws;
	if (!gm_image_format(cli_value(&v, "out"), &err))
		return cli_usage("%s", err.message);
	gm_saved *s = cli_examples_run(&v, NULL, &err);
	bool ok = s && cli_whole(&v, "seed", 0, UINT64_MAX, &seed, &err) &&
	          cli_whole(&v, "draws", 1, 64, &draws, &err) && able(s, &code, &err) &&
	          cli_turns(s, GM_ENDPOINT_RECONSTRUCT, &v, &err) &&
	          cli_examples_get(&e, s, &v, &err);
	int status = ok ? work(s, &e, (int)draws, seed, cli_value(&v, "out")) : cli_fail(&err);
	cli_examples_free(&e);
	gm_saved_free(s);
	return status;
}
