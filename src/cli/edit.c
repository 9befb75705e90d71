/* SPDX-License-Identifier: MIT
 *
 * cli/edit.c -- ganymede edit: images of a generator that satisfy strokes, or an edited photo; and
 * ganymede morph: from one photo to another through the generator's images.
 */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/examples.h"
#include "plot/figure.h"
#include "use/edit.h"
#include "use/photo.h"
#include "use/project.h"

/* A photo at its own size, at that of the run, and its latents; free it with photo_free. */
typedef struct photo {
	gm_image *im;
	float *x, *z;
} photo;

static void photo_free(photo *p)
{
	gm_image_free(p->im);
	free(p->x), free(p->z);
}

static bool photo_open(gm_saved *s, const char *path, photo *p, gm_error *err)
{
	gm_project_options o;
	double rmse;
	gm_action_reset(gm_project_rows, &o);
	const gm_facts *f = gm_saved_facts(s);
	const int64_t numbers = gm_project_numbers(s, err);
	if (!numbers)
		return false;
	p->x = malloc((size_t)f->numel * sizeof *p->x);
	p->z = malloc((size_t)numbers * sizeof *p->z);
	const bool ok = (cli_is_picture(path) || !gm_file_exists(path) ||
	                 gm_fail(err, GM_ERR_VALUE, "%s is not a picture", path)) &&
	                ((p->x && p->z) || gm_fail(err, GM_ERR_MEMORY, "no memory for a photo")) &&
	                (p->im = gm_image_read(path, NULL, err)) &&
	                gm_photo_fit(s, p->im, path, p->x, NULL, err) &&
	                gm_project(s, &o, p->x, 1, p->z, NULL, &rmse, err);
	if (ok)
		printf("%s: projected, RMSE %.4f of values in [-1,1]\n", path, rmse);
	return ok;
}

/* ---- edit ------------------------------------------------------------------------------------ */

static const cli_option edit_options[] = {
	{"frames", "0",
         "also shows this many images from the one before the edit to the candidate"},
	{"candidate", "1", "the candidate of frames and transfer; 1: the best"},
	{"transfer", "",
         "FILE.png, .jpg or .webp: PHOTO at its own size after the edit, by motion and colours"},
	{"between", "8", "images along which motion and colours are found"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "edited.png",
         "FILE.png, .jpg or .webp: the candidates, the best first; with frames a second row; also "
         "-o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct request {
	gm_edit_options o;
	gm_saved *s;
	float *z0;                             /* latents before the edit, or NULL */
	photo photo;                           /* z NULL: there is none */
	float *shown;                          /* what is written */
	const char *transfer;                  /* file, or NULL */
	int64_t frames, candidate, between, n; /* candidate: from 0; n: images in shown */
	int columns;
	bool usage; /* failed by an option, which was told */
} request;

/* Latents before the edit: those of the photo, or where the candidate began. */
static bool latents_before(const request *q, int64_t which, float *z, gm_error *err)
{
	const size_t numbers = (size_t)gm_project_numbers(q->s, err);
	if (q->z0) {
		memcpy(z, q->z0, numbers * sizeof *z);
		return true;
	}
	gm_edit *first = gm_edit_new(q->s, &q->o, NULL, err);
	if (first)
		memcpy(z, gm_edit_z(first) + (size_t)which * numbers, numbers * sizeof *z);
	gm_edit_free(first);
	return first != NULL;
}

/* Fills q->shown with candidates, and frames. */
static bool show(request *q, gm_edit *e, const int64_t *order, int64_t kept, gm_error *err)
{
	const int64_t numel = gm_saved_facts(q->s)->numel, numbers = gm_project_numbers(q->s, err);
	const int64_t columns = kept > q->frames ? kept : q->frames, which = order[q->candidate];
	q->columns = (int)columns, q->n = q->frames ? 2 * columns : kept;
	q->shown = calloc((size_t)(q->n * numel), sizeof *q->shown);
	float *from = malloc((size_t)numbers * sizeof *from);
	bool ok = (q->shown && from) || gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; ok && i < kept; i++)
		memcpy(q->shown + i * numel, gm_edit_image(e, order[i]),
		       (size_t)numel * sizeof *q->shown);
	ok = ok && (!q->frames || (latents_before(q, which, from, err) &&
	                           gm_edit_between(q->s, from, gm_edit_z(e) + which * numbers,
	                                           q->frames, q->shown + columns * numel, err)));
	free(from);
	return ok;
}

static bool transfer(const request *q, const float *z, gm_error *err)
{
	gm_image *im = gm_photo_transfer(q->s, q->photo.z, z, q->between, q->photo.im, err);
	const bool ok = im && gm_image_write(q->transfer, im, err);
	if (ok)
		printf("%s: %dx%d, the photo after the edit\n", q->transfer, im->width, im->height);
	gm_image_free(im);
	return ok;
}

