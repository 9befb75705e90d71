/* SPDX-License-Identifier: MIT
 *
 * scenes.c -- generated sets with known truth for translation, video and super-resolution: pairs of
 * drawings and shapes, two unpaired domains with known translation, short videos, and images with
 * low-resolution versions. */
#include "data/shapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 16
#define SHRINK 4
#define DOMAIN_A 0x9E3779B97F4A7C15u /* the stream of the first domain */

/* ---- pairs: edges2shapes, labels2shapes ---- */

enum { PAIR_A = 1, PAIR_B, PAIR_MASK };

static void draw_pair(gm_draw *d, void (*other)(const gm_scene *, const gm_draw *))
{
	const gm_scene s = gm_scene_random(&d->rng);
	gm_scene_tell(&s, d);
	if (d->map)
		gm_scene_mask(&s, d->size, d->map);
	else if (d->x && d->part == PAIR_A)
		other(&s, d);
	else if (d->x)
		gm_scene_render(&s, d);
}

static void edges(gm_draw *d)
{
	draw_pair(d, gm_scene_edges);
}

static void labels(gm_draw *d)
{
	draw_pair(d, gm_scene_labels);
}

/* ---- domains: circles2squares ---- */

enum { DOMAIN_CIRCLES = 1, DOMAIN_SQUARES, DOMAIN_TRUTH };

static void domains(gm_draw *d)
{
	/* a and its truth have a separate random stream, so that a and b are not paired. */
	const bool first = d->part == DOMAIN_CIRCLES || d->part == DOMAIN_TRUTH;
	if (first)
		d->rng = gm_rng_new(d->rng.seed ^ DOMAIN_A, d->rng.stream);
	gm_scene s = gm_scene_random(&d->rng);
	s.kind = d->part == DOMAIN_CIRCLES ? CIRCLE : SQUARE;
	s.rotation = 0;
	gm_scene_tell(&s, d);
	d->label = 0;
	if (d->x)
		gm_scene_render(&s, d);
}

/* ---- films: moving-shapes ---- */

enum { FILM_X = FACTORS, FILM_Y, FILM_TURN, FILM_FACTORS };

static void film(gm_draw *d)
{
	gm_scene s = gm_scene_random(&d->rng);
	/* It goes straight to another place in the picture, and turns at a steady pace. */
	const float room = gm_scene_room(&s);
	const float to_x = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1),
		    to_y = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1);
	const float step_x = (to_x - s.x) / (FRAMES - 1), step_y = (to_y - s.y) / (FRAMES - 1);
	const float turn = .2f * (2 * (float)gm_rng_uniform(&d->rng) - 1);
	gm_scene_tell(&s, d);
	d->factor[FILM_X] = step_x, d->factor[FILM_Y] = step_y, d->factor[FILM_TURN] = turn;
	if (!d->x)
		return;
	gm_draw frame = *d;
	for (int t = 0; t < (d->part ? FRAMES : 1); t++) {
		gm_scene_render(&s, &frame);
		frame.x += (size_t)d->channels * (size_t)d->size * (size_t)d->size;
		s.x += step_x, s.y += step_y, s.rotation += turn;
	}
}

/* ---- films with two futures: forking-shapes ---- */

enum { FORK_X = FACTORS, FORK_Y, FORK_LEFT, FORK_FACTORS };
#define FORK 4 /* frames before the turn */
#define SLOWER .75f

/* Straight ahead for FORK frames, then at a right angle to the left or to the right, slower and
 * slower: the first frames do not say where. Both futures stay in the picture. */
static void fork_film(gm_draw *d)
{
	gm_scene s = gm_scene_random(&d->rng);
	const float room = gm_scene_room(&s), far = SLOWER / (1 - SLOWER) + 1;
	const bool left = gm_rng_below(&d->rng, 2);
	float x = 0, y = 0;
	for (int tries = 0; tries < 64; tries++) {
		const float angle = 2 * (float)M_PI * (float)gm_rng_uniform(&d->rng),
			    length = (.04f + .06f * (float)gm_rng_uniform(&d->rng)) *
		                     (1 - (float)tries / 64); /* large shapes have little room */
		s.x = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1);
		s.y = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1);
		x = length * cosf(angle), y = length * sinf(angle);
		const float at_x = s.x + (FORK - 1) * x - .5f, at_y = s.y + (FORK - 1) * y - .5f;
		if (fabsf(at_x) + far * fabsf(y) <= room && fabsf(at_y) + far * fabsf(x) <= room)
			break;
	}
	gm_scene_tell(&s, d);
	d->factor[FORK_X] = x, d->factor[FORK_Y] = y, d->factor[FORK_LEFT] = left;
	if (!d->x)
		return;
	gm_draw frame = *d;
	for (int t = 0; t < (d->part ? FRAMES : 1); t++) {
		gm_scene_render(&s, &frame);
		frame.x += (size_t)d->channels * (size_t)d->size * (size_t)d->size;
		if (t == FORK - 1) {
			const float turned = left ? -y : y;
			y = left ? x : -x, x = turned;
		}
		s.x += x, s.y += y;
		x *= t >= FORK - 1 ? SLOWER : 1, y *= t >= FORK - 1 ? SLOWER : 1;
	}
}

