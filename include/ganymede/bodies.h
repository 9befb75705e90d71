/* SPDX-License-Identifier: MIT
 *
 * bodies.h -- nets of several layers that models share: those of papers, and how a discriminator is
 * conditioned on classes. Part of nn.h, which includes it and explains nets and layers.
 */
#ifndef GANYMEDE_BODIES_H
#define GANYMEDE_BODIES_H

#include "ganymede/nn.h"

GM_BEGIN_C

/* `layers` dense blocks of `width` units: h0, h1, .. */
typedef struct gm_mlp {
	int layers;
	int64_t width;
	gm_activation act;
	double slope;   /* of GM_LEAKY */
	int pieces;     /* of GM_MAXOUT */
	double keep;    /* dropout after each block: probability to keep; 0: none */
	bool with_bias; /* as in gm_block_args */
} gm_mlp;
GM_API gm_node *gm_mlp_body(gm_net *n, gm_node *x, const gm_mlp *p);
/* The body, marked by gm_features, and a dense layer `last` with `out` units. */
GM_API gm_node *gm_mlp_net(gm_net *n, gm_node *x, const gm_mlp *p, const char *last, int64_t out);

/* The U-Net of Isola et al. 2017, arXiv:1611.07004, appendix 6.1.1: `depth` strided 4x4
 * convolutions (e1, e2, ..) halve x; the same number of transposed ones (d<depth> .. d1) double it
 * again, each with a skip connection from the encoder map of the same size. Channels are `width`
 * times 1, 2, 4, 8, 8, .. No normaliser in the first, innermost and last layer. x [m,C,H,W] to
 * [m,channels,H,W] in (-1,1). */
enum { GM_UNET_DEPTH = 8 };
typedef struct gm_unet {
	int64_t width, channels;
	int depth;     /* 1 to GM_UNET_DEPTH; 2^depth must divide height and width of x */
	int drops;     /* number of decoder layers with dropout .5 */
	bool noise;    /* dropout in inference too */
	bool no_skips; /* an encoder-decoder without skip connections */
} gm_unet;
GM_API gm_node *gm_unet_body(gm_net *n, gm_node *x, const gm_unet *p);

/* The image transformation net of Johnson et al. 2016, arXiv:1603.08155, as in Zhu et al. 2017,
 * arXiv:1703.10593, appendix 7.2: a 7x7 convolution to `width` channels (first), two strided 3x3
 * ones (down1, down2), `blocks` residual blocks of 4 width channels (r1, r2, ..), two transposed
 * convolutions (up2, up1) and a 7x7 one (last). Reflection padding for the 7x7 kernels and in the
 * residual blocks; no normaliser in the last layer. x [m,C,H,W] to [m,channels,H,W] in (-1,1);
 * height and width must be multiples of 4 and at least 8. */
typedef struct gm_resnet {
	int64_t width, channels;
	int blocks;
	/* as in Choi et al. 2018, arXiv:1711.09020, table 4: zero padding, 4x4 kernels where the
	 * size changes, and the last layer without bias. Instance norm cannot remove an input that
	 * is constant over an image then, since the padding differs from it. */
	bool zero;
} gm_resnet;
GM_API gm_node *gm_resnet_body(gm_net *n, gm_node *x, const gm_resnet *p);

/* The generator of Ledig et al. 2017, arXiv:1609.04802, figure 4: a 9x9 convolution to `width`
 * channels (first), `blocks` residual blocks (r1, r2, ..), a 3x3 convolution (merge) and the sum
 * with the first map; then `doublings` times a 3x3 convolution to 4 width channels and a pixel
 * shuffle (up1, ..); 9x9 to the image (last), without activation. PReLU; normalisers in the blocks
 * and in merge. x [m,C,H,W] to [m,channels,H 2^doublings,W 2^doublings]. */
typedef struct gm_srresnet {
	int64_t width, channels;
	int blocks, doublings;
	bool bilinear; /* adds x, enlarged bilinearly; then channels must be C */
} gm_srresnet;
GM_API gm_node *gm_srresnet_body(gm_net *n, gm_node *x, const gm_srresnet *p);
/* Pixels of x at most this far away have an influence on a pixel of the result, unless a normaliser
 * computes statistics over positions. */
GM_API int gm_srresnet_radius(const gm_srresnet *p);

