/* SPDX-License-Identifier: MIT
 *
 * cli/studio.c -- ganymede studio.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/progress.h"
#include "studio/studio.h"

enum { PORT = 7717, ROOTS = 16 };

static const cli_option options[] = {
	{"port", "7717", "TCP port; without this option another one if it is taken"},
	{"listen", "127.0.0.1", "IPv4 address to listen on; others need --name"},
	{"name", "", "name or address of this machine in addresses of the page; may be repeated"},
	{"token-file", "", "file with the token, created if missing; default: a new one each time"},
	{"data-root", "",
         "folder whose files runs may read; may be repeated; default: this folder "
         "and the cache"},
	{"runs", "1", "runs that are trained at the same time, 1 to 8; others wait"},
	{"open", "", "also open the page in a browser"},
	{0},
};

/* Reads the token, or creates the file with a new one, readable only by its owner. */
static bool read_token(const char *path, char token[GM_STUDIO_TOKEN], gm_error *err)
{
	uint8_t random[(GM_STUDIO_TOKEN - 1) / 2];
	gm_bytes b = {0};
	if (gm_file_exists(path)) {
		struct stat st;
		if (stat(path, &st) || st.st_mode & 077)
			return gm_fail(err, GM_ERR_VALUE,
			               "%.300s can be read by others: chmod 600 it", path);
		if (!gm_file_open(path, &b, err))
			return false;
		size_t n = b.size;
		while (n && (b.data[n - 1] == '\n' || b.data[n - 1] == ' '))
			n--;
		bool ok = n == GM_STUDIO_TOKEN - 1;
		memcpy(token, b.data, ok ? n : 0);
		token[ok ? n : 0] = 0;
		gm_file_close(&b);
		return ok || gm_fail(err, GM_ERR_FORMAT,
		                     "%.300s does not contain %d hexadecimal "
		                     "digits",
		                     path, GM_STUDIO_TOKEN - 1);
	}
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return gm_fail(err, GM_ERR_IO, "no random numbers: %s", strerror(errno));
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(token + 2 * i, 3, "%02x", random[i]);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && dprintf(fd, "%s\n", token) > 0;
	if (fd >= 0)
		ok = !close(fd) && ok;
	return ok || gm_fail(err, GM_ERR_IO, "%.300s: cannot create it: %s", path, strerror(errno));
}

/* Opens the address in a browser, through a file that only this user can read, because command
 * lines can be read by all users of the machine. */
static void open_browser(const char *address)
{
	extern char **environ;
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX], url[PATH_MAX + 8];
	pid_t pid;
	snprintf(path, sizeof path, "%.3000s/ganymede-XXXXXX.html", dir && *dir ? dir : "/tmp");
	int fd = mkstemps(path, 5);
	bool ok = fd >= 0 && dprintf(fd,
	                             "<!doctype html><meta charset=utf-8><title>Ganymede studio"
	                             "</title><meta http-equiv=refresh content=\"0;url=%s\">\n",
	                             address) > 0;
	if (fd >= 0)
		ok = !close(fd) && ok;
	snprintf(url, sizeof url, "file://%s", path);
	char *argv[] = {"xdg-open", url, NULL};
	if (!ok || posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		fputs("(no browser could be started: open the address yourself)\n", stderr);
}

typedef struct arguments {
	gm_studio_options o;
	const char *name[GM_STUDIO_NAMES], *root[ROOTS], *outdir, *token_file;
	bool port_given, open;
} arguments;

