/* SPDX-License-Identifier: MIT
 *
 * studio_images.h -- the part of test_studio_http.c about the rooms for images.
 */
#ifndef TESTS_STUDIO_IMAGES_H
#define TESTS_STUDIO_IMAGES_H

#include <nettle/base64.h>

/* ---- rooms for images ------------------------------------------------------------------------ */

enum { SIDE = 8, NUMEL = SIDE * SIDE };

static int room(const char *what, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "/api/runs/00090-images/%s", what);
	return ask(text ? "POST" : "GET", path, text);
}

/* n bytes v in base64, n divisible by 3 but for one: "AA==" at the end where it is not */
static void coded(char *to, int n, char letter)
{
	const int whole = n / 3 * 4, rest = n % 3;
	memset(to, letter, (size_t)whole);
	strcpy(to + whole, rest == 1 ? "AA==" : rest == 2 ? "AAA=" : "");
}

/* Waits for a job to end; its state, and its answer in the reply. */
static void job_ends(int64_t job, const char *state)
{
	char path[100];
	double began = gm_seconds();
	snprintf(path, sizeof path, "/api/jobs/%d", (int)job);
	for (;;) {
		assert_int_equal(ask("GET", path, NULL), 200);
		json_t *o = object();
		const char *now = json_string_value(json_object_get(o, "state"));
		const bool ended = strcmp(now, "queued") && strcmp(now, "running");
		if (ended && strcmp(now, state))
			fail_msg("not %s: %s", state, body());
		json_decref(o);
		if (ended)
			return;
		assert_true(gm_seconds() - began < 60);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

static int64_t begin_job(const char *pixels, const char *mask, const char *options, int status)
{
	char text[2000];
	snprintf(text, sizeof text, "{\"pixels\": \"%s\", \"mask\": \"%s\", \"options\": %s}",
	         pixels, mask, options);
	assert_int_equal(room("inpaint", text), status);
	json_t *o = object();
	const int64_t job = json_integer_value(json_object_get(o, "job"));
	json_decref(o);
	return job;
}

/* A draw gives the pixels of the library's sample; of two requests of a slot the older one is
 * refused; bad values are named; jobs give a result, can be cancelled, and wait in a short queue;
 * checkpoints that are links are not followed. */
static void rooms_for_images(void **state)
{
	(void)state;
	char path[2 * PATH_MAX], pixels[200], mask[200], all[200];
	snprintf(path, sizeof path,
	         "'%s' train dcgan --data glyphs --size 8 --nz 3 --width 4 --batch 4 --steps 2 "
	         "--grid 2x2 --outdir '%s/made' > '%s/log' 2>&1 && mv '%s/made/00000-dcgan-glyphs' "
	         "'%s/00090-images' && rmdir '%s/made'",
	         program, runs, scratch, runs, runs, runs);
	assert_int_equal(system(path), 0);
	assert_int_equal(room("net", NULL), 200);
	json_t *o = object();
	assert_true(json_is_true(json_object_get(o, "generate")));
	assert_int_equal(json_array_size(json_object_get(o, "translate")), 0);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "shape"), 0)), SIDE);
	json_decref(o);

	gm_error err = {0};
	float x[NUMEL];
	snprintf(path, sizeof path, "%s/00090-images", runs);
	gm_saved *s = gm_saved_open(path, NULL, &err);
	assert_non_null(s);
	assert_true(gm_saved_draw(s, &(gm_samples){.seed = 7, .n = 1}, x, &err));
	gm_saved_free(s);
	assert_int_equal(room("draw", "{\"slot\": 1, \"seq\": 5, \"seed\": 7}"), 200);
	assert_non_null(strstr(reply, "Gm-Shape: 1,8,8,1\r\n"));
	assert_int_equal(reply_size - (size_t)(body() - reply), NUMEL);
	for (int i = 0; i < NUMEL; i++) /* sums in another order, for another batch: 1 of 255 */
		assert_in_range((uint8_t)body()[i] + 1 - (int)((x[i] + 1) * 127.5f + .5f), 0, 2);
	assert_int_equal(room("draw", "{\"slot\": 1, \"seq\": 4, \"seed\": 7}"), 409);
	assert_int_equal(room("draw", "{\"slot\": 2, \"seq\": 4, \"seed\": 7, \"count\": 4}"), 200);
	static const struct {
		const char *what, *text, *word;
		int status;
	} bad[] = {
		{"draw", "{\"count\": 17}", "count", 400},
		{"draw", "{\"seed\": -1}", "seed", 400},
		{"draw", "{\"colour\": 1}", "colour", 400},
		{"draw", "{\"psi\": 1e9}", "psi", 400},
		{"draw", "{\"raw\": 3}", "raw", 400},
		{"draw", "{\"mix\": \"1 nose=3\"}", "nose", 422},
		{"draw", "{\"mix\": \"1 seed=3\", \"seed\": 3}", "terms", 422},
		{"animate", "{\"mix\": \"1 seed=3\", \"frames\": 65}", "frames", 400},
		{"animate", "{\"mix\": \"x\", \"to\": \"1 seed=3\"}", "term", 422},
		{"nearest", "{\"k\": 0}", "k is not", 400},
		{"nearest", "{\"by\": \"nose\"}", "pixels or features", 400},
		{"draw", "{\"checkpoint\": \"../00095/best.safetensors\"}", "no checkpoint", 422},
		{"draw", "{\"checkpoint\": \"options.json\"}", "no checkpoint", 422},
		{"draw", "{\"checkpoint\": \"none.safetensors\"}", "has no none.safetensors", 422},
		{"edit", "{\"script\": {}, \"checkpoint\": \"none.safetensors\"}", "has no none",
	         422},
		{"morph", "{\"checkpoint\": \"none.safetensors\"}", "has no none", 422},
		{"transfer", "{\"checkpoint\": \"none.safetensors\"}", "has no none", 422},
		{"inpaint", "{\"checkpoint\": \"none.safetensors\"}", "has no none", 422},
		{"example", "{\"checkpoint\": \"none.safetensors\"}", "has no none", 422},
		{"translate",
	         "{\"height\": 1, \"width\": 1, \"pixels\": \"AAAA\", \"checkpoint\": "
	         "\"none.safetensors\"}",
	         "has no none", 422},
		{"draw", "{\"checkpoint\": 3}", "not a name", 422},
		{"draw", "{\"caption\": \"red\"}", "does not read captions", 422},
		{"draw", "{\"caption\": \"red\", \"psi\": 0.5}", "not both", 422},
		{"draw", "{\"directions\": 65}", "directions", 400},
		{"directions", "{\"count\": 3}", "count", 400},
		{"fit", "{\"height\": 2, \"pixels\": \"\"}", "height", 400},
		{"fit", "{\"height\": 2049, \"width\": 1}", "height", 400},
		{"fit", "{\"height\": 2, \"width\": 1, \"pixels\": \"AAAA\"}", "6 bytes", 400},
		{"mask", "{\"name\": \"nose\"}", "nose", 422},
		{"transfer", "{\"from\": [1, 2], \"to\": [1, 2, 3]}", "from", 400},
		{"transfer", "{\"from\": [1, 2, 3], \"to\": [1, 2, \"3\"]}", "to is not", 400},
		{"transfer", "{\"between\": 1}", "between", 400},
		{"morph", "{\"pixels\": \"AAAA\"}", "pixels is not 64 bytes", 400},
		{"morph", "{\"frames\": 65}", "frames", 400},
		{"draw", "{\"codes\": \"nose=1\"}", "z:0..2", 422},
		{"draw", "{\"along\": \"99:1\"}", "from 0 to 2", 422},
		{"draw", "{\"class\": 1}", "class-conditional", 422},
		{"translate", "{\"height\": 1, \"width\": 1, \"pixels\": \"AAAA\"}", "translate",
	         409},
		{"translate", "{\"height\": 8, \"width\": 8, \"pixels\": \"\"}", "192 bytes", 400},
		{"translate", "{\"index\": -1}", "index", 400},
		{"translate", "{\"height\": 1025, \"width\": 8}", "height", 400},
		{"inpaint", "{\"pixels\": \"AAAA\", \"mask\": \"\"}", "64 bytes", 400},
		{"inpaint", "{\"options\": {\"starts\": 0}}", "option starts", 422},
		{"inpaint", "{\"options\": {\"nose\": 1}}", "nose", 422},
		{"inpaint", "{\"options\": {\"method\": \"complete\"}}", "complete", 409},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const int status = room(bad[i].what, bad[i].text);
		if (status != bad[i].status || !strstr(body(), bad[i].word))
			fail_msg("%s %s: %d, %s", bad[i].what, bad[i].text, status, body());
	}
	uint8_t shown[NUMEL];
	assert_int_equal(room("draw", "{\"seed\": 7}"), 200);
	memcpy(shown, body(), NUMEL);
	assert_int_equal(room("draw", "{\"mix\": \"2 seed=7; -1 seed=7\"}"), 200);
	for (int i = 0; i < NUMEL; i++) /* the same latents, but for rounding */
		assert_in_range((uint8_t)body()[i] + 1 - shown[i], 0, 2);
	assert_int_equal(
		room("animate", "{\"mix\": \"1 seed=7\", \"to\": \"1 seed=8\", \"frames\": 5}"),
		200);
	assert_memory_equal(body(), "RIFF", 4);
	assert_memory_equal(body() + 8, "WEBP", 4);
	/* another checkpoint is another image; the newest one by its name is the same */
	assert_int_equal(
		room("draw", "{\"seed\": 7, \"checkpoint\": \"checkpoint-000002.safetensors\"}"),
		200);
	assert_memory_equal(body(), shown, NUMEL);
	assert_int_equal(
		room("draw", "{\"seed\": 7, \"checkpoint\": \"checkpoint-000001.safetensors\"}"),
		200);
	assert_memory_not_equal(body(), shown, NUMEL);
	assert_int_equal(room("directions", "{}"), 200);
	assert_int_equal(room("draw", "{\"along\": \"0:1\"}"), 200);

	/* examples of the run's data, each another one */
	assert_int_equal(room("example", "{\"number\": 3}"), 200);
	assert_non_null(strstr(reply, "Gm-From: test split, which has no end\r\n"));
	memcpy(shown, body(), NUMEL);
	assert_int_equal(room("example", "{\"number\": 4}"), 200);
	assert_memory_not_equal(body(), shown, NUMEL);
	assert_int_equal(room("example", "{\"number\": -1}"), 400);
	coded(pixels, NUMEL, 'g');
	coded(mask, NUMEL, 'A'), memset(mask, '/', 40); /* 30 hidden pixels */
	coded(all, NUMEL, '/'), strcpy(all + NUMEL / 3 * 4, "/w==");
	int64_t job =
		begin_job(pixels, mask, "{\"starts\": 2, \"iterations\": 5, \"ways\": 2}", 202);
	job_ends(job, "done");
	assert_non_null(strstr(body(), "\"context\""));
	assert_non_null(strstr(body(), "\"psnr\""));
	snprintf(path, sizeof path, "/api/jobs/%d/result", (int)job);
	assert_int_equal(ask("GET", path, NULL), 200);
	assert_int_equal(reply_size - (size_t)(body() - reply), 2 * NUMEL);
	/* the nearest training examples; the nearest of one of them is itself */
	for (int again = 0; again < 2; again++) {
		char text[300];
		snprintf(text, sizeof text, "{\"pixels\": \"%s\", \"k\": 3}", pixels);
		assert_int_equal(room("nearest", text), 202);
		o = object();
		job = json_integer_value(json_object_get(o, "job"));
		json_decref(o);
		job_ends(job, "done");
		o = object();
		const json_t *near = json_object_get(json_object_get(o, "about"), "nearest");
		double before = -1;
		assert_int_equal(json_array_size(near), 3);
		for (size_t i = 0; i < 3; i++) {
			const double d =
				json_real_value(json_object_get(json_array_get(near, i), "rmse"));
			assert_true(d >= before);
			before = d;
			if (again && i == 0) /* its bytes are rounded */
				assert_true(d < .004);
		}
		json_decref(o);
		snprintf(path, sizeof path, "/api/jobs/%d/result", (int)job);
		assert_int_equal(ask("GET", path, NULL), 200);
		assert_int_equal(reply_size - (size_t)(body() - reply), 3 * NUMEL);
		base64_encode_raw(pixels, NUMEL, (const uint8_t *)body());
		pixels[BASE64_ENCODE_RAW_LENGTH(NUMEL)] = 0;
	}
	coded(pixels, NUMEL, 'g');
	/* completions so far are shown, and a cancelled job keeps them */
	job = begin_job(pixels, mask, "{\"starts\": 2, \"iterations\": 100000}", 202);
	snprintf(path, sizeof path, "/api/jobs/%d", (int)job);
	for (int version = 0; !version;) {
		assert_int_equal(ask("GET", path, NULL), 200);
		o = object();
		version = (int)json_integer_value(json_object_get(o, "version"));
		json_decref(o);
	}
	assert_int_equal(ask("DELETE", path, NULL), 202);
	job_ends(job, "cancelled");
	assert_non_null(strstr(body(), "\"context\""));
	snprintf(path, sizeof path, "/api/jobs/%d/result", (int)job);
	assert_int_equal(ask("GET", path, NULL), 200);
	assert_int_equal(reply_size - (size_t)(body() - reply), NUMEL);
	/* what was asked for, for a page that comes back */
	snprintf(path, sizeof path, "/api/jobs/%d/input", (int)job);
	assert_int_equal(ask("GET", path, NULL), 200);
	assert_int_equal(reply_size - (size_t)(body() - reply), 2 * NUMEL);
	for (int i = 0; i < NUMEL; i++) { /* of "gggg", and 0 at the end */
		assert_int_equal((uint8_t)body()[i], i < 63 ? "\x82\x08\x20"[i % 3] & 255 : 0);
		assert_int_equal((uint8_t)body()[NUMEL + i], i < 30 ? 255 : 0);
	}
	assert_int_equal(room("mask", "{\"name\": \"middle\"}"), 200);
	assert_non_null(strstr(reply, "Gm-Shape: 1,8,8,1\r\n"));
	for (int i = 0; i < NUMEL; i++)
		assert_int_equal((uint8_t)body()[i],
		                 i / 8 >= 2 && i / 8 < 6 && i % 8 >= 2 && i % 8 < 6 ? 255 : 0);
	job = begin_job(pixels, all, "{\"iterations\": 5}", 202);
	job_ends(job, "failed");
	assert_non_null(strstr(body(), "all is hidden"));
	int64_t last = begin_job(pixels, mask, "{\"iterations\": 100000}", 202);
	int refused = 0;
	for (int i = 0; i < 20 && !refused; i++) {
		char text[2000];
		snprintf(text, sizeof text,
		         "{\"pixels\": \"%s\", \"mask\": \"%s\", \"options\": {\"iterations\": "
		         "100000}}",
		         pixels, mask);
		refused = room("inpaint", text) == 429 ? i : 0;
	}
	assert_in_range(refused, 15, 17);
	/* one that waits says for which */
	snprintf(path, sizeof path, "/api/jobs/%d", (int)last + 1);
	assert_int_equal(ask("GET", path, NULL), 200);
	o = object();
	const json_t *other = json_object_get(o, "waits_for");
	assert_int_equal(json_integer_value(json_object_get(other, "number")), last);
	assert_string_equal(json_string_value(json_object_get(other, "kind")), "inpaint");
	json_decref(o);
	const double began = gm_seconds();
	for (int64_t k = last; k < last + 20; k++) {
		snprintf(path, sizeof path, "/api/jobs/%d", (int)k);
		assert_in_range(ask("DELETE", path, NULL), 202, 404);
	}
	job_ends(last, "cancelled");
	assert_true(gm_seconds() - began < 5);
	assert_int_equal(ask("GET", "/api/jobs/999999", NULL), 404);
	assert_int_equal(ask("GET", "/api/jobs/999999/input", NULL), 404);

	assert_int_equal(room("edit",
	                      "{\"script\": {\"strokes\": [{\"tool\": \"sketch\", \"points\": "
	                      "[[1, 1], [5, 5]]}]}, \"options\": {\"starts\": 2, "
	                      "\"iterations\": 3}}"),
	                 202);
	o = object();
	job = json_integer_value(json_object_get(o, "job"));
	json_decref(o);
	job_ends(job, "done");
	assert_non_null(strstr(body(), "\"candidates\""));
	assert_int_equal(room("edit", "{\"script\": {\"strokes\": [{\"tool\": \"nose\"}]}}"), 202);
	o = object();
	job = json_integer_value(json_object_get(o, "job"));
	json_decref(o);
	job_ends(job, "failed");
	assert_non_null(strstr(body(), "stroke 1: its tool"));
	/* an edit from latents, and its transfer to a photo: none from where it began */
	assert_int_equal(
		room("edit",
	             "{\"raw\": true, \"script\": {\"from\": [0.5, -0.25, 1], \"strokes\": []}, "
	             "\"options\": {\"starts\": 2, \"iterations\": 1}}"),
		202);
	o = object();
	job = json_integer_value(json_object_get(o, "job"));
	json_decref(o);
	job_ends(job, "done");
	assert_non_null(strstr(body(), "\"from\":[0.5,-0.25,1.0]"));
	assert_int_equal(room("fit", "{\"height\": 1, \"width\": 2, \"pixels\": \"AAAA////\"}"),
	                 200);
	assert_non_null(strstr(reply, "Gm-Shape: 1,8,8,1\r\n"));
	for (int same = 0; same < 2; same++) {
		char text[300];
		snprintf(text, sizeof text,
		         "{\"from\": [0.5, -0.25, 1], \"to\": [%s, -0.25, 1], \"between\": 3, "
		         "\"height\": 1, \"width\": 2, \"pixels\": \"AAAAZGRk\"}",
		         same ? "0.5" : "-0.9");
		assert_int_equal(room("transfer", text), 202);
		o = object();
		job = json_integer_value(json_object_get(o, "job"));
		json_decref(o);
		job_ends(job, "done");
		snprintf(path, sizeof path, "/api/jobs/%d/result", (int)job);
		assert_int_equal(ask("GET", path, NULL), 200);
		assert_int_equal(reply_size - (size_t)(body() - reply), 6);
		if (same)
			assert_memory_equal(body(), "\0\0\0ddd", 6);
	}
	/* photo | frames | photo */
	char both[500];
	snprintf(both, sizeof both, "{\"pixels\": \"%s\", \"second\": \"%s\", \"frames\": 3}",
	         pixels, all);
	assert_int_equal(room("morph", both), 202);
	o = object();
	job = json_integer_value(json_object_get(o, "job"));
	json_decref(o);
	job_ends(job, "done");
	assert_non_null(strstr(body(), "\"rmse\":["));
	snprintf(path, sizeof path, "/api/jobs/%d/result", (int)job);
	assert_int_equal(ask("GET", path, NULL), 200);
	assert_int_equal(reply_size - (size_t)(body() - reply), 5 * NUMEL);
	for (int i = 0; i < NUMEL; i++)
		assert_int_equal((uint8_t)body()[4 * NUMEL + i], 255);
	assert_memory_not_equal(body() + NUMEL, body() + 3 * NUMEL, NUMEL);
	assert_int_equal(room("edit", "{\"script\": 3}"), 400);
	assert_int_equal(room("edit", "{\"script\": {}, \"options\": {\"starts\": 999}}"), 422);
	assert_int_equal(room("edit", "{\"script\": {}, \"pixels\": \"AAAA\"}"), 400);

	char *big = malloc((7 << 20) + 1);
	memset(big, ' ', 7 << 20), big[7 << 20] = 0;
	assert_int_equal(room("inpaint", big), 413);
	big[100 << 10] = 0;
	assert_int_equal(room("draw", big), 413);
	free(big);
	/* a checkpoint that is a link to another run's */
	snprintf(path, sizeof path,
	         "mkdir '%s/00091-link' && cp '%s/00090-images/options.json' '%s/00091-link' && ln "
	         "-s "
	         "../00090-images/checkpoint-000002.safetensors '%s/00091-link/'",
	         runs, runs, runs, runs);
	assert_int_equal(system(path), 0);
	assert_int_equal(ask("GET", "/api/runs/00091-link/net", NULL), 422);
	assert_non_null(strstr(body(), "not a regular file"));
}

