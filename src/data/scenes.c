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

/* ---- films ---- */

enum { FILM_VIDEO = 1, FILM_MAPS, FILM_OBJECTS };

/* One frame of n scenes, the first with its ground, each in front of those before it: its picture,
 * or its label map of kinds or of objects, after which d->x and d->map point to the next frame. */
static void put_frame(const gm_scene *s, int n, gm_draw *d)
{
	const size_t plane = (size_t)d->size * (size_t)d->size;
	if (d->map) {
		memset(d->map, 0, plane * sizeof *d->map);
		for (int i = 0; i < n; i++)
			gm_scene_mask_over(s + i, d->size,
			                   1 + (d->part == FILM_OBJECTS ? i : s[i].kind), d->map);
		d->map += plane;
		return;
	}
	gm_scene_render(s, d);
	for (int i = 1; i < n; i++)
		gm_scene_render_over(s + i, d);
	d->x += (size_t)d->channels * plane;
}

/* ---- moving-shapes ---- */

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
	if (!d->x && !d->map)
		return;
	gm_draw frame = *d;
	for (int t = 0; t < (d->part ? FRAMES : 1); t++) {
		put_frame(&s, 1, &frame);
		s.x += step_x, s.y += step_y, s.rotation += turn;
	}
}

/* ---- two futures: forking-shapes ---- */

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
	if (!d->x && !d->map)
		return;
	gm_draw frame = *d;
	for (int t = 0; t < (d->part ? FRAMES : 1); t++) {
		put_frame(&s, 1, &frame);
		if (t == FORK - 1) {
			const float turned = left ? -y : y;
			y = left ? x : -x, x = turned;
		}
		s.x += x, s.y += y;
		x *= t >= FORK - 1 ? SLOWER : 1, y *= t >= FORK - 1 ? SLOWER : 1;
	}
}

/* ---- several objects: crossing-shapes ---- */

enum { CROSSING = 3, KINDS = STAR + 1 }; /* objects, and the kinds that they can be */
enum { CROSS_KIND, CROSS_X, CROSS_Y, CROSS_STEP_X, CROSS_STEP_Y, CROSS_EACH };

/* Where it will be after a step, mirrored at the ends of [.5 - room, .5 + room]; the step too. */
static void bounce(float *at, float *step, float room)
{
	*at += *step;
	if (fabsf(*at - .5f) <= room)
		return;
	const float end = *at > .5f ? .5f + room : .5f - room;
	*at = 2 * end - *at, *step = -*step;
}

/* Each shape goes straight on, turns at a steady pace, and bounces off the sides; a later one hides
 * what is behind it. */
static void crossing_film(gm_draw *d)
{
	gm_scene s[CROSSING];
	float step[CROSSING][2], turn[CROSSING];
	for (int i = 0; i < CROSSING; i++) {
		s[i] = gm_scene_random(&d->rng);
		s[i].kind %= KINDS;
		s[i].size *= .9f;
		const float room = gm_scene_room(s + i);
		const float angle = 2 * (float)M_PI * (float)gm_rng_uniform(&d->rng),
			    length = .03f + .04f * (float)gm_rng_uniform(&d->rng);
		s[i].x = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1);
		s[i].y = .5f + room * (2 * (float)gm_rng_uniform(&d->rng) - 1);
		step[i][0] = length * cosf(angle), step[i][1] = length * sinf(angle);
		turn[i] = .2f * (2 * (float)gm_rng_uniform(&d->rng) - 1);
		float *told = d->factor + i * CROSS_EACH;
		told[CROSS_KIND] = (float)s[i].kind;
		told[CROSS_X] = s[i].x, told[CROSS_Y] = s[i].y;
		told[CROSS_STEP_X] = step[i][0], told[CROSS_STEP_Y] = step[i][1];
	}
	d->label = 0;
	if (!d->x && !d->map)
		return;
	gm_draw frame = *d;
	for (int t = 0; t < (d->part ? FRAMES : 1); t++) {
		put_frame(s, CROSSING, &frame);
		for (int i = 0; i < CROSSING; i++) {
			const float room = gm_scene_room(s + i);
			bounce(&s[i].x, &step[i][0], room), bounce(&s[i].y, &step[i][1], room);
			s[i].rotation += turn[i];
		}
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
#define FILM(kinds)                                                                                \
	{.name = "video", .about = "16 frames", .frames = FRAMES},                                 \
	{                                                                                          \
		.name = "maps", .about = "class of each pixel of each frame",                      \
		.type = GM_FIELD_INT, .frames = FRAMES, .classes = (kinds) + 1,                    \
		.class_names = gm_mask_names                                                       \
	}

static const gm_source_field film_fields[] = {FILM(SHAPES)};
static const char *const object_names[CROSSING + 1] = {"ground", "object 1", "object 2",
                                                       "object 3"};
static const gm_source_field crossing_fields[] = {
	FILM(KINDS),
	{.name = "objects",
         .about = "number of the object at each pixel of each frame",
         .type = GM_FIELD_INT,
         .frames = FRAMES,
         .classes = CROSSING + 1,
         .class_names = object_names}};
static const gm_source_field small_fields[] = {
	{.name = "low", .about = "low resolution: means of 4 x 4 pixels", .shrink = SHRINK},
	{.name = "high", .about = "the picture"}};

static const char *const film_factors[FILM_FACTORS] = {
	"shape", "colour", "background", "size", "x", "y", "rotation", "step x", "step y", "turn"};

static const char *const fork_factors[FORK_FACTORS] = {
	"shape", "colour", "background", "size", "x", "y", "rotation", "step x", "step y", "left"};

static const char *const crossing_factors[CROSSING * CROSS_EACH] = {
	"shape 1",  "x 1",      "y 1",     "step x 1", "step y 1", "shape 2",  "x 2",     "y 2",
	"step x 2", "step y 2", "shape 3", "x 3",      "y 3",      "step x 3", "step y 3"};

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
	.fields = sizeof film_fields / sizeof *film_fields,
	.field = film_fields,
	.draw = film,
};
const gm_source gm_source_fork = {
	.name = "forking-shapes",
	.about = "videos of 16 frames: a shape that turns left or right at random after four",
	SHAPE_SET,
	.factors = FORK_FACTORS,
	.factor_names = fork_factors,
	.fields = sizeof film_fields / sizeof *film_fields,
	.field = film_fields,
	.draw = fork_film,
};
const gm_source gm_source_crossing = {
	.name = "crossing-shapes",
	.about = "videos of 16 frames with label maps: three shapes that move, rotate and bounce",
	.rank = 3,
	.size = 32,
	.channels = 3,
	.factors = CROSSING * CROSS_EACH,
	.factor_names = crossing_factors,
	.version = 1,
	.fields = sizeof crossing_fields / sizeof *crossing_fields,
	.field = crossing_fields,
	.draw = crossing_film,
};
const gm_source gm_source_small = {
	.name = "small2shapes",
	.about = "pairs: a shape at a quarter of the resolution, and at full resolution",
	SHAPE_SET,
	.fields = 2,
	.field = small_fields,
	.draw = resolutions,
};
