/* SPDX-License-Identifier: MIT
 *
 * test_labels.c -- examples, classes and labels of folders and archives: links, names, splits,
 * tables, patterns, skipped files, and classes of a run by name. */
#include "runs.h"

#include "base/file.h"
#include "base/locale.h"
#include "data/labels.h"
#include "data/links.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "run/classes.h"

#include <archive.h>
#include <archive_entry.h>

/* ---- tables and patterns --------------------------------------------------------------------- */

static void tables(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
		int columns;
		uint64_t rows;
		const char *last; /* cell */
	} good[] = {
		{"a.csv", "file,label\na.png,cat\nb.png,dog\n", 2, 3, "dog"},
		{"a.csv",
	         "\xef\xbb\xbf"
	         "a.png;1\r\nb.png; 2 \r\n",
	         2, 2, "2"},
		{"a.csv", "a.png,\"x, \"\"y\"\" z\"\r\n\r\n", 2, 1, "x, \"y\" z"},
		{"a.csv", "\"two\nlines.png\",3", 2, 1, "3"},
		{"a.csv", "a.png,\n", 2, 1, ""},
		{"a.tsv", "f\tname here\tc\na\tb, c\td\re\tf\tg", 3, 3, "g"},
		{"x/dataset.json", "{\"labels\": [[\"a.png\", 4], [\"b.png\", [0, 0, 1.0]]]}", 2, 3,
	         "2"},
		{"dataset.json", "{\"labels\": [[\"a.png\", null]]}", 2, 2, ""},
		{"dataset.json", "{\"labels\": {\"a.png\": 7}}", 2, 2, "7"},
		{"dataset.json", "{\"labels\": null}", 2, 1, "label"},
		{"list_attr_celeba.txt", "2\nA B_c\n1.jpg  -1  1\r\n2.jpg  1 -1 \n", 3, 3, "-1"},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		gm_sheet s;
		gm_error err = {0};
		if (!gm_sheet_parse(&s, good[i].name, good[i].text, strlen(good[i].text), &err))
			fail_msg("%zu: %s", i, err.message);
		assert_int_equal(s.columns, good[i].columns);
		assert_int_equal(s.rows, good[i].rows);
		assert_string_equal(gm_sheet_cell(&s, s.rows - 1, s.columns - 1), good[i].last);
		gm_sheet_free(&s);
	}
	static const struct {
		const char *name, *text, *message;
	} bad[] = {
		{"a.csv", "a,b\nc,d,e\n", "line 2: 3 fields, but the first line has 2"},
		{"a.csv", "a,\"b\n", "unterminated"},
		{"a.csv", "\"a\"b,c\n", "line 1: characters after a quoted field"},
		{"dataset.json", "{\"labels\": [[}", "line 1"},
		{"dataset.json", "{\"images\": []}", "no list \"labels\""},
		{"dataset.json", "{\"labels\": [[\"a.png\", -1]]}",
	         "the label of a.png is not a class"},
		{"dataset.json", "{\"labels\": [[\"a.png\", [0.5, 0.5]]]}", "is not a class"},
		{"dataset.json", "{\"labels\": [\"a.png\"]}", "is not [\"FILE\", LABEL]"},
		{"list_attr_celeba.txt", "3\nA\n1.jpg 1\n", "it declares 3 pictures but has 1"},
		{"list_attr_celeba.txt", "no\nA\n1.jpg 1\n", "not the number"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_sheet s;
		gm_error err = {0};
		assert_false(
			gm_sheet_parse(&s, bad[i].name, bad[i].text, strlen(bad[i].text), &err));
		if (!strstr(err.message, bad[i].message))
			fail_msg("%zu: \"%s\", wanted \"%s\"", i, err.message, bad[i].message);
	}
}

static void patterns(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *name, *first, *last; /* NULL: does not match */
	} cases[] = {
		{"{age}_{sex}_*", "x/12_f_2017.chip.jpg", "12", "f"},
		{"{age}_{sex}_*", "12_f.jpg", NULL, NULL},
		{"{class}.*", "cat.17.jpg", "cat", "cat"},
		{"{class}.{}", "cat.17.jpg", "cat", "cat"},
		{"img-{n}", "a/img-5.png", "5", "5"},
		{"img-{n}", "a/pic-5.png", NULL, NULL},
		{"{split}/{class}/*", "x/train/cat/1.png", "train", "cat"},
		{"{split}/{class}/*", "cat/1.png", NULL, NULL},
		{"*_{n}", "a_b.png", "b", "b"},
		{"{n}_", "_.png", NULL, NULL},
	};
	gm_arena *arena = gm_arena_new();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		gm_error err = {0};
		const char *word[32];
		gm_pattern *p = gm_pattern_new(cases[i].pattern, &err);
		must(p != NULL, &err);
		const bool matches = gm_pattern_match(p, cases[i].name, arena, word);
		assert_int_equal(matches, cases[i].first != NULL);
		if (matches) {
			assert_string_equal(word[0], cases[i].first);
			assert_string_equal(word[gm_pattern_columns(p) - 1], cases[i].last);
		}
		gm_pattern_free(p);
	}
	gm_arena_free(arena);
	static const char *const wrong[] = {"", "plain", "{a}{b}", "{a", "{a}_{a}", "*{a}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		gm_error err = {0};
		assert_null(gm_pattern_new(wrong[i], &err));
		assert_non_null(strstr(err.message, "label-pattern"));
	}
}

