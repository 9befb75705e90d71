/* SPDX-License-Identifier: MIT
 *
 * fuzz_png.c -- PNG pictures from memory. */
#include "ganymede/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_image *im = gm_png_read_memory(bytes, n, &err);
	if (im) {
		volatile uint8_t sum = 0;
		for (int i = 0; i < im->width * im->height * im->channels; i++)
			sum = (uint8_t)(sum + im->pixel[i]);
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_image_free(im);
	return 0;
}
