/* SPDX-License-Identifier: MIT
 *
 * test_change.c -- motion and colour changes between small images, and their transfer to photos.
 */
#include "training.h"

#include <math.h>

#include "image/change.h"

/* FRAMES frames of SIDE x SIDE pixels show a change of a photo of SCALE times their size. */
enum { SIDE = 64, SCALE = 4, BIG = SIDE * SCALE, FRAMES = 8, PLANE = SIDE * SIDE, MARGIN = 6 };

/* Value of channel c of the photo, in [-1,1], at (x, y) in pixels of the small images: shapes of
 * several sizes, and details that only the photo has. */
static double photo_at(double x, double y, int c)
{
	double v = .35 * sin(.31 * x + .15 * y + c) + .25 * cos(.27 * y - .18 * x + 2 * c) +
	           .2 * sin(.7 * x) * sin(.6 * y);
	if (hypot(x - 30, y - 36) < 14)
		v += c == 0 ? .3 : c == 1 ? -.1 : -.3;
	return .8 * v + .15 * sin(3 * x + 1.5 * y) * cos(2.6 * y);
}

/* The true change at (x, y), share t of it: where the pixel was, and its colours. */
static void truth_at(double x, double y, double t, double dx, double dy, bool colours, double *from,
                     double map[3][4])
{
	const double bump = exp(-(pow(x - 32, 2) + pow(y - 32, 2)) / (2 * 15 * 15));
	const double warm =
		colours ? t * exp(-(pow(x - 24, 2) + pow(y - 36, 2)) / (2 * 16 * 16)) : 0;
	from[0] = x + t * dx * bump, from[1] = y + t * dy * bump;
	for (int c = 0; c < 3; c++)
		for (int k = 0; k < 4; k++)
			map[c][k] = c == k;
	map[0][0] += .2 * warm, map[0][3] += .3 * warm;
	map[1][1] -= .2 * warm, map[1][3] += .1 * warm;
	map[2][2] -= .4 * warm, map[2][0] += .2 * warm;
}

static double changed_at(double x, double y, double t, double dx, double dy, bool colours, int c)
{
	double from[2], map[3][4];
	truth_at(x, y, t, dx, dy, colours, from, map);
	double sum = map[c][3];
	for (int k = 0; k < 3; k++)
		sum += map[c][k] * photo_at(from[0], from[1], k);
	return fmin(fmax(sum, -1), 1);
}

static gm_image *photo(double t, double dx, double dy, bool colours)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(BIG, BIG, 3, &err);
	must(im != NULL, &err);
	for (int i = 0; i < BIG * BIG * 3; i++)
		im->pixel[i] =
			(uint8_t)lrint(127.5 * (1 + changed_at((i / 3 % BIG + .5) / SCALE - .5,
		                                               (i / 3 / BIG + .5) / SCALE - .5, t,
		                                               dx, dy, colours, i % 3)));
	return im;
}

static void shrink(const gm_image *im, float *x)
{
	memset(x, 0, sizeof(float[3 * PLANE]));
	for (int i = 0; i < BIG * BIG * 3; i++)
		x[i % 3 * PLANE + i / 3 / BIG / SCALE * SIDE + i / 3 % BIG / SCALE] +=
			(float)((im->pixel[i] / 127.5 - 1) / (SCALE * SCALE));
}

/* Root mean squared difference of values in [-1,1], away from the border, where the truth may have
 * pixels that the photo does not have. */
static double rmse(const gm_image *a, const gm_image *b)
{
	double sum = 0;
	int n = 0;
	for (int y = MARGIN * SCALE; y < BIG - MARGIN * SCALE; y++)
		for (int i = 3 * (y * BIG + MARGIN * SCALE);
		     i < 3 * (y * BIG + BIG - MARGIN * SCALE); i++, n++)
			sum += pow((a->pixel[i] - b->pixel[i]) / 127.5, 2);
	return sqrt(sum / n);
}