static void links_lead_as_in_a_file_system(void **state)
{
	(void)state;
	gm_links *l = gm_links_new();
	size_t n;
	bool circle;
	assert_true(gm_links_add(l, "b/hard.png", "./a/1.png", true));
	assert_true(gm_links_add(l, "c", "x/../a", false));
	assert_true(gm_links_add(l, "d/in", "../c", false)); /* through another link */
	assert_true(gm_links_add(l, "a/up", "..", false));
	assert_true(gm_links_add(l, "self", "self", false));
	assert_true(gm_links_add(l, "out", "../../etc/passwd", false));
	assert_true(gm_links_add(l, "abs", "/a/1.png", false));
	assert_true(gm_links_ready(l));
	static const char *const want[] = {"b/hard.png", "c/1.png", "d/in/1.png"};
	const char *const *names = gm_links_to(l, "a/1.png", &n);
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++) {
		bool found = false;
		for (size_t k = 0; k < n; k++)
			found |= strcmp(names[k], want[i]) == 0;
		assert_true(found);
	}
	gm_links_to(l, "other.png", &n);
	assert_int_equal(n, 0);
	int lost = 0, circles = 0;
	for (; gm_links_lost(l, (size_t)lost, &circle); lost++)
		circles += circle;
	assert_int_equal(lost, 4); /* a/up, self, out, abs */
	assert_true(circles >= 1);
	gm_links_free(l);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void put(const char *name, int shade)
{
	gm_error err = {0};
	char folder[256];
	snprintf(folder, sizeof folder, "%s", scratch_path(name));
	*strrchr(folder, '/') = 0;
	must(gm_file_make_folder(folder, &err), &err);
	gm_image *im = gm_image_new(8, 8, 3, &err);
	for (int i = 0; i < 192; i++)
		im->pixel[i] = (uint8_t)(shade * 7 + i);
	must(gm_png_write(scratch_path(name), im, &err), &err);
	gm_image_free(im);
}

static void put_text(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static gm_dataset *opened(const char *name, const gm_data_options *o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), o, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

static void refused(const char *name, const gm_data_options *o, const char *message)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), o, &err);
	if (d || !strstr(err.message, message))
		fail_msg("%s: \"%s\", wanted \"%s\"", name, err.message, message);
}

static bool says(const gm_dataset *d, const char *what)
{
	const char *note;
	for (int i = 0; (note = gm_data_note(d, i)); i++)
		if (strstr(note, what))
			return true;
	return false;
}

/* "cat|dog|" */
static const char *classes(const gm_dataset *d)
{
	static char all[200];
	const gm_data_info *i = gm_data_info_of(d);
	all[0] = 0;
	for (int k = 0; k < i->classes; k++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s|",
		         i->class_names ? i->class_names[k] : "?");
	return all;
}

static struct archive *begin(const char *file, bool zip)
{
	struct archive *a = archive_write_new();
	if (zip) {
		archive_write_set_format_zip(a);
		archive_write_set_options(a, "hdrcharset=UTF-8");
	} else {
		archive_write_set_format_pax_restricted(a);
	}
	assert_int_equal(archive_write_open_filename(a, scratch_path(file)), ARCHIVE_OK);
	return a;
}

/* from: a file in the scratch folder. hard, soft: or else what it leads to. */
static void add(struct archive *a, const char *name, const char *from, const char *hard,
                const char *soft)
{
	gm_bytes b = {0};
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_filetype(e, soft ? AE_IFLNK : AE_IFREG);
	if (hard)
		archive_entry_set_hardlink(e, hard);
	else if (soft)
		archive_entry_set_symlink(e, soft);
	else
		assert_true(gm_file_open(scratch_path(from), &b, NULL));
	archive_entry_set_size(e, (la_int64_t)b.size);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (b.size)
		assert_int_equal(archive_write_data(a, b.data, b.size), b.size);
	archive_entry_free(e);
	gm_file_close(&b);
}

static void end(struct archive *a)
{
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

/* One set as a folder, through links, as a tar with links of both kinds, as a zip of names that are
 * not ASCII: the same examples. */
static void links_and_names_change_nothing(void **state)
{
	(void)state;
	static const char *const names[] = {"Tür/1é.png", "Tür/写真.png", "猫 (2)/x.png",
	                                    "猫/x.png"};
	char path[128], target[160];
	const locale_t before = gm_utf8_begin(); /* the writer's; the reader gets none */
	struct archive *zip = begin("names.zip", true), *tar = begin("links.tar", false);
	add(tar, "set/up", NULL, NULL, "..");
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "names/%s", names[i]);
		put(path, i);
		add(zip, names[i], path, NULL, NULL);
		snprintf(path, sizeof path, "store/%d", i);
		assert_true(gm_file_make_folder(scratch_path("store"), NULL));
		snprintf(target, sizeof target, "names/%s", names[i]);
		gm_bytes b;
		assert_true(gm_file_open(scratch_path(target), &b, NULL));
		scratch_write(path, b.data, b.size);
		gm_file_close(&b);
		snprintf(target, sizeof target, "linked/%s", names[i]);
		char folder[256];
		snprintf(folder, sizeof folder, "%s", scratch_path(target));
		*strrchr(folder, '/') = 0;
		assert_true(gm_file_make_folder(folder, NULL));
		snprintf(target, sizeof target, "../../store/%d", i);
		char link[128];
		snprintf(link, sizeof link, "linked/%s", names[i]);
		assert_int_equal(symlink(target, scratch_path(link)), 0);
		/* In the tar: .store/0 is hidden; 0 and 1 by hard links, the others by symbolic
		 * ones. */
		snprintf(target, sizeof target, i < 2 ? ".store/%d" : "../../.store/%d", i);
		snprintf(link, sizeof link, "set/%s", names[i]);
		if (i >= 2)
			add(tar, link, NULL, NULL, target);
	}
	for (int i = 0; i < 4; i++) {
		char link[128];
		snprintf(path, sizeof path, "store/%d", i);
		snprintf(target, sizeof target, ".store/%d", i);
		add(tar, target, path, NULL, NULL);
		snprintf(link, sizeof link, "set/%s", names[i]);
		if (i < 2)
			add(tar, link, NULL, target, NULL);
	}
	end(zip), end(tar);
	gm_utf8_end(before);
	assert_int_equal(symlink("..", scratch_path("linked/猫/back")), 0);
	gm_dataset *d = opened("names", NULL);
	const uint64_t hash = gm_data_info_of(d)->hash;
	assert_string_equal(classes(d), "Tür|猫|猫 (2)|");
	gm_data_close(d);
	assert_int_equal(symlink("names.zip", scratch_path("without an ending")), 0);
	static const char *const same[] = {"names.zip", "links.tar", "linked", "without an ending"};
	for (int i = 0; i < 4; i++) {
		d = opened(same[i], NULL);
		assert_int_equal(gm_data_info_of(d)->count, 4);
		assert_string_equal(classes(d), "Tür|猫|猫 (2)|");
		assert_true(gm_data_info_of(d)->hash == hash);
		assert_int_equal(says(d, "leads to a folder that contains it"), i == 1 || i == 2);
		gm_data_close(d);
	}
}

