/* SPDX-License-Identifier: MIT
 *
 * report/events.h -- the event files that TensorBoard reads: records of a length, two masked CRC-32C
 * and one protocol buffer (tensorflow/core/util/event.proto), of which only what scalars and
 * pictures need is written. Time stamps are steps, so that equal runs have equal files.
 */
#ifndef GM_REPORT_EVENTS_H
#define GM_REPORT_EVENTS_H

#include <stdio.h>

#include "ganymede/base.h"

/* CRC-32C (Castagnoli) of n bytes: RFC 3720, appendix B.4. */
uint32_t gm_crc32c(const void *bytes, size_t n);

/* Trouble shows in ferror(f). */
void gm_events_begin(FILE *f); /* what every file starts with */
void gm_events_scalar(FILE *f, int64_t step, const char *tag, double value);
void gm_events_png(FILE *f, int64_t step, const char *tag, const void *png, size_t n);

/* How many of the n bytes of an event file to keep so that no event is later than step: the whole records
 * up to the first that is. What follows a damaged record is not kept. */
size_t gm_events_until(const uint8_t *bytes, size_t n, int64_t step);
/* Cuts every event file in the folder back to step, so that a run which resumes there has no step
 * twice. */
bool gm_events_rewind(const char *folder, int64_t step, gm_error *err);

#endif
