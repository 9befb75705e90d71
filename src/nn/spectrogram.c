/* SPDX-License-Identifier: MIT
 *
 * nn/spectrogram.c -- sounds as images that nets read. See nn.h.
 */
#include "nn/net.h"

#include <math.h>
#include <stdlib.h>

/* [window,1,1,window]: the real parts of bins 1 .. window/2, then the imaginary ones, times Hann's
 * window; a sine of amplitude 1 at a bin's frequency has magnitude 1. */
static gm_node *kernels(gm_graph *g, int window)
{
	double *w = malloc((size_t)window * (size_t)window * sizeof *w);
	if (!w)
		return gm_graph_no_memory(g);
	for (int k = 0; k < window; k++)
		for (int t = 0; t < window; t++) {
			const double angle = 2 * M_PI * (k % (window / 2) + 1) * t / window,
				     hann = .5 - .5 * cos(2 * M_PI * t / window);
			w[k * window + t] =
				(k < window / 2 ? cos(angle) : sin(angle)) * hann * 4 / window;
		}
	gm_node *y = gm_array(g, w, GM_SHAPE(window, 1, 1, window), GM_F32);
	free(w);
	return y;
}

gm_node *gm_spectrogram(gm_node *x, int window, int hop)
{
	const int64_t m = gm_node_shape(x).dim[0], bins = window / 2;
	gm_node *y = gm_conv2d(x, kernels(gm_node_graph(x), window),
	                       (gm_conv_options){.stride = {1, hop}});
	gm_node *power =
		gm_add(gm_square(gm_narrow(y, 1, 0, bins)), gm_square(gm_narrow(y, 1, bins, bins)));
	/* -80 dB, or less, to 0 dB as -1 to 1 */
	y = gm_add_c(gm_mul_c(gm_log(gm_add_c(power, 1e-8)), 10 / M_LN10 / 40), 1);
	return gm_reshape(y, GM_SHAPE(m, 1, bins, gm_node_shape(y).dim[3]));
}
