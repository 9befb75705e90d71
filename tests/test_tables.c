/* SPDX-License-Identifier: MIT
 *
 * test_tables.c -- tables with named columns: encoding, fields, labels, splits, errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ganymede/data.h"
#include "scratch.h"

static const char csv[] = "height;colour;\"shoe; size\";grade\n"
			  "1.5;red;40;good\n"
			  "2.5;\"blue\";?;bad\n"
			  "3.5;red;44;good\n"
			  "0.5;;42;good\n";

static void put(const char *name, const char *text)
{
	scratch_place(name);
	scratch_write(name, text, strlen(text));
}

static gm_dataset *open_set(const char *name, gm_data_options o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), &o, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

static void refuses(const char *name, gm_data_options o, gm_code code, const char *part)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), &o, &err);
	if (d || err.code != code || !strstr(err.message, part))
		fail_msg("%s: %d, %s, not %s", name, (int)err.code, err.message, part);
}

/* Numbers have mean 0 and standard deviation 1, categories are one-of-K sorted by bytes, a missing
 * number is the mean, a missing category one of its own; the class is not in the example. */
static void rows_are_encoded(void **state)
{
	(void)state;
	put("t.csv", csv);
	gm_dataset *d = open_set("t.csv", (gm_data_options){.label_column = "grade"});
	const gm_data_info *i = gm_data_info_of(d);
	assert_int_equal(i->kind, GM_KIND_TABLE);
	assert_int_equal(i->count, 4);
	assert_int_equal(i->classes, 2);
	assert_string_equal(i->class_names[0], "bad");
	assert_int_equal(i->numel, 1 + 3 + 1);
	/* heights 1.5 2.5 3.5 .5: mean 2, variance 1.25. shoe sizes 40 44 42: mean 42, 8/3 */
	const double height = sqrt(1.25), shoe = sqrt(8. / 3);
	const double want[4][5] = {{-.5 / height, 0, 1, 0, -2 / shoe},
	                           {.5 / height, 1, 0, 0, 0},
	                           {1.5 / height, 0, 1, 0, 2 / shoe},
	                           {-1.5 / height, 0, 0, 1, 0}};
	const int32_t labels[] = {1, 0, 1, 1};
	for (int k = 0; k < 4; k++) {
		float x[5];
		int32_t label;
		assert_true(gm_data_get(d, (uint64_t)k, x, &label, NULL));
		assert_int_equal(label, labels[k]);
		for (int j = 0; j < 5; j++)
			assert_float_equal(x[j], want[k][j], 1e-6);
	}
	gm_data_close(d);
}

/* Every column is a field with the values of the same example, and says where it stands in it. */
static void columns_are_fields(void **state)
{
	(void)state;
	put("t.csv", csv);
	gm_dataset *d = open_set("t.csv", (gm_data_options){.label_column = "grade"});
	const gm_field *colour = gm_data_field(d, "colour"), *shoe = gm_data_field(d, "shoe; size"),
		       *grade = gm_data_field(d, "grade");
	assert_int_equal(colour->type, GM_FIELD_INT);
	assert_int_equal(colour->classes, 3);
	assert_string_equal(colour->class_names[2], "(unknown)");
	assert_true(colour->offset == 1 && colour->width == 3);
	assert_int_equal(shoe->type, GM_FIELD_FLOAT);
	assert_true(shoe->offset == 4 && shoe->width == 1 && shoe->numel == 1);
	assert_true(grade->width == 0 && grade->classes == 2);
	float x[12 * 5], size[12];
	int32_t word[12], label[12], again[12];
	assert_true(gm_data_batch(d, 3, 5, 12, x, label, NULL));
	assert_true(gm_data_read(d, colour, 3, 5, 12, word, NULL));
	assert_true(gm_data_read(d, shoe, 3, 5, 12, size, NULL));
	assert_true(gm_data_read(d, grade, 3, 5, 12, again, NULL));
	for (int i = 0; i < 12; i++) {
		assert_float_equal(x[i * 5 + 1 + word[i]], 1, 0);
		assert_float_equal((size[i] - 42) / sqrt(8. / 3), x[i * 5 + 4], 1e-5);
		assert_int_equal(label[i], again[i]);
	}
	gm_data_close(d);
}

