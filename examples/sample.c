/* SPDX-License-Identifier: MIT
 *
 * sample.c RUN -- 64 samples of a trained run, as samples.png.
 *
 *	cc sample.c $(pkg-config --cflags --libs ganymede) -o sample
 */
#include <ganymede/ganymede.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	gm_error err = {0};
	gm_saved *s = gm_saved_open(argc > 1 ? argv[1] : "runs", NULL, &err);
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	float *x = f ? malloc(64 * f->numel * sizeof *x) : NULL;
	gm_image *im = NULL;
	if (x && gm_saved_draw(s, &(gm_samples){.seed = 1, .n = 64}, x, &err))
		im = gm_image_grid(x,
		                   &(gm_grid){.n = 64,
		                              .channels = f->channels,
		                              .height = f->height,
		                              .width = f->width},
		                   &err);
	bool ok = im && gm_image_write("samples.png", im, &err);
	if (!ok)
		fprintf(stderr, "%s\n", err.message);
	gm_image_free(im);
	free(x);
	gm_saved_free(s);
	return !ok;
}
