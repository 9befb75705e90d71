/* SPDX-License-Identifier: MIT
 *
 * studio/runs.h -- the runs of the folder that the studio shows: read from their files, which
 * trainings of this and other programs write, and read again when they change.
 */
#ifndef GM_STUDIO_RUNS_H
#define GM_STUDIO_RUNS_H

#include <jansson.h>
#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include "report/series.h"
#include "studio/guard.h"
#include "studio/hub.h"

enum { GM_RUNS_SHOWN = 2000, GM_RUNS_GONE = 256 };

typedef struct gm_seen_run {
	char id[GM_PATH_ID];
	uint64_t rev; /* of the list when this run changed last */
	bool here;    /* found by the scan that is going on */
	bool running; /* by its state.json */
	struct timespec changed;
	ino_t options_file, stats_file;
	off_t stats_read;
	double stop_asked; /* gm_seconds; 0: not asked */
	json_t *facts;     /* from options.json and the metrics: changes seldom */
	json_t *last;      /* newest line of stats.jsonl */
	int64_t last_step, last_seen;
	uint64_t bytes;
	json_t *row; /* what pages get */
} gm_seen_run;

typedef struct gm_runs {
	pthread_mutex_t mutex; /* of all below */
	int folder;            /* descriptor of OUTDIR */
	char path[4096];       /* of OUTDIR, absolute */
	gm_seen_run *run;
	int count, room;
	uint64_t rev, told; /* told: the newest revision that readers know of */
	struct {
		char id[GM_PATH_ID];
		uint64_t rev;
	} gone[GM_RUNS_GONE]; /* a ring */
	uint64_t gone_count;
	json_t *notes; /* .studio.json: {"runs": {ID: {note, colour, pinned}}} */
	struct timespec notes_changed;
	double scanned;
	gm_hub *hub;
	/* true if a run of this studio; called with the mutex held */
	bool (*is_mine)(void *context, const char *id);
	void *context;
} gm_runs;

bool gm_runs_open(gm_runs *r, const char *outdir, gm_hub *hub, gm_error *err);
void gm_runs_close(gm_runs *r);
/* Reads what changed and posts events; call it a few times a second. all: now all runs. */
void gm_runs_tick(gm_runs *r, bool all);

/* {rev, runs, gone, more}: the runs that changed after revision `after`; negative: all. */
json_t *gm_runs_list(gm_runs *r, int64_t after);
/* The row of a run, a new reference; NULL if there is none. */
json_t *gm_runs_row(gm_runs *r, const char *id);
/* Opens the folder of a run; -1 with GM_ERR_IO. The caller closes it. */
int gm_runs_folder(gm_runs *r, const char *id, gm_error *err);

/* Asks a run to save and end. GM_ERR_STATE if nobody trains it. */
bool gm_runs_stop(gm_runs *r, const char *id, gm_error *err);
/* Sets note, colour and pinned, those that `change` has. */
bool gm_runs_note(gm_runs *r, const char *id, const json_t *change, gm_error *err);
/* Moves a run to OUTDIR/.trash; GM_ERR_STATE while it trains. */
bool gm_runs_delete(gm_runs *r, const char *id, gm_error *err);
bool gm_runs_restore(gm_runs *r, const char *id, gm_error *err);
json_t *gm_runs_trash(gm_runs *r); /* {runs: [{id, bytes}]} */
bool gm_runs_empty_trash(gm_runs *r, uint64_t *freed, gm_error *err);

#endif
