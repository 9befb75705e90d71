/* SPDX-License-Identifier: MIT
 *
 * run/attributes.h -- internals of gm_attributes (ganymede/model.h), and attributes as text.
 */
#ifndef GM_RUN_ATTRIBUTES_H
#define GM_RUN_ATTRIBUTES_H

#include "run/run.h"

enum { GM_ATTRIBUTES = 16, GM_ATTRIBUTE_CUTS = 16 };

/* Numbers at .. at + width - 1: one of them is 1 (exclusive), or each is 0 or 1. */
typedef struct gm_attribute {
	char name[40];
	int64_t at, width, classes;
	bool exclusive;
	int cuts; /* borders of intervals */
	int64_t cut[GM_ATTRIBUTE_CUTS];
} gm_attribute;

struct gm_attributes {
	gm_run *run;
	gm_attribute of[GM_ATTRIBUTES];
	int count;
	int64_t width;
	int64_t first; /* numbers of earlier gm_attributes of the run */
	gm_node *batch;
	gm_attributes *next;
};

/* Writes "gender=0..1, age=NUMBER": what the run's attributes are. */
void gm_attributes_list(const gm_run *r, char *text, size_t room);
/* "gender=1,age=30" into the request `to` of all attributes of the run, one after the other, as
 * gm_attributes_change reads it; others are not changed. False with GM_ERR_VALUE for an unknown
 * attribute or value. */
bool gm_attributes_parse(const gm_run *r, const char *text, float *to, gm_error *err);

#endif
