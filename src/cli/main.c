/* SPDX-License-Identifier: MIT
 *
 * cli/main.c -- the program: a table of commands, each in its own file.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/progress.h"
#include "ganymede/model.h"

static const cli_verb verbs[] = {
	{"train",
         "train MODEL [--data SET|PATH] [--steps N] [--OPTION VALUE]...\n       ganymede train "
         "MODEL --dry-run ...\n       ganymede train "
         "--resume [RUN] [--steps N]",
         "train a model in a new run folder, or resume a run", cli_train},
	{"runs", "runs [OUTDIR]", "list runs: model, step, last values, state", cli_runs},
	{"studio", "studio [OUTDIR] [--port N] [--data-root FOLDER] [--runs N] [--open]",
         "the page of all runs: curves, samples, comparison, new runs", cli_studio},
	{"sample",
         "sample RUN [--grid 8x8 | --count N] [--class NAME] [--seed N] [--truncation T] [-o OUT]",
         "sample from a run or checkpoint", cli_sample},
	{"reconstruct", "reconstruct RUN [INPUT] [--grid 4x8] [--split test] [-o FILE.png]",
         "reconstruct images, with PSNR", cli_reconstruct},
	{"predict", "predict RUN [INPUT] [--count 8] [--split test] [-o FILE.webp]",
         "predict the next frames of videos, beside the true ones", cli_predict},
	{"attack", "attack RUN [INPUT] [--epsilon .25] [--steps N] [--target CLASS] [-o FILE.png]",
         "adversarial examples of a classifier: its error before and after", cli_attack},
	{"act", "act RUN|WEIGHTS [--episodes N] [--sample] [-o FILE.webp | FILE.safetensors]",
         "play episodes of an environment with a policy, record or draw them", cli_act},
	{"eval", "eval RUN [RUN2] [--metrics fid,kid,...] [--extractor NAME] [--json FILE]",
         "compute metrics of a run, with their protocol", cli_eval},
	{"fid",
         "fid A B [--extractor NAME] [--json FILE]\n       ganymede fid A --save-stats FILE.npz",
         "Frechet distance of two sets: runs, data sets, folders, archives, statistics", cli_fid},
	{"translate", "translate RUN INPUT [-o OUT] [--fit pad] [--back] [--seed N] [--force]",
         "translate images with a run", cli_translate},
	{"inpaint",
         "inpaint RUN [INPUT] [--hide bottom | --mask FILE] [--ways 1] [--seed N] [-o FILE.png | "
         "FOLDER]",
         "hide a part of images and let a run fill it in", cli_inpaint},
	{"project",
         "project RUN [INPUT] [--how hybrid] [--starts N] [--score] [-o FILE.png] [--latents "
         "FILE.npy]",
         "find the latents whose images are closest to given ones", cli_project},
	{"edit",
         "edit RUN SCRIPT.json [PHOTO] [--iterations 40] [--frames N] [--transfer FILE] [-o "
         "FILE.png]",
         "images of a generator that satisfy strokes of colours, edges and moved parts", cli_edit},
	{"morph", "morph RUN PHOTO PHOTO [--frames 16] [--transfer FILE.webp] [-o FILE.png]",
         "from one photo to another through a generator's images", cli_morph},
	{"models", "models [NAME]", "list the models, or one model's options", cli_models},
	{"data",
         "data list\n       ganymede data info SET|PATH [--size N] [--fit crop] [-o FILE.png "
         "[--field NAME]]\n       ganymede data fetch NAME [--mirror URL]",
         "list data sets, check one, or download one", cli_data},
	{"interpolate",
         "interpolate RUN [--steps N] [--pairs N] [--spherical|--linear] [--class NAME] [-o FILE]",
         "interpolate between samples", cli_interpolate},
	{"traverse", "traverse RUN [--code NAME] [--from -2] [--to 2] [--class NAME] [-o FILE]",
         "show the effect of single codes or noise components", cli_traverse},
	{"arithmetic",
         "arithmetic RUN [--plus 3+7+9,12+15+20] [--minus 1+5+8] [--noise .25] [-o FILE.png]",
         "sums of averaged latents, beside the same sums of pixels", cli_arithmetic},
	{"plane", "plane RUN [INPUT] [--count N] [--by k-means] [-o FILE]",
         "plot codes of 2 dimensions, or decision regions of points", cli_plane},
	{"reproduce",
         "reproduce NAME [--data PATH] [--seeds N] [--run RUN]\n       ganymede reproduce --queue "
         "[--hours N] [--nice] [--data-root FOLDER]\n       ganymede reproduce --list | --all | "
         "--docs",
         "run recipes and compare their results with the papers'", cli_reproduce},
	{"lab", "lab [NAME] [-o FOLDER] [--OPTION VALUE]...",
         "experiments with a known result: measure, compare with theory, plot", cli_lab},
	{"dream",
         "dream RUN|squeezenet|vgg16 IMAGE [--layer NAME] [--unit N] [--guide IMAGE] [-o FILE]",
         "DeepDream: an image that a layer of a net responds to more", cli_dream},
	{"texture",
         "texture quilt PICTURE [--size WxH] [--block N] [--target PICTURE] [-o FILE]\n       "
         "ganymede texture synthesise PICTURE [--size WxH] [--iterations N] [-o FILE]",
         "a larger picture of a texture, a picture drawn in it, or a new one with its statistics",
         cli_texture},
	{"bench",
         "bench [NAME...] [--seconds N] [--json] [--averages | --sample] [--OPTION VALUE]...",
         "training and sampling speed of this machine, and its peak rates", cli_bench},
	{"completion", "completion bash|zsh|fish",
         "print a shell's completion script for commands and options", cli_completion},
	{0},
};

const cli_verb *cli_verbs(void)
{
	return verbs;
}

int cli_fail(const gm_error *err)
{
	gm_progress_end();
	fprintf(stderr, "ganymede: %s\n", err->message);
	return cli_stopped ? 128 + cli_stopped : CLI_FAILED;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("ganymede: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("\n", stderr);
	va_end(ap);
	return CLI_USAGE;
}

bool cli_is(const char *name, const char *option)
{
	for (; *name && *option; name++, option++)
		if ((*name == '_' ? '-' : *name) != *option)
			return false;
	return !*name && !*option;
}

static bool listed(const char *name, const char *const *names)
{
	for (; names && *names; names++)
		if (cli_is(name, *names))
			return true;
	return false;
}

int cli_next(cli_args *a)
{
	if (a->at >= a->argc)
		return 0;
	const char *arg = a->argv[a->at++];
	if (arg[0] != '-' || !arg[1]) {
		a->value = arg;
		return '+';
	}
	const char *name = arg[1] == '-' ? arg + 2 : arg + 1, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	if (n == 0 || n >= sizeof a->name) {
		cli_usage("%.60s is not an option", arg);
		return '?';
	}
	memcpy(a->name, name, n);
	a->name[n] = 0;
	a->value = "";
	if (listed(a->name, a->flags))
		return '-';
	if (equals) {
		a->value = equals + 1;
	} else if (listed(a->name, a->maybe)) {
		if (a->at < a->argc && a->argv[a->at][0] != '-')
			a->value = a->argv[a->at++];
	} else if (a->at < a->argc) {
		a->value = a->argv[a->at++];
	} else {
		cli_usage("option --%s needs a value", a->name);
		return '?';
	}
	return '-';
}

const gm_model *cli_model(const char *name)
{
	const gm_model *m = gm_model_find(name);
	int n = 0;
	while (gm_models[n])
		n++;
	const char **names = calloc(n + 1, sizeof *names);
	for (int i = 0; names && i < n; i++)
		names[i] = gm_models[i]->name;
	const char *near = m || !names ? NULL : gm_text_nearest(name, names, n);
	free(names);
	if (near)
		cli_usage("there is no model %.60s; did you mean %s?", name, near);
	else if (!m)
		cli_usage("there is no model %.60s; see: ganymede models", name);
	return m;
}

static void overview(FILE *out)
{
	fputs("ganymede -- generative adversarial networks and their relatives\n\n", out);
	for (const cli_verb *v = verbs; v->name; v++)
		fprintf(out, "  ganymede %s\n       %s\n", v->usage, v->about);
	fputs("\nFor details: ganymede COMMAND --help. Try: ganymede train dcgan --data glyphs "
	      "--steps "
	      "600\n",
	      out);
}

void cli_help(const char *verb)
{
	for (const cli_verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, verb))
			printf("usage: ganymede %s\n\n%s\n", v->usage, v->about);
}

/* Waiting OpenMP threads spin before they sleep, in libgomp for milliseconds. On a busy machine
 * this takes time from the threads they wait for: a step takes up to six times as long. The spin
 * count is read from the environment when the library is loaded, so the program restarts itself
 * with a shorter one, unless the user has set it. */
