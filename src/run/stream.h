/* SPDX-License-Identifier: MIT
 *
 * run/stream.h -- a further stream of examples (gm_stream_open in model.h).
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
	uint64_t seed, seen; /* seed of the order; examples read so far */
	int64_t rows;
	bool once;
	gm_run_field *field; /* [GM_RUN_FIELDS], in arena: fields of the data */
	int fields;
};

bool gm_streams_feed(gm_run *r);
/* Restores the positions of streams from a checkpoint, for rollbacks. */
bool gm_streams_rewind(gm_run *r);
void gm_streams_free(gm_run *r);
/* record.c: reads the record of the stream s->name from the run's checkpoint; only its position if
 * arena is NULL. False if it is missing or invalid. */
bool gm_record_stream(gm_stream *s, gm_arena *arena);

#endif
