/* SPDX-License-Identifier: MIT
 *
 * cli/progress.h -- progress output of long operations, and cancelling them. Library code reports
 * progress by gm_progress_tell (base/progress.h). On a terminal this is one line on stderr, updated
 * in place, with the task, its progress and the remaining time; otherwise a plain line after two
 * seconds, then every ten seconds, then every minute. During such an operation SIGINT and SIGTERM
 * request a stop; a second signal ends the program at once.
 */
#ifndef GM_CLI_PROGRESS_H
#define GM_CLI_PROGRESS_H

#include <signal.h>

/* The signal that requested a stop, or 0. */
extern volatile sig_atomic_t cli_stopped;

/* For commands that check cli_stopped: after this call the first SIGINT or SIGTERM sets it, and the
 * second ends the program. */
void cli_catch_signals(void);

/* Starts showing progress of this thread. main calls it once. */
void cli_progress_start(void);
/* Stops it: of several processes only one shows progress. */
void cli_progress_stop(void);

#endif
