/* SPDX-License-Identifier: MIT
 *
 * shapes.c -- "shapes": one object on a coloured ground, every fact about it known. Label = kind
 * of shape. The picture is shaded from the signed distance to the outline, so edges are smooth
 * at any size. */
#include "data/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const gm_shape_names[SHAPES] = {"circle", "square", "triangle", "star",
                                            "ring",   "cross",  "heart",    "hexagon"};

static const struct {
	const char *name;
	float rgb[3];
} colours[COLOURS] = {
	[RED] = {"red", {.86f, .17f, .16f}},       [ORANGE] = {"orange", {.95f, .53f, .12f}},
	[YELLOW] = {"yellow", {.97f, .83f, .20f}}, [GREEN] = {"green", {.20f, .64f, .29f}},
	[TEAL] = {"teal", {.12f, .65f, .68f}},     [BLUE] = {"blue", {.16f, .36f, .84f}},
	[PURPLE] = {"purple", {.53f, .25f, .73f}}, [PINK] = {"pink", {.96f, .55f, .73f}},
	[WHITE] = {"white", {.96f, .96f, .95f}},   [GREY] = {"grey", {.53f, .54f, .57f}},
	[BLACK] = {"black", {.10f, .10f, .12f}},
};

const char *gm_colour_name(int colour)
{
	return colours[colour].name;
}

const char *const gm_shape_factors[FACTORS] = {
	[SHAPE] = "shape", [COLOUR] = "colour", [GROUND] = "background", [SIZE] = "size",
	[X] = "x",         [Y] = "y",           [ROTATION] = "rotation",
};

#define CORNERS_MAX 32
#define SIDE_MAX 1024

typedef struct outline {
	int kind, corners;
	float x[CORNERS_MAX], y[CORNERS_MAX]; /* in pixels; unused by circle and ring */
	float cx, cy, radius;                 /* in pixels */
} outline;

/* Corners every `turn` on circles whose radii take turns, starting at the top. */
static void star_like(outline *o, int corners, float outer, float inner, float rotation)
{
	o->corners = corners;
	for (int i = 0; i < corners; i++) {
		const float a = rotation - 1.5707963f + 6.2831853f * (float)i / (float)corners;
		const float r = o->radius * (i & 1 ? inner : outer);
		o->x[i] = o->cx + r * cosf(a), o->y[i] = o->cy + r * sinf(a);
	}
}

static void corners_from(outline *o, const float (*p)[2], int n, float rotation)
{
	const float c = cosf(rotation), s = sinf(rotation);
	o->corners = n;
	for (int i = 0; i < n; i++) {
		o->x[i] = o->cx + o->radius * (c * p[i][0] - s * p[i][1]);
		o->y[i] = o->cy + o->radius * (s * p[i][0] + c * p[i][1]);
	}
}

static void trace(outline *o, float rotation)
{
	static const float square[][2] = {
		{-.84f, -.84f}, {.84f, -.84f}, {.84f, .84f}, {-.84f, .84f}};
	static const float triangle[][2] = {{0, -.95f}, {1, .80f}, {-1, .80f}};
	static const float cross[][2] = {
		{-.34f, -1}, {.34f, -1}, {.34f, -.34f}, {1, -.34f}, {1, .34f},   {.34f, .34f},
		{.34f, 1},   {-.34f, 1}, {-.34f, .34f}, {-1, .34f}, {-1, -.34f}, {-.34f, -.34f}};
	switch (o->kind) {
	case SQUARE:
		corners_from(o, square, 4, rotation);
		break;
	case TRIANGLE:
		corners_from(o, triangle, 3, rotation);
		break;
	case CROSS:
		corners_from(o, cross, 12, rotation);
		break;
	case STAR:
		star_like(o, 10, 1.1f, .48f, rotation);
		break;
	case HEXAGON:
		star_like(o, 6, 1, 1, rotation);
		break;
	case HEART: {
		float p[CORNERS_MAX][2];
		for (int i = 0; i < CORNERS_MAX; i++) {
			const float t = 6.2831853f * (float)i / CORNERS_MAX, s = sinf(t);
			p[i][0] = s * s * s;
			p[i][1] = -.0588f * (13 * cosf(t) - 5 * cosf(2 * t) - 2 * cosf(3 * t) -
			                     cosf(4 * t)) -
			          .12f;
		}
		corners_from(o, p, CORNERS_MAX, rotation);
		break;
	}
	}
}

