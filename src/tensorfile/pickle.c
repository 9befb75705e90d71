/* SPDX-License-Identifier: MIT
 *
 * pickle.c -- see pickle.h. */
#include "tensorfile/pickle.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define VALUES_MAX (1u << 20) /* a state dict has some 15 for each tensor */
#define REFS_MAX (1u << 22)   /* items in all containers, depth of the stack */

/* Kinds of globals. */
enum { A_DICT, A_TENSOR, A_PARAMETER, A_STORAGE };

static const struct {
	const char *module, *name;
	uint8_t what, type;
} globals[] = {
	{"collections", "OrderedDict", A_DICT, 0},
	{"torch._utils", "_rebuild_tensor_v2", A_TENSOR, 0},
	{"torch._utils", "_rebuild_parameter", A_PARAMETER, 0},
	{"torch", "FloatStorage", A_STORAGE, GM_ST_F32},
	{"torch", "DoubleStorage", A_STORAGE, GM_ST_F64},
	{"torch", "HalfStorage", A_STORAGE, GM_ST_F16},
	{"torch", "BFloat16Storage", A_STORAGE, GM_ST_BF16},
	{"torch", "LongStorage", A_STORAGE, GM_ST_I64},
	{"torch", "IntStorage", A_STORAGE, GM_ST_I32},
	{"torch", "ShortStorage", A_STORAGE, GM_ST_I16},
	{"torch", "CharStorage", A_STORAGE, GM_ST_I8},
	{"torch", "ByteStorage", A_STORAGE, GM_ST_U8},
	{"torch", "BoolStorage", A_STORAGE, GM_ST_BOOL},
};
#define GLOBALS ((int)(sizeof globals / sizeof *globals))