/* A small image at the size of the photo: what copying gives, without the photo's details. */
static gm_image *enlarged(const float *x)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(BIG, BIG, 3, &err);
	must(im != NULL, &err);
	static float big[3 * BIG * BIG], flow[2 * BIG * BIG];
	for (int c = 0; c < 3; c++) /* the small image in the corner, enlarged by a flow */
		for (int i = 0; i < PLANE; i++)
			big[c * BIG * BIG + i / SIDE * BIG + i % SIDE] = x[c * PLANE + i];
	for (int i = 0; i < BIG * BIG; i++) {
		const double u = (i % BIG + .5) / SCALE - .5, v = (i / BIG + .5) / SCALE - .5;
		flow[i] = (float)(fmin(fmax(u, 0), SIDE - 1) - i % BIG);
		flow[BIG * BIG + i] = (float)(fmin(fmax(v, 0), SIDE - 1) - i / BIG);
	}
	static float y[3 * BIG * BIG];
	gm_flow_warp(big, &(gm_flow_size){3, BIG, BIG}, flow, y);
	for (int i = 0; i < 3 * BIG * BIG; i++)
		im->pixel[i] = (uint8_t)lrintf(
			127.5f * (1 + fminf(fmaxf(y[i % 3 * BIG * BIG + i / 3], -1), 1)));
	return im;
}

typedef struct errors {
	double flow, moved;              /* mean distances, in pixels of the small images */
	double colour, recoloured;       /* root mean squared, values in [-1,1] */
	double photo, copied, unchanged; /* root mean squared differences from the true photo */
} errors;

/* The change of FRAMES frames beside the truth, and its transfer. */
static errors transfer(double dx, double dy, bool colours)
{
	static float frames[FRAMES * 3 * PLANE];
	gm_error err = {0};
	errors e = {0};
	gm_image *before = photo(0, dx, dy, false), *after = photo(1, dx, dy, colours);
	for (int k = 0; k < FRAMES; k++) {
		gm_image *im = photo(k / (FRAMES - 1.), dx, dy, colours);
		shrink(im, frames + k * 3 * PLANE);
		gm_image_free(im);
	}
	gm_change c = {{3, SIDE, SIDE}, NULL, NULL};
	must(gm_change_begin(&c, &err), &err);
	for (int k = 1; k < FRAMES; k++)
		must(gm_change_next(&c, frames + (k - 1) * 3 * PLANE, frames + k * 3 * PLANE, &err),
		     &err);
	const double n = pow(SIDE - 2 * MARGIN, 2);
	for (int y = MARGIN; y < SIDE - MARGIN; y++)
		for (int x = MARGIN; x < SIDE - MARGIN; x++) {
			double from[2], map[3][4];
			const int i = y * SIDE + x;
			truth_at(x, y, 1, dx, dy, colours, from, map);
			e.flow +=
				hypot(x + c.flow[i] - from[0], y + c.flow[PLANE + i] - from[1]) / n;
			e.moved += hypot(x - from[0], y - from[1]) / n;
			for (int k = 0; k < 3; k++) { /* what the maps make of the pixel's colour */
				double got = c.map[(k * 4 + 3) * PLANE + i], want = map[k][3];
				for (int j = 0; j < 3; j++) {
					const double v = photo_at(from[0], from[1], j);
					got += c.map[(k * 4 + j) * PLANE + i] * v;
					want += map[k][j] * v;
				}
				e.colour += pow(got - want, 2) / (3 * n);
				e.recoloured +=
					pow(photo_at(from[0], from[1], k) - want, 2) / (3 * n);
			}
		}
	gm_image *got = gm_change_apply(&c, before, &(gm_box){0, 0, BIG, BIG}, &err),
		 *copy = enlarged(frames + (FRAMES - 1) * 3 * PLANE);
	must(got != NULL, &err);
	e.colour = sqrt(e.colour), e.recoloured = sqrt(e.recoloured);
	e.photo = rmse(got, after), e.copied = rmse(copy, after), e.unchanged = rmse(before, after);
	print_message(
		"motion (%g, %g)%s: end-point error %.3f of %.3f pixels, colour error %.4f of "
		"%.4f; photo %.4f, copied %.4f, unchanged %.4f\n",
		dx, dy, colours ? " and colours" : "", e.flow, e.moved, e.colour, e.recoloured,
		e.photo, e.copied, e.unchanged);
	gm_image_free(before), gm_image_free(after), gm_image_free(got), gm_image_free(copy);
	gm_change_free(&c);
	return e;
}

/* A known motion and a known change of colours are found, and carried to a photo of four times the
 * side with its details: closer to the truth than the last frame at that size. Bounds are the
 * measured errors with room for a third more. */