/* Latents before the edit: of the script, else of the photo; q->z0 stays NULL without either. */
static bool begin(request *q, const gm_bytes *b, const cli_values *v, gm_error *err)
{
	const size_t numbers = (size_t)gm_project_numbers(q->s, err);
	bool given = false;
	gm_error why = {0};
	if (!numbers)
		return false;
	float *z = malloc(numbers * sizeof *z);
	bool ok = z || gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	ok = ok &&
	     (gm_edit_from((const char *)b->data, b->size, (int64_t)numbers, z, &given, &why) ||
	      gm_fail(err, why.code, "%s: %.300s", v->operand[1], why.message));
	ok = ok && (!v->operand[2] || photo_open(q->s, v->operand[2], &q->photo, err));
	if (ok && !given && q->photo.z)
		memcpy(z, q->photo.z, numbers * sizeof *z);
	if (ok && (given || q->photo.z))
		q->z0 = z;
	else
		free(z);
	if (ok && !q->z0 && cli_useless(v, "smooth", "without a photo, or latents in the script")) {
		q->usage = true;
		return false;
	}
	return ok;
}

static bool edit(request *q, const cli_values *v, const char *out, gm_error *err)
{
	const char *script = v->operand[1];
	gm_bytes b = {0};
	int64_t order[256];
	if (!gm_file_open(script, &b, err))
		return false;
	if (!begin(q, &b, v, err)) {
		gm_file_close(&b);
		return false;
	}
	gm_edit *e = gm_edit_new(q->s, &q->o, q->z0, err);
	gm_error why = {0};
	bool ok = e && (gm_edit_read(e, (const char *)b.data, b.size, &why) ||
	                gm_fail(err, why.code, "%s: %.300s", script, why.message));
	const double before =
		ok ? gm_edit_colour_error(e, gm_edit_order(e, order) ? order[0] : 0) : NAN;
	double cost = ok ? gm_edit_cost(e)[order[0]] : NAN;
	ok = ok && gm_edit_run(e, q->o.iterations, err);
	const int64_t kept = ok ? gm_edit_order(e, order) : 0;
	gm_image *im = NULL;
	if (ok && q->candidate >= kept)
		ok = gm_fail(err, GM_ERR_VALUE, "option candidate: %d, but there are %d candidates",
		             (int)q->candidate + 1, (int)kept);
	ok = ok && show(q, e, order, kept, err) &&
	     (im = cli_examples_grid(q->s, q->shown, q->n, q->columns, err)) &&
	     gm_image_write(out, im, err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: %d candidates of %d starts, the best first; least cost %.4g, before "
		       "%.4g\n",
		       out, (int)kept, (int)q->o.starts, gm_edit_cost(e)[order[0]], cost);
		if (!isnan(before))
			printf("colour error of the best, of values in [-1,1]: %.4f, before %.4f\n",
			       gm_edit_colour_error(e, order[0]), before);
	}
	ok = ok &&
	     (!q->transfer ||
	      transfer(q, gm_edit_z(e) + order[q->candidate] * gm_project_numbers(q->s, err), err));
	gm_image_free(im);
	gm_edit_free(e);
	gm_file_close(&b);
	return ok;
}

int cli_edit(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	request q = {0};
	cli_values v = {.verb = "edit",
	                .output = "transfer",
	                .option = edit_options,
	                .row = gm_edit_rows,
	                .action = &q.o};
	gm_error err = {0};
	uint64_t frames, candidate, between;
	gm_action_reset(gm_edit_rows, &q.o);
	int status = cli_read(&a, &v, 3);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("edit");
		puts("\nSCRIPT is JSON: {\"strokes\": [{\"tool\": \"colour\", \"width\": 2, "
		     "\"colour\": "
		     "\"#2bb24c\", \"points\": [[x, y], ..]},\n{\"tool\": \"sketch\", ..}, "
		     "{\"tool\": "
		     "\"warp\", \"size\": 24, \"from\": [x, y], \"to\": [x, y]}, {\"tool\": "
		     "\"erase\", "
		     "..}],\n\"from\": [latents before the edit, instead of those of "
		     "PHOTO]}.\nWith "
		     "PHOTO, its projection is edited; without, images are made from the strokes "
		     "alone.");
		cli_options_help(edit_options);
		cli_action_help(gm_edit_rows);
		return CLI_OK;
	}
	const char *out = cli_value(&v, "out");
	if (!v.operand[1])
		return cli_usage(
			"edit needs a run and a script, such as: ganymede edit 0 strokes.json");
	q.transfer = cli_given(&v, "transfer");
	if (!cli_whole(&v, "frames", 0, 64, &frames, &err) ||
	    !cli_whole(&v, "candidate", 1, 256, &candidate, &err) ||
	    !cli_whole(&v, "between", 2, 64, &between, &err) || !gm_image_format(out, &err) ||
	    (q.transfer && !gm_image_format(q.transfer, &err)))
		return cli_usage("%s", err.message);
	if ((!v.operand[2] && (status = cli_useless(&v, "transfer", "without a photo"))) ||
	    (!q.transfer && (status = cli_useless(&v, "between", "without --transfer"))) ||
	    (!q.transfer && !frames &&
	     (status = cli_useless(&v, "candidate", "without --frames or --transfer"))))
		return status;
	q.frames = (int64_t)frames, q.candidate = (int64_t)candidate - 1;
	q.between = (int64_t)between;
	q.s = cli_examples_run(&v, NULL, &err);
	bool ok = q.s && edit(&q, &v, out, &err);
	photo_free(&q.photo);
	free(q.z0), free(q.shown);
	gm_saved_free(q.s);
	return ok ? CLI_OK : q.usage ? CLI_USAGE : cli_fail(&err);
}

