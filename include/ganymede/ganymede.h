/* SPDX-License-Identifier: MIT
 *
 * ganymede.h -- includes all public headers. libganymede-full (pkg-config ganymede-full) contains
 * metrics.h, features.h and further file formats of data.h and image.h; libganymede contains the
 * rest.
 *
 *	saved.h    use a trained run: sample, apply its endpoints, differentiate through them
 *	train.h    train a model of this library or your own
 *	model.h    the interface of a model file
 *	graph.h    expressions, gradients, compiled steps; nn.h: nets, games, optimisers;
 *	           text.h: text
 *	data.h     data sets; image.h: images; metrics.h, features.h: scores
 *
 * Out of memory is an ordinary error: functions return GM_ERR_MEMORY (or NULL if they have no
 * gm_error; a graph stores it in gm_graph_error), and all objects can still be freed. Temporary
 * memory of the failed call may leak.
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
#include "ganymede/text.h"
#include "ganymede/train.h"

#endif
