/* SPDX-License-Identifier: MIT
 *
 * test_wavenet.c -- WaveNet: the mu-law, causality and the receptive field, generation with cached
 * activations, likelihoods of recordings of different lengths, and conditions.
 */
#include "ganymede/data.h"
#include "ganymede/nn.h"
#include "runs.h"

#include <math.h>
#include <sndfile.h>

enum { T = 64, BATCH = 8, LEVELS = 256 };
#define SMALL                                                                                      \
	"data=tones", "batch=8", "steps=3", "layers=3", "stacks=2", "width=8", "skip=8",           \
		"sample-every=1000", "grid=1x1", "metrics="
enum { FIELD = 2 + 2 * 7 }; /* of these stacks */

/* ---- the mu-law ------------------------------------------------------------------------------ */

/* Levels of amplitudes, and the amplitudes of levels. */
static void the_mu_law_goes_round(void **state)
{
	(void)state;
	static const float amplitude[] = {-1,      1,    .6f, -.25f, .01f, .33f,
	                                  -.9999f, .42f, .1f, -.45f, 0,    -2};
	static const int level[] = {0, 255, 243, 32, 157, 230, 0, 235, 203, 18, 128, 0};
	enum { N = sizeof level / sizeof *level };
	gm_graph *g = gm_graph_new(NULL);
	gm_node *x = gm_input(g, "x", GM_SHAPE(N), GM_F32), *all = gm_iota(g, LEVELS);
	gm_node *q = gm_levels(gm_mu_law(x, 255), LEVELS);
	gm_node *y = gm_add_c(gm_mul_c(gm_cast(all, GM_F32), 2. / 255), -1);
	gm_node *decoded = gm_mu_law_inverse(y, 255);
	gm_node *again = gm_levels(gm_mu_law(decoded, 255), LEVELS);
	gm_step *s = gm_compile(g, q, decoded, again);
	assert_non_null(s);
	gm_set_f32(x, amplitude, N);
	gm_step_run(s);
	float got[N], back[LEVELS], value[LEVELS];
	gm_step_read(s, q, got, N);
	gm_step_read(s, again, back, LEVELS);
	gm_step_read(s, decoded, value, LEVELS);
	for (int i = 0; i < N; i++)
		assert_int_equal((int)got[i], level[i]);
	for (int i = 0; i < LEVELS; i++)
		assert_int_equal((int)back[i], i);
	/* silence is level 128, which is not quite silent: (256^(1/255) - 1) / 255 */
	assert_true(fabs(value[128] - (pow(256, 1. / 255) - 1) / 255) < 1e-8);
	assert_true(fabs(value[0] + 1) < 1e-6 && fabs(value[255] - 1) < 1e-6);
	gm_graph_free(g);
}

/* ---- what is seen ---------------------------------------------------------------------------- */

/* Logits of sample t depend on samples t - FIELD to t - 1, on both ends of this window, and on no
 * others. */
static void the_receptive_field_is_all_that_is_seen(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("wavenet", SMALL, "sound-length=64");
	static float x[BATCH][T], clean[BATCH][T][LEVELS], y[BATCH][T][LEVELS];
	bool oldest = false, newest = false;
	for (int i = 0; i < BATCH; i++)
		for (int t = 0; t < T; t++)
			x[i][t] = .4f * (float)sin(.3 * t);
	must(gm_saved_run(s, "pixels", (const void *[]){x}, 0, 0, clean[0][0], &err), &err);
	for (int first = 0; first < T; first += BATCH) {
		for (int i = 0; i < BATCH; i++)
			x[i][first + i] = x[i][first + i] > 0 ? -.7f : .7f;
		must(gm_saved_run(s, "pixels", (const void *[]){x}, 0, 0, y[0][0], &err), &err);
		for (int i = 0; i < BATCH; i++) {
			const int changed = first + i;
			x[i][changed] = .4f * (float)sin(.3 * changed);
			for (int t = 0; t < T; t++) {
				const bool same = !memcmp(y[i][t], clean[i][t], sizeof y[i][t]);
				if (!same && (t <= changed || t > changed + FIELD))
					fail_msg("sample %d sees sample %d", t, changed);
				newest = newest || (!same && t == changed + 1);
				oldest = oldest || (!same && t == changed + FIELD);
			}
		}
	}
	assert_true(newest && oldest);
	gm_saved_free(s);
}

/* ---- generation ------------------------------------------------------------------------------ */

/* Two trainings that differ only in how they generate have the same weights and generate the same,
 * also after another sound that left its activations in the caches. */