/* Pairs too are one set whatever the archive's order. */
static void pairs_do_not_depend_on_order(void **state)
{
	(void)state;
	static const char *const files[] = {"p/trainB/1.png", "p/trainA/2.png", "p/trainA/1.png",
	                                    "p/trainB/2.png"};
	struct archive *zip = begin("p.zip", true);
	for (int i = 0; i < 4; i++) {
		put(files[i], i);
		add(zip, files[i], files[i], NULL, NULL);
	}
	end(zip);
	gm_dataset *d = opened("p", NULL), *z = opened("p.zip", NULL);
	assert_true(gm_data_info_of(d)->paired);
	assert_true(gm_data_info_of(d)->hash == gm_data_info_of(z)->hash);
	gm_data_close(d), gm_data_close(z);
}

static void one_bad_file_costs_one_pair(void **state)
{
	(void)state;
	char name[64];
	for (int i = 0; i < 8; i++)
		for (int side = 0; side < 2; side++) {
			snprintf(name, sizeof name, "bp/train%c/%d.png", 'A' + side, i);
			put(name, i + 20 * side);
		}
	scratch_write("bp/trainA/3.png", "", 0);
	scratch_write("bp/trainB/5.png", "nonsense", 8);
	gm_dataset *d = opened("bp", NULL);
	const gm_data_info *info = gm_data_info_of(d);
	assert_true(info->paired);
	assert_int_equal(info->count, 6);
	assert_int_equal(info->bad, 2);
	assert_int_equal(info->left, 2);
	assert_true(says(d, "whose partners cannot be used"));
	/* a and b of each example are of one number: 20 shades of 7 apart */
	float a[192], b[192];
	for (uint64_t i = 0; i < 6; i++) {
		must(gm_data_read(d, gm_data_field(d, "a"), 1, i, 1, a, NULL), &(gm_error){0});
		must(gm_data_read(d, gm_data_field(d, "b"), 1, i, 1, b, NULL), &(gm_error){0});
		const int va = (int)((a[0] + 1) * 127.5f + .5f),
			  vb = (int)((b[0] + 1) * 127.5f + .5f);
		assert_int_equal((vb - va) & 255, 140);
	}
	gm_data_close(d);
	/* A partner that was never there is another matter: then they are two domains. */
	assert_int_equal(remove(scratch_path("bp/trainB/5.png")), 0);
	d = opened("bp", NULL);
	assert_false(gm_data_info_of(d)->paired);
	assert_non_null(strstr(gm_data_info_of(d)->about, "trainA/5.png"));
	gm_data_close(d);
}

/* ---- folders --------------------------------------------------------------------------------- */

static void numbers_are_those_of_the_whole_set(void **state)
{
	(void)state;
	static const char *const all[] = {"train/Cat",       "train/dog",      "train/dog (2)",
	                                  "train/dog-small", "test/dog-small", "test/dog",
	                                  "train/broken"};
	char name[64];
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof name, "w/%s/1.png", all[i]);
		put(name, i);
	}
	put_text("w/train/broken/1.png", "no picture");
	for (int test = 0; test < 2; test++) {
		gm_dataset *d = opened("w", &(gm_data_options){.split = test ? "test" : NULL});
		assert_string_equal(classes(d), "Cat|broken|dog|dog (2)|dog-small|");
		int32_t label[4] = {0};
		for (uint64_t i = 0; i < (test ? 2 : 4); i++)
			assert_true(gm_data_get(d, i, NULL, label + i, NULL));
		/* In the order of the paths, "dog (2)" before "dog/", with numbers of the names. */
		static const int32_t want[2][4] = {{0, 3, 4, 2}, {4, 2}};
		assert_memory_equal(label, want[test], test ? 8 : 16);
		gm_data_close(d);
	}
}

