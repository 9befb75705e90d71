/* SPDX-License-Identifier: MIT
 *
 * pickle.h -- the part of Python's pickle that PyTorch writes state dicts in, and no more.
 *
 * A pickle is a program for a small stack machine; Python's own reader runs it, and a file from
 * elsewhere can make it call anything. This machine calls nothing. It knows the opcodes that make
 * numbers, strings, tuples, lists and dicts, and the few global names that a state dict needs; it
 * writes down that a tensor was asked for. Every other opcode and every other global is refused by
 * its name (pickletools; torch/_utils.py). Memory is bounded by a number of values, whatever the
 * file says. */
#ifndef GANYMEDE_BASE_PICKLE_H
#define GANYMEDE_BASE_PICKLE_H

#include "tensorfile/safetensors.h"

typedef enum gm_pickle_kind {
	GM_PICKLE_NONE,
	GM_PICKLE_INT,   /* number; also truth values */
	GM_PICKLE_FLOAT, /* its value is kept nowhere: no tensor needs one */
	GM_PICKLE_STRING,
	GM_PICKLE_TUPLE,
	GM_PICKLE_LIST,
	GM_PICKLE_DICT, /* items: key, value, key, value, ... */
	GM_PICKLE_GLOBAL,
	GM_PICKLE_STORAGE, /* type, number elements; text is its key */
	GM_PICKLE_TENSOR,  /* items: the arguments of torch._utils._rebuild_tensor_v2 */
	GM_PICKLE_MARK
} gm_pickle_kind;

typedef uint32_t gm_pickle_ref; /* the number of a value */

typedef struct gm_pickle_value {
	uint8_t kind, type; /* type: gm_st_type of a storage; what a global is */
	uint32_t items, room;
	gm_pickle_ref *item;
	const char *text; /* of a string or storage, borrowed from the input; length bytes */
	int64_t number, length;
} gm_pickle_value;

typedef struct gm_pickle {
	gm_pickle_value *value;
	uint32_t values, room;
	gm_pickle_ref *stack, *memo;
	uint32_t depth, stack_room, memo_room;
	gm_pickle_ref top; /* what the pickle is */
	size_t length;     /* bytes of the input up to and with its end */
} gm_pickle;

/* Runs one pickle from the beginning of bytes, which are borrowed for as long as *p lives. name is
 * what messages call the input; GM_ERR_FORMAT with the offset, or GM_ERR_MEMORY. Free *p in any
 * case. */
bool gm_pickle_run(gm_pickle *p, const char *name, const void *bytes, size_t n, gm_error *err);
void gm_pickle_free(gm_pickle *p);

static inline const gm_pickle_value *gm_pickle_at(const gm_pickle *p, gm_pickle_ref r)
{
	return &p->value[r];
}

/* Item i of a container, or NULL where it has no such one. */
const gm_pickle_value *gm_pickle_item(const gm_pickle *p, const gm_pickle_value *v, uint32_t i);

bool gm_pickle_is(const gm_pickle_value *v, const char *text); /* the string */

#endif