/* The PatchGAN discriminator of Isola et al. 2017, appendix 6.1.2: `layers` strided 4x4
 * convolutions, one more, and a logit at each position, with receptive fields 1, 16, 34, 70, 142 or
 * 286 pixels wide for 0 to 5 layers. */
GM_API gm_node *gm_patch_body(gm_net *n, gm_node *x, int64_t width, int layers);

/* PixelCNNs: stacks of causal convolutions; the features of each value depend only on
 * the previous values, in [-1,1]. gated (van den Oord et al. 2016, arXiv:1606.05328, figure 2): a
 * vertical and a horizontal stack, [m,features,H,W]; else residual blocks (arXiv:1601.06759, table
 * 1), [m,2 features,H,W]. Odd kernel widths: `first` in the first of `layers`, `kernel` in the
 * others. In mode ROW it fills the caches, and its return value must not be used. */
typedef struct gm_pixelcnn {
	int64_t features;
	int layers, kernel, first;
	int64_t levels; /* values of a number, as in gm_levels */
	bool gated;
	/* gated only, or NULL: a class, i32 [m], and what else all values are conditioned on,
	 * [m,n]; each gate adds linear functions of them without bias at all positions (eq. 4) */
	gm_node *label;
	int64_t classes;
	gm_node *given;
} gm_pixelcnn;
GM_API gm_node *gm_pixelcnn_body(const gm_pixelcnn *p, gm_causal *c, gm_node *x);
/* The body, relu, 1x1, relu, 1x1: logits as in gm_levels_nll, [m,C,H,W] or [m,C,H,W,levels]; in
 * mode ROW NULL. */
GM_API gm_node *gm_pixelcnn_logits(const gm_pixelcnn *p, gm_causal *c, gm_node *x);

/* WaveNet (van den Oord et al. 2016, arXiv:1609.03499, figure 4): the embedding of the two values
 * before this one, then `stacks` times `layers` gated residual layers of dilations 1, 2, 4, ..,
 * tanh(W h + V g) sigmoid(W' h + V' g), whose 1x1 convolutions to `skip` channels are summed; relu,
 * 1x1, relu, 1x1. In mode ROW it does nothing and returns NULL. */
typedef struct gm_wavenet {
	int64_t residual, gates, skip; /* channels */
	int64_t levels;                /* values of a sample */
	int stacks, layers;
	gm_node *given; /* g [m,n], what all samples are conditioned on; or NULL */
} gm_wavenet;
/* Values [m,1,1,W] in [-1,1] to logits of each value's level given those before it,
 * [m,levels,1,W]. */
GM_API gm_node *gm_wavenet_body(const gm_wavenet *p, gm_causal *c, gm_node *x);
/* The number of previous values that the logits of a value depend on. */
GM_API int64_t gm_wavenet_field(const gm_wavenet *p);

/* The layers of a discriminator from the image to a small map, as in Choi et al. 2018,
 * arXiv:1711.09020, table 5: `levels` 4x4 convolutions of stride 2 (h0, h1, ..) to width, 2 width,
 * 4 width, .. channels, the net's normaliser except in the first, leaky ReLU. x [m,C,H,W] to
 * [m, width 2^(levels-1), H/2^levels, W/2^levels]. slope 0: .2. */
GM_API gm_node *gm_halving_body(gm_net *n, gm_node *x, int64_t width, int levels, double slope);

/* Pairs of 3x3 convolutions, the second of stride 2 (HxW/a, HxW/b, named by the size of their
 * input), each with the net's normaliser and relu, while both sides are 8 or more: width, 2 width,
 * 4 width, .. channels. x [m,C,H,W]. */
GM_API gm_node *gm_conv_pairs_body(gm_net *n, gm_node *x, int64_t width);

/* How a discriminator is conditioned on the class: a row of the table in nn/condition.c. Unused
 * members are NULL. */
typedef struct gm_condition {
	const char *name, *source;
	/* images x [m,C,H,W] combined with the class y (i32 [m]; [m,k] for packs of k) */
	gm_node *(*input)(gm_net *D, gm_node *x, gm_node *y, int64_t classes);
	/* adds the term of the class to logit [m,1], from the last hidden layer h */
	gm_node *(*logit)(gm_net *D, gm_node *logit, gm_node *h, gm_node *y, int64_t classes);
	/* after gm_game_build: adds the loss of a second head on D's features to both losses;
	 * returns its logits for real examples */
	gm_node *(*head)(gm_game *m, gm_node *y, int64_t classes, double weight);
} gm_condition;
/* logit [m,1] + <V_y, h>: the projection discriminator (Miyato & Koyama 2018, eq. 6,
 * arXiv:1802.05637), row "projection". h [m,..] is D's last hidden layer, V its table "projection".
 * For packs y is i32 [m,k], and V_y the sum over k labels. */