static void cached_activations_give_the_same_sounds(void **state)
{
	(void)state;
	gm_error err = {0};
	enum { N = 6 }; /* more than a batch */
	const gm_saved_options four = {.batch = 4, .exact = true};
	gm_saved *s = TRAINED_AS("wavenet", &four, SMALL, "sound-length=64", "conditional=yes"),
		 *slowly = TRAINED_AS("wavenet", &four, SMALL, "sound-length=64", "conditional=yes",
	                              "cached=no");
	static float fast[N][T], slow[N][T], other[N][T];
	const int32_t label[N] = {0, 1, 2, 7, 6, 0};
	for (uint64_t seed = 5; seed < 8; seed++) {
		const gm_samples d = {.seed = seed, .n = N, .label = label};
		must(gm_saved_draw(s, &d, fast[0], &err) &&
		             gm_saved_draw(slowly, &d, slow[0], &err),
		     &err);
		assert_memory_equal(fast, slow, sizeof fast);
		assert_memory_not_equal(fast, other, sizeof fast);
		memcpy(other, fast, sizeof fast);
	}
	/* of a sound whose second half is hidden the first one stays, at its levels */
	uint8_t hidden[T] = {0};
	memset(hidden + T / 2, 1, T / 2);
	const gm_saved_hole hole = {.seed = 9, .n = N, .label = label, .hidden = hidden};
	memcpy(slow, fast, sizeof fast);
	must(gm_saved_complete(s, &hole, fast[0], &err) &&
	             gm_saved_complete(slowly, &hole, slow[0], &err),
	     &err);
	assert_memory_equal(fast, slow, sizeof fast);
	for (int i = 0; i < N; i++) {
		assert_true(fabsf(fast[i][3] - other[i][3]) < 1e-6);
		assert_memory_not_equal(fast[i] + T / 2, other[i] + T / 2, T / 2 * sizeof(float));
	}
	gm_saved_free(s);
	gm_saved_free(slowly);
}

/* At a low temperature nearly every sample is the most probable one given those before. */
static void a_low_temperature_takes_the_most_probable(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("wavenet", SMALL, "sound-length=64", "temperature=.01", "steps=30",
	                      "lr=.01", "ema=0");
	static float x[BATCH][T], y[BATCH][T][LEVELS];
	int best = 0;
	must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = BATCH}, x[0], &err), &err);
	must(gm_saved_run(s, "pixels", (const void *[]){x}, 0, 0, y[0][0], &err), &err);
	for (int i = 0; i < BATCH; i++)
		for (int t = 0; t < T; t++) {
			const double v = x[i][t], size = log1p(255 * fabs(v)) / log(256);
			const int level = (int)floor((copysign(size, v) + 1) / 2 * 255 + .5);
			int top = 0;
			for (int k = 1; k < LEVELS; k++)
				top = y[i][t][k] > y[i][t][top] ? k : top;
			best += level == top;
		}
	/* logits within .01 times some Gumbel noise of the largest may be drawn too */
	if (best < BATCH * T / 2)
		fail_msg("%d of %d", best, BATCH * T);
	gm_saved_free(s);
}

/* ---- likelihoods ----------------------------------------------------------------------------- */

/* A folder of recordings DIGIT_SPEAKER_TAKE.wav: a tone of the digit's frequency and the speaker's
 * amplitude, of 40 or 64 samples. */