static int read_option(arguments *g, const char *name, const char *value)
{
	gm_error err = {0};
	uint64_t n = 0;
	if (cli_is(name, "open"))
		g->open = true;
	else if (cli_is(name, "listen"))
		g->o.listen = value;
	else if (cli_is(name, "token-file"))
		g->token_file = value;
	else if (cli_is(name, "name") && g->o.names < GM_STUDIO_NAMES - 4)
		g->name[g->o.names++] = value;
	else if (cli_is(name, "data-root") && g->o.roots < ROOTS)
		g->root[g->o.roots++] = value;
	else if (cli_is(name, "port") && gm_text_u64(value, &n) && n <= 65535)
		g->o.port = (int)n, g->port_given = true;
	else if (cli_is(name, "runs") && gm_text_u64(value, &n) && n >= 1 && n <= 8)
		g->o.runs = (int)n;
	else if (cli_is(name, "port") || cli_is(name, "runs"))
		gm_fail(&err, GM_ERR_VALUE, "option %s: \"%.60s\" is not an integer from %s", name,
		        value, cli_is(name, "port") ? "0 to 65535" : "1 to 8");
	else if (cli_is(name, "name") || cli_is(name, "data-root"))
		gm_fail(&err, GM_ERR_VALUE, "option %s is given too often", name);
	else
		return cli_usage("studio has no option %.60s; see: ganymede studio --help", name);
	return err.code ? cli_usage("%s", err.message) : CLI_OK;
}

static int serve(arguments *g)
{
	char program[PATH_MAX], token[GM_STUDIO_TOKEN];
	gm_error err = {0};
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	program[n > 0 ? n : 0] = 0;
	g->o.program = program;
	g->o.outdir = g->outdir ? g->outdir : "runs";
	g->o.name = g->name;
	g->o.root = g->root;
	bool ok = g->outdir || gm_file_make_folder(g->o.outdir, &err);
	if (ok && !gm_file_is_folder(g->o.outdir))
		ok = gm_fail(&err, GM_ERR_IO, "there is no folder %.300s; create it for new runs",
		             g->o.outdir);
	if (ok && g->token_file) {
		ok = read_token(g->token_file, token, &err);
		g->o.token = token;
	}
	if (!ok)
		return cli_fail(&err);
	g->o.port = g->port_given ? g->o.port : PORT;
	gm_studio *s = gm_studio_start(&g->o, &err);
	if (!s && !g->port_given && strstr(err.message, "--port")) {
		err = (gm_error){0};
		g->o.port = 0;
		s = gm_studio_start(&g->o, &err);
	}
	if (!s)
		return cli_fail(&err);
	printf("%s\n", gm_studio_address(s));
	fprintf(stderr, "the studio of %s; end it with Ctrl+C: its runs go on\n", g->o.outdir);
	if (g->o.listen && strcmp(g->o.listen, "127.0.0.1") != 0)
		fprintf(stderr,
		        "warning: what is sent to and from %s is not encrypted; an ssh tunnel is: "
		        "ssh -L %d:127.0.0.1:%d THIS-MACHINE, without --listen\n",
		        g->o.listen, gm_studio_port(s), gm_studio_port(s));
	fflush(stdout);
	if (g->open)
		open_browser(gm_studio_address(s));
	while (!cli_stopped)
		pause();
	gm_studio_stop(s);
	return CLI_OK;
}

int cli_studio(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "open", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	arguments g = {0};
	int kind;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '-' && (cli_is(a.name, "help") || cli_is(a.name, "h"))) {
			cli_help("studio");
			puts("\nOUTDIR is the folder of runs, as of train; default: runs. The page "
			     "is "
			     "at the address\nthat the program prints, which contains a secret "
			     "token. "
			     "It shows all runs of the folder,\nalso those started in a terminal, "
			     "and "
			     "trains new ones.");
			cli_options_help(options);
			return CLI_OK;
		}
		if (kind == '+' && g.outdir)
			return cli_usage("studio takes one folder, not %.60s and %.60s", g.outdir,
			                 a.value);
		if (kind == '+')
			g.outdir = a.value;
		else if (read_option(&g, a.name, a.value))
			return CLI_USAGE;
	}
	if (g.o.listen && strcmp(g.o.listen, "127.0.0.1") != 0 && !g.o.names)
		return cli_usage("--listen %.60s needs --name, the name or address of this machine "
		                 "in the browser's address",
		                 g.o.listen);
	cli_catch_signals();
	signal(SIGPIPE, SIG_IGN);
	return serve(&g);
}
