/* SPDX-License-Identifier: MIT
 *
 * run/classes.h -- compares classes by name, because a class number has a meaning only together
 * with its list of names.
 */
#ifndef GM_RUN_CLASSES_H
#define GM_RUN_CLASSES_H

#include "ganymede/model.h"

/* True if both have the same number of classes and, if both have names, the same names in the same
 * order. Else GM_ERR_VALUE, with both names and the first difference. */
bool gm_classes_agree(const gm_facts *a, const char *name_a, const gm_facts *b, const char *name_b,
                      gm_error *err);
/* True if labels of the data are classes of the run: the same names in the same order; if one of
 * them has no names, the numbers must be in the run's range. */
bool gm_labels_fit(const gm_facts *run, const gm_facts *data, const char *name, gm_error *err);
/* The number of the class given by name or number. GM_ERR_VALUE lists the classes. */
bool gm_class_find(const gm_facts *f, const char *text, int64_t *number, gm_error *err);

#endif