/* Attributes are those of each call; a call without, or with a caption that the run does not read,
 * is refused. */
static void translations(void **state)
{
	(void)state;
	enum { WIDE = 16, BYTES = 3 * WIDE * WIDE };
	char path[2 * PATH_MAX], pixels[BYTES / 3 * 4 + 1], text[3000];
	uint8_t made[3][BYTES];
	snprintf(path, sizeof path,
	         "'%s' train stargan --data shapes --size 16 --width 2 --blocks 1 --batch 2 "
	         "--steps 1 "
	         "--outdir '%s/made' > '%s/log' 2>&1 && mv '%s/made/00000-stargan-shapes' "
	         "'%s/00092-attributes' && rmdir '%s/made'",
	         program, runs, scratch, runs, runs, runs);
	assert_int_equal(system(path), 0);
	assert_int_equal(ask("GET", "/api/runs/00092-attributes/net", NULL), 200);
	assert_non_null(strstr(body(), "\"attributes\":\"label=0.."));
	coded(pixels, BYTES, 'g');
	static const struct {
		const char *more, *word;
		int status;
	} calls[] = {
		{", \"to\": \"label=0\"", "", 200},
		{"", "ATTRIBUTE=VALUE; this run has label=0..", 422},
		{", \"to\": \"label=1\"", "", 200},
		{", \"to\": \"nose=1\"", "ATTRIBUTE=VALUE", 422},
		{", \"to\": \"label=0\"", "", 200},
		{", \"to\": \"label=0\", \"caption\": \"red\"", "does not read captions", 422},
		{", \"to\": \"label=0\", \"caption\": 3", "caption is not", 400},
	};
	for (size_t i = 0, k = 0; i < sizeof calls / sizeof *calls; i++) {
		snprintf(text, sizeof text, "{\"height\": 16, \"width\": 16, \"pixels\": \"%s\"%s}",
		         pixels, calls[i].more);
		const int status = ask("POST", "/api/runs/00092-attributes/translate", text);
		if (status != calls[i].status || !strstr(body(), calls[i].word))
			fail_msg("%s: %d, %s", calls[i].more, status, body());
		if (status == 200)
			memcpy(made[k++], body(), BYTES);
	}
	assert_memory_not_equal(made[0], made[1], BYTES);
	assert_memory_equal(made[0], made[2], BYTES);
}

#endif