/* ---- small versions: small2shapes ---- */

enum { SMALL_LOW = 1, SMALL_HIGH };

/* Means of squares of pixels, which is what a coarser sensor would see. */
static void shrink(const float *from, int size, int channels, float *to)
{
	const int small = size / SHRINK;
	for (int c = 0; c < channels; c++, from += (size_t)size * (size_t)size)
		for (int y = 0; y < small; y++)
			for (int x = 0; x < small; x++) {
				float sum = 0;
				for (int v = 0; v < SHRINK; v++)
					for (int u = 0; u < SHRINK; u++)
						sum += from[(y * SHRINK + v) * size + x * SHRINK +
						            u];
				*to++ = sum / (SHRINK * SHRINK);
			}
}

static void resolutions(gm_draw *d)
{
	const gm_scene s = gm_scene_random(&d->rng);
	gm_scene_tell(&s, d);
	if (!d->x)
		return;
	if (d->part != SMALL_LOW) {
		gm_scene_render(&s, d);
		return;
	}
	gm_draw high = *d;
	const size_t n = (size_t)d->channels * (size_t)d->size * (size_t)d->size;
	const size_t low = n / (SHRINK * SHRINK);
	high.x = malloc(n * sizeof *high.x);
	if (high.x) {
		gm_scene_render(&s, &high);
		shrink(high.x, d->size, d->channels, d->x);
	} else {
		for (size_t i = 0; i < low; i++)
			d->x[i] = NAN; /* NaN makes a missing value visible */
	}
	free(high.x);
}

/* ---- the sets ---- */

#define MASK                                                                                       \
	{                                                                                          \
		.name = "mask", .about = "class of each pixel", .type = GM_FIELD_INT,              \
		.classes = SHAPES + 1, .class_names = gm_mask_names                                \
	}

static const gm_source_field edge_fields[] = {{.name = "a", .about = "the outline, black on white"},
                                              {.name = "b", .about = "the picture"},
                                              MASK};
static const gm_source_field label_fields[] = {
	{.name = "a", .about = "the label map in flat colours"},
	{.name = "b", .about = "the picture"},
	MASK};
static const gm_source_field domain_fields[] = {
	{.name = "a", .about = "a circle"},
	{.name = "b", .about = "a square, of another scene"},
	{.name = "truth", .about = "a with a square instead of the circle"}};
static const gm_source_field film_fields[] = {
	{.name = "video", .about = "16 frames", .frames = FRAMES}};
static const gm_source_field small_fields[] = {
	{.name = "low", .about = "low resolution: means of 4 x 4 pixels", .shrink = SHRINK},
	{.name = "high", .about = "the picture"}};

static const char *const film_factors[FILM_FACTORS] = {
	"shape", "colour", "background", "size", "x", "y", "rotation", "step x", "step y", "turn"};

static const char *const fork_factors[FORK_FACTORS] = {
	"shape", "colour", "background", "size", "x", "y", "rotation", "step x", "step y", "left"};

#define SHAPE_SET                                                                                  \
	.rank = 3, .size = 32, .channels = 3, .classes = SHAPES, .class_names = gm_shape_names,    \
	.factors = FACTORS, .factor_names = gm_shape_factors, .version = 1,                        \
	.caption = gm_shape_caption

const gm_source gm_source_edges = {
	.name = "edges2shapes",
	.about = "pairs: the outline of a shape, and its picture",
	SHAPE_SET,
	.fields = 3,
	.field = edge_fields,
	.draw = edges,
};
const gm_source gm_source_labels = {
	.name = "labels2shapes",
	.about = "pairs: a label map, and its picture",
	SHAPE_SET,
	.fields = 3,
	.field = label_fields,
	.draw = labels,
};
const gm_source gm_source_domains = {
	.name = "circles2squares",
	.about = "two unpaired domains with known true translation",
	.rank = 3,
	.size = 32,
	.channels = 3,
	.factors = FACTORS,
	.factor_names = gm_shape_factors,
	.version = 1,
	.fields = 3,
	.field = domain_fields,
	.unpaired = true,
	.draw = domains,
};
const gm_source gm_source_film = {
	.name = "moving-shapes",
	.about = "videos of 16 frames: a shape that moves and rotates uniformly",
	SHAPE_SET,
	.factors = FILM_FACTORS,
	.factor_names = film_factors,
	.fields = 1,
	.field = film_fields,
	.draw = film,
};
const gm_source gm_source_fork = {
	.name = "forking-shapes",
	.about = "videos of 16 frames: a shape that turns left or right at random after four",
	SHAPE_SET,
	.factors = FORK_FACTORS,
	.factor_names = fork_factors,
	.fields = 1,
	.field = film_fields,
	.draw = fork_film,
};
const gm_source gm_source_small = {
	.name = "small2shapes",
	.about = "pairs: a shape at a quarter of the resolution, and at full resolution",
	SHAPE_SET,
	.fields = 2,
	.field = small_fields,
	.draw = resolutions,
};
