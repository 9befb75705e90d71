/* SPDX-License-Identifier: MIT
 *
 * run/stream.h -- an order of examples beside the run's own (gm_stream_open of model.h).
 */
#ifndef GM_RUN_STREAM_H
#define GM_RUN_STREAM_H

#include "run/run.h"

struct gm_stream {
	gm_run *run;
	const char *name;
	gm_dataset *data; /* NULL when only sampling */
	gm_facts facts;
	uint64_t hash;       /* of the data */
	uint64_t seed, seen; /* of the order; examples fed so far */
	int64_t rows;
	bool once;
	gm_run_field *field; /* [GM_RUN_FIELDS], in arena: what the model asked for, or might */
	int fields;
};

bool gm_streams_feed(gm_run *r);
/* Places in the orders from a checkpoint that is gone back to. */
bool gm_streams_rewind(gm_run *r);
void gm_streams_free(gm_run *r);
/* record.c: what the run's checkpoint says of the stream called s->name, into s; only the place in its order where arena is NULL.
 * False where it says nothing, or nonsense. */
bool gm_record_stream(gm_stream *s, gm_arena *arena);

#endif
