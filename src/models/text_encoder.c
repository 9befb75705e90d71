/* SPDX-License-Identifier: MIT
 *
 * text_encoder.c -- Reed, Akata, Lee & Schiele, "Learning deep representations of fine-grained
 * visual descriptions", CVPR 2016, arXiv:1605.05395. An embedding phi(t) of captions that matches
 * the features of their images; gan-cls reads it.
 *
 * Symmetric structured joint embedding (section 3, eq. 2 to 5): with scores s_ij of image i and
 * caption j, <theta(x_i), phi(t_j)>, minimise the mean of max(0, s_ij - s_ii + 1) over pairs of
 * different classes, plus the same with the roles exchanged.
 *
 * --encoder char-cnn-rnn: section 4 and the authors' code (github.com/reedscot/icml2016, the GRU of
 * 512 units over 201 characters); bag-of-words and one-hot (characters at their places) are
 * baselines, each with a dense layer. RMSprop, rate 7e-4 times .98 at each 200 steps (theirs: as
 * many as there are classes), batch 40, initial weights U(-.08, .08).
 *
 * --features RUN: theta are the fixed features of another run ("features", such as classifier), as
 * in the paper, which has GoogLeNet's; without it a DCGAN discriminator's layers, trained with phi.
 * Differs: pairs of one class in a batch do not count, where theirs has 40 different classes.
 *
 * Endpoints: "encode/text" gives phi, "encode" theta. It draws nothing.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "captioned", "images with captions"},
	{"encoder", "char-cnn-rnn", "what reads captions",
         GM_CHOICE("char-cnn-rnn|bag-of-words|one-hot")},
	{"features", "", "a run with the endpoint features; empty: a net trained with phi",
         GM_PATH},
	{"width", "512", "char-cnn-rnn: channels and units", GM_INT(4, 4096),
         .only = "encoder=char-cnn-rnn"},
	{"buckets", "512", "bag-of-words: hash values of words", GM_INT(1, 65536),
         .only = "encoder=bag-of-words"},
	{"embed", "1024", "without --features: numbers in phi", GM_INT(1, 65536),
         .only = "!features"},
	{"width-d", "16", "without --features: channels of the image net's first map",
         GM_INT(1, 4096), .only = "!features"},
	{"batch", "40", "minibatch size m"},
	{"steps", "2000", "length of the training"},
	{"metrics", "retrieval", "scores during the training, and at its end"},
	GM_OPTIMISER_OPTIONS("rmsprop", "7e-4", "0.9", "step:200steps:0.98"),
	GM_NORM_OPTIONS("none", "batch"),
	{0},
};

/* captions i32 [m,L] to [m,n] */
static gm_node *encode_text(gm_run *r, gm_net *T, gm_node *t, int64_t n)
{
	enum { CHAR_CNN_RNN, BAG_OF_WORDS };
	int how = gm_opt_choice(r, "encoder");
	if (how == CHAR_CNN_RNN)
		return gm_char_cnn_rnn_body(
			T, t, &(gm_char_cnn_rnn){.width = gm_opt_int(r, "width"), .out = n});
	t = how == BAG_OF_WORDS ? gm_bag_of_words(t, gm_opt_int(r, "buckets")) : gm_letters(t);
	return gm_linear(T, "embedding", t, .out = n);
}

/* images to [m,embed] */
static gm_node *encode_image(gm_run *r, gm_net *I, gm_node *x)
{
	int levels = gm_want_halvings(r, 1, 8, 4);
	x = gm_halving_body(I, x, gm_opt_int(r, "width-d"), levels, .2);
	return gm_linear(I, "embedding", x, .out = gm_opt_int(r, "embed"));
}

static int train(gm_run *r)
{
	gm_net *T = gm_net_new(r, "T", .init = GM_UNIFORM(-.08, .08)), *I = gm_net_new(r, "I");
	gm_opt_norms(r, T, I);
	gm_node *x = gm_batch(r, "image"), *t = gm_batch(r, "caption");
	gm_node *label = gm_run_facts(r)->classes ? gm_batch(r, "label") : NULL;
	bool fixed = *gm_opt_str(r, "features");
	gm_node *theta =
		fixed ? gm_import(r, "features", "features", &x, 1) : encode_image(r, I, x);
	gm_node *phi = encode_text(r, T, t, gm_node_size(theta) / gm_node_shape(theta).dim[0]);
	gm_node *loss = gm_joint_embedding_loss(theta, phi, label);
	gm_endpoint(r, "encode", theta, x);
	gm_endpoint(r, "encode/text", phi, t);

	gm_node *outputs[] = {gm_logged(r, "loss", loss), gm_move(r, T, loss),
	                      fixed ? NULL : gm_move(r, I, loss)};
	gm_step *step = gm_run_compile_nodes(r, outputs, fixed ? 2 : 3);
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_text_encoder = {"text-encoder",
                                        "Joint embedding of captions and images (Reed et al. 2016)",
                                        "arXiv:1605.05395", options, train};
