/* SPDX-License-Identifier: MIT
 *
 * fuzz_picture.c -- pictures from memory, their EXIF data, and the frames of animations. */
#include "ganymede/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_image_facts facts;
	gm_image *im = gm_image_read_memory("picture", bytes, n, &facts, &err);
	if (im) {
		volatile uint8_t sum = 0;
		for (int64_t i = 0; i < (int64_t)im->width * im->height * im->channels; i++)
			sum = (uint8_t)(sum + im->pixel[i]);
		const bool turned = facts.orientation > 4;
		if (im->width != (turned ? facts.height : facts.width) || !facts.format)
			__builtin_trap();
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_image_free(im);
	int frames;
	gm_image **film = gm_image_read_frames("picture", bytes, n, &frames, &err);
	for (int i = 0; film && i < frames; i++)
		if (film[i]->width < 1 || film[i]->height < 1)
			__builtin_trap();
	if (film && frames < 1)
		__builtin_trap();
	gm_image_frames_free(film, frames);
	return 0;
}
