/* SPDX-License-Identifier: MIT
 *
 * ganymede.h -- all public headers. What metrics.h, features.h and some file formats of data.h and image.h need is in
 * libganymede-full (pkg-config ganymede-full); the rest is in libganymede.
 *
 *	saved.h    a trained run in use: sample, apply its endpoints, differentiate through them
 *	train.h    train a model, of this library or of one's own
 *	model.h    what a model file sees
 *	graph.h    expressions, gradients, compiled steps; nn.h: nets, games, optimisers on top
 *	data.h     data sets; image.h: images; metrics.h, features.h: scores
 */
#ifndef GANYMEDE_GANYMEDE_H
#define GANYMEDE_GANYMEDE_H

#include "ganymede/base.h"
#include "ganymede/data.h"
#include "ganymede/features.h"
#include "ganymede/graph.h"
#include "ganymede/image.h"
#include "ganymede/metrics.h"
#include "ganymede/model.h"
#include "ganymede/nn.h"
#include "ganymede/saved.h"
#include "ganymede/train.h"

#endif
