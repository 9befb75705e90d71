/* SPDX-License-Identifier: MIT
 *
 * cli/progress.h -- what the user sees of work that takes long, and how it is stopped.
 *
 * Code below the verbs tells of its progress by gm_progress_tell (base/progress.h). On a terminal
 * that becomes one line on stderr that is written over: what, how far, time left; elsewhere a plain
 * line after two seconds, then every ten, then every minute. While something tells, SIGINT and
 * SIGTERM ask it to stop, and a second one ends the program at once.
 */
#ifndef GM_CLI_PROGRESS_H
#define GM_CLI_PROGRESS_H

#include <signal.h>

/* The signal that asked for an end, or 0. */
extern volatile sig_atomic_t cli_stopped;

/* For verbs that look at cli_stopped themselves: from now on the first SIGINT or SIGTERM sets it, and
 * the second ends the program. */
void cli_catch_signals(void);

/* Shows the progress of everything that this thread does. main calls it once. */
void cli_progress_start(void);
/* No longer: of several processes one speaks. */
void cli_progress_stop(void);

#endif