/* ---- morph ----------------------------------------------------------------------------------- */

static const cli_option morph_options[] = {
	{"frames", "16", "images from one to the other"},
	{"transfer", "",
         "FILE.webp: animation of the photos themselves, moved and recoloured along the frames"},
	{"side", "512", "largest side of the animation"},
	{"ms", "100", "milliseconds of each image of the animation"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "morph.png", "FILE.png, .jpg or .webp: photo | frames | photo; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct morphing {
	const char *out, *transfer; /* files; transfer may be NULL */
	uint64_t frames, side, ms;
} morphing;

/* photo | frames | photo, at the size of the run's images */
static bool morph_row(gm_saved *s, const morphing *m, const photo p[2], gm_error *err)
{
	const int64_t numel = gm_saved_facts(s)->numel, n = (int64_t)m->frames;
	float *x = malloc((size_t)((n + 2) * numel) * sizeof *x);
	gm_image *im = NULL;
	bool ok = (x || gm_fail(err, GM_ERR_MEMORY, "no memory for images")) &&
	          gm_edit_between(s, p[0].z, p[1].z, n, x + numel, err);
	for (int i = 0; ok && i < 2; i++)
		memcpy(x + i * (n + 1) * numel, p[i].x, (size_t)numel * sizeof *x);
	ok = ok && (im = cli_examples_grid(s, x, n + 2, (int)n + 2, err)) &&
	     gm_image_write(m->out, im, err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: photo | %d frames | photo\n", m->out, (int)n);
	}
	gm_image_free(im);
	free(x);
	return ok;
}

static bool morph_photos(gm_saved *s, const morphing *m, const photo p[2], gm_error *err)
{
	gm_image *frame[64] = {NULL};
	bool ok = gm_photo_morph(s, (const float *const[]){p[0].z, p[1].z},
	                         (const gm_image *const[]){p[0].im, p[1].im}, (int64_t)m->frames,
	                         (int)m->side, frame, err);
	ok = ok && gm_webp_animation(m->transfer, frame, (int)m->frames, (int)m->ms, err);
	if (ok)
		printf("%s: %d images of %dx%d\n", m->transfer, (int)m->frames, frame[0]->width,
		       frame[0]->height);
	for (uint64_t i = 0; i < m->frames; i++)
		gm_image_free(frame[i]);
	return ok;
}

int cli_morph(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "morph", .output = "transfer", .option = morph_options};
	gm_error err = {0};
	morphing m;
	int status = cli_read(&a, &v, 3);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("morph");
		puts("\nBoth photos are projected (as by ganymede project); frames are images of "
		     "the "
		     "latents between theirs.");
		cli_options_help(morph_options);
		return CLI_OK;
	}
	m.out = cli_value(&v, "out"), m.transfer = cli_given(&v, "transfer");
	if (!v.operand[2])
		return cli_usage("morph needs a run and two photos: ganymede morph 0 a.png b.png");
	if (!cli_whole(&v, "frames", 2, 64, &m.frames, &err) ||
	    !cli_whole(&v, "side", 16, 4096, &m.side, &err) ||
	    !cli_whole(&v, "ms", 10, 60000, &m.ms, &err) || !gm_image_format(m.out, &err))
		return cli_usage("%s", err.message);
	if (m.transfer && strcmp(gm_image_format(m.transfer, NULL), "WebP") != 0)
		return cli_usage("option transfer: %.200s is not FILE.webp", m.transfer);
	if (!m.transfer && (status = cli_useless(&v, "side|ms", "without --transfer")))
		return status;
	gm_saved *s = cli_examples_run(&v, NULL, &err);
	photo p[2] = {{0}, {0}};
	const bool ok = s && photo_open(s, v.operand[1], &p[0], &err) &&
	                photo_open(s, v.operand[2], &p[1], &err) && morph_row(s, &m, p, &err) &&
	                (!m.transfer || morph_photos(s, &m, p, &err));
	photo_free(&p[0]), photo_free(&p[1]);
	gm_saved_free(s);
	return ok ? CLI_OK : cli_fail(&err);
}
