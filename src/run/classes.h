/* SPDX-License-Identifier: MIT
 *
 * run/classes.h -- classes by their names: a number means a class only together with the list that it
 * counts in.
 */
#ifndef GM_RUN_CLASSES_H
#define GM_RUN_CLASSES_H

#include "ganymede/model.h"

/* Whether both count the same classes: as many, and where both have names the same names in the same
 * order. Else GM_ERR_VALUE, which names both and the first difference. */
bool gm_classes_agree(const gm_facts *a, const char *name_a, const gm_facts *b, const char *name_b,
                      gm_error *err);
/* Whether the labels of data mean classes of a run: the same names in the same order; where one of them
 * has no names, numbers that the run has. */
bool gm_labels_fit(const gm_facts *run, const gm_facts *data, const char *name, gm_error *err);
/* The number of the class that text means, a name or a number. GM_ERR_VALUE lists what there is. */
bool gm_class_find(const gm_facts *f, const char *text, int64_t *number, gm_error *err);

#endif