static void folders_called_like_parts(void **state)
{
	(void)state;
	static const struct {
		const char *set, *folders, *classes;
		uint64_t count, left;
	} cases[] = {
		{"vc", "valid control", "control|valid|", 2, 0},
		{"vehicles", "train car bus", "bus|car|train|", 3, 0},
		{"beside", "train/a train/b test/a extra/x", "a|b|", 2, 1},
		{"named", "training_set/a training_set/b test_set/a", "a|b|", 2, 0},
		{"years", "train2017/a train2017/b val2017/b", "a|b|", 2, 0},
		{"three", "train/a train/b valid/a test/c", "a|b|c|", 2, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char folders[128], *rest = folders, *one, name[192];
		snprintf(folders, sizeof folders, "%s", cases[i].folders);
		for (int k = 0; (one = strsep(&rest, " ")); k++) {
			snprintf(name, sizeof name, "%s/%s/1.png", cases[i].set, one);
			put(name, k);
		}
		gm_dataset *d = opened(cases[i].set, NULL);
		assert_string_equal(classes(d), cases[i].classes);
		assert_int_equal(gm_data_info_of(d)->count, cases[i].count);
		assert_int_equal(gm_data_info_of(d)->left, cases[i].left);
		gm_data_close(d);
	}
	gm_dataset *d = opened("three", &(gm_data_options){.split = "val"});
	assert_int_equal(gm_data_info_of(d)->count, 1);
	assert_string_equal(classes(d), "a|b|c|");
	gm_data_close(d);
	d = opened("beside", &(gm_data_options){.no_parts = true});
	assert_string_equal(classes(d), "extra|test|train|");
	gm_data_close(d);
	put("only/test/1.png", 1);
	refused("only", NULL, "only test (1 picture); use --split test");
	refused("vc", &(gm_data_options){.split = "test"}, "no test split");
}

static void what_is_left_out_is_said(void **state)
{
	(void)state;
	put("lo/a/1.png", 1), put("lo/a/2.png", 2), put("lo/b/1.png", 3);
	put("lo/stray.png", 4), put("lo/.hid/1.png", 5);
	put_text("lo/notes.md", "words");
	put_text("lo/a/page.jpg", "<!DOCTYPE html>");
	put_text("lo/a/pointer.png", "version https://git-lfs.github.com/spec/v1\n");
	put_text("lo/b/photo.heic", "____ftypheic");
	put("lo/b/none", 6); /* a PNG without an ending */
	assert_int_equal(symlink("nowhere", scratch_path("lo/b/gone.png")), 0);
	gm_dataset *d = opened("lo", NULL);
	const gm_data_info *i = gm_data_info_of(d);
	assert_int_equal(i->count, 4);
	assert_int_equal(i->bad, 3);
	assert_int_equal(i->left, 1);
	assert_int_equal(i->other, 3);
	assert_true(says(d, "3 files cannot be used and are left out; the first: a/page.jpg"));
	assert_true(says(d, "stray.png"));
	assert_true(says(d, "1 hidden picture is left out: .hid/1.png"));
	assert_true(says(d, "1 link is dangling: b/gone.png"));
	assert_true(says(d, "1 other file is no picture: 1 x text (notes.md)"));
	const char *reason;
	gm_data_bad(d, 1, &reason);
	assert_non_null(strstr(reason, "git lfs pull"));
	gm_data_bad(d, 2, &reason);
	assert_non_null(strstr(reason, "a HEIC picture, which is not read"));
	gm_data_close(d);
	d = opened("lo", &(gm_data_options){.label_from = "none"});
	assert_int_equal(gm_data_info_of(d)->count, 5);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	gm_data_close(d);
	/* More beside the folders than in them: all are examples, and that is said. */
	for (int k = 0; k < 6; k++) {
		char name[32];
		snprintf(name, sizeof name, "lo/s%d.png", k);
		put(name, 10 + k);
	}
	d = opened("lo", NULL);
	assert_int_equal(gm_data_info_of(d)->count, 11);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	assert_true(says(d, "are next to the folders, so folders are not classes"));
	gm_data_close(d);
}

/* ---- labels ---------------------------------------------------------------------------------- */

static void labels_from_tables(void **state)
{
	(void)state;
	char name[64];
	int32_t label;
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "t/0000%d/img%d.png", i / 3, i);
		put(name, i);
	}
	/* Shards are classes only where nothing else is known. */
	gm_dataset *d = opened("t", NULL);
	assert_string_equal(classes(d), "00000|00001|");
	gm_data_close(d);
	put_text("t/dataset.json", "{\"labels\": [[\"00000/img0.png\", 2], [\"00000/img1.png\", "
	                           "0], [\"00000/img2.png\", 1], "
	                           "[\"00001/img3.png\", 2], [\"00001/img4.png\", 2]]}");
	d = opened("t", NULL);
	assert_int_equal(gm_data_info_of(d)->classes, 3);
	assert_int_equal(gm_data_info_of(d)->count, 5);
	assert_true(says(d, "without a label"));
	gm_data_get(d, 3, NULL, &label, NULL);
	assert_int_equal(label, 2);
	gm_data_close(d);
	put_text("t/dataset.json", "{\"labels\": null}");
	d = opened("t", NULL);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	assert_true(says(d, "dataset.json has no labels"));
	gm_data_close(d);
	put_text("t/dataset.json", "{");
	refused("t", NULL, "--label-from folders or none");
	d = opened("t", &(gm_data_options){.label_from = "folders"});
	assert_int_equal(gm_data_info_of(d)->classes, 2);
	gm_data_close(d);

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "c/%d.png", i);
		put(name, i);
	}
	put_text("c/what.csv",
	         "id;age;kind;caption\n0;20;b c;one\n1;7;a;two\n2;20;a;three\n3;;a;four\n");
	d = opened("c", NULL);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	assert_true(says(d, "columns: age, kind"));
	const gm_field *age = gm_data_field(d, "age"), *kind = gm_data_field(d, "kind");
	assert_non_null(age);
	assert_int_equal(age->classes, 22); /* 0 to 20, and unknown */
	assert_string_equal(kind->class_names[1], "b c");
	for (uint64_t k = 0; k < 4; k++) {
		int32_t value[2];
		char text[16];
		const uint64_t at = gm_data_index(d, 5, k);
		static const int32_t ages[] = {20, 7, 20, 21}, kinds[] = {1, 0, 0, 0};
		static const char *const words[] = {"one", "two", "three", "four"};
		assert_true(gm_data_read(d, age, 5, k, 1, value, NULL));
		assert_true(gm_data_read(d, kind, 5, k, 1, value + 1, NULL));
		assert_int_equal(value[0], ages[at]);
		assert_int_equal(value[1], kinds[at]);
		assert_true(gm_data_caption(d, 5, k, text, sizeof text, NULL));
		assert_string_equal(text, words[at]);
	}
	gm_data_close(d);
	d = opened("c", &(gm_data_options){.label_column = "Age"});
	assert_int_equal(gm_data_info_of(d)->count, 3);
	assert_int_equal(gm_data_info_of(d)->classes, 21);
	gm_data_close(d);
	refused("c", &(gm_data_options){.label_column = "hair"},
	        "there is no column hair; there are age, kind");
	refused("c", &(gm_data_options){.label_from = "other.csv"}, "there is no file other.csv");

	put_text("c/what.csv", "0.png,x\n1.png,y\n2.png,x\n3.png,x\n"); /* no header */
	d = opened("c", NULL);
	assert_string_equal(classes(d), "x|y|");
	gm_data_close(d);
	remove(scratch_path("c/what.csv"));
	put_text("c/list_attr_celeba.txt",
	         "4\nMale Hat\n0.png 1 -1\n1.png -1 -1\n2.png 1 1\n3.png 1 -1\n");
	d = opened("c", &(gm_data_options){.label_column = "male"});
	const gm_field *flags = gm_data_field(d, "attributes");
	assert_int_equal(flags->numel, 2);
	int32_t both[2];
	const uint64_t at = gm_data_index(d, 1, 0);
	assert_true(gm_data_read(d, flags, 1, 0, 1, both, NULL));
	static const int32_t truth[4][2] = {{1, 0}, {0, 0}, {1, 1}, {1, 0}};
	assert_memory_equal(both, truth[at], sizeof both);
	gm_data_close(d);

	put("n/12_1_x.png", 1), put("n/8_0_y.png", 2), put("n/odd.png", 3);
	d = opened("n",
	           &(gm_data_options){.label_pattern = "{age}_{sex}_*", .label_column = "sex"});
	assert_int_equal(gm_data_info_of(d)->count, 2);
	assert_int_equal(gm_data_info_of(d)->classes, 2);
	assert_true(says(d, "odd.png"));
	gm_data_close(d);
	refused("n", &(gm_data_options){.label_pattern = "{a}-{b}"}, "no name of");
}