static void known_changes_are_transferred(void **state)
{
	(void)state;
	errors e = transfer(4, -3, false);
	assert_true(e.flow < .15 && e.flow < .08 * e.moved);
	assert_true(e.photo < .55 * e.copied && e.photo < .25 * e.unchanged);
	e = transfer(0, 0, true);
	assert_true(e.flow < .2 && e.colour < .3 * e.recoloured);
	assert_true(e.photo < .65 * e.copied && e.photo < .5 * e.unchanged);
	e = transfer(4, -3, true);
	assert_true(e.flow < .12 * e.moved && e.colour < .45 * e.recoloured);
	assert_true(e.photo < .85 * e.copied && e.photo < .35 * e.unchanged);
}

/* Frames that are all the same, and one frame alone, change nothing: the photo of any size, the box
 * within it or beyond it, keeps its bytes. */
static void no_change_keeps_the_photo(void **state)
{
	(void)state;
	static const struct {
		int width, height, channels, of; /* of: channels of the frames */
		gm_box box;
	} row[] = {{61, 37, 3, 3, {12, 0, 37, 37}},
	           {200, 300, 3, 3, {0, 50, 200, 200}},
	           {33, 33, 1, 1, {0, 0, 33, 33}},
	           {20, 50, 3, 1, {-15, 0, 50, 50}}};
	static float x[3 * 3 * PLANE];
	for (int i = 0; i < 3 * PLANE; i++)
		for (int k = 0; k < 3; k++)
			x[k * 3 * PLANE + i] = (float)sin(i * .37 + i / 64 * .21);
	for (size_t r = 0; r < sizeof row / sizeof *row; r++)
		for (int n = 1; n <= 3; n += 2) {
			gm_error err = {0};
			gm_change c = {{row[r].of, SIDE, SIDE}, NULL, NULL};
			must(gm_change_begin(&c, &err), &err);
			for (int k = 1; k < n; k++)
				must(gm_change_next(&c, x, x, &err), &err);
			gm_image *im =
				gm_image_new(row[r].width, row[r].height, row[r].channels, &err);
			must(im != NULL, &err);
			const int bytes = im->width * im->height * im->channels;
			for (int i = 0; i < bytes; i++)
				im->pixel[i] = (uint8_t)(i * 7 + i / 11);
			gm_image *y = gm_change_apply(&c, im, &row[r].box, &err);
			must(y != NULL, &err);
			assert_int_equal(y->channels, im->channels);
			assert_memory_equal(y->pixel, im->pixel, (size_t)bytes);
			gm_image_free(im), gm_image_free(y);
			gm_change_free(&c);
		}
}

/* A grey photo gets colours from a change of colours; outside the box a change fades out. */
static void a_change_has_its_place(void **state)
{
	(void)state;
	static float x[2 * 3 * PLANE];
	gm_error err = {0};
	for (int i = 0; i < 3 * PLANE; i++) {
		x[i] = (float)(.3 * sin(i * .1));
		x[3 * PLANE + i] = x[i] + (i < PLANE ? .4f : 0); /* more red */
	}
	gm_change c = {{3, SIDE, SIDE}, NULL, NULL};
	must(gm_change_begin(&c, &err) && gm_change_next(&c, x, x + 3 * PLANE, &err), &err);
	gm_image *im = gm_image_new(300, 100, 1, &err);
	must(im != NULL, &err);
	memset(im->pixel, 100, 300 * 100);
	gm_image *y = gm_change_apply(&c, im, &(gm_box){100, 0, 100, 100}, &err);
	must(y != NULL, &err);
	assert_int_equal(y->channels, 3);
	const uint8_t *middle = y->pixel + 3 * (50 * 300 + 150),
		      *near = y->pixel + 3 * (50 * 300 + 210),
		      *far = y->pixel + 3 * (50 * 300 + 230);
	assert_in_range(middle[0], 140, 160); /* 100 + .4 * 127.5 */
	assert_in_range(middle[1], 95, 105);
	assert_true(near[0] > 110 && near[0] < middle[0] - 10);
	assert_true(far[0] == 100 && far[1] == 100 && far[2] == 100);
	gm_image_free(im), gm_image_free(y);
	gm_change_free(&c);
	c.size.channels = 2;
	assert_false(gm_flow_colours(x, x, &c.size, x, x, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_changes_are_transferred),
		cmocka_unit_test(no_change_keeps_the_photo),
		cmocka_unit_test(a_change_has_its_place),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
