/* SPDX-License-Identifier: MIT
 *
 * cifar.h -- CIFAR-10 and CIFAR-100, binary version. */
#ifndef GANYMEDE_DATA_CIFAR_H
#define GANYMEDE_DATA_CIFAR_H

#include "data/pictures.h"

/* path: a folder or archive that contains the files. *found: true if it has files of that split.
 * p->arena must be set. */
bool gm_cifar_open(gm_pictures *p, const char *path, const char *split, bool *found, gm_error *err);

/* Adds the records in bytes; kind 0: CIFAR-10, 1: CIFAR-100. */
bool gm_cifar_records(gm_pictures *p, int kind, const char *name, const uint8_t *bytes, size_t n,
                      gm_error *err);

#endif
