/* SPDX-License-Identifier: MIT
 *
 * report/events.h -- the event files that TensorBoard reads: records of a length, two masked
 * CRC-32C and one protocol buffer (tensorflow/core/util/event.proto), of which only what scalars
 * and pictures need is written. Time stamps are steps, so that equal runs have equal files.
 */
#ifndef GM_REPORT_EVENTS_H
#define GM_REPORT_EVENTS_H

#include <stdio.h>

#include "ganymede/base.h"

/* CRC-32C (Castagnoli) of n bytes: RFC 3720, appendix B.4. */
uint32_t gm_crc32c(const void *bytes, size_t n);

/* Errors are reported by ferror(f). */
void gm_events_begin(FILE *f); /* writes the start of a file */
void gm_events_scalar(FILE *f, int64_t step, const char *tag, double value);
void gm_events_png(FILE *f, int64_t step, const char *tag, const void *png, size_t n);

/* The number of bytes of an event file to keep so that no event is later than step: all records
 * before the first such event, or before a damaged record. */
size_t gm_events_until(const uint8_t *bytes, size_t n, int64_t step);
/* Truncates all event files in the folder to step, so that a run resumed there has no duplicate
 * steps. */
bool gm_events_rewind(const char *folder, int64_t step, gm_error *err);

#endif
