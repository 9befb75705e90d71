/* SPDX-License-Identifier: MIT
 *
 * nn/video.c -- the nets of Mathieu, Couprie & LeCun, ICLR 2016, arXiv:1511.05440, sections 2.2 and
 * 2.3, with the widths of the authors' code (get_model.lua), and their loss of gradients; and
 * those of Luc et al., ICCV 2017, arXiv:1703.07684, which have two of these scales.
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

/* The row of the nets of scale k. Those of Luc et al. (utils/model.lua) have the layers of the
 * first two. */
static int row_of(const gm_frames *p, int k)
{
	return (p->maps ? 2 : SCALES) - p->scales + k;
}

gm_node *gm_frames_of(gm_node *v, int64_t first, int64_t n)
{
	const gm_shape s = gm_node_shape(v);
	return gm_reshape(gm_narrow(v, 1, first, n),
	                  GM_SHAPE(s.dim[0], n * s.dim[2], s.dim[3], s.dim[4]));
}

gm_node *gm_frames_at(const gm_frames *p, gm_node *x, int k)
{
	const int by = 1 << (p->scales - 1 - k);
	return by > 1 ? gm_avg_pool(x, (gm_pool_options){.kernel = {by, by}}) : x;
}

int64_t gm_frames_least(const gm_frames *p)
{
	int64_t most = 1;
	for (int k = 0; k < p->scales; k++) {
		const int row = row_of(p, k), by = 1 << (p->scales - 1 - k);
		int64_t side = scale[row].pool ? 2 : 1;
		for (int i = 0; i < 4 && scale[row].d[i]; i++)
			side += scale[row].d[i] - 1;
		most = side * by > most ? side * by : most;
	}
	return most;
}

/* Scores [m, n classes, H, W] to 2 softmax - 1 over each group of classes. */
static gm_node *probabilities(gm_node *scores, int64_t classes)
{
	const gm_shape s = gm_node_shape(scores),
		       each = GM_SHAPE(s.dim[0], s.dim[1] / classes, classes, s.dim[2], s.dim[3]);
	gm_node *p = gm_softmax(gm_reshape(scores, each), 2);
	return gm_reshape(gm_add_c(gm_mul_c(p, 2), -1), s);
}

void gm_frames_predict(const gm_frames *p, gm_net *G, gm_node *past, gm_node **y)
{
	for (int k = 0; k < p->scales; k++) {
		const int row = row_of(p, k);
		gm_node *x = gm_frames_at(p, past, k),
			*below = k ? gm_upsample_nearest(y[k - 1], 2) : NULL;
		gm_node *h = below ? GM_CONCAT(1, x, below) : x;
		for (int i = 0; i < CONVS && scale[row].g[i]; i++) {
			const int width = scale[row].g_width[i], kernel = scale[row].g[i];
			h = gm_conv(G, gm_net_key(G, "%d/%d", row, i), i ? gm_relu(h) : h,
			            .out = width ? width * p->width : p->channels, .kernel = kernel,
			            .pad = kernel / 2);
		}
		h = below ? gm_add(h, below) : h;
		y[k] = p->maps ? h : gm_tanh(h);
	}
	for (int k = 0; k < p->scales && p->softmax; k++)
		y[k] = probabilities(y[k], p->softmax);
}

/* D's logit at each scale that next[k] is the true frame after past: [m,scales]. */
static gm_node *logits(const gm_frames *p, gm_net *D, gm_node *past, gm_node *const *next)
{
	gm_node *logit[SCALES];
	for (int k = 0; k < p->scales; k++) {
		const int row = row_of(p, k);
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

static gm_node *difference(const gm_frames *p, const gm_frames_rollout *a, gm_node *const *y,
                           gm_node *next)
{
	gm_node *sum = NULL;
	for (int k = 0; k < p->scales; k++) {
		gm_node *t = gm_frames_at(p, next, k),
			*one = a->squared ? gm_squared_error(y[k], t) : gm_absolute_error(y[k], t);
		one = gm_add(gm_mul_c(one, a->lp),
		             gm_mul_c(gm_gradient_difference(y[k], t), a->gdl));
		sum = sum ? gm_add(sum, one) : one;
	}
	return sum;
}

gm_node *gm_frames_roll(const gm_frames *p, gm_net *G, gm_node *v, gm_frames_rollout *a)
{
	const gm_shape s = gm_node_shape(v);
	const int64_t c = s.dim[2];
	gm_node *all = gm_frames_of(v, 0, a->given), *further[SCALES];
	for (int64_t t = a->given; t < s.dim[1]; t += a->at_once) {
		gm_node **y = t == a->given ? a->y : further;
		gm_frames_predict(p, G, gm_narrow(all, 1, (t - a->given) * c, a->given * c), y);
		all = GM_CONCAT(1, all, y[p->scales - 1]);
		if (t >= a->given + a->ahead)
			continue;
		gm_node *one = difference(p, a, y, gm_frames_of(v, t, a->at_once));
		a->first_loss = t == a->given ? one : a->first_loss;
		a->loss = t == a->given ? one : gm_add(a->loss, one);
	}
	return gm_reshape(gm_narrow(all, 1, 0, s.dim[1] * c), s);
}

/* The sum over the scales of the mean binary cross-entropy. */
static gm_node *cross_entropy(gm_node *logits, double target)
{
	gm_node *t = gm_scalar(gm_node_graph(logits), target);
	return gm_mul_c(gm_mean_all(gm_sigmoid_xent(logits, t)), gm_node_shape(logits).dim[1]);
}

gm_frames_game gm_frames_judge(const gm_frames *p, gm_net *D, gm_node *past, gm_node *next,
                               gm_node *const *y)
{
	gm_node *real[SCALES];
	for (int k = 0; k < p->scales; k++)
		real[k] = gm_frames_at(p, next, k);
	gm_node *is_real = logits(p, D, past, real), *is_fake = logits(p, D, past, y);
	return (gm_frames_game){is_real,
	                        gm_add(cross_entropy(is_real, 1), cross_entropy(is_fake, 0)),
	                        cross_entropy(is_fake, 1)};
}

gm_node *gm_maps_scores(gm_node *maps, int64_t classes)
{
	gm_node *x = gm_permute(gm_one_hot(maps, classes), (const int[]){0, 1, 4, 2, 3});
	return gm_add_c(gm_mul_c(x, 2), -1);
}

gm_node *gm_maps_changed(gm_node *maps, int64_t t, gm_node *scores, int64_t classes)
{
	gm_node *is = gm_cast(gm_narrow(maps, 1, t, 1), GM_F32),
		*was = gm_cast(gm_narrow(maps, 1, t - 1, 1), GM_F32),
		*got = gm_cast(gm_argmax(gm_narrow(scores, 1, 0, classes), 1), GM_F32);
	gm_node *moved = gm_add_c(gm_mul_c(gm_equal(was, is), -1), 1),
		*right = gm_mul(moved, gm_equal(gm_reshape(got, gm_node_shape(is)), is));
	return gm_div(gm_mean_all(right), gm_add_c(gm_mean_all(moved), 1e-9));
}
