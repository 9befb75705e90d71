/* SPDX-License-Identifier: MIT
 *
 * st_parse.h -- a parser for the subset of JSON in safetensors headers. */
#ifndef GANYMEDE_BASE_ST_PARSE_H
#define GANYMEDE_BASE_ST_PARSE_H

#include "base/arena.h"
#include "tensorfile/safetensors.h"

typedef struct st_entry {
	gm_st_tensor tensor; /* data and bytes not yet filled */
	uint64_t begin, end;
	int64_t at; /* where in the file the entry starts, for messages */
} st_entry;

typedef struct st_header {
	st_entry *entry;
	int64_t entries, entry_room;
	gm_st_pair *meta;
	int64_t metas, meta_room;
} st_header;

/* Parses json[0..n), which starts at byte 8 of the file. Strings go to the arena. The caller
 * frees entry and meta, also after a failure. */
bool gm_st_parse(const char *json, size_t n, gm_arena *arena, st_header *out, gm_error *err);

#endif
