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

/* feed.c: the input of a field, [rows, shape], with room for what is fed to it; and the field of
 * examples first, first + 1, .. */
int64_t gm_run_field_numel(const gm_run_field *f);
gm_node *gm_run_field_input(gm_run *r, gm_run_field *f, const char *name, int64_t rows);
bool gm_run_field_feed(gm_run *r, gm_run_field *f, gm_dataset *d, uint64_t seed, uint64_t first,
                       int64_t rows);

bool gm_streams_feed(gm_run *r);
/* Restores the positions of streams from a checkpoint, for rollbacks. */
bool gm_streams_rewind(gm_run *r);
void gm_streams_free(gm_run *r);
/* record.c: reads the record of the stream s->name from the run's checkpoint; only its position if
 * arena is NULL. False if it is missing or invalid. */
bool gm_record_stream(gm_stream *s, gm_arena *arena);
/* The stream whose field this input is, or NULL. */
gm_stream *gm_stream_of(const gm_run *r, const gm_node *in);

#endif
