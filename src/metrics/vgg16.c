/* SPDX-License-Identifier: MIT
 *
 * vgg16.c -- VGG-16 (Simonyan & Zisserman, ICLR 2015, table 1, column D), whose second layer of
 * 4096 is what improved precision and recall look at (Kynkaanniemi et al., NeurIPS 2019, section
 * 2).
 *
 * The protocol is torch-fidelity's, with the weights of torchvision: resized as TensorFlow 1 does,
 * each channel brought to ImageNet's mean 0 and deviation 1, features after the second ReLU. The
 * paper's authors used a TensorFlow port of the same network; their figures are near, not equal.
 *
 * Names of tensors are torchvision's. */
#include "metrics/network.h"

#include <assert.h>
#include <stdio.h>

#define SIDE 224
#define BATCH 8

/* A name for each convolution and its ReLU, as the literature calls them. */
static const char *const layers[] = {"relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1",
                                     "relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3",
                                     "relu5_1", "relu5_2", "relu5_3", NULL};

/* Five stages of 3 x 3 convolutions, each halved at its end; names count torchvision's layers. */
static void body(gm_network *n, gm_node *x, gm_node **features, gm_node **logits, int divide)
{
	static const struct {
		int layer, channels;
		bool halve;
	} conv[] = {{0, 64, false},   {2, 64, true},    {5, 128, false},  {7, 128, true},
	            {10, 256, false}, {12, 256, false}, {14, 256, true},  {17, 512, false},
	            {19, 512, false}, {21, 512, true},  {24, 512, false}, {26, 512, false},
	            {28, 512, true}};
	char name[16];
	static_assert(sizeof conv / sizeof *conv == sizeof layers / sizeof *layers - 1,
	              "a name each");
	gm_network_within(n, "features");
	for (size_t i = 0; i < sizeof conv / sizeof *conv; i++) {
		snprintf(name, sizeof name, "%d", conv[i].layer);
		x = gm_network_conv_relu(
			n, name, x, (gm_network_conv){conv[i].channels / divide, 3, .same = true});
		if (gm_network_layer(n, layers[i], x))
			return;
		if (conv[i].halve)
			x = gm_max_pool(x, (gm_pool_options){.kernel = {2, 2}});
	}
	const gm_shape s = gm_node_shape(x);
	x = gm_reshape(x, GM_SHAPE(s.dim[0], s.dim[1] * s.dim[2] * s.dim[3]));
	gm_network_within(n, "classifier");
	x = gm_relu(gm_network_linear(n, "0", x, 4096 / divide, true));
	x = gm_relu(gm_network_linear(n, "3", x, 4096 / divide, true));
	*features = x;
	*logits = gm_network_linear(n, "6", x, 1000, true);
}

static void build(gm_network *n, gm_node *x, gm_node **features, gm_node **logits)
{
	body(n, x, features, logits, 1);
}

static void build_narrow(gm_network *n, gm_node *x, gm_node **features, gm_node **logits)
{
	body(n, x, features, logits, 8);
}

/* Of a byte b: (b / 255 - mean) / deviation, where b = (x + 1) 127.5. */
static gm_network_plan plan_of(const gm_extractor_kind *kind)
{
	static const double mean[] = {.485, .456, .406}, deviation[] = {.229, .224, .225};
	gm_network_plan plan = {
		.rule = {.side = SIDE, .corners = true},
		.batch = BATCH,
		.build = kind == &gm_extractor_vgg16_narrow ? build_narrow : build,
		.layers = layers,
	};
	for (int c = 0; c < 3; c++) {
		plan.rule.scale[c] = (float)(.5 / deviation[c]);
		plan.rule.shift[c] = (float)((.5 - mean[c]) / deviation[c]);
	}
	return plan;
}

static void *open_vgg(const gm_extractor_kind *kind, const char *weights, gm_extractor_info *info,
                      gm_error *err)
{
	const bool narrow = kind == &gm_extractor_vgg16_narrow;
	const gm_network_plan plan = plan_of(kind);
	info->resize = "bilinear to 224 x 224, pixel i at i * in / 224 (TensorFlow 1), no "
		       "antialiasing; ImageNet's mean and deviation";
	info->features = narrow ? 512 : 4096, info->classes = 1000;
	info->side = SIDE, info->channels = 3;
	return gm_network_open(&plan, weights, err);
}

const gm_extractor_kind gm_extractor_vgg16 = {
	.name = "vgg16",
	.about = "VGG-16 as torch-fidelity shows it pictures: 4096 features after fc2",
	.fetched = "vgg16",
	.open = open_vgg,
	.plan = plan_of,
	.run = gm_network_run,
	.free = gm_network_free,
	.step = gm_network_step,
};

const gm_extractor_kind gm_extractor_vgg16_narrow = {
	.name = "vgg16-narrow",
	.open = open_vgg,
	.plan = plan_of,
	.run = gm_network_run,
	.free = gm_network_free,
	.step = gm_network_step,
};