static void wait_politely(char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0 || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") ||
	    setenv("GOMP_SPINCOUNT", "10000", 1))
		return;
	path[n] = 0;
	setenv("KMP_BLOCKTIME", "0", 0); /* for LLVM's OpenMP */
	execv(path, argv); /* if this fails, the program works, but slower on a busy machine */
}

/* Files are renamed into place when complete, so ending here loses nothing. */
static void no_memory(size_t bytes)
{
	fprintf(stderr,
	        "ganymede: out of memory (%.3g MB more were requested): use a smaller --batch, "
	        "--width or --size; saved files are complete\n",
	        (double)bytes / 1e6);
	_exit(CLI_FAILED);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	const char *names[32];
	int n = 0;
	if (!*verb) {
		overview(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(verb, "--help") || !strcmp(verb, "-h") || !strcmp(verb, "help")) {
		overview(stdout);
		return CLI_OK;
	}
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--version")) {
			printf("ganymede %s\n", gm_version());
			return CLI_OK;
		}
	wait_politely(argv);
	gm_arena_on_no_memory(no_memory);
	cli_progress_start();
	for (const cli_verb *v = verbs; v->name; v++) {
		if (!strcmp(v->name, verb))
			return v->run(argc - 1, argv + 1);
		names[n++] = v->name;
	}
	const char *near = gm_text_nearest(verb, names, n);
	if (near)
		return cli_usage("there is no command %.60s; did you mean %s?", verb, near);
	return cli_usage("there is no command %.60s; see: ganymede --help", verb);
}
