/* SPDX-License-Identifier: MIT
 *
 * text.h -- parses numbers and compares names typed by users. */
#ifndef GANYMEDE_BASE_TEXT_H
#define GANYMEDE_BASE_TEXT_H

#include "ganymede/base.h"

/* Strict: the whole of s must be the number, without spaces, in range; otherwise false and *v is
 * left alone. Doubles are finite and may be written 2e-4. NULL is not a number. */
bool gm_text_i64(const char *s, int64_t *v);
/* "AxB", two whole numbers of at most 15 digits, as sizes of images and grids are written. */
bool gm_text_size(const char *text, int64_t *a, int64_t *b);
bool gm_text_u64(const char *s, uint64_t *v);
bool gm_text_f64(const char *s, double *v);

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; `_` and `-` count as
 * the same letter and so do upper and lower case. Names longer than 63 bytes are compared by
 * their first 63. */
int gm_text_distance(const char *a, const char *b);

/* The entry of names[0..n) nearest to word, if it is near enough to be a typing error; else
 * NULL. */
const char *gm_text_nearest(const char *word, const char *const *names, int n);

/* Whether the n bytes at s are well-formed UTF-8 (no overlong forms, no surrogates). */
bool gm_text_is_utf8(const char *s, size_t n);

/* Whether a longer text ends with this ending, such as ".webp", in capitals or not. */
bool gm_text_ends(const char *text, const char *ending);

/* n bytes as a string, ended by a zero; the caller frees it. NULL where memory is short. Unlike
 * strndup it never looks beyond the n bytes, nor for a zero among them. */
char *gm_text_copy(const void *bytes, size_t n);

#endif