GM_API gm_node *gm_projection(gm_net *D, gm_node *logit, gm_node *h, gm_node *y, int64_t classes);
GM_API extern const gm_condition gm_conditions[]; /* ends with name NULL */
GM_API const char *gm_condition_name(int i);      /* NULL after the last */

/* The nets of Radford et al. 2016, arXiv:1511.06434, without D's last layer. From the image to the
 * smallest map, height and width are halved while they are even and the result is at least 4. Each
 * halving doubles the channels, starting with `filters` at the largest map. */
typedef struct gm_dcgan {
	int64_t channels, height, width; /* of the image */
	int64_t filters;
	int kernel;
	double std; /* of initial weights and gains */
	/* set by gm_dcgan_fit */
	int levels;
	int64_t small_height, small_width;
} gm_dcgan;
/* False if height or width cannot be halved at least once. */
GM_API bool gm_dcgan_fit(gm_dcgan *p);
/* z [m,nz] to images [m,C,H,W] in (-1,1) */
GM_API gm_node *gm_dcgan_up(const gm_dcgan *p, gm_net *G, gm_node *z);
/* images to D's last map [m, filters 2^(levels-1), small_height, small_width] */
GM_API gm_node *gm_dcgan_down(const gm_dcgan *p, gm_net *D, gm_node *x);
/* Features of the images that D was applied to first (in a game, the real ones): every layer of
 * gm_dcgan_down, max-pooled to 4 x 4, flat [m, 16 sum of channels]; section 5.1. */
GM_API gm_node *gm_dcgan_features(const gm_dcgan *p, gm_net *D);
/* The players of a game with these nets, for gm_game: z [m,nz] to images, images [m,C,H,W] to
 * logits [m,1]; with is not read. */
GM_API gm_node *gm_dcgan_generator(void *dcgan, gm_net *G, gm_node *z, gm_node *with);
GM_API gm_node *gm_dcgan_discriminator(void *dcgan, gm_net *D, gm_node *x, gm_node *with);

/* The residual nets of Miyato et al. 2018, arXiv:1802.05957, table 3 and figure 9, and of Brock et
 * al. 2019, arXiv:1809.11096, figure 15, for images of any size that can be halved: `width`
 * channels in every map. G: a dense layer to small_height x small_width, `levels` blocks up (up1,
 * up2, ..), normaliser, relu, 3x3 convolution (last), tanh. D: max(levels - 1, 1) blocks down
 * (down1, ..), two blocks of the same size (same1, same2), relu, the SUM over positions. */
typedef struct gm_resgan {
	int levels;
	int64_t small_height, small_width, channels; /* of the smallest map; of the image */
	int64_t width;
	/* maps of this height have self-attention (gm_attention with pool); 0: none */
	int64_t attention;
	/* Class-conditional: G's normalisers have a gain and a bias for each class, D's logit the
	 * term of gm_projection. 0: unconditional. */
	int64_t classes;
	/* Numbers of a class embedding that all normalisers of G share; their gain - 1 and bias are
	 * linear functions, without bias, of this embedding and of the block's part of z (Brock et
	 * al. 2019, section 3 and appendix B). z then has levels + 1 equal parts; the first is the
	 * input of the dense layer. 0: a table for each normaliser, and z as a whole is the input
	 * of the dense layer. */
	int64_t embed;
	gm_init init; /* of the convolutions in blocks; default: the net's */
} gm_resgan;
/* z [m,nz] and labels y i32 [m] (or NULL) to images in (-1,1) */
GM_API gm_node *gm_resgan_up(const gm_resgan *p, gm_net *G, gm_node *z, gm_node *y);
/* images x and their labels (or NULL) to logits [m,1] */
GM_API gm_node *gm_resgan_logit(const gm_resgan *p, gm_net *D, gm_node *x, gm_node *y);

/* The nets of one level of Denton et al. 2015, arXiv:1506.05751, by the authors' code for CIFAR-10:
 * convolutions without normaliser, unless the net has one; dense layers at the coarsest level. The
 * label, one-hot, is an input of the dense nets; in the others a dense layer with relu makes a
 * further channel of it. */
