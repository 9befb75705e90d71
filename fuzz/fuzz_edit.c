/* SPDX-License-Identifier: MIT
 *
 * fuzz_edit.c -- scripts of strokes (use/edit.h), over a run that is trained for one step. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ganymede/train.h"
#include "run/settings.h"
#include "use/edit.h"
#include "use/project.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static gm_edit *edit;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const options[][2] = {
		{"data", "shapes"}, {"size", "8"},  {"width", "2"},  {"nz", "2"},
		{"batch", "2"},     {"steps", "1"}, {"grid", "1x1"}, {"monitors", "no"}};
	char folder[] = "/tmp/ganymede-fuzz-XXXXXX";
	static const float z0[2];
	gm_settings s;
	gm_error err = {0};
	gm_edit_options o;
	(void)argc, (void)argv;
	if (!mkdtemp(folder))
		return 1;
	gm_settings_init(&s, gm_model_find("dcgan"));
	bool ok = gm_settings_set(&s, "outdir", folder, &err);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		ok = ok && gm_settings_set(&s, options[i][0], options[i][1], &err);
	gm_train_call call = {.settings = &s};
	ok = ok && gm_train(&call, &err);
	gm_saved *run = ok ? gm_saved_open(call.folder, NULL, &err) : NULL;
	gm_action_reset(gm_edit_rows, &o);
	o.starts = 1;
	edit = run ? gm_edit_new(run, &o, z0, &err) : NULL;
	if (!edit)
		fprintf(stderr, "%s\n", err.message);
	gm_saved_free(run);
	gm_settings_free(&s);
	return edit ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	float z[2];
	bool given;
	gm_edit_from((const char *)bytes, n, 2, z, &given, &err);
	gm_edit_read(edit, (const char *)bytes, n, &err);
	gm_edit_clear(edit);
	return 0;
}