/* d[x0..x1] = signed distance in pixels from the centres of row y to the outline, negative
 * inside. */
static void distance_row(const outline *o, int y, int x0, int x1, float *d)
{
	const float py = (float)y + .5f;
	if (o->kind == CIRCLE || o->kind == RING) {
		const float dy = py - o->cy;
		for (int x = x0; x <= x1; x++) {
			const float dx = (float)x + .5f - o->cx;
			d[x] = sqrtf(dx * dx + dy * dy) - o->radius;
		}
		if (o->kind == RING)
			for (int x = x0; x <= x1; x++)
				d[x] = fabsf(d[x] + .21f * o->radius) - .21f * o->radius;
		return;
	}
	float sign[SIDE_MAX];
	for (int x = x0; x <= x1; x++)
		d[x] = 1e12f, sign[x] = 1;
	for (int i = 0, j = o->corners - 1; i < o->corners; j = i++) {
		const float ax = o->x[j], ay = o->y[j], ex = o->x[i] - ax, ey = o->y[i] - ay;
		const float inverse = 1 / fmaxf(ex * ex + ey * ey, 1e-9f), wy = py - ay;
		for (int x = x0; x <= x1; x++) {
			const float wx = (float)x + .5f - ax;
			float t = (wx * ex + wy * ey) * inverse;
			t = t < 0 ? 0 : t;
			t = t > 1 ? 1 : t;
			const float qx = wx - t * ex, qy = wy - t * ey, q = qx * qx + qy * qy;
			d[x] = d[x] < q ? d[x] : q;
		}
		/* Even-odd rule: crossing an edge to the left of the point flips inside and
		 * outside. */
		if ((ay <= py) != (o->y[i] <= py)) {
			const float crossing = ax + ex * wy / ey;
			for (int x = x0; x <= x1; x++)
				sign[x] = (float)x + .5f > crossing ? -sign[x] : sign[x];
		}
	}
	for (int x = x0; x <= x1; x++)
		d[x] = sign[x] * sqrtf(d[x]);
}

typedef struct paint {
	float object[3], ground[3]; /* RGB in [0, 1] */
	float slope_x, slope_y;     /* of the light on the ground */
} paint;

