/* SPDX-License-Identifier: MIT
 *
 * captioned.c -- "captioned" and "captioned2": one or two coloured objects with captions in several
 * phrasings. The class is the colour and shape of the first object. Every fact about an example is
 * known, and eight of the 64 combinations of colour and shape are held out: the split "train" has
 * none of them, in "test" the first object is always one of them, and "val" has all combinations.
 * Reed et al. 2016, arXiv:1605.05396, section 5, split their classes in this way. */
#include "data/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HUES = 8, TWO_SHAPE = FACTORS, TWO_COLOUR, TWO_SIZE, TWO_X, TWO_Y, TWO_FACTORS };

static const int hues[HUES] = {RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, PINK, WHITE};

#define OF(colour)                                                                                 \
	colour " circle", colour " square", colour " triangle", colour " star", colour " ring",    \
		colour " cross", colour " heart", colour " hexagon"
static const char *const class_names[HUES * SHAPES] = {OF("red"),   OF("orange"), OF("yellow"),
                                                       OF("green"), OF("blue"),   OF("purple"),
                                                       OF("pink"),  OF("white")};

/* One shape of each colour, and one colour of each shape. */
static bool is_held_out(int hue, int shape)
{
	return (shape + 3 * hue) % SHAPES == 6;
}

/* A colour and shape for the split; second: of a further object, which only in "val" may be a
 * combination that is held out. */
static void choose_kind(gm_draw *d, gm_scene *s, int *hue, bool second)
{
	bool held;
	do {
		*hue = (int)gm_rng_below(&d->rng, HUES),
		s->kind = (int)gm_rng_below(&d->rng, SHAPES);
		held = is_held_out(*hue, s->kind);
	} while (d->split != GM_SPLIT_VAL && held != (d->split == GM_SPLIT_TEST && !second));
	s->colour = hues[*hue];
}

static void choose_ground(gm_draw *d, gm_scene *s, int other)
{
	do {
		s->ground = (int)gm_rng_below(&d->rng, COLOURS);
	} while (s->ground == s->colour || s->ground == other);
}

static void draw_one(gm_draw *d)
{
	gm_scene s = gm_scene_random(&d->rng);
	int hue;
	choose_kind(d, &s, &hue, false);
	choose_ground(d, &s, s.colour);
	gm_scene_tell(&s, d);
	d->label = hue * SHAPES + s.kind;
	if (d->x)
		gm_scene_render(&s, d);
}

/* Two objects side by side or one above the other, of different colours. */
static void draw_two(gm_draw *d)
{
	gm_scene s = gm_scene_random(&d->rng), t = gm_scene_random(&d->rng);
	int hue, other;
	choose_kind(d, &s, &hue, false);
	do {
		choose_kind(d, &t, &other, true);
	} while (other == hue);
	choose_ground(d, &s, t.colour);
	s.size = .12f + .42f * (s.size - .13f), t.size = .12f + .42f * (t.size - .13f);
	const bool upright = gm_rng_below(&d->rng, 2), first = gm_rng_below(&d->rng, 2);
	const float along[2] = {.27f, .73f}, a = along[!first], b = along[first];
	const float shift = .1f * (float)gm_rng_uniform(&d->rng) - .05f;
	const float across = .3f + .4f * (float)gm_rng_uniform(&d->rng);
	*(upright ? &s.y : &s.x) = a + shift / 2, *(upright ? &t.y : &t.x) = b + shift / 2;
	*(upright ? &s.x : &s.y) = across + shift, *(upright ? &t.x : &t.y) = across - shift;
	gm_scene_tell(&s, d);
	d->label = hue * SHAPES + s.kind;
	d->factor[TWO_SHAPE] = (float)t.kind, d->factor[TWO_COLOUR] = (float)t.colour;
	d->factor[TWO_SIZE] = t.size, d->factor[TWO_X] = t.x, d->factor[TWO_Y] = t.y;
	if (d->x) {
		gm_scene_render(&s, d);
		gm_scene_render_over(&t, d);
	}
}

/* ---- sentences ------------------------------------------------------------------------------- */

static const char *an(const char *word)
{
	return strchr("aeiou", *word) ? "an" : "a";
}

/* "small ", "large " or "", in one of several words */
static const char *size_word(gm_rng *r, float size, float small, float large)
{
	static const char *const words[2][3] = {{"small ", "tiny ", "little "},
	                                        {"large ", "big ", "huge "}};
	const uint64_t which = gm_rng_below(r, 3);
	return size < small ? words[0][which] : size > large ? words[1][which] : "";
}