/* ---- formats --------------------------------------------------------------------------------- */

static gm_image *picture(const char *name, gm_image_facts *facts)
{
	char path[128];
	gm_error err = {0};
	snprintf(path, sizeof path, "fuzz/corpus/picture/%s", name);
	gm_image *im = gm_image_read(path, facts, &err);
	if (!im)
		fail_msg("%s", err.message);
	return im;
}

static void counted(const char *name, const char *split, uint64_t count, bool paired)
{
	gm_dataset *d = opened(name, &(gm_data_options){.split = split});
	assert_int_equal(gm_data_info_of(d)->count, count);
	assert_int_equal(gm_data_info_of(d)->paired, paired);
	for (uint64_t i = 0; i < count; i++)
		if (!strstr(gm_data_example_name(d, i), split))
			fail_msg("%s --split %s holds %s", name, split, gm_data_example_name(d, i));
	gm_data_close(d);
}

/* A/train as pix2pix has it, train/A, and cat/train: the part is what the split asks for. */
static void parts_below_sides_and_classes(void **state)
{
	(void)state;
	static const char *const sides[] = {"A", "B"}, *const kinds[] = {"cat", "dog"};
	static const struct {
		const char *part;
		int n;
	} parts[] = {{"train", 3}, {"test", 2}, {"val", 1}};
	char name[64];
	for (int s = 0; s < 2; s++)
		for (int k = 0; k < 3; k++)
			for (int i = 0; i < parts[k].n; i++) {
				const int shade = s * 40 + k * 10 + i;
				snprintf(name, sizeof name, "ab/x/%s/%s/%d.png", sides[s],
				         parts[k].part, i);
				put(name, shade);
				snprintf(name, sizeof name, "pa/%s/%s/%d.png", parts[k].part,
				         sides[s], i);
				put(name, shade);
				snprintf(name, sizeof name, "co/%s/%s/%s%d.png", parts[k].part,
				         sides[s], sides[s], i);
				put(name, shade);
				snprintf(name, sizeof name, "ci/%s/%s/%d.png", kinds[s],
				         parts[k].part, i);
				put(name, shade);
			}
	put("ab/x/loose.png", 99);
	for (int k = 0; k < 3; k++) {
		counted("ab", parts[k].part, (uint64_t)parts[k].n, true);
		counted("pa", parts[k].part, (uint64_t)parts[k].n, true);
		counted("ci", parts[k].part, 2 * (uint64_t)parts[k].n, false);
		/* A and B that have other names are classes. */
		counted("co", parts[k].part, 2 * (uint64_t)parts[k].n, false);
	}
	gm_dataset *d = opened("ab", NULL);
	assert_true(says(d, "loose.png"));
	gm_data_close(d);
	d = opened("co", NULL);
	assert_string_equal(classes(d), "A|B|");
	gm_data_close(d);
	d = opened("ci", &(gm_data_options){.split = "test"});
	assert_string_equal(classes(d), "cat|dog|");
	int32_t label;
	for (uint64_t i = 0; i < 4; i++) {
		assert_true(gm_data_get(d, i, NULL, &label, NULL));
		assert_int_equal(label, i > 1);
	}
	gm_data_close(d);
	d = opened("ci", &(gm_data_options){.no_parts = true});
	assert_int_equal(gm_data_info_of(d)->count, 12);
	gm_data_close(d);
	/* A part of one side alone is no pair, and never all that there is. */
	put("one/A/train/1.png", 1), put("one/A/test/2.png", 2), put("one/B/train/1.png", 3);
	counted("one", "train", 1, true);
	refused("one", &(gm_data_options){.split = "test"}, "only A/test");
	refused("one", &(gm_data_options){.split = "val"}, "no val pictures here, only A/test");
	/* Where a class has pictures beside its parts, nothing is separated, and that is said. */
	put("ci/dog/more.png", 7);
	d = opened("ci", NULL);
	assert_int_equal(gm_data_info_of(d)->count, 13);
	assert_true(says(d, "are not separated"));
	gm_data_close(d);
	refused("ci", &(gm_data_options){.split = "test"}, "no test split");
}

