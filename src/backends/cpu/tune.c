/* SPDX-License-Identifier: MIT
 *
 * tune.c -- the ways to compute a convolution, and which of them: the first that takes it, or the
 * fastest one measured.
 *
 * Measured is one convolution alone, on pictures as they lie between convolutions, when a step that
 * needs it is compiled. The choice can be read from the graph (gm_graph_tuned), so that a run can
 * record it, and kept for other runs in a file of lines "KEY WAY MILLISECONDS" in the cache folder,
 * one for each model of processor, version of oneDNN and number of threads. Lines that make no
 * sense are passed over.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/dnnl/dnn.h"
#include "base/cache.h"
#include "base/file.h"
#include "base/machine.h"
#include "ops/conv.h"

/* In the order of preference without measurements. */
static const struct way {
	const char *name;
	bool (*plan)(gm_plan *p, gm_unit *u);
} ways[] = {
	{"phases", gm_phases_planner}, {"winograd", gm_winograd_planner},
	{"runs", gm_bf16_planner},     {"patches", gm_patches_planner},
	{"onednn", gm_conv_planner},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* "phases"; as "phases!" it is that or none. */
static const struct way *find_way(const char *name, bool *only)
{
	size_t n = strcspn(name, "!");
	*only = name[n] == '!';
	for (int i = 0; i < WAYS; i++)
		if (strlen(ways[i].name) == n && !strncmp(ways[i].name, name, n))
			return &ways[i];
	return NULL;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* "AMD_EPYC-2.6.3-2threads" */
static bool cache_path(char path[PATH_MAX])
{
	char name[160] = "processor", line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "model name : %120[^\n]", name) == 1)
			break;
	if (f)
		fclose(f);
	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *c))
			*c = '_';
	size_t n = strlen(name);
	snprintf(name + n, sizeof name - n, "-%s-%dthreads", gm_dnn_version(), gm_thread_count());
	return gm_cache_path("tune", name, path);
}

/* The way of the line of `key`, or NULL. */
static const struct way *recall(const char *key)
{
	char path[PATH_MAX], line[512], k[256], w[32];
	double ms;
	bool only;
	const struct way *found = NULL;
	FILE *f = cache_path(path) ? fopen(path, "r") : NULL;
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "%255s %31s %lf", k, w, &ms) == 3 && !strcmp(k, key))
			found = find_way(w, &only);
	if (f)
		fclose(f);
	return found;
}

/* All lines but that of `key`, and a new one of it. A cache that cannot be written is none. */
static void keep(const char *key, const char *way, double seconds)
{
	char path[PATH_MAX], line[512], k[256], *text = NULL;
	size_t size;
	if (!cache_path(path))
		return;
	FILE *out = open_memstream(&text, &size), *f = out ? fopen(path, "r") : NULL;
	while (f && fgets(line, sizeof line, f))
		if (strchr(line, '\n') && sscanf(line, "%255s", k) == 1 && strcmp(k, key))
			fputs(line, out);
	if (f)
		fclose(f);
	if (!out)
		return;
	fprintf(out, "%s %s %.4g\n", key, way, seconds * 1e3);
	fclose(out);
	gm_file_write(path, text, size, NULL);
	free(text);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* An operand: an image is an input stored channels last, weights are row-major. */
static gm_node *operand(gm_graph *g, const char *name, gm_shape s, bool picture)
{
	gm_shape at = picture ? GM_SHAPE(s.dim[0], s.dim[2], s.dim[3], s.dim[1]) : s;
	gm_node *x = gm_input(g, name, at, GM_F32);
	int64_t n = gm_node_size(x);
	float *v = malloc((size_t)n * sizeof *v);
	for (int64_t i = 0; v && i < n; i++)
		v[i] = (float)(i * 7919 % 2003) / 1001.f - 1;
	if (v)
		gm_set_f32(x, v, n);
	free(v);
	return picture ? gm_permute(x, (int[]){0, 3, 1, 2}) : x;
}

/* The best of some runs; negative if it cannot be measured. */
static double measure(gm_plan *p, const gm_node *y, const char *key, const char *way)
{
	enum { LEAST = 3, MOST = 20 };
	const double enough = .05;
	char tuned[400];
	snprintf(tuned, sizeof tuned, "%s=%s!;", key, way); /* no other */
	gm_graph *g = gm_graph_new(&(gm_graph_options){
		.backend = "cpu", .bf16 = gm_plan_bf16(p), .tune = "on", .tuned = tuned});
	if (!g)
		return -1;
	gm_node *in[2];
	for (int i = 0; i < 2; i++)
		in[i] = operand(g, i ? "b" : "a", y->in[i]->shape,
		                i == 0 || y->opid == GM_OPID_conv_dw);
	gm_node *z = gm_node_new(g, y->opid, in, 2, y->attr, y->attr_size);
	gm_step *s = gm_compile_nodes(g, &z, 1, NULL);
	double best = -1, begun = 0;
	for (int i = 0; s && i <= MOST && (i <= LEAST || now() - begun < enough); i++) {
		double t = now();
		gm_step_run(s);
		t = now() - t;
		if (i == 0) /* touches its memory for the first time */
			begun = now();
		else if (best < 0 || t < best)
			best = t;
	}
	gm_graph_free(g);
	return best;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void write_key(char *text, size_t room, gm_plan *p, const gm_node *y)
{
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	snprintf(text, room,
	         "%s:%lldx%lldx%lldx%lld:%lldx%lldx%lldx%lld:stride%d,%d:pad%d,%d,%d,%d:dilation%d,"
	         "%d:"
	         "groups%d:%s:%s",
	         y->op->name, (long long)s.x.dim[0], (long long)s.x.dim[1], (long long)s.x.dim[2],
	         (long long)s.x.dim[3], (long long)s.w.dim[0], (long long)s.w.dim[1],
	         (long long)s.w.dim[2], (long long)s.w.dim[3], a->stride[0], a->stride[1],
	         a->pad[0], a->pad[1], a->pad[2], a->pad[3], a->dilation[0], a->dilation[1],
	         a->groups, gm_plan_bf16(p) ? "bf16" : "fp32", gm_simd_best()->name);
}

static const struct way *choose(gm_plan *p, const gm_node *y, bool *only)
{
	char key[256];
	gm_tune tune = gm_plan_tune(p);
	if (tune == GM_TUNE_OFF)
		return NULL;
	write_key(key, sizeof key, p, y);
	const char *known = gm_plan_tuned(p, key);
	if (known)
		return find_way(known, only);
	const struct way *way = tune == GM_TUNE_AGAIN ? NULL : recall(key);
	if (!way && tune != GM_TUNE_KNOWN) {
		double best = -1;
		for (int i = 0; i < WAYS; i++) {
			double t = measure(p, y, key, ways[i].name);
			/* the first is kept unless another is clearly faster */
			if (t > 0 && (best < 0 || t < .96 * best))
				best = t, way = &ways[i];
		}
		if (way)
			keep(key, way->name, best);
	}
	if (way)
		gm_plan_note_tuned(p, key, way->name);
	return way;
}

bool gm_ways_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (!u->tape && y->opid == GM_OPID_conv_relu) /* one way */
		return gm_conv_planner(p, u);
	if (u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return false;
	bool only = false;
	const struct way *way = choose(p, y, &only);
	if (way && way->plan(p, u))
		return true;
	if (only)
		gm_plan_fail(p, u, "not this way");
	for (int i = 0; i < WAYS && !only; i++)
		if (ways[i].plan(p, u))
			return true;
	return only;
}
