/* SPDX-License-Identifier: MIT
 *
 * squeezenet.c -- SqueezeNet 1.0 (Iandola et al. 2016, arXiv:1602.07360, table 1): a classifier of
 * ImageNet of 1.2 million weights, small enough for perceptual losses during training.
 *
 * A fire module squeezes by 1 x 1 convolutions and expands by 1 x 1 and 3 x 3 ones side by side
 * (section 3.2). The dropout after fire9 has no effect here. Input as in Caffe: blue, green, red;
 * bytes less the mean of ImageNet; 227 x 227.
 *
 * Names of tensors are those of the authors of Deep Compression (Han et al. 2016), who published it
 * pruned to a tenth of its weights, without loss:
 * github.com/songhan/SqueezeNet-Deep-Compression. */
#include "metrics/network.h"

#include <stdio.h>

#define SIDE 227
#define BATCH 8

static const char *const layers[] = {"conv1", "fire2", "fire3", "fire4",      "fire5", "fire6",
                                     "fire7", "fire8", "fire9", "conv_final", NULL};

static gm_node *halve(gm_node *x)
{
	return gm_max_pool(x, (gm_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
}

static gm_node *fire(gm_network *n, int number, gm_node *x, int64_t squeeze, int64_t expand)
{
	char name[40];
	snprintf(name, sizeof name, "fire%d/conv1x1_1", number);
	gm_node *s = gm_network_conv_relu(n, name, x, (gm_network_conv){squeeze, 1});
	snprintf(name, sizeof name, "fire%d/conv1x1_2", number);
	gm_node *one = gm_network_conv_relu(n, name, s, (gm_network_conv){expand, 1});
	snprintf(name, sizeof name, "fire%d/conv3x3_2", number);
	gm_node *three =
		gm_network_conv_relu(n, name, s, (gm_network_conv){expand, 3, .same = true});
	return GM_CONCAT(1, one, three);
}

static void build(gm_network *n, gm_node *x, gm_node **features, gm_node **logits)
{
	static const struct {
		int squeeze, expand;
		bool halve; /* before it */
	} of[] = {{16, 64, true},   {16, 64, false},  {32, 128, false}, {32, 128, true},
	          {48, 192, false}, {48, 192, false}, {64, 256, false}, {64, 256, true}};
	gm_network_within(n, "");
	x = gm_network_conv_relu(n, "conv1", x, (gm_network_conv){96, 7, .stride = 2});
	if (gm_network_layer(n, layers[0], x))
		return;
	for (int i = 0; i < 8; i++) {
		x = fire(n, i + 2, of[i].halve ? halve(x) : x, of[i].squeeze, of[i].expand);
		if (gm_network_layer(n, layers[i + 1], x))
			return;
	}
	*features = gm_mean(x, GM_AXES(2, 3), false);
	x = gm_network_conv_relu(n, "conv_final", x, (gm_network_conv){1000, 1});
	if (gm_network_layer(n, layers[9], x))
		return;
	*logits = gm_mean(x, GM_AXES(2, 3), false);
}

/* Bytes b = (x + 1) 127.5 less the means of blue, green and red. */
static gm_network_plan plan_of(const gm_extractor_kind *kind)
{
	static const float mean[] = {104, 117, 123};
	gm_network_plan plan = {
		.rule = {.side = SIDE, .bgr = true},
		.batch = BATCH,
		.build = build,
		.layers = layers,
	};
	(void)kind;
	for (int c = 0; c < 3; c++)
		plan.rule.scale[c] = 127.5f, plan.rule.shift[c] = 127.5f - mean[c];
	return plan;
}

static void *open_squeezenet(const gm_extractor_kind *kind, const char *weights,
                             gm_extractor_info *info, gm_error *err)
{
	const gm_network_plan plan = plan_of(kind);
	info->resize =
		"bilinear to 227 x 227, pixel centres at halves, no antialiasing; blue, green, "
		"red; bytes less 104, 117, 123";
	info->features = 512, info->classes = 1000;
	info->side = SIDE, info->channels = 3;
	return gm_network_open(&plan, weights, err);
}

const gm_extractor_kind gm_extractor_squeezenet = {
	.name = "squeezenet",
	.about = "SqueezeNet 1.0: 512 features, the mean over places of fire9",
	.open = open_squeezenet,
	.plan = plan_of,
	.run = gm_network_run,
	.free = gm_network_free,
	.step = gm_network_step,
};