static void tables_whose_names_are_ambiguous(void **state)
{
	(void)state;
	gm_error err = {0};
	int32_t label;
	put("pc/train/0.png", 1), put("pc/train/1.png", 2), put("pc/test/0.png", 3),
		put("pc/test/1.png", 4), put("pc/test/2.png", 5);
	put_text("pc/train.csv", "0.png,a\n1.png,b\n2.png,c\n");
	put_text("pc/test.csv", "0.png,b\n1.png,a\n2.png,a\n");
	for (int test = 0; test < 2; test++) {
		gm_dataset *d = opened("pc", &(gm_data_options){.split = test ? "test" : "train"});
		assert_int_equal(gm_data_info_of(d)->count, 2 + test);
		for (uint64_t i = 0; i < 2; i++) {
			assert_true(gm_data_get(d, i, NULL, &label, NULL));
			assert_int_equal(label, (int)i != test ? 1 : 0);
		}
		gm_data_close(d);
	}
	put("c5/a/0.png", 1), put("c5/b/0.png", 2), put("c5/a/1.png", 3), put("c5/b/1.png", 4);
	put_text("c5/l.csv", "0.png,x\n1.png,y\n");
	refused("c5", &(gm_data_options){.label_from = "l.csv"},
	        "ambiguous: 0.png matches a/0.png and b/0.png");
	gm_dataset *d = opened("c5", NULL);
	assert_string_equal(classes(d), "a|b|");
	assert_true(says(d, "l.csv: 2 of its names are ambiguous"));
	gm_data_close(d);
	/* Those that are not are read. */
	put("c5/b/2.png", 5);
	put_text("c5/l.csv", "0.png,x\n2.png,y\na/1.png,y\nb/1.png,x\n");
	d = opened("c5", &(gm_data_options){.label_from = "l.csv"});
	assert_int_equal(gm_data_info_of(d)->count, 3);
	assert_true(says(d, "1 of its names are ambiguous"));
	gm_data_close(d);

	/* UTF-16, as spreadsheets save it, in the set and beside it. */
	put("u/0.png", 1), put("u/1.png", 2);
	static const char wide[] = "\xff\xfe\x30\0,\0x\0\n";
	scratch_write("u/l.csv", wide, sizeof wide);
	scratch_write("wide.csv", wide, sizeof wide);
	refused("u", &(gm_data_options){.label_from = "l.csv"}, "UTF-16");
	refused("u", &(gm_data_options){.label_from = scratch_path("wide.csv")},
	        "text in UTF-16; save it as UTF-8");

	/* Rows that contradict one another: the last counts, and that is said. */
	remove(scratch_path("u/l.csv"));
	put_text("u/l.csv", "file,kind\n0.png,x\n1.png,y\n0.png,y\n1.png,y\n1.png,\n0.png,x\n");
	d = opened("u", NULL);
	assert_true(says(d, "column kind: 2 rows contradict"));
	assert_true(says(d, "the first is 0.png: x, then y"));
	assert_int_equal(gm_data_info_of(d)->count, 2);
	assert_true(gm_data_get(d, 0, NULL, &label, NULL) && label == 0);
	assert_true(gm_data_get(d, 1, NULL, &label, NULL) && label == 1);
	gm_data_close(d);
	put_text("u/l.csv", "file,kind\n0.png,x\n1.png,y\n0.png,x\n");
	d = opened("u", NULL);
	assert_false(says(d, "contradict"));
	gm_data_close(d);

	/* A model that needs a label lists the candidate columns in its error. */
	put("lp/1_f_a.png", 1), put("lp/2_m_b.png", 2), put("lp/1_m_c.png", 3);
	gm_settings set;
	gm_settings_init(&set, gm_model_find("cgan"));
	must(gm_settings_set(&set, "data", scratch_path("lp"), &err) &&
	             gm_settings_set(&set, "label-pattern", "{age}_{sex}_*", &err) &&
	             gm_settings_set(&set, "steps", "1", &err) &&
	             gm_settings_set(&set, "outdir", scratch_path("runs"), &err),
	     &err);
	gm_train_call call = {.settings = &set};
	assert_false(gm_train(&call, &err));
	if (!strstr(err.message, "columns: age, sex (--label-column NAME"))
		fail_msg("%s", err.message);
	gm_settings_free(&set);
}

