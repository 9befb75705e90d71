/* SPDX-License-Identifier: MIT
 *
 * test_fields.c -- fields of generated examples against their ground truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ganymede/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, N = 24 };
static const uint64_t seed = 9, from = 77;

static gm_dataset *open_set(const char *name, int size)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(name, &(gm_data_options){.size = size}, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

static void *read_field(gm_dataset *d, const char *name, uint64_t position, int64_t n)
{
	const gm_field *f = gm_data_field(d, name);
	assert_non_null(f);
	void *p = malloc((size_t)(n * f->numel) * 4);
	assert_true(gm_data_read(d, f, seed, position, n, p, NULL));
	return p;
}

/* Every field of every set: a pure function of (seed, position) however it is cut, finite, in
 * range. */
static void fields_are_pure(void **state)
{
	(void)state;
	const char *name;
	for (int s = 0; (name = gm_data_names(s, NULL)); s++) {
		gm_dataset *d = open_set(name, 0);
		const gm_data_info *info = gm_data_info_of(d);
		assert_true(info->fields >= 1);
		for (int i = 0; i < info->fields; i++) {
			const gm_field *f = gm_data_field_at(d, i);
			assert_true(f->index == i && gm_data_field(d, f->name) == f);
			assert_true(strlen(f->about) > 5);
			gm_error err = {0};
			float none;
			assert_false(gm_data_read(d, f, 0, 0, -1, &none, &err));
			assert_int_equal(err.code, GM_ERR_VALUE);
			char *all = read_field(d, f->name, from, 8);
			for (int k = 0; k < 8; k++) {
				char *one = read_field(d, f->name, from + (uint64_t)k, 1);
				assert_memory_equal(one, all + k * f->numel * 4,
				                    (size_t)f->numel * 4);
				free(one);
			}
			for (int64_t k = 0; k < 8 * f->numel; k++)
				if (f->type != GM_FIELD_FLOAT)
					assert_true(((int32_t *)all)[k] >= 0 &&
					            ((int32_t *)all)[k] < f->classes);
				else
					assert_true(((float *)all)[k] >= -8 &&
					            ((float *)all)[k] <= 8);
			free(all);
		}
		assert_null(gm_data_field_at(d, info->fields));
		assert_null(gm_data_field(d, "nothing"));
		gm_data_close(d);
	}
}

/* Edges are ink where the mask changes; label maps are flat on each side of it. */
static void pairs_fit_their_masks(void **state)
{
	(void)state;
	static const char *const names[] = {"edges2shapes", "labels2shapes"};
	for (int s = 0; s < 2; s++) {
		gm_dataset *d = open_set(names[s], SIDE);
		assert_true(gm_data_info_of(d)->paired);
		float *a = read_field(d, "a", from, N), *b = read_field(d, "b", from, N);
		float *x = read_field(d, "image", from, N);
		int32_t *mask = read_field(d, "mask", from, N),
			*label = read_field(d, "label", from, N);
		assert_memory_equal(b, x, N * 3 * PLANE * sizeof *x);
		int ink_at_border = 0, border = 0, ink_inside = 0;
		for (int i = 0; i < N; i++)
			for (int k = 0; k < PLANE; k++) {
				const int32_t *m = mask + i * PLANE + k;
				const float *v = a + i * 3 * PLANE + k;
				assert_true(*m == 0 || *m == label[i] + 1);
				const int x0 = k % SIDE, y0 = k / SIDE;
				if (x0 < 3 || y0 < 3 || x0 > SIDE - 4 || y0 > SIDE - 4)
					continue;
				bool edge = m[1] != m[0], near = false;
				for (int dy = -3; dy <= 3; dy++)
					for (int dx = -3; dx <= 3; dx++)
						near |= m[dy * SIDE + dx] != m[0];
				border += edge;
				ink_at_border += edge && fminf(v[0], v[1]) < .5f;
				ink_inside += !near && v[0] < .5f;
				if (s == 1)
					assert_true((v[0] == v[1] && v[PLANE] == v[PLANE + 1] &&
					             v[2 * PLANE] == v[2 * PLANE + 1]) == !edge);
			}
		assert_true(border > 200);
		if (s == 0)
			assert_true(ink_at_border > border * 95 / 100 && ink_inside == 0);
		free(a), free(b), free(x), free(mask), free(label);
		gm_data_close(d);
	}
}

static double distance(const float *a, const float *b, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += fabs((double)a[i] - b[i]);
	return sum / n;
}

/* a and its truth differ only near the outline; a and b have nothing in common. */
static void domains_are_apart(void **state)
{
	(void)state;
	gm_dataset *d = open_set("circles2squares", SIDE);
	assert_ptr_equal(gm_data_target(d, "b"), gm_data_field(d, "truth"));
	assert_null(gm_data_target(d, "a"));
	assert_null(gm_data_target(d, NULL));
	assert_ptr_equal(gm_data_target(d, "example"), gm_data_field(d, "image"));
	assert_false(gm_data_info_of(d)->paired);
	float *a = read_field(d, "a", from, N), *b = read_field(d, "b", from, N),
	      *t = read_field(d, "truth", from, N);
	double near = 0, far = 0;
	for (int i = 0; i < N; i++) {
		near += distance(a + i * 3 * PLANE, t + i * 3 * PLANE, 3 * PLANE) / N;
		far += distance(a + i * 3 * PLANE, b + i * 3 * PLANE, 3 * PLANE) / N;
	}
	assert_true(near > 0 && near < .1 && far > 4 * near);
	free(a), free(b), free(t);
	gm_data_close(d);
}