static void put_recordings(void)
{
	for (int digit = 0; digit < 2; digit++)
		for (int speaker = 0; speaker < 3; speaker++)
			for (int take = 0; take < 4; take++) {
				char name[64];
				float x[T];
				const int n = take % 2 ? 40 : T;
				for (int t = 0; t < n; t++)
					x[t] = (float)((.1 + .3 * speaker) *
					               sin((digit ? .9 : .2) * t + take));
				snprintf(name, sizeof name, "said/%d_s%d_%d.wav", digit, speaker,
				         take);
				SF_INFO info = {.samplerate = 8000,
				                .channels = 1,
				                .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
				SNDFILE *f = sf_open(scratch_place(name), SFM_WRITE, &info);
				assert_non_null(f);
				assert_int_equal(sf_writef_float(f, x, n), n);
				sf_close(f);
			}
}

#define SAID                                                                                       \
	"sound-length=64", "label-pattern={digit}_{speaker}_{take}", "label-column=digit",         \
		"conditional=yes", "with=speaker"

/* "log-likelihood" is the sum of the log probabilities that "pixels" gives, over the recording
 * itself and not over the silence after it. */
static void likelihoods_are_those_of_the_recording(void **state)
{
	(void)state;
	char data[PATH_MAX + 8];
	gm_error err = {0};
	put_recordings();
	snprintf(data, sizeof data, "data=%s", scratch_path("said"));
	gm_saved *s = TRAINED("wavenet", SMALL, SAID, data);
	static float x[BATCH][T], nats[BATCH], y[BATCH][T][LEVELS];
	int32_t length[BATCH], label[BATCH], speaker[BATCH];
	int shorter = 0;
	gm_dataset *d = gm_data_open(scratch_path("said"),
	                             &(gm_data_options){.sound_length = T,
	                                                .label_pattern = "{digit}_{speaker}_{take}",
	                                                .label_column = "digit"},
	                             &err);
	must(d && gm_data_batch(d, 3, 0, BATCH, x[0], label, &err) &&
	             gm_data_read(d, gm_data_field(d, "samples"), 3, 0, BATCH, length, &err) &&
	             gm_data_read(d, gm_data_field(d, "speaker"), 3, 0, BATCH, speaker, &err),
	     &err);
	must(gm_saved_run(s, "log-likelihood", (const void *[]){x, length, label, speaker}, 0, 0,
	                  nats, &err) &&
	             gm_saved_run(s, "pixels", (const void *[]){x, label, speaker}, 0, 0, y[0][0],
	                          &err),
	     &err);
	for (int i = 0; i < BATCH; i++) {
		double sum = 0;
		shorter += length[i] == 40;
		assert_true(length[i] == 40 || length[i] == T);
		for (int t = 0; t < length[i]; t++) {
			double all = 0;
			const double v = x[i][t], size = log1p(255 * fabs(v)) / log(256);
			const int level = (int)floor((copysign(size, v) + 1) / 2 * 255 + .5);
			for (int k = 0; k < LEVELS; k++)
				all += exp(y[i][t][k]);
			sum += y[i][t][level] - log(all);
		}
		/* 64 logarithms of about 5.5, each good to some ulps of a float */
		if (fabs(sum - nats[i]) > 1e-3)
			fail_msg("%g and %g", sum, nats[i]);
	}
	assert_in_range(shorter, 1, BATCH - 1);
	/* samples draw the speaker: an input that a caller may give */
	gm_port port[4];
	assert_int_equal(gm_saved_ports(s, "generate", port, 4), 2);
	assert_true(port[1].kind == GM_PORT_LATENT && port[1].latent == GM_LATENT_ONE_HOT);
	assert_int_equal(port[1].shape.dim[1], 3);
	gm_data_close(d);
	gm_saved_free(s);
}

/* Nats of tones under their own note and under another, after a little training. */
static void the_note_tells_something(void **state)
{
	(void)state;
	gm_error err = {0};
	enum { N = 256 };
	gm_saved *s = TRAINED("wavenet", "data=tones", "batch=8", "steps=150", "layers=5",
	                      "stacks=1", "width=16", "skip=32", "sample-every=1000", "grid=1x1",
	                      "metrics=", "sound-length=256", "conditional=yes", "lr=5e-3");
	gm_dataset *d = gm_data_open("tones", &(gm_data_options){.sound_length = N}, &err);
	static float x[BATCH][N], right[BATCH], wrong[BATCH];
	int32_t label[BATCH], length[BATCH];
	double own = 0, other = 0;
	must(d && gm_data_batch(d, 77, 0, BATCH, x[0], label, &err), &err);
	for (int i = 0; i < BATCH; i++)
		length[i] = N;
	must(gm_saved_run(s, "log-likelihood", (const void *[]){x, length, label}, 1, 0, right,
	                  &err),
	     &err);
	for (int i = 0; i < BATCH; i++)
		label[i] = (label[i] + 4) % 8;
	must(gm_saved_run(s, "log-likelihood", (const void *[]){x, length, label}, 1, 0, wrong,
	                  &err),
	     &err);
	for (int i = 0; i < BATCH; i++)
		own -= right[i] / BATCH / N / M_LN2, other -= wrong[i] / BATCH / N / M_LN2;
	if (own > 6 || other - own < .05)
		fail_msg("%.3f bits per sample under its own note, %.3f under another", own, other);
	gm_data_close(d);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mu_law_goes_round),
		cmocka_unit_test(the_receptive_field_is_all_that_is_seen),
		cmocka_unit_test(cached_activations_give_the_same_sounds),
		cmocka_unit_test(a_low_temperature_takes_the_most_probable),
		cmocka_unit_test(likelihoods_are_those_of_the_recording),
		cmocka_unit_test(the_note_tells_something),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