static void caption_one(const gm_draw *d, char *text, size_t room)
{
	gm_rng r = d->rng;
	const float *f = d->factor;
	const char *size = size_word(&r, f[SIZE], SMALL, LARGE);
	const char *colour = gm_colour_name((int)f[COLOUR]),
		   *ground = gm_colour_name((int)f[GROUND]), *shape = gm_shape_names[(int)f[SHAPE]],
		   *place = gm_shape_place(f[X], f[Y]);
	const char *first = *size ? size : colour;
	switch (gm_rng_below(&r, 6)) {
	case 0:
		snprintf(text, room, "%s %s%s %s %s on %s %s background", an(first), size, colour,
		         shape, place, an(ground), ground);
		break;
	case 1:
		snprintf(text, room, "%s, %s %s%s %s on %s", place, an(first), size, colour, shape,
		         ground);
		break;
	case 2:
		snprintf(text, room, "there is %s %s%s %s %s of %s %s picture", an(first), size,
		         colour, shape, place, an(ground), ground);
		break;
	case 3:
		snprintf(text, room, "%s %s that is %s%s%s, %s; the background is %s", an(shape),
		         shape, size, *size ? "and " : "", colour, place, ground);
		break;
	case 4:
		snprintf(text, room, "%s %s background with %s %s%s %s %s", an(ground), ground,
		         an(first), size, colour, shape, place);
		break;
	default:
		snprintf(text, room, "the picture shows %s %s %s", an(colour), colour, shape);
		break;
	}
}

/* What object `of` is, with its article: "a small red circle" */
static void object(const gm_draw *d, gm_rng *r, bool second, char *text, size_t room)
{
	const float *f = d->factor;
	const char *size = size_word(r, f[second ? TWO_SIZE : SIZE], .145f, .18f);
	const char *colour = gm_colour_name((int)f[second ? TWO_COLOUR : COLOUR]);
	snprintf(text, room, "%s %s%s %s", an(*size ? size : colour), size, colour,
	         gm_shape_names[(int)f[second ? TWO_SHAPE : SHAPE]]);
}

static void caption_two(const gm_draw *d, char *text, size_t room)
{
	gm_rng r = d->rng;
	const float *f = d->factor;
	char one[60], two[60];
	object(d, &r, false, one, sizeof one);
	object(d, &r, true, two, sizeof two);
	const bool upright = fabsf(f[Y] - f[TWO_Y]) > fabsf(f[X] - f[TWO_X]);
	const bool first = upright ? f[Y] < f[TWO_Y] : f[X] < f[TWO_X];
	static const char *const relations[2][2] = {{"to the right of", "to the left of"},
	                                            {"below", "above"}};
	const char *is = relations[upright][first], *inverse = relations[upright][!first],
		   *ground = gm_colour_name((int)f[GROUND]);
	switch (gm_rng_below(&r, 4)) {
	case 0:
		snprintf(text, room, "%s %s %s", one, is, two);
		break;
	case 1:
		snprintf(text, room, "%s %s %s on %s %s background", two, inverse, one, an(ground),
		         ground);
		break;
	case 2:
		snprintf(text, room, "there are %s and %s, the %s %s the %s", one, two,
		         gm_shape_names[(int)f[SHAPE]], is, gm_shape_names[(int)f[TWO_SHAPE]]);
		break;
	default:
		snprintf(text, room, "on %s, %s is %s %s", ground, one, is, two);
		break;
	}
}

static const char *const factors[TWO_FACTORS] = {[SHAPE] = "shape",
                                                 [COLOUR] = "colour",
                                                 [GROUND] = "background",
                                                 [SIZE] = "size",
                                                 [X] = "x",
                                                 [Y] = "y",
                                                 [ROTATION] = "rotation",
                                                 [TWO_SHAPE] = "shape 2",
                                                 [TWO_COLOUR] = "colour 2",
                                                 [TWO_SIZE] = "size 2",
                                                 [TWO_X] = "x 2",
                                                 [TWO_Y] = "y 2"};

#define CAPTIONED                                                                                  \
	.rank = 3, .size = 32, .channels = 3, .classes = HUES * SHAPES,                            \
	.class_names = class_names, .factor_names = factors, .version = 1, .combinations = true

const gm_source gm_source_captioned = {
	.name = "captioned",
	.about = "a coloured object with captions in six phrasings; 8 of 64 classes held out (32)",
	CAPTIONED,
	.factors = FACTORS,
	.draw = draw_one,
	.caption = caption_one,
};

const gm_source gm_source_captioned2 = {
	.name = "captioned2",
	.about = "two coloured objects, with captions that say how they are arranged (32)",
	CAPTIONED,
	.factors = TWO_FACTORS,
	.draw = draw_two,
	.caption = caption_two,
};
