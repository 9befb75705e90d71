/* SPDX-License-Identifier: MIT
 *
 * shapes.h -- one object on a ground, everything about it known: what "shapes" draws, and the sets
 * of pairs, domains and films made of it (scenes.c). */
#ifndef GANYMEDE_DATA_SHAPES_H
#define GANYMEDE_DATA_SHAPES_H

#include "data/source.h"

enum { CIRCLE, SQUARE, TRIANGLE, STAR, RING, CROSS, HEART, HEXAGON, SHAPES };
enum { RED, ORANGE, YELLOW, GREEN, TEAL, BLUE, PURPLE, PINK, WHITE, GREY, BLACK, COLOURS };
enum { SHAPE, COLOUR, GROUND, SIZE, X, Y, ROTATION, FACTORS };

extern const char *const gm_shape_names[SHAPES], *const gm_shape_factors[FACTORS];
extern const char *const gm_mask_names[SHAPES + 1]; /* 0: the ground */
extern const gm_source_field gm_shape_mask_field;

const char *gm_colour_name(int colour);

/* Captions call a shape small below this size, and large above. Sizes are half the object's height,
 * as a share of the picture's side. */
#define SMALL .19f
#define LARGE .27f

/* All lengths are shares of the picture's side. */
typedef struct gm_scene {
	int kind, colour, ground;
	float size, x, y, rotation;
	float slope_x, slope_y;         /* of the light on the ground */
	float tone_object, tone_ground; /* how much lighter than the colour's own */
} gm_scene;

gm_scene gm_scene_random(gm_rng *r);
float gm_scene_room(const gm_scene *s); /* how far from the middle its centre may be */

/* Label and factors, into d. */
void gm_scene_tell(const gm_scene *s, gm_draw *d);

/* Pictures of d->size and d->channels, into d->x: the scene itself; its outline, black on white;
 * its label map in flat colours. */
void gm_scene_render(const gm_scene *s, const gm_draw *d);
/* The object alone, over what d->x shows already. */
void gm_scene_render_over(const gm_scene *s, const gm_draw *d);
void gm_scene_edges(const gm_scene *s, const gm_draw *d);
void gm_scene_labels(const gm_scene *s, const gm_draw *d);

/* map [size, size]: 0 for the ground, 1 + kind for the object. */
void gm_scene_mask(const gm_scene *s, int size, int32_t *map);
/* Sets the pixels of the object to value; the others stay. */
void gm_scene_mask_over(const gm_scene *s, int size, int32_t value, int32_t *map);

/* "at the top left", "in the centre", .. */
const char *gm_shape_place(float x, float y);
void gm_shape_caption(const gm_draw *d, char *text, size_t room);

#endif