/* One picture, 9 x 7, that other programs wrote in each format. */
static void formats_hold_the_same_pixels(void **state)
{
	(void)state;
	static const char *const groups[][5] = {
		{"rgb.ppm", "rgb.bmp", "lzw.tif", "two.tif", NULL},
		{"grey.pgm", "grey.tif", NULL},
		{"bit.pbm", "bit.bmp", "fax.tif", NULL},
		{"plain.gif", "palette.bmp", "palette.tif", NULL},
	};
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
		gm_image_facts facts;
		gm_image *first = picture(groups[g][0], &facts);
		for (int i = 1; groups[g][i]; i++) {
			gm_image *im = picture(groups[g][i], &facts);
			assert_int_equal(im->channels, first->channels);
			assert_int_equal(im->width, first->width);
			assert_memory_equal(im->pixel, first->pixel,
			                    (size_t)(im->width * im->height * im->channels));
			assert_int_equal(facts.several, strcmp(groups[g][i], "two.tif") == 0);
			gm_image_free(im);
		}
		gm_image_free(first);
	}
	gm_image_facts facts;
	gm_image *im = picture("animated.gif", &facts);
	assert_true(facts.several && facts.alpha);
	gm_image_free(im);
	im = picture("animated.webp", &facts);
	gm_image *ppm = picture("rgb.ppm", NULL);
	assert_memory_equal(im->pixel, ppm->pixel, 9 * 7 * 3);
	assert_int_equal(im->channels, 3);
	gm_image_free(im), gm_image_free(ppm);
	im = picture("deep.tif", &facts);
	assert_int_equal(im->pixel[0], 40000 >> 8);
	assert_int_equal(facts.bits, 16);
	gm_image_free(im);
	im = picture("text.ppm", &facts);
	static const uint8_t want[] = {255, 0, 51, 17, 34, 51};
	assert_memory_equal(im->pixel, want, 6);
	gm_image_free(im);
	im = picture("text.pbm", NULL);
	static const uint8_t bits[] = {0, 255, 0, 255, 0, 255};
	assert_memory_equal(im->pixel, bits, 6);
	gm_image_free(im);
	im = picture("runs.bmp", NULL); /* the first row of the file is the lowest */
	assert_int_equal(im->width, 4);
	assert_int_equal(im->pixel[0], 4), assert_int_equal(im->pixel[2], 16);
	assert_int_equal(im->pixel[4 * 3 + 2], 16);
	gm_image_free(im);
	gm_error err = {0};
	assert_null(gm_image_read("fuzz/corpus/picture/float.tif", NULL, &err));
	assert_non_null(strstr(err.message, "floating point"));
}

/* ---- names ----------------------------------------------------------------------------------- */

static void a_folder_called_like_a_set(void **state)
{
	(void)state;
	char here[PATH_MAX];
	gm_error err = {0};
	put("shapes/1.png", 1);
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(chdir(scratch), 0);
	gm_dataset *d = gm_data_open("shapes", NULL, &err);
	assert_null(d);
	assert_non_null(strstr(err.message, "./shapes"));
	assert_non_null(strstr(err.message, "set:shapes"));
	/* What a run learned when no such folder was there is still the set. */
	d = gm_data_open("shapes", &(gm_data_options){.again = true}, NULL);
	assert_int_equal(gm_data_info_of(d)->count, 0);
	gm_data_close(d);
	d = gm_data_open("./shapes", NULL, NULL);
	assert_int_equal(gm_data_info_of(d)->count, 1);
	gm_data_close(d);
	d = gm_data_open("set:shapes", NULL, NULL);
	assert_int_equal(gm_data_info_of(d)->count, 0);
	const uint64_t hash = gm_data_info_of(d)->hash;
	gm_data_close(d);
	assert_int_equal(chdir(here), 0);
	d = gm_data_open("shapes", NULL, NULL);
	assert_true(gm_data_info_of(d)->hash == hash);
	gm_data_close(d);
}