static float clamp01(float v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static void store(const gm_draw *d, size_t at, float r, float g, float b)
{
	const size_t plane = (size_t)d->size * (size_t)d->size;
	r = clamp01(r), g = clamp01(g), b = clamp01(b);
	if (d->channels == 1) {
		d->x[at] = 2 * (.299f * r + .587f * g + .114f * b) - 1;
		return;
	}
	d->x[at] = 2 * r - 1, d->x[at + plane] = 2 * g - 1, d->x[at + 2 * plane] = 2 * b - 1;
}

/* The colour of a pixel so far. */
static void load(const gm_draw *d, size_t at, float rgb[3])
{
	const size_t plane = (size_t)d->size * (size_t)d->size;
	for (size_t c = 0; c < 3; c++)
		rgb[c] = (d->x[at + (d->channels == 1 ? 0 : c * plane)] + 1) / 2;
}

/* over: the object alone, on what d->x shows already. */
static void render(const gm_draw *d, const outline *o, const paint *p, bool over)
{
	const int size = d->size;
	const float px = 1 / (float)size, shadow = .08f * (float)size;
	const float reach = o->radius * 1.5f + shadow;
	int x0 = (int)(o->cx - reach), x1 = (int)(o->cx + reach);
	x0 = x0 < 0 ? 0 : x0, x1 = x1 >= size ? size - 1 : x1;
	float dist[SIDE_MAX];
	for (int y = 0; y < size; y++) {
		const bool near = fabsf((float)y + .5f - o->cy) < reach;
		if (over && !near)
			continue;
		if (near)
			distance_row(o, y, x0, x1, dist);
		const float v = ((float)y + .5f) * px - .5f;
		const float slant = (float)y + 1 - o->cx - o->cy;
		for (int x = over ? x0 : 0; x <= (over ? x1 : size - 1); x++) {
			const size_t at = (size_t)y * (size_t)size + (size_t)x;
			float ground[3] = {p->ground[0], p->ground[1], p->ground[2]};
			if (over)
				load(d, at, ground);
			const float u = ((float)x + .5f) * px - .5f;
			float light = 1 + p->slope_x * u + p->slope_y * v, mix = 0, shade = 1;
			if (near && x >= x0 && x <= x1) {
				const float s = clamp01(1 - dist[x] / shadow);
				mix = clamp01(.5f - dist[x]);
				light *= 1 - .28f * s * s;
				/* Lit from the upper left, a little darker along the rim. */
				const float in = clamp01(-dist[x] / (.35f * o->radius));
				shade = .90f + .12f * in - .10f * (slant + (float)x) / o->radius;
			}
			const float a = light * (1 - mix), b = shade * mix;
			store(d, at, a * ground[0] + b * p->object[0],
			      a * ground[1] + b * p->object[1], a * ground[2] + b * p->object[2]);
		}
	}
}

static float uniform(gm_rng *r, float low, float high)
{
	return low + (high - low) * (float)gm_rng_uniform(r);
}

gm_scene gm_scene_random(gm_rng *r)
{
	gm_scene s;
	s.kind = (int)gm_rng_below(r, SHAPES), s.colour = (int)gm_rng_below(r, COLOURS);
	/* The ground takes any other colour. */
	s.ground = (int)gm_rng_below(r, COLOURS - 1);
	s.ground += s.ground >= s.colour;
	s.size = uniform(r, .13f, .34f);
	const float room = gm_scene_room(&s);
	s.x = .5f + uniform(r, -room, room), s.y = .5f + uniform(r, -room, room);
	s.rotation = uniform(r, -.3f, .3f);
	s.slope_x = uniform(r, -.25f, .25f), s.slope_y = uniform(r, .05f, .35f);
	s.tone_object = uniform(r, -.04f, .04f), s.tone_ground = uniform(r, -.04f, .04f);
	return s;
}

float gm_scene_room(const gm_scene *s)
{
	return .5f - s->size * 1.08f - .03f;
}

void gm_scene_tell(const gm_scene *s, gm_draw *d)
{
	d->label = s->kind;
	d->factor[SHAPE] = (float)s->kind, d->factor[COLOUR] = (float)s->colour,
	d->factor[GROUND] = (float)s->ground;
	d->factor[SIZE] = s->size, d->factor[X] = s->x, d->factor[Y] = s->y,
	d->factor[ROTATION] = s->rotation;
}

static outline outline_of(const gm_scene *s, int size)
{
	const float px = (float)size;
	outline o = {.kind = s->kind, .cx = s->x * px, .cy = s->y * px, .radius = s->size * px};
	trace(&o, s->rotation);
	return o;
}

static void paint_scene(const gm_scene *s, const gm_draw *d, bool over)
{
	paint p = {.slope_x = over ? 0 : s->slope_x, .slope_y = over ? 0 : s->slope_y};
	for (int c = 0; c < 3; c++) {
		p.object[c] = colours[s->colour].rgb[c] + s->tone_object;
		p.ground[c] = .93f * colours[s->ground].rgb[c] + s->tone_ground;
	}
	const outline o = outline_of(s, d->size);
	render(d, &o, &p, over);
}

void gm_scene_render(const gm_scene *s, const gm_draw *d)
{
	paint_scene(s, d, false);
}

void gm_scene_render_over(const gm_scene *s, const gm_draw *d)
{
	paint_scene(s, d, true);
}

void gm_scene_edges(const gm_scene *s, const gm_draw *d)
{
	/* A pen a sixty-fourth of the side wide, and a pixel at least. */
	const float pen = fmaxf(.5f, (float)d->size / 128);
	const outline o = outline_of(s, d->size);
	float dist[SIDE_MAX];
	for (int y = 0; y < d->size; y++) {
		distance_row(&o, y, 0, d->size - 1, dist);
		for (int x = 0; x < d->size; x++) {
			const float v = 1 - clamp01(pen + .5f - fabsf(dist[x]));
			store(d, (size_t)y * (size_t)d->size + (size_t)x, v, v, v);
		}
	}
}

void gm_scene_labels(const gm_scene *s, const gm_draw *d)
{
	/* One flat colour for each shape on a dark ground, as label maps are drawn in papers. */
	static const int code[SHAPES] = {RED, GREEN, BLUE, YELLOW, TEAL, PURPLE, PINK, ORANGE};
	const float *on = colours[code[s->kind]].rgb, *off = colours[BLACK].rgb;
	const outline o = outline_of(s, d->size);
	float dist[SIDE_MAX];
	for (int y = 0; y < d->size; y++) {
		distance_row(&o, y, 0, d->size - 1, dist);
		for (int x = 0; x < d->size; x++) {
			const float *c = dist[x] < 0 ? on : off;
			store(d, (size_t)y * (size_t)d->size + (size_t)x, c[0], c[1], c[2]);
		}
	}
}

void gm_scene_mask_over(const gm_scene *s, int size, int32_t value, int32_t *map)
{
	const outline o = outline_of(s, size);
	float dist[SIDE_MAX];
	for (int y = 0; y < size; y++, map += size) {
		distance_row(&o, y, 0, size - 1, dist);
		for (int x = 0; x < size; x++)
			map[x] = dist[x] < 0 ? value : map[x];
	}
}

void gm_scene_mask(const gm_scene *s, int size, int32_t *map)
{
	memset(map, 0, (size_t)size * (size_t)size * sizeof *map);
	gm_scene_mask_over(s, size, s->kind + 1, map);
}

static void draw(gm_draw *d)
{
	const gm_scene s = gm_scene_random(&d->rng);
	gm_scene_tell(&s, d);
	if (d->map)
		gm_scene_mask(&s, d->size, d->map);
	else if (d->x)
		gm_scene_render(&s, d);
}

const char *gm_shape_place(float x, float y)
{
	static const char *const places[3][3] = {
		{"at the top left", "at the top", "at the top right"},
		{"at the left", "in the centre", "at the right"},
		{"at the bottom left", "at the bottom", "at the bottom right"},
	};
	return places[(y > .42f) + (y > .58f)][(x > .42f) + (x > .58f)];
}

void gm_shape_caption(const gm_draw *d, char *text, size_t room)
{
	const float *f = d->factor;
	const char *size = f[SIZE] < SMALL ? "small " : f[SIZE] > LARGE ? "large " : "";
	const char *colour = colours[(int)f[COLOUR]].name, *ground = colours[(int)f[GROUND]].name;
	const bool an = !*size && *colour == 'o';
	snprintf(text, room, "%s %s%s %s %s on %s %s background", an ? "an" : "a", size, colour,
	         gm_shape_names[(int)f[SHAPE]], gm_shape_place(f[X], f[Y]),
	         *ground == 'o' ? "an" : "a", ground);
}

const char *const gm_mask_names[SHAPES + 1] = {"ground", "circle", "square", "triangle", "star",
                                               "ring",   "cross",  "heart",  "hexagon"};
const gm_source_field gm_shape_mask_field = {.name = "mask",
                                             .about = "class of each pixel",
                                             .type = GM_FIELD_INT,
                                             .classes = SHAPES + 1,
                                             .class_names = gm_mask_names};

const gm_source gm_source_shapes = {
	.name = "shapes",
	.about = "one coloured object on a coloured background, with captions, at any size (32)",
	.rank = 3,
	.size = 32,
	.channels = 3,
	.classes = SHAPES,
	.class_names = gm_shape_names,
	.factors = FACTORS,
	.factor_names = gm_shape_factors,
	.version = 1,
	.draw = draw,
	.caption = gm_shape_caption,
	.fields = 1,
	.field = &gm_shape_mask_field,
};
