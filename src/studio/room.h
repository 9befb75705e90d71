/* SPDX-License-Identifier: MIT
 *
 * studio/room.h -- what the routes of the rooms for images share: fields of a body, pixels, opened
 * nets and jobs. Functions that return false or NULL have answered the call.
 */
#ifndef GM_STUDIO_ROOM_H
#define GM_STUDIO_ROOM_H

#include "studio/internal.h"
#include "ganymede/image.h"
#include "use/action.h"

bool gm_room_bad(gm_call *c, const char *field, const char *what); /* "field is not what"; false */
/* An integer of the body; v keeps its value if it is missing. */
bool gm_room_integer(gm_call *c, const char *name, int64_t low, int64_t high, int64_t *v);
bool gm_room_text(gm_call *c, const char *name, const char **v); /* the same, of a text */
/* The bytes of a base64 text; exactly n of them, from malloc. */
uint8_t *gm_room_bytes(gm_call *c, const char *name, size_t n);
/* The RGB pixels of the call as an image, with sides of at most `most`; the caller frees it. */
enum { GM_PHOTO_SIDE = 2048 };
gm_image *gm_room_photo(gm_call *c, int64_t most);
/* The options of an action in {"name": value}, as the command line takes them. */
bool gm_room_options(gm_call *c, const gm_action_row *rows, void *o);
bool gm_room_raw(const gm_call *c); /* asks for the weights instead of their moving averages */

/* [h,w,c] bytes to [c,h,w] floats in [-1,1] and back */
void gm_room_to_floats(const uint8_t *from, int64_t channels, int64_t plane, float *to);
void gm_room_to_bytes(const float *from, int64_t channels, int64_t plane, uint8_t *to);
/* Answers with images x [n, channels, height, width], shape {n, height, width, channels}. */
void gm_room_answer(gm_call *c, const float *x, const int64_t shape[4], int64_t seq, double began);
json_t *gm_room_number(double v); /* null if it is not finite: JSON has no such value */

/* The nets of the call's run, which nobody else uses until gm_room_unlock. */
gm_open_net *gm_room_lock(struct gm_studio *s, gm_call *c);
/* Slot and sequence number of a request that newer ones replace; then the nets for the newest one
 * of a slot: others are answered with 409. */
bool gm_room_announce(struct gm_studio *s, gm_call *c, int64_t *slot, int64_t *seq);
gm_open_net *gm_room_lock_newest(struct gm_studio *s, gm_call *c, int64_t slot, int64_t seq);
void gm_room_unlock(struct gm_studio *s);
/* Queues a job of the call's run and answers with its number. */
void gm_room_queue(struct gm_studio *s, gm_call *c, gm_job j);

#endif