static void runs_know_their_classes(void **state)
{
	(void)state;
	gm_error err = {0};
	char data[PATH_MAX];
	put("k/dog (2)/1.png", 1), put("k/dog/1.png", 2), put("k/Cat/1.png", 3),
		put("k/caf\xe9/1.png", 4);
	snprintf(data, sizeof data, "data=%s", scratch_path("k"));
	gm_saved *s = TRAINED("cgan", data, "steps=1", "batch=2");
	const gm_facts *f = gm_saved_facts(s);
	int64_t k;
	assert_int_equal(f->classes, 4);
	assert_string_equal(f->class_names[1], "caf\xe9");
	assert_true(gm_class_find(f, "dog (2)", &k, &err) && k == 3);
	assert_true(gm_class_find(f, "caf\xe9", &k, &err) && k == 1);
	assert_true(gm_class_find(f, "CAT", &k, &err) && k == 0);
	assert_true(gm_class_find(f, "2", &k, &err) && k == 2);
	assert_false(gm_class_find(f, "horse", &k, &err));
	assert_non_null(strstr(err.message, "Cat, caf\xe9, dog, dog (2)"));
	/* Names that are numbers mean themselves. */
	static const char *const digits[] = {"0", "1", "10", "2"};
	const gm_facts ten = {.classes = 4, .class_names = digits};
	assert_true(gm_class_find(&ten, "10", &k, NULL) && k == 2);
	assert_true(gm_class_find(&ten, "2", &k, NULL) && k == 3);
	err = (gm_error){0};
	assert_false(gm_classes_agree(f, "run", &ten, "other", &err));
	assert_string_equal(err.message,
	                    "the classes differ: number 0 is Cat in run and 0 in other");
	gm_saved_free(s);

	/* A run can be resumed if the data were moved, but not if a class was renamed. */
	assert_int_equal(rename(scratch_path("k"), scratch_path("k2")), 0);
	for (int renamed = 0; renamed < 2; renamed++) {
		gm_settings on;
		gm_settings_init(&on, gm_model_find("cgan"));
		must(gm_settings_set(&on, "data", scratch_path("k2"), &err) ||
		             gm_settings_set(&on, "steps", "2", &err),
		     &err);
		gm_train_call call = {.settings = &on, .resume = last_run};
		err = (gm_error){0};
		const bool ok = gm_train(&call, &err);
		assert_int_equal(ok, !renamed);
		if (renamed)
			assert_non_null(strstr(err.message, "number 0 is Cat"));
		gm_settings_free(&on);
		assert_int_equal(renamed || rename(scratch_path("k2/Cat"), scratch_path("k2/Bat")),
		                 renamed);
	}
}

static int make_cache(void **state)
{
	if (scratch_make(state))
		return -1;
	return setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
}

/* Captions in JSON of three forms, and in several rows of a table. */
static void captions_of_tables(void **state)
{
	(void)state;
	static const char *const file[] = {"said.json", "said.json", "said.json", "said.csv"};
	static const char *const bytes[] = {
		"{\"0.png\": [\"one\", \"uno\"], \"1.png\": \"t\\u00e9\"}",
		"[{\"file_name\": \"0.png\", \"sentences\": [{\"raw\": \"one\"}, {\"raw\": "
		"\"uno\"}]}, {\"file\": \"1.png\", \"caption\": \"t\xc3\xa9\"}]",
		"{\"images\": [{\"id\": 7, \"file_name\": \"1.png\"}, {\"id\": 9, \"file_name\": "
		"\"0.png\"}], \"annotations\": [{\"image_id\": 9, \"caption\": \"one\"}, "
		"{\"image_id\": 9, \"caption\": \"uno\"}, {\"image_id\": 7, \"caption\": "
		"\"t\xc3\xa9\"}]}",
		"image,caption\n0.png,one\n1.png,t\xc3\xa9\n0.png,uno\n"};
	char name[32], text[16];
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "j/%d.png", i);
		put(name, i);
	}
	for (int k = 0; k < 4; k++) {
		snprintf(name, sizeof name, "j/%s", file[k]);
		put_text(name, bytes[k]);
		gm_dataset *d = opened("j", NULL);
		int seen[3] = {0};
		for (uint64_t at = 0; at < 80; at++) {
			assert_true(gm_data_caption(d, 5, at, text, sizeof text, NULL));
			const bool second = gm_data_index(d, 5, at) == 1;
			seen[second ? 2 : strcmp(text, "uno") == 0]++;
			assert_true(second ? !strcmp(text, "t\xc3\xa9")
			                   : !strcmp(text, "one") || !strcmp(text, "uno"));
		}
		assert_true(seen[0] > 8 && seen[1] > 8);
		assert_int_equal(seen[2], 40);
		gm_data_close(d);
		remove(scratch_path(name));
	}
	put_text("j/said.csv", "image,caption,what\n0.png,one,x\n1.png,two,y\n");
	gm_dataset *d =
		opened("j", &(gm_data_options){.label_from = "none", .caption_column = "what"});
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	assert_true(gm_data_caption(d, 5, 0, text, sizeof text, NULL));
	assert_string_equal(text, gm_data_index(d, 5, 0) ? "y" : "x");
	gm_data_close(d);
	refused("j", &(gm_data_options){.caption_column = "nix"}, "no table has a column nix");
	remove(scratch_path("j/said.csv"));
	/* a file that is for something else */
	put_text("j/other.json", "{\"version\": \"1\", \"keys\": [1, 2]}");
	d = opened("j", NULL);
	assert_true(says(d, "a caption of keys is not a text"));
	gm_data_close(d);
	/* a text, and then none */
	put_text("j/other.json", "{\"0.png\": [\"one\", \"uno\", 3]}");
	d = opened("j", NULL);
	assert_true(says(d, "a caption of 0.png is not a text"));
	gm_data_close(d);
	remove(scratch_path("j/other.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captions_of_tables),
		cmocka_unit_test(tables),
		cmocka_unit_test(patterns),
		cmocka_unit_test(links_lead_as_in_a_file_system),
		cmocka_unit_test(links_and_names_change_nothing),
		cmocka_unit_test(pairs_do_not_depend_on_order),
		cmocka_unit_test(one_bad_file_costs_one_pair),
		cmocka_unit_test(numbers_are_those_of_the_whole_set),
		cmocka_unit_test(folders_called_like_parts),
		cmocka_unit_test(what_is_left_out_is_said),
		cmocka_unit_test(labels_from_tables),
		cmocka_unit_test(parts_below_sides_and_classes),
		cmocka_unit_test(tables_whose_names_are_ambiguous),
		cmocka_unit_test(formats_hold_the_same_pixels),
		cmocka_unit_test(a_folder_called_like_a_set),
		cmocka_unit_test(runs_know_their_classes),
	};
	return cmocka_run_group_tests(tests, make_cache, scratch_remove);
}