/* The first frame is the picture; the object's middle, weighed by its difference from the ground,
 * moves as the factors say, and evenly. */
static void films_move(void **state)
{
	(void)state;
	gm_dataset *d = open_set("moving-shapes", SIDE);
	const gm_field *f = gm_data_field(d, "video");
	assert_true(f->rank == 4 && f->shape[0] == 16 && f->shape[1] == 3 && f->shape[2] == SIDE);
	float *v = read_field(d, "video", from, N), *x = read_field(d, "image", from, N);
	int moving = 0;
	for (int i = 0; i < N; i++) {
		const float *film = v + i * f->numel;
		assert_memory_equal(film, x + i * 3 * PLANE, 3 * PLANE * sizeof *x);
		moving += distance(film, film + 15 * 3 * PLANE, 3 * PLANE) > .02;
		float factor[16];
		assert_int_equal(gm_data_info_of(d)->factors, 10);
		assert_true(gm_data_factors(d, seed, from + (uint64_t)i, factor, NULL));
		/* all the way it stays inside */
		for (int axis = 0; axis < 2; axis++) {
			const float start = factor[4 + axis], end = start + 15 * factor[7 + axis];
			assert_true(fminf(start, end) > factor[3] &&
			            fmaxf(start, end) < 1 - factor[3]);
		}
	}
	assert_true(moving > N * 3 / 4);
	free(v), free(x);
	gm_data_close(d);
}

/* crossing-shapes: the maps of kinds and of objects agree with each other, with the kinds that the
 * factors name, and with the picture, whose pixels change where objects come or go; a later object
 * hides an earlier one somewhere; and an object's middle moves on by its step until it bounces. */
static void maps_follow_the_objects(void **state)
{
	(void)state;
	enum { T = 16, OBJECTS = 3 };
	gm_dataset *d = open_set("crossing-shapes", SIDE);
	const gm_field *f = gm_data_field(d, "maps");
	assert_true(f->type == GM_FIELD_INT && f->rank == 3 && f->shape[0] == T && f->classes == 5);
	assert_int_equal(gm_data_field(d, "objects")->classes, OBJECTS + 1);
	int32_t *maps = read_field(d, "maps", from, N),
		*objects = read_field(d, "objects", from, N);
	float *v = read_field(d, "video", from, N);
	int hidden = 0, bounced = 0;
	double inside = 0, outside = 0;
	int64_t n_inside = 0, n_outside = 0;
	for (int i = 0; i < N; i++) {
		float factor[16];
		assert_true(gm_data_factors(d, seed, from + (uint64_t)i, factor, NULL));
		int64_t first[OBJECTS] = {0};
		for (int t = 0; t < T; t++) {
			const int32_t *map = maps + (i * T + t) * PLANE,
				      *object = objects + (i * T + t) * PLANE;
			const float *x = v + (i * T + t) * 3 * PLANE;
			int64_t count[OBJECTS] = {0};
			for (int k = 0; k < PLANE; k++) {
				const int o = object[k];
				assert_true(o >= 0 && o <= OBJECTS);
				assert_int_equal(map[k], o ? 1 + (int)factor[5 * (o - 1)] : 0);
				if (o)
					count[o - 1]++;
				if (t == 0)
					continue;
				const bool came = map[k] && !map[k - PLANE];
				*(came ? &inside : &outside) += fabsf(x[k] - x[k - 3 * PLANE]);
				*(came ? &n_inside : &n_outside) += 1;
			}
			for (int o = 0; o < OBJECTS; o++) {
				first[o] = t ? first[o] : count[o];
				hidden += count[o] < first[o] * 3 / 4;
			}
		}
		for (int axis = 0; axis < 2; axis++) {
			const float end = factor[1 + axis] + 15 * factor[3 + axis];
			bounced += end < 0 || end > 1;
		}
	}
	assert_true(hidden > N / 4 && bounced > N / 4);
	assert_true(inside / (double)n_inside > 4 * outside / (double)n_outside);
	free(maps), free(objects), free(v);
	gm_data_close(d);
}

static void small_ones_are_means(void **state)
{
	(void)state;
	gm_dataset *d = open_set("small2shapes", SIDE);
	const gm_field *f = gm_data_field(d, "low");
	assert_true(f->shape[1] == SIDE / 4 && f->shape[2] == SIDE / 4);
	float *low = read_field(d, "low", from, 2), *high = read_field(d, "high", from, 2);
	for (int i = 0; i < 2 * 3; i++)
		for (int k = 0; k < PLANE / 16; k++) {
			float sum = 0;
			for (int u = 0; u < 16; u++)
				sum += high[i * PLANE + (k / 8 * 4 + u / 4) * SIDE + k % 8 * 4 +
				            u % 4];
			assert_true(fabsf(sum / 16 - low[i * PLANE / 16 + k]) < 1e-5f);
		}
	free(low), free(high);
	gm_data_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_pure),      cmocka_unit_test(pairs_fit_their_masks),
		cmocka_unit_test(domains_are_apart),    cmocka_unit_test(films_move),
		cmocka_unit_test(small_ones_are_means), cmocka_unit_test(maps_follow_the_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
