/* SPDX-License-Identifier: MIT
 *
 * tones.c -- notes of a plucked string: the smallest set of sounds, for models of sound. */
#include "data/source.h"

#include <math.h>

enum { NOTES = 8, RATE = 8000, HARMONICS = 3 };

static const char *const names[NOTES] = {"C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5"};
/* Semitones from A4, 440 Hz. */
static const int semitones[NOTES] = {-9, -7, -5, -4, -2, 0, 2, 3};

/* A fundamental and two harmonics of half and a quarter of its amplitude, at random phases, that
 * decay by 1/e within .05 to .2 seconds. */
static void draw(gm_draw *d)
{
	const int note = (int)gm_rng_below(&d->rng, NOTES);
	const double step = 2 * M_PI * 440 * exp2(semitones[note] / 12.) / RATE;
	const double loud = .25 + .25 * gm_rng_uniform(&d->rng),
		     decay = RATE * (.05 + .15 * gm_rng_uniform(&d->rng));
	double phase[HARMONICS];
	for (int h = 0; h < HARMONICS; h++)
		phase[h] = 2 * M_PI * gm_rng_uniform(&d->rng);
	d->label = note;
	for (int t = 0; d->x && t < d->size; t++) {
		double x = 0;
		for (int h = 0; h < HARMONICS; h++)
			x += sin(step * (h + 1) * t + phase[h]) / (1 << h);
		d->x[t] = (float)(loud * exp(-t / decay) * x);
	}
}

const gm_source gm_source_tones = {
	.name = "tones",
	.about = "sounds: one of eight notes of a plucked string, 8000 Hz, of any length (1024)",
	.rank = 3,
	.size = 1024,
	.channels = 1,
	.rate = RATE,
	.classes = NOTES,
	.class_names = names,
	.version = 1,
	.draw = draw,
};