/* Unsupported opcodes, for messages. */
static const struct {
	uint8_t code;
	const char *name;
} strangers[] = {
	{'i', "INST"},         {'o', "OBJ"},
	{0x81, "NEWOBJ"},      {0x92, "NEWOBJ_EX"},
	{0x82, "EXT1"},        {0x83, "EXT2"},
	{0x84, "EXT4"},        {'P', "PERSID"},
	{'0', "POP"},          {'1', "POP_MARK"},
	{'2', "DUP"},          {'F', "FLOAT"},
	{'I', "INT"},          {'L', "LONG"},
	{'S', "STRING"},       {'V', "UNICODE"},
	{'d', "DICT"},         {'l', "LIST"},
	{'p', "PUT"},          {'g', "GET"},
	{0x8f, "EMPTY_SET"},   {0x90, "ADDITEMS"},
	{0x91, "FROZENSET"},   {0x96, "BYTEARRAY8"},
	{0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
	{'B', "BINBYTES"},     {'C', "SHORT_BINBYTES"},
	{0x8e, "BINBYTES8"},   {0x8b, "LONG4"},
};

typedef struct machine {
	gm_pickle *p;
	const char *name;
	const uint8_t *start, *at, *end;
	uint32_t refs, memos;
	gm_error *err;
} machine;

/* Macros that evaluate to false, so that the compiler sees the failing path. */
static bool bad(const machine *m, const char *what)
{
	gm_fail_at(m->err, m->at - m->start, GM_ERR_FORMAT, "%s: pickle, byte %lld: %s", m->name,
	           (long long)(m->at - m->start), what);
	return false;
}

static bool no_memory(const machine *m)
{
	gm_fail(m->err, GM_ERR_MEMORY, "%s: out of memory", m->name);
	return false;
}

/* Makes room for one more; *room doubles. */
static bool grow(const machine *m, void **list, uint32_t *room, uint32_t n, size_t size,
                 uint32_t most)
{
	if (n < *room)
		return true;
	if (n >= most)
		return bad(m, "more values than any state dict has");
	const uint32_t more = *room ? *room * 2 : 8;
	void *bigger = realloc(*list, more * size);
	if (!bigger)
		return no_memory(m);
	*list = bigger, *room = more;
	return true;
}

static bool push_ref(machine *m, gm_pickle_ref r)
{
	gm_pickle *p = m->p;
	if (!grow(m, (void **)&p->stack, &p->stack_room, p->depth, sizeof *p->stack, REFS_MAX))
		return false;
	p->stack[p->depth++] = r;
	return true;
}

static bool push(machine *m, gm_pickle_value v)
{
	gm_pickle *p = m->p;
	if (!grow(m, (void **)&p->value, &p->room, p->values, sizeof *p->value, VALUES_MAX))
		return false;
	p->value[p->values] = v;
	return push_ref(m, p->values++);
}

static bool push_kind(machine *m, gm_pickle_kind kind)
{
	return push(m, (gm_pickle_value){.kind = kind});
}

static bool push_int(machine *m, int64_t number)
{
	return push(m, (gm_pickle_value){.kind = GM_PICKLE_INT, .number = number});
}

/* Pops the top of the stack; a mark is not a value. */
static bool pop(machine *m, gm_pickle_ref *r)
{
	gm_pickle *p = m->p;
	if (!p->depth || p->value[p->stack[p->depth - 1]].kind == GM_PICKLE_MARK)
		return bad(m, "a value is missing on the stack");
	*r = p->stack[--p->depth];
	return true;
}

/* The value that stays on top. */
static gm_pickle_value *top(machine *m, gm_pickle_kind kind)
{
	gm_pickle *p = m->p;
	gm_pickle_value *v = p->depth ? &p->value[p->stack[p->depth - 1]] : NULL;
	if (v && v->kind == kind)
		return v;
	bad(m, "items for something that is no list or dict");
	return NULL;
}

static bool append(machine *m, gm_pickle_value *v, gm_pickle_ref r)
{
	if (++m->refs > REFS_MAX)
		return bad(m, "more values than any state dict has");
	if (!grow(m, (void **)&v->item, &v->room, v->items, sizeof *v->item, REFS_MAX))
		return false;
	v->item[v->items++] = r;
	return true;
}

/* Number of values above the topmost mark; false without a mark. */
static bool above_mark(machine *m, uint32_t *n)
{
	const gm_pickle *p = m->p;
	for (*n = 0; *n < p->depth; ++*n)
		if (p->value[p->stack[p->depth - 1 - *n]].kind == GM_PICKLE_MARK)
			return true;
	return bad(m, "a mark is missing on the stack");
}

static bool tuple(machine *m, uint32_t n)
{
	gm_pickle *p = m->p;
	gm_pickle_value v = {.kind = GM_PICKLE_TUPLE};
	for (uint32_t i = 1; i <= n; i++)
		if (i > p->depth || p->value[p->stack[p->depth - i]].kind == GM_PICKLE_MARK)
			return bad(m, "a value is missing on the stack");
	bool ok = true;
	for (uint32_t i = 0; ok && i < n; i++)
		ok = append(m, &v, p->stack[p->depth - n + i]);
	p->depth -= ok ? n : 0;
	if (ok && push(m, v))
		return true;
	free(v.item);
	return false;
}

static bool marked_tuple(machine *m)
{
	uint32_t n;
	if (!above_mark(m, &n))
		return false;
	/* remove the mark: move the values down */
	gm_pickle *p = m->p;
	memmove(&p->stack[p->depth - n - 1], &p->stack[p->depth - n], n * sizeof *p->stack);
	p->depth--;
	return tuple(m, n);
}

/* Values above the mark become items of the container below it. */
static bool marked_items(machine *m, gm_pickle_kind kind)
{
	gm_pickle *p = m->p;
	uint32_t n;
	if (!above_mark(m, &n))
		return false;
	if (kind == GM_PICKLE_DICT && n % 2)
		return bad(m, "a key without a value");
	p->depth -= n + 1;
	gm_pickle_value *v = top(m, kind);
	for (uint32_t i = 0; v && i < n; i++)
		if (!append(m, v, p->stack[p->depth + 1 + i]))
			return false;
	return v != NULL;
}

static bool items(machine *m, gm_pickle_kind kind, int n)
{
	gm_pickle_ref r[2];
	for (int i = n - 1; i >= 0; i--)
		if (!pop(m, &r[i]))
			return false;
	gm_pickle_value *v = top(m, kind);
	for (int i = 0; v && i < n; i++)
		if (!append(m, v, r[i]))
			return false;
	return v != NULL;
}

/* ---- the input ---- */

static bool take(machine *m, size_t n, const uint8_t **p)
{
	if ((size_t)(m->end - m->at) < n)
		return bad(m, "truncated");
	*p = m->at;
	m->at += n;
	return true;
}

static bool number(machine *m, int bytes, uint64_t *v)
{
	const uint8_t *p;
	if (!take(m, (size_t)bytes, &p))
		return false;
	*v = 0;
	for (int i = 0; i < bytes; i++)
		*v |= (uint64_t)p[i] << 8 * i;
	return true;
}

static bool string(machine *m, int size_bytes)
{
	uint64_t n;
	const uint8_t *p;
	return number(m, size_bytes, &n) && take(m, n, &p) &&
	       push(m, (gm_pickle_value){.kind = GM_PICKLE_STRING,
	                                 .text = (const char *)p,
	                                 .length = (int64_t)n});
}

/* Two's complement of any length; at most eight bytes are supported. */
static bool long1(machine *m)
{
	uint64_t n, v = 0;
	const uint8_t *p;
	if (!number(m, 1, &n) || !take(m, n, &p))
		return false;
	for (uint64_t i = 0; i < 8 && n; i++)
		v |= (uint64_t)(i < n ? p[i] : p[n - 1] & 0x80 ? 0xff : 0) << 8 * i;
	/* PyTorch's magic number has ten bytes: too long for an integer here, compared as bytes. */
	return n <= 8 ? push_int(m, (int64_t)v)
	              : push(m, (gm_pickle_value){.kind = GM_PICKLE_STRING,
	                                          .text = (const char *)p,
	                                          .length = (int64_t)n});
}

/* ---- the memo ---- */

static bool put(machine *m, uint64_t at)
{
	gm_pickle *p = m->p;
	if (!p->depth)
		return bad(m, "a value is missing on the stack");
	if (at >= VALUES_MAX)
		return bad(m, "more values than any state dict has");
	const uint32_t was = p->memo_room;
	while (at >= p->memo_room)
		if (!grow(m, (void **)&p->memo, &p->memo_room, p->memo_room, sizeof *p->memo,
		          2 * VALUES_MAX))
			return false;
	/* empty: an invalid reference */
	memset(p->memo + was, 0xff, (p->memo_room - was) * sizeof *p->memo);
	p->memo[at] = p->stack[p->depth - 1];
	m->memos++;
	return true;
}

static bool get(machine *m, uint64_t at)
{
	const gm_pickle *p = m->p;
	if (at >= p->memo_room || p->memo[at] >= p->values)
		return bad(m, "it remembers what was never kept");
	return push_ref(m, p->memo[at]);
}

static bool numbered(machine *m, int bytes, bool keep)
{
	uint64_t at;
	return number(m, bytes, &at) && (keep ? put(m, at) : get(m, at));
}

/* ---- names and calls ---- */

static bool is_name(const char *known, const char *s, size_t n)
{
	return strlen(known) == n && memcmp(known, s, n) == 0;
}

/* A name for a message: without control characters, truncated. */
static void spell(char *out, size_t room, const char *s, size_t n)
{
	size_t k = 0;
	for (; k < n && k < room - 1; k++)
		out[k] = s[k] >= ' ' && s[k] < 127 ? s[k] : '?';
	out[k] = 0;
}

static bool global(machine *m, const char *module, size_t n_module, const char *name, size_t n_name)
{
	for (int i = 0; i < GLOBALS; i++)
		if (is_name(globals[i].module, module, n_module) &&
		    is_name(globals[i].name, name, n_name))
			return push(m, (gm_pickle_value){.kind = GM_PICKLE_GLOBAL,
			                                 .type = globals[i].type,
			                                 .number = globals[i].what});
	char a[100], b[100];
	spell(a, sizeof a, module, n_module);
	spell(b, sizeof b, name, n_name);
	return gm_fail_at(m->err, m->at - m->start, GM_ERR_FORMAT,
	                  "%s: %s.%s is not a tensor: this file would run code; save a model's "
	                  "state_dict() instead",
	                  m->name, a, b);
}

static bool line(machine *m, const char **s, size_t *n)
{
	const uint8_t *p = memchr(m->at, '\n', (size_t)(m->end - m->at));
	if (!p)
		return bad(m, "truncated");
	*s = (const char *)m->at;
	*n = (size_t)(p - m->at);
	m->at = p + 1;
	return true;
}

static bool global_lines(machine *m)
{
	const char *module, *name;
	size_t a, b;
	return line(m, &module, &a) && line(m, &name, &b) && global(m, module, a, name, b);
}

static bool global_stack(machine *m)
{
	gm_pickle_ref name, module;
	if (!pop(m, &name) || !pop(m, &module))
		return false;
	const gm_pickle_value *a = gm_pickle_at(m->p, module), *b = gm_pickle_at(m->p, name);
	if (a->kind != GM_PICKLE_STRING || b->kind != GM_PICKLE_STRING)
		return bad(m, "a global whose name is no string");
	return global(m, a->text, (size_t)a->length, b->text, (size_t)b->length);
}

/* A call becomes a value; nothing is called. */
static bool reduce(machine *m)
{
	gm_pickle *p = m->p;
	gm_pickle_ref ra, rf;
	if (!pop(m, &ra) || !pop(m, &rf))
		return false;
	const gm_pickle_value *f = gm_pickle_at(p, rf), *a = gm_pickle_at(p, ra);
	if (f->kind != GM_PICKLE_GLOBAL || a->kind != GM_PICKLE_TUPLE)
		return bad(m, "a call of something that cannot be called");
	if (f->number == A_DICT && a->items == 0)
		return push_kind(m, GM_PICKLE_DICT);
	if (f->number == A_PARAMETER && a->items >= 1)
		return push_ref(m, a->item[0]);
	if (f->number != A_TENSOR)
		return bad(m, "a call that no state dict makes");
	gm_pickle_value v = {.kind = GM_PICKLE_TENSOR};
	bool ok = true;
	for (uint32_t i = 0; ok && i < a->items; i++)
		ok = append(m, &v, a->item[i]);
	if (ok && push(m, v))
		return true;
	free(v.item);
	return false;
}

/* ('storage', type, key, location, elements[, view]) */
static bool persistent(machine *m)
{
	gm_pickle *p = m->p;
	gm_pickle_ref r;
	if (!pop(m, &r))
		return false;
	const gm_pickle_value *t = gm_pickle_at(p, r), *v[6] = {0};
	for (uint32_t i = 0; i < 6; i++)
		v[i] = gm_pickle_item(p, t, i);
	if (t->kind != GM_PICKLE_TUPLE || t->items < 5 || t->items > 6 ||
	    !gm_pickle_is(v[0], "storage") || v[1]->kind != GM_PICKLE_GLOBAL ||
	    v[1]->number != A_STORAGE || v[2]->kind != GM_PICKLE_STRING ||
	    v[4]->kind != GM_PICKLE_INT || v[4]->number < 0)
		return bad(m, "a reference to something that is no storage");
	if (v[5] && v[5]->kind != GM_PICKLE_NONE)
		return bad(m, "a storage that is a view of another");
	return push(m, (gm_pickle_value){.kind = GM_PICKLE_STORAGE,
	                                 .type = v[1]->type,
	                                 .text = v[2]->text,
	                                 .length = v[2]->length,
	                                 .number = v[4]->number});
}

/* State of an object made by REDUCE. For a state dict these are version numbers, which are
 * ignored. */
static bool build(machine *m)
{
	gm_pickle_ref r;
	return pop(m, &r) && top(m, GM_PICKLE_DICT);
}

static bool stranger(machine *m, uint8_t code)
{
	char what[80];
	m->at--;
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
		if (strangers[i].code == code) {
			snprintf(what, sizeof what, "opcode %s has no place in a state dict",
			         strangers[i].name);
			return bad(m, what);
		}
	snprintf(what, sizeof what, "0x%02x is no opcode that a state dict has", code);
	return bad(m, what);
}

static bool step(machine *m, uint8_t code)
{
	const uint8_t *skip;
	uint64_t v = 0;
	switch (code) {
	case 0x80: /* PROTO */
		return number(m, 1, &v) &&
		       ((v >= 2 && v <= 5) || bad(m, "a protocol other than 2 to 5"));
	case 0x95: /* FRAME */
		return take(m, 8, &skip);
	case 'N':
		return push_kind(m, GM_PICKLE_NONE);
	case 0x88: /* NEWTRUE */
	case 0x89: /* NEWFALSE */
		return push_int(m, code == 0x88);
	case 'J': /* BININT */
		return number(m, 4, &v) && push_int(m, (int32_t)(uint32_t)v);
	case 'K': /* BININT1 */
		return number(m, 1, &v) && push_int(m, (int64_t)v);
	case 'M': /* BININT2 */
		return number(m, 2, &v) && push_int(m, (int64_t)v);
	case 0x8a:
		return long1(m);
	case 'G': /* BINFLOAT */
		return take(m, 8, &skip) && push_kind(m, GM_PICKLE_FLOAT);
	case 'U':  /* SHORT_BINSTRING */
	case 0x8c: /* SHORT_BINUNICODE */
		return string(m, 1);
	case 'T': /* BINSTRING */
	case 'X': /* BINUNICODE */
		return string(m, 4);
	case 0x8d: /* BINUNICODE8 */
		return string(m, 8);
	case '}':
		return push_kind(m, GM_PICKLE_DICT);
	case ']':
		return push_kind(m, GM_PICKLE_LIST);
	case ')':
		return tuple(m, 0);
	case '(':
		return push_kind(m, GM_PICKLE_MARK);
	case 't':
		return marked_tuple(m);
	case 0x85: /* TUPLE1 ... TUPLE3 */
	case 0x86:
	case 0x87:
		return tuple(m, code - 0x84);
	case 's': /* SETITEM */
		return items(m, GM_PICKLE_DICT, 2);
	case 'u': /* SETITEMS */
		return marked_items(m, GM_PICKLE_DICT);
	case 'a': /* APPEND */
		return items(m, GM_PICKLE_LIST, 1);
	case 'e': /* APPENDS */
		return marked_items(m, GM_PICKLE_LIST);
	case 'q': /* BINPUT, LONG_BINPUT */
	case 'r':
		return numbered(m, code == 'q' ? 1 : 4, true);
	case 'h': /* BINGET, LONG_BINGET */
	case 'j':
		return numbered(m, code == 'h' ? 1 : 4, false);
	case 0x94: /* MEMOIZE */
		return put(m, m->memos);
	case 'c': /* GLOBAL */
		return global_lines(m);
	case 0x93: /* STACK_GLOBAL */
		return global_stack(m);
	case 'R':
		return reduce(m);
	case 'Q': /* BINPERSID */
		return persistent(m);
	case 'b':
		return build(m);
	default:
		return stranger(m, code);
	}
}

bool gm_pickle_run(gm_pickle *p, const char *name, const void *bytes, size_t n, gm_error *err)
{
	const uint8_t *start = bytes;
	machine m = {p, name, start, start, start + n, 0, 0, err};
	*p = (gm_pickle){0};
	if (n < 2 || start[0] != 0x80)
		return bad(&m, "it does not begin as one of protocol 2 or later");
	while (m.at < m.end) {
		const uint8_t code = *m.at++;
		if (code == '.') {
			p->length = (size_t)(m.at - start);
			return pop(&m, &p->top);
		}
		if (!step(&m, code))
			return false;
	}
	return bad(&m, "truncated");
}

void gm_pickle_free(gm_pickle *p)
{
	for (uint32_t i = 0; i < p->values; i++)
		free(p->value[i].item);
	free(p->value), free(p->stack), free(p->memo);
	*p = (gm_pickle){0};
}

const gm_pickle_value *gm_pickle_item(const gm_pickle *p, const gm_pickle_value *v, uint32_t i)
{
	return v && i < v->items ? &p->value[v->item[i]] : NULL;
}

bool gm_pickle_is(const gm_pickle_value *v, const char *text)
{
	return v && v->kind == GM_PICKLE_STRING && is_name(text, v->text, (size_t)v->length);
}
