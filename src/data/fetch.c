/* SPDX-License-Identifier: MIT
 *
 * fetch.c -- downloads known data sets from their official sources with libcurl. See fetch.h. */
#include "data/fetch.h"

#include "base/file.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/cache.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 4 /* attempts after a broken connection */
#define PATIENCE 30
#define REDIRECTS 8
#define FILES_MAX 4

#define MNIST "https://ossci-datasets.s3.amazonaws.com/mnist/"
#define FASHION "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
#define KMNIST "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
#define CIFAR "https://www.cs.toronto.edu/~kriz/"
#define SVHN "http://ufldl.stanford.edu/housenumbers/"

#define PYTORCH_FID "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
#define PYTORCH "https://download.pytorch.org/models/"

#define TRAIN_IMAGES "train-images-idx3-ubyte.gz"
#define TRAIN_LABELS "train-labels-idx1-ubyte.gz"
#define TEST_IMAGES "t10k-images-idx3-ubyte.gz"
#define TEST_LABELS "t10k-labels-idx1-ubyte.gz"

/* The hashes are those checked by several independent projects. MNIST's own site asks not to be
 * used by programs; this is the mirror used by PyTorch. */
/* clang-format off */
static const struct {
	const char *name, *about;
	const char *open;    /* the file to open; NULL: the folder */
	const char *by_hand; /* instructions for sets that must be downloaded by hand */
	gm_fetch_file file[FILES_MAX];
	bool weights; /* of a network, not a data set */
} sets[] = {
	{"mnist", "handwritten digits, 28 x 28 grey, 60,000 + 10,000", NULL, NULL, {
		{MNIST, TRAIN_IMAGES, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
		{MNIST, TRAIN_LABELS, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
		{MNIST, TEST_IMAGES, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
		{MNIST, TEST_LABELS, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}}},
	{"fashion-mnist", "clothes, 28 x 28 grey, 60,000 + 10,000", NULL, NULL, {
		{FASHION, TRAIN_IMAGES, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
		{FASHION, TRAIN_LABELS, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
		{FASHION, TEST_IMAGES, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
		{FASHION, TEST_LABELS, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}}},
	{"kmnist", "cursive Japanese, 28 x 28 grey, 60,000 + 10,000", NULL, NULL, {
		{KMNIST, TRAIN_IMAGES, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
		{KMNIST, TRAIN_LABELS, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
		{KMNIST, TEST_IMAGES, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"},
		{KMNIST, TEST_LABELS, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}}},
	{"cifar10", "photographs of 10 classes, 32 x 32, 50,000 + 10,000", "cifar-10-binary.tar.gz", NULL, {
		{CIFAR, "cifar-10-binary.tar.gz",
		 "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}}},
	{"cifar100", "photographs of 100 classes, 32 x 32, 50,000 + 10,000", "cifar-100-binary.tar.gz", NULL, {
		{CIFAR, "cifar-100-binary.tar.gz",
		 "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"}}},
	{"svhn", "house numbers, 32 x 32, 73,257 + 26,032", NULL, NULL, {
		{SVHN, "train_32x32.mat", "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"},
		{SVHN, "test_32x32.mat", "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"}}},
	{"celeba", "faces, 178 x 218, 202,599: by hand", NULL,
	 "its licence requires a request: get img_align_celeba.zip from mmlab.ie.cuhk.edu.hk/projects/CelebA.html, then "
	 "give its path, with --size 64 --fit crop", {{0}}},
	{"inception", "weights of Inception v3 for metrics (91 MB)", "pt_inception-2015-12-05-6726825d.pth", NULL, {
		{PYTORCH_FID, "pt_inception-2015-12-05-6726825d.pth",
		 "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"}}, true},
	{"vgg16", "weights of VGG-16 for metrics (528 MB)", "vgg16-397923af.pth", NULL, {
		{PYTORCH, "vgg16-397923af.pth",
		 "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"}}, true},
};
/* clang-format on */
#define SETS ((int)(sizeof sets / sizeof *sets))

/* ---- one file ---- */

typedef struct transfer {
	int fd;
	int64_t at; /* bytes of the file so far */
	bool write_failed;
	const char *name;
	char what[64]; /* for progress */
	gm_error stopped;
	const gm_fetch_options *o;
} transfer;

static size_t on_data(char *data, size_t size, size_t n, void *context)
{
	transfer *t = context;
	const size_t all = n * size;
	for (size_t done = 0; done < all;) {
		const ssize_t k = write(t->fd, data + done, all - done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			t->write_failed = true;
			return 0;
		}
		done += (size_t)k;
		t->at += k;
	}
	return all;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up,
                       curl_off_t sent)
{
	transfer *t = context;
	(void)up, (void)sent;
	return !gm_progress_tell(t->what, (uint64_t)t->at,
	                         total > 0 ? (uint64_t)(total - now + t->at) : 0, "bytes",
	                         &t->stopped);
}

/* Resumes at the end of the file. */
static CURLcode attempt(CURL *c, const char *address, transfer *t, long *status)
{
	const long patience = t->o->patience > 0 ? t->o->patience : PATIENCE;
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, address);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L); /* an error's page is not data */
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, patience);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, patience);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ganymede");
	curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->at);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	const CURLcode code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
	return code;
}

static bool start_over(transfer *t)
{
	t->at = 0;
	return ftruncate(t->fd, 0) == 0 && lseek(t->fd, 0, SEEK_SET) == 0;
}

static bool is_broken_connection(CURLcode code)
{
	return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
	       code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
	       code == CURLE_OPERATION_TIMEDOUT;
}

/* Downloads the file to t->fd, with several attempts if needed. */
static bool transfer_all(const char *address, transfer *t, gm_error *err)
{
	CURL *c = curl_easy_init();
	if (!c)
		return gm_fail(err, GM_ERR_MEMORY, "libcurl does not start");
	CURLcode code = CURLE_OK;
	long status = 0;
	bool done = false;
	int again = 0;
	for (int tries = 0; tries < TRIES && !done; tries++) {
		const int64_t before = t->at;
		code = attempt(c, address, t, &status);
		/* the file was already complete */
		done = code == CURLE_OK || (before > 0 && status == 416);
		if (done || t->write_failed)
			break;
		if (code == CURLE_RANGE_ERROR) { /* the server cannot resume */
			if (again++ > 0 || !start_over(t))
				break;
		} else if (!is_broken_connection(code)) {
			break;
		} else if (t->at > before) {
			tries = 0; /* there was progress */
		}
	}
	curl_easy_cleanup(c);
	if (done)
		return true;
	if (t->write_failed)
		return gm_fail(err, GM_ERR_IO, "cannot write %s: %s", t->name, strerror(errno));
	if (t->stopped.code)
		return gm_fail(err, t->stopped.code, "%.200s; repeat the command to resume",
		               t->stopped.message);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return gm_fail(err, GM_ERR_IO, "%s: the server answers %ld", address, status);
	return gm_fail(err, GM_ERR_IO, "%s: %s%s", address, curl_easy_strerror(code),
	               t->at > 0 ? "; the partial download is kept: repeat the command to resume"
	                         : "");
}

static bool fetch_into(int fd, const char *part, const char *path, const gm_fetch_file *f,
                       const gm_fetch_options *o, gm_error *err)
{
	char address[1024], hex[GM_SHA256_HEX];
	const char *base = o->mirror ? o->mirror : f->base;
	const size_t n = strlen(base);
	snprintf(address, sizeof address, "%s%s%s", base, n && base[n - 1] == '/' ? "" : "/",
	         f->name);
	/* two processes would overwrite each other's data */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return gm_fail(err, GM_ERR_IO, "%s is already being downloaded", f->name);
	transfer t = {.fd = fd, .name = f->name, .o = o, .at = lseek(fd, 0, SEEK_END)};
	snprintf(t.what, sizeof t.what, "downloading %s", f->name);
	const bool whole = t.at >= 0 && transfer_all(address, &t, err);
	gm_progress_end();
	if (!whole)
		return gm_fail(err, GM_ERR_IO, "cannot write %s: %s", part, strerror(errno));
	if (!gm_sha256_fd(fd, part, hex, err))
		return false;
	if (strcmp(hex, f->sha256) != 0) {
		/* do not resume from wrong data */
		unlink(part);
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: wrong content (SHA-256 %s instead of %s); it was deleted",
		               address, hex, f->sha256);
	}
	if (fsync(fd) != 0 || rename(part, path) != 0)
		return gm_fail(err, GM_ERR_IO, "cannot write %s: %s", path, strerror(errno));
	return true;
}

bool gm_fetch_one(const char *folder, const gm_fetch_file *f, const gm_fetch_options *o,
                  gm_error *err)
{
	char path[PATH_MAX], part[PATH_MAX + 8];
	if (snprintf(path, sizeof path, "%s/%s", folder, f->name) >= (int)sizeof path - 8)
		return gm_fail(err, GM_ERR_VALUE, "%s: the path is too long", folder);
	if (gm_file_exists(path))
		return true;
	snprintf(part, sizeof part, "%s.part", path);
	const int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return gm_fail(err, GM_ERR_IO, "cannot write %s: %s", part, strerror(errno));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const bool ok = fetch_into(fd, part, path, f, o, err);
	close(fd);
	return ok;
}

/* ---- sets ---- */

const char *gm_data_fetch_names(int i, const char **about)
{
	if (i < 0 || i >= SETS)
		return NULL;
	if (about)
		*about = sets[i].about;
	return sets[i].name;
}

static int find(const char *name)
{
	for (int i = 0; i < SETS; i++)
		if (strcmp(name, sets[i].name) == 0)
			return i;
	return -1;
}

bool gm_fetch_find(const char *name, char path[PATH_MAX])
{
	const int s = find(name);
	char folder[PATH_MAX], file[PATH_MAX];
	path[0] = 0;
	if (s < 0)
		return false;
	if (!gm_cache_path("sets", name, folder) || !sets[s].file[0].name)
		return true;
	for (int i = 0; i < FILES_MAX && sets[s].file[i].name; i++)
		if (snprintf(file, sizeof file, "%s/%s", folder, sets[s].file[i].name) >=
		            (int)sizeof file ||
		    !gm_file_exists(file))
			return true;
	const char *open_this = sets[s].open;
	if (snprintf(path, PATH_MAX, "%s%s%s", folder, open_this ? "/" : "",
	             open_this ? open_this : "") >= PATH_MAX)
		path[0] = 0;
	return true;
}

bool gm_fetch_place(const char *name, const char *root, char path[PATH_MAX])
{
	if (root && snprintf(path, PATH_MAX, "%s/%s", root, name) < PATH_MAX &&
	    gm_file_exists(path))
		return true;
	return gm_fetch_find(name, path) && *path;
}

bool gm_fetch_is_weights(const char *name)
{
	const int s = find(name);
	return s >= 0 && sets[s].weights;
}

bool gm_data_fetch(const char *name, const gm_fetch_options *o, gm_error *err)
{
	static const gm_fetch_options plain;
	const int s = find(name);
	char folder[PATH_MAX];
	if (s < 0) {
		const char *names[SETS];
		for (int i = 0; i < SETS; i++)
			names[i] = sets[i].name;
		const char *near = gm_text_nearest(name, names, SETS);
		return near ? gm_fail(err, GM_ERR_VALUE,
		                      "there is no set %.60s to fetch; did you mean %s?", name,
		                      near)
		            : gm_fail(err, GM_ERR_VALUE,
		                      "there is no set %.60s to fetch (`ganymede data list` lists "
		                      "them)",
		                      name);
	}
	if (sets[s].by_hand)
		return gm_fail(err, GM_ERR_VALUE, "%s cannot be downloaded: %s", name,
		               sets[s].by_hand);
	if (!gm_cache_path("sets", name, folder))
		return gm_fail(err, GM_ERR_IO,
		               "there is no writable cache folder: set XDG_CACHE_HOME");
	if (!gm_file_make_folder(folder, err))
		return false;
	for (int i = 0; i < FILES_MAX && sets[s].file[i].name; i++)
		if (!gm_fetch_one(folder, &sets[s].file[i], o ? o : &plain, err))
			return false;
	return true;
}