/* The test split is encoded by the moments and categories of the training split. */
static void uci_has_two_splits(void **state)
{
	(void)state;
	put("u/u.names", "| a comment\n>50K, <=50K.\n\nage: continuous.\nsex: Female, Male.\n");
	put("u/u.data", "10, Male, <=50K\n30, Female, >50K\n20, ?, <=50K\n\n");
	put("u/u.test", "|1x3 Cross validator\n40, Female, >50K.\n");
	gm_dataset *d = open_set("u", (gm_data_options){0}),
		   *t = open_set("u", (gm_data_options){.split = "test"}),
		   *f = open_set("u/u.data", (gm_data_options){0});
	assert_int_equal(gm_data_info_of(d)->count, 3);
	assert_int_equal(gm_data_info_of(d)->hash, gm_data_info_of(f)->hash);
	assert_string_equal(gm_data_info_of(d)->class_names[0], ">50K");
	float x[4];
	int32_t label;
	assert_true(gm_data_get(t, 0, x, &label, NULL));
	assert_int_equal(label, 0);
	assert_float_equal(x[0], 20 / sqrt(200. / 3), 1e-5);
	assert_true(x[1] == 1 && x[2] == 0 && x[3] == 0);
	assert_true(gm_data_get(d, 2, x, NULL, NULL));
	assert_true(x[0] == 0 && x[1] == 0 && x[2] == 0 && x[3] == 1);
	gm_data_close(d), gm_data_close(t), gm_data_close(f);
	refuses("u", (gm_data_options){.split = "val"}, GM_ERR_VALUE, "train and test");
	refuses("u", (gm_data_options){.size = 8}, GM_ERR_VALUE, "no size");
}

static void bad_tables_are_refused(void **state)
{
	(void)state;
	const gm_data_options none = {0};
	put("few.csv", "a,b\n1,x\n2,y\n3\n");
	refuses("few.csv", none, GM_ERR_FORMAT, "line 4: 1 fields");
	put("twice.csv", "a,A\n1,x\n");
	refuses("twice.csv", none, GM_ERR_FORMAT, "two columns are called A");
	put("typo.csv", "a,b,label\n1,x,0\n2,y,0\n3,x,0\n4,x,0\n5,x,0\n6,x,0\n7,x,0\n8,x,0\n"
	                "9,x,0\n10,x,0\n1l,x,1\n");
	refuses("typo.csv", none, GM_ERR_FORMAT, "row 11, column a: \"1l\" is not a number");
	put("label.csv", "a,b,label\n1,x,0\n2,y,.5\n");
	refuses("label.csv", none, GM_ERR_VALUE, "integers from 0");
	refuses("label.csv", (gm_data_options){.label_column = "c"}, GM_ERR_VALUE,
	        "no column c; there are a, b, label");
	put("v/v.names", "yes, no.\nage: continuous.\n");
	put("v/v.data", "1, maybe\n");
	refuses("v", none, GM_ERR_VALUE, "\"maybe\" is no class");
	put("v/v.data", "1, 2, yes\n");
	refuses("v", none, GM_ERR_FORMAT, "3 columns, but its .names has 2");
	/* without words, the same file is points */
	put("points.csv", "x,y,label\n1,2,0\n3,4,1\n");
	gm_dataset *d = open_set("points.csv", none);
	assert_int_equal(gm_data_info_of(d)->kind, GM_KIND_POINTS);
	gm_data_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_encoded),
		cmocka_unit_test(columns_are_fields),
		cmocka_unit_test(uci_has_two_splits),
		cmocka_unit_test(bad_tables_are_refused),
	};
	return cmocka_run_group_tests_name("tables", tests, scratch_make, scratch_remove);
}
