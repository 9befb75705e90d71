/* SPDX-License-Identifier: MIT
 *
 * nn/video.c -- the nets of Mathieu, Couprie & LeCun, ICLR 2016, arXiv:1511.05440, sections 2.2 and
 * 2.3, with the widths of the authors' code (get_model.lua), and their loss of gradients.
 */
#include "nn/net.h"

enum { SCALES = GM_FRAMES_SCALES, CONVS = 6 };

/* Scale number 0 has images of 1/8 of the size, 3 the images themselves. Channels are multiples of
 * an option. */
static const struct {
	int g[CONVS], g_width[CONVS]; /* kernels; width 0: the last layer */
	int d[4], d_width[4];         /* kernels, 0 after the last */
	bool pool;                    /* D: maxima of 2x2 after the convolutions */
} scale[SCALES] = {
	{{3, 3, 3, 3}, {1, 2, 1, 0}, {3}, {1}, false},
	{{5, 3, 3, 5}, {1, 2, 1, 0}, {3, 3, 3}, {1, 1, 2}, false},
	{{5, 3, 3, 3, 3, 5}, {1, 2, 4, 2, 1, 0}, {5, 5, 5}, {1, 1, 2}, false},
	{{7, 5, 5, 5, 5, 7}, {1, 2, 4, 2, 1, 0}, {7, 7, 5, 5}, {1, 1, 2, 4}, true},
};

gm_node *gm_frames_at(const gm_frames *p, gm_node *x, int k)
{
	const int by = 1 << (p->scales - 1 - k);
	return by > 1 ? gm_avg_pool(x, (gm_pool_options){.kernel = {by, by}}) : x;
}

int64_t gm_frames_least(const gm_frames *p)
{
	int64_t most = 1;
	for (int k = 0; k < p->scales; k++) {
		const int row = SCALES - p->scales + k, by = 1 << (p->scales - 1 - k);
		int64_t side = scale[row].pool ? 2 : 1;
		for (int i = 0; i < 4 && scale[row].d[i]; i++)
			side += scale[row].d[i] - 1;
		most = side * by > most ? side * by : most;
	}
	return most;
}

void gm_frames_predict(const gm_frames *p, gm_net *G, gm_node *past, gm_node **y)
{
	for (int k = 0; k < p->scales; k++) {
		const int row = SCALES - p->scales + k;
		gm_node *x = gm_frames_at(p, past, k),
			*below = k ? gm_upsample_nearest(y[k - 1], 2) : NULL;
		gm_node *h = below ? GM_CONCAT(1, x, below) : x;
		for (int i = 0; i < CONVS && scale[row].g[i]; i++) {
			const int width = scale[row].g_width[i], kernel = scale[row].g[i];
			h = gm_conv(G, gm_net_key(G, "%d/%d", row, i), i ? gm_relu(h) : h,
			            .out = width ? width * p->width : p->channels, .kernel = kernel,
			            .pad = kernel / 2);
		}
		y[k] = gm_tanh(below ? gm_add(h, below) : h);
	}
}

gm_node *gm_frames_logits(const gm_frames *p, gm_net *D, gm_node *past, gm_node *const *next)
{
	gm_node *logit[SCALES];
	for (int k = 0; k < p->scales; k++) {
		const int row = SCALES - p->scales + k;
		gm_node *h = GM_CONCAT(1, gm_frames_at(p, past, k), next[k]);
		for (int i = 0; i < 4 && scale[row].d[i]; i++)
			h = gm_relu(gm_conv(D, gm_net_key(D, "%d/%d", row, i), h,
			                    .out = scale[row].d_width[i] * p->width_d,
			                    .kernel = scale[row].d[i]));
		if (scale[row].pool)
			h = gm_max_pool(h, (gm_pool_options){.kernel = {2, 2}});
		h = gm_relu(gm_linear(D, gm_net_key(D, "%d/fc1", row), h, .out = 8 * p->width_d));
		h = gm_relu(gm_linear(D, gm_net_key(D, "%d/fc2", row), h, .out = 4 * p->width_d));
		logit[k] = gm_linear(D, gm_net_key(D, "%d/logit", row), h, .out = 1);
	}
	return gm_concat(logit, p->scales, 1);
}

/* |x[i] - x[i - 1]| along an axis */
static gm_node *slope(gm_node *x, int axis)
{
	const int64_t n = gm_node_shape(x).dim[axis];
	return gm_abs(gm_sub(gm_narrow(x, axis, 1, n - 1), gm_narrow(x, axis, 0, n - 1)));
}

gm_node *gm_gradient_difference(gm_node *x, gm_node *y)
{
	return gm_add(gm_absolute_error(slope(x, 2), slope(y, 2)),
	              gm_absolute_error(slope(x, 3), slope(y, 3)));
}