typedef struct gm_lapgan {
	bool coarsest;
	int64_t height, width, channels; /* of the image; at least 9x9 unless coarsest */
	int64_t size_g, size_d;          /* units or channels of hidden layers of G and D */
	int64_t classes;                 /* 0: unconditional */
} gm_lapgan;
/* Images [m,C,h,w], from z [m,nz] at the coarsest level; else from x [m,1+C,h,w], a channel of
 * noise and the enlarged image of the level below, to which G adds detail. y: labels i32 [m], or
 * NULL. */
GM_API gm_node *gm_lapgan_up(const gm_lapgan *p, gm_net *G, gm_node *x, gm_node *y);
/* images to logits [m,1] */
GM_API gm_node *gm_lapgan_logit(const gm_lapgan *p, gm_net *D, gm_node *x, gm_node *y);

/* The growing nets of Karras et al. 2018, arXiv:1710.10196, table 2, in the order of layers of the
 * authors' code. Stage s has images of small_height 2^s x small_width 2^s and its own layers, named
 * by that height: 8/a, 8/b, 8/rgb. G: pixel norm of z, a dense layer, 3x3 convolutions, each
 * followed by leaky ReLU and the net's normaliser of activations, doubling by nearest neighbour, a
 * 1x1 convolution to the image, linear. D: the mirror image, without normalisers of activations,
 * halving by means, gm_minibatch_stddev at the smallest map, two dense layers. Gains other than
 * sqrt(2), which is that of normaliser "equalised", are factors of the layer's input. */
typedef struct gm_progan {
	int64_t small_height, small_width, channels; /* of the first stage; of the image */
	int64_t width, base; /* maps of stage s have min(width, base / 2^(s + 1)) channels */
	int group;           /* of gm_minibatch_stddev; 0: none */
	int stage;           /* of these images */
	/* Rank 0: the place of growth. The image of stage s is (1 - a) new + a old, a = s - place
	 * clamped to 0..1, old: the image of stage s - 1, enlarged; D's first map of stage s
	 * likewise. */
	gm_node *place;
	/* right for each place from 0 to stage; otherwise only for places from stage - 1 on, with
	 * fewer layers */
	bool all;
} gm_progan;
/* z [m,nz] to images [m,C,h,w] of the stage */
GM_API gm_node *gm_progan_up(const gm_progan *p, gm_net *G, gm_node *z);
/* such images to scores [m,1] */
GM_API gm_node *gm_progan_score(const gm_progan *p, gm_net *D, gm_node *x);
/* Real images, larger than those of the stage by a power of two, as the stage sees them: means of
 * pixels, and while the stage fades in, (1 - a) x + a times x without the detail of the stage. */
GM_API gm_node *gm_progan_real(const gm_progan *p, gm_node *x);

/* The nets that predict the frame after some frames, at several scales (Mathieu et al. 2016,
 * arXiv:1511.05440, sections 2.2 and 2.3; layers and widths of the authors' code). Scale k of
 * `scales` has images reduced by 2^(scales - 1 - k); the last scale is the image itself. */
enum { GM_FRAMES_SCALES = 4 };
typedef struct gm_frames {
	int scales;
	int64_t channels;       /* of what is predicted: of a frame, or of several */
	int64_t width, width_d; /* channels of the narrowest layers of G and of D */
	/* the nets of Luc et al. 2017 (arXiv:1703.07684, the authors' code, S2S), of at most 2
	 * scales and without tanh, in place of those of Mathieu et al. */
	bool maps;
	/* of maps: predictions are 2 p - 1 with probabilities p of so many classes at each pixel,
	 * the softmax of their scores; 0: scores */
	int64_t softmax;
} gm_frames;
/* Frames first .. first + n - 1 of v [m,T,C,H,W], as channels: [m, n C, H, W]. */
GM_API gm_node *gm_frames_of(gm_node *v, int64_t first, int64_t n);
/* Images x [m,C,H,W] reduced to scale k. */
GM_API gm_node *gm_frames_at(const gm_frames *p, gm_node *x, int k);
/* From frames past [m, frames channels, H, W], the oldest first, the next one at each scale, in
 * (-1,1): y[k] is the tanh (of maps: without it) of y[k - 1], enlarged by repeating pixels, plus
 * what the net of scale k adds to it. H and W are multiples of 2^(scales - 1). y: room for
 * `scales`. */
GM_API void gm_frames_predict(const gm_frames *p, gm_net *G, gm_node *past, gm_node **y);
GM_API int64_t gm_frames_least(const gm_frames *p); /* smallest sides of an image that D reads */
/* Predicts all frames of a video after the given ones, each from true frames and predictions before
 * it. */
typedef struct gm_frames_rollout {
	int64_t given;
	int64_t at_once; /* frames of one prediction: p->channels is this times those of a frame */
	int64_t ahead;   /* predicted frames that the losses count, a multiple of at_once */
	bool squared;
	double lp, gdl;
	/* Set by gm_frames_roll: the first prediction, at each scale; */
	gm_node *y[GM_FRAMES_SCALES];
	/* the sum over the scales of lp times its mean absolute (or squared) difference from the
	 * true frame, and gdl times the difference of their gradients (gm_gradient_difference); and
	 * the sum of the same of the predictions of the first `ahead` frames. Rank 0. */
	gm_node *first_loss, *loss;
} gm_frames_rollout;
/* v [m,T,C,H,W] to v with all frames from `given` < T on predicted. Losses need given + ahead <=
 * T. */
GM_API gm_node *gm_frames_roll(const gm_frames *p, gm_net *G, gm_node *v, gm_frames_rollout *a);
/* D's logits of the true frame `next`, its loss, which is the sum over the scales of the binary
 * cross-entropy of true and predicted frames, and G's, of -log D of the predicted ones. y and past:
 * as in gm_frames_predict. */
typedef struct gm_frames_game {
	gm_node *is_real, *loss_d, *fooled;
} gm_frames_game;
GM_API gm_frames_game gm_frames_judge(const gm_frames *p, gm_net *D, gm_node *past, gm_node *next,
                                      gm_node *const *y);
/* Label maps, i32 [m,T,H,W], as scores [m,T,classes,H,W]: 1 for a pixel's class, -1 for others. */
GM_API gm_node *gm_maps_scores(gm_node *maps, int64_t classes);
/* The share of right classes among the pixels of map t >= 1 that have another class in map t - 1; 0
 * if there are none. The prediction is the largest of the first `classes` channels of scores
 * [m,..,H,W]. Rank 0. */
GM_API gm_node *gm_maps_changed(gm_node *maps, int64_t t, gm_node *scores, int64_t classes);

/* The nets of two domains a and b that share their inner layers: those of UNIT for digits (Liu et
 * al. 2017, arXiv:1703.00848, the authors' code, cocogan_nets_da.py). Encoder: 5x5 of stride 2 to
 * `width` channels; shared: to 2, 4 (the whole map), 8 (1x1) times; mean and softplus sigma.
 * Decoder: shared transposed convolutions to 8, 4, 2 times; then 1 and the image. D: four times
 * 5x5, relu, maxima of 2x2, dropout .1, .3, .5, .5 from the second on. Images are square, `side` a
 * multiple of 16. Where a function takes a and b, one may be NULL; else the result has their
 * examples one after the other. */
typedef struct gm_coupled {
	gm_net *G, *D;
	int64_t side, channels;
	int64_t width, width_d; /* channels of the largest maps of G and D */
	bool share;             /* share the inner layers; else each domain has its own */
} gm_coupled;
/* Means of z [n, 8 width, 1, 1]; *sigma (may be NULL): the standard deviations. Adds two planes of
 * coordinates to the images. */
GM_API gm_node *gm_coupled_encode(const gm_coupled *p, gm_node *a, gm_node *b, gm_node **sigma);
/* z to images of domain 0 (a) or 1 (b) in (-1,1) */
GM_API gm_node *gm_coupled_decode(const gm_coupled *p, gm_node *z, int domain);
/* D's last map, before its heads; drop: with dropout. */
GM_API gm_node *gm_coupled_features(const gm_coupled *p, gm_node *a, gm_node *b, bool drop);
/* a and b, one after the other; the other one if one is NULL. */
GM_API gm_node *gm_both(gm_node *a, gm_node *b);
/* The first (i = 0) or second half of the examples of x; of an odd number of them the last one is
 * left out, and both halves of a single example are that example. */
GM_API gm_node *gm_half(gm_node *x, int i);

GM_END_C

#endif
