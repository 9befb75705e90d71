/* SPDX-License-Identifier: MIT
 *
 * content.c -- see content.h. The marks are those of the formats' own specifications, as file(1)
 * and the IANA registry of media types collect them. */
#include "base/content.h"

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <fcntl.h>

static const char
	to_png[] = "convert it to PNG or JPEG",
	unpack[] = "unpack it, or pack it as .zip or .tar.xz",
	frames[] = "take its frames: ffmpeg -i FILE frames/%05d.png",
	arrays[] = "save its pictures as arrays in an .npz (numpy.savez), or as files in a folder";

/* clang-format off */
static const struct {
	int at; /* offset of the magic number */
	const char *mark;
	int size;
	gm_content what;
} marks[] = {
	{0, "\x89PNG\r\n\x1a\n", 8, {GM_CONTENT_PICTURE, "a PNG picture", NULL}},
	{0, "\xff\xd8\xff", 3, {GM_CONTENT_PICTURE, "a JPEG picture", NULL}},
	{8, "WEBP", 4, {GM_CONTENT_PICTURE, "a WebP picture", NULL}},
	{0, "GIF87a", 6, {GM_CONTENT_PICTURE, "a GIF picture", NULL}},
	{0, "GIF89a", 6, {GM_CONTENT_PICTURE, "a GIF picture", NULL}},
	{8, "CR\2", 3, {GM_CONTENT_UNREAD, "a raw photograph (CR2)", to_png}},
	{0, "II*\0", 4, {GM_CONTENT_PICTURE, "a TIFF picture", NULL}},
	{0, "MM\0*", 4, {GM_CONTENT_PICTURE, "a TIFF picture", NULL}},
	{0, "II+\0", 4, {GM_CONTENT_PICTURE, "a TIFF picture", NULL}},
	{0, "MM\0+", 4, {GM_CONTENT_PICTURE, "a TIFF picture", NULL}},
	{4, "ftypavif", 8, {GM_CONTENT_UNREAD, "an AVIF picture", to_png}},
	{4, "ftypavis", 8, {GM_CONTENT_UNREAD, "an AVIF picture", to_png}},
	{4, "ftyphei", 7, {GM_CONTENT_UNREAD, "a HEIC picture", to_png}},
	{4, "ftyphev", 7, {GM_CONTENT_UNREAD, "a HEIC picture", to_png}},
	{4, "ftypmif1", 8, {GM_CONTENT_UNREAD, "a HEIF picture", to_png}},
	{4, "ftypcrx", 7, {GM_CONTENT_UNREAD, "a raw photograph (CR3)", to_png}},
	{0, "\0\0\0\x0cJXL \r\n\x87\n", 12, {GM_CONTENT_UNREAD, "a JPEG XL picture", to_png}},
	{0, "\xff\xfe", 2, {GM_CONTENT_OTHER, "text in UTF-16", "save it as UTF-8"}},
	{0, "\xfe\xff", 2, {GM_CONTENT_OTHER, "text in UTF-16", "save it as UTF-8"}},
	{0, "\xff\x0a", 2, {GM_CONTENT_UNREAD, "a JPEG XL picture", to_png}},
	{0, "\0\0\0\x0cjP  \r\n\x87\n", 12, {GM_CONTENT_UNREAD, "a JPEG 2000 picture", to_png}},
	{0, "\xff\x4f\xff\x51", 4, {GM_CONTENT_UNREAD, "a JPEG 2000 picture", to_png}},
	{0, "8BPS", 4, {GM_CONTENT_UNREAD, "a Photoshop picture", to_png}},
	{0, "gimp xcf", 8, {GM_CONTENT_UNREAD, "a GIMP picture", to_png}},
	{0, "\x76\x2f\x31\x01", 4, {GM_CONTENT_UNREAD, "an OpenEXR picture", to_png}},
	{0, "#?RADIANCE", 10, {GM_CONTENT_UNREAD, "a Radiance HDR picture", to_png}},
	{0, "DDS ", 4, {GM_CONTENT_UNREAD, "a DDS picture", to_png}},
	{0, "qoif", 4, {GM_CONTENT_UNREAD, "a QOI picture", to_png}},
	{0, "\0\0\1\0", 4, {GM_CONTENT_UNREAD, "a Windows icon", to_png}},
	{0, "FUJIFILMCCD-RAW", 15, {GM_CONTENT_UNREAD, "a raw photograph (RAF)", to_png}},
	{0, "IIU\0", 4, {GM_CONTENT_UNREAD, "a raw photograph (RW2)", to_png}},
	{0, "IIRO", 4, {GM_CONTENT_UNREAD, "a raw photograph (ORF)", to_png}},
	{0, "\xc5\xd0\xd3\xc6", 4, {GM_CONTENT_UNREAD, "an EPS drawing", to_png}},
	{128, "DICM", 4, {GM_CONTENT_UNREAD, "a DICOM picture", to_png}},
	{0, "P7\n", 3, {GM_CONTENT_UNREAD, "a PAM picture", to_png}},
	{0, "PF\n", 3, {GM_CONTENT_UNREAD, "a PFM picture", to_png}},
	{0, "Pf\n", 3, {GM_CONTENT_UNREAD, "a PFM picture", to_png}},
	{0, "PK\3\4", 4, {GM_CONTENT_ARCHIVE, "a zip archive", NULL}},
	{0, "PK\5\6", 4, {GM_CONTENT_ARCHIVE, "an empty zip archive", NULL}},
	{257, "ustar", 5, {GM_CONTENT_ARCHIVE, "a tar archive", NULL}},
	{0, "\x1f\x8b", 2, {GM_CONTENT_ARCHIVE, "gzip data", NULL}},
	{0, "\xfd" "7zXZ\0", 6, {GM_CONTENT_ARCHIVE, "xz data", NULL}},
	{0, "BZh", 3, {GM_CONTENT_ARCHIVE, "bzip2 data", NULL}},
	{0, "\x28\xb5\x2f\xfd", 4, {GM_CONTENT_ARCHIVE, "Zstandard data", NULL}},
	{0, "7z\xbc\xaf\x27\x1c", 6, {GM_CONTENT_OTHER, "a 7-Zip archive", unpack}},
	{0, "Rar!\x1a\x07", 6, {GM_CONTENT_OTHER, "a RAR archive", unpack}},
	{0, "\x93NUMPY", 6, {GM_CONTENT_ARRAYS, "a NumPy array", "call it .npy"}},
	{0, "MATLAB 5.0 MAT-file", 19, {GM_CONTENT_ARRAYS, "a MATLAB 5 file", "call it .mat"}},
	{0, "\x89HDF\r\n\x1a\n", 8, {GM_CONTENT_OTHER, "an HDF5 file", arrays}},
	{0, "MATLAB 7.3 MAT-file", 19, {GM_CONTENT_OTHER, "a MATLAB 7.3 file, which is HDF5", "save it with -v7"}},
	{0, "PAR1", 4, {GM_CONTENT_OTHER, "a Parquet table", arrays}},
	{0, "ARROW1", 6, {GM_CONTENT_OTHER, "an Arrow file", arrays}},
	{0, "ORC", 3, {GM_CONTENT_OTHER, "an ORC table", arrays}},
	{0, "Obj\1", 4, {GM_CONTENT_OTHER, "an Avro file", arrays}},
	{0, "SQLite format 3\0", 16, {GM_CONTENT_OTHER, "an SQLite database", arrays}},
	{0, "CDF\1", 4, {GM_CONTENT_OTHER, "a NetCDF file", arrays}},
	{0, "CDF\2", 4, {GM_CONTENT_OTHER, "a NetCDF file", arrays}},
	{16, "\xde\xc0\xef\xbe", 4, {GM_CONTENT_OTHER, "an LMDB database", arrays}},
	{0, "\x80\2", 2, {GM_CONTENT_OTHER, "a Python pickle", arrays}},
	{0, "\x80\3", 2, {GM_CONTENT_OTHER, "a Python pickle", arrays}},
	{0, "\x80\4\x95", 3, {GM_CONTENT_OTHER, "a Python pickle", arrays}},
	{0, "\x80\5\x95", 3, {GM_CONTENT_OTHER, "a Python pickle", arrays}},
	{0, "RDX2\n", 5, {GM_CONTENT_OTHER, "an R data file", arrays}},
	{0, "RDX3\n", 5, {GM_CONTENT_OTHER, "an R data file", arrays}},
	{4, "ftyp", 4, {GM_CONTENT_OTHER, "a video (MP4 or MOV)", frames}},
	{8, "AVI ", 4, {GM_CONTENT_OTHER, "a video (AVI)", frames}},
	{0, "\x1a\x45\xdf\xa3", 4, {GM_CONTENT_OTHER, "a video (Matroska or WebM)", frames}},
	{0, "\0\0\1\xba", 4, {GM_CONTENT_OTHER, "a video (MPEG)", frames}},
	{0, "YUV4MPEG2", 9, {GM_CONTENT_OTHER, "a video (YUV4MPEG)", frames}},
	{8, "WAVE", 4, {GM_CONTENT_OTHER, "a WAVE sound", NULL}},
	{8, "AIFF", 4, {GM_CONTENT_OTHER, "an AIFF sound", NULL}},
	{8, "AIFC", 4, {GM_CONTENT_OTHER, "an AIFF sound", NULL}},
	{0, "fLaC", 4, {GM_CONTENT_OTHER, "a FLAC sound", NULL}},
	{0, "ID3", 3, {GM_CONTENT_OTHER, "an MP3 sound", NULL}},
	{0, "OggS", 4, {GM_CONTENT_OTHER, "an Ogg sound or video", NULL}},
	{0, "%PDF-", 5, {GM_CONTENT_OTHER, "a PDF document", to_png}},
	{0, "%!PS", 4, {GM_CONTENT_OTHER, "a PostScript document", to_png}},
	{0, "\x7f" "ELF", 4, {GM_CONTENT_OTHER, "a program (ELF)", NULL}},
	{0, "MZ", 2, {GM_CONTENT_OTHER, "a Windows program", NULL}},
	{0, "\xd0\xcf\x11\xe0", 4, {GM_CONTENT_OTHER, "an old Microsoft Office file or Thumbs.db", NULL}},
	{0, "version https://git-lfs", 23, {GM_CONTENT_OTHER, "a Git LFS pointer in the file's place", "git lfs pull gets the file"}},
};
/* clang-format on */

/* Two bytes are not enough to identify the format: check the header too. */
static bool is_bmp(const uint8_t *p, size_t n)
{
	static const uint8_t headers[] = {12, 16, 40, 52, 56, 64, 108, 124};
	return n >= 26 && p[0] == 'B' && p[1] == 'M' && p[15] == 0 && p[16] == 0 && p[17] == 0 &&
	       memchr(headers, p[14], sizeof headers);
}

static bool is_pnm(const uint8_t *p, size_t n)
{
	return n >= 8 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' && isspace(p[2]) &&
	       (isdigit(p[3]) || p[3] == '#' || isspace(p[3]));
}

/* UTF-8 (the last character may be truncated) or another superset of ASCII, without control
 * characters. */
static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 32 && !isspace(p[i])) || p[i] == 127)
			return false;
	return true;
}

static bool begins(const uint8_t *p, size_t n, const char *word)
{
	size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (i < n && isspace(p[i]))
		i++;
	return n - i >= strlen(word) && strncasecmp((const char *)p + i, word, strlen(word)) == 0;
}

static gm_content of_text(const uint8_t *p, size_t n)
{
	static const char page[] = "a download often ends in such a page: look into it";
	if (begins(p, n, "<!doctype html") || begins(p, n, "<html"))
		return (gm_content){GM_CONTENT_TEXT, "a web page (HTML)", page};
	if (begins(p, n, "<svg") || (begins(p, n, "<?xml") && memmem(p, n, "<svg", 4)))
		return (gm_content){GM_CONTENT_UNREAD, "an SVG drawing", to_png};
	if (begins(p, n, "<?xml"))
		return (gm_content){GM_CONTENT_TEXT, "XML text", NULL};
	if (begins(p, n, "{") || begins(p, n, "["))
		return (gm_content){GM_CONTENT_TEXT, "JSON text", NULL};
	return (gm_content){GM_CONTENT_TEXT, "text", NULL};
}

/* "ID3" or "MZ" may also be the start of a text. */
static bool is_word(size_t mark)
{
	for (int i = 0; i < marks[mark].size; i++)
		if (!isprint((unsigned char)marks[mark].mark[i]))
			return false;
	return marks[mark].size <= 4;
}

gm_content gm_content_of(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	if (n == 0)
		return (gm_content){GM_CONTENT_EMPTY, "an empty file", NULL};
	const bool text = is_text(p, n < GM_CONTENT_HEAD ? n : GM_CONTENT_HEAD);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (n >= (size_t)(marks[i].at + marks[i].size) && !(text && is_word(i)) &&
		    memcmp(p + marks[i].at, marks[i].mark, (size_t)marks[i].size) == 0)
			return marks[i].what;
	if (is_bmp(p, n))
		return (gm_content){GM_CONTENT_PICTURE, "a BMP picture", NULL};
	if (is_pnm(p, n))
		return (gm_content){GM_CONTENT_PICTURE, "a PNM picture", NULL};
	if (text)
		return of_text(p, n);
	for (size_t i = 1; i < n && p[0] == 0; i++)
		if (p[i])
			return (gm_content){GM_CONTENT_UNKNOWN, "bytes of no known kind", NULL};
	return p[0] ? (gm_content){GM_CONTENT_UNKNOWN, "bytes of no known kind", NULL}
	            : (gm_content){GM_CONTENT_OTHER, "zeros", "it was not copied whole"};
}

gm_content gm_content_at(const char *path)
{
	uint8_t head[GM_CONTENT_HEAD];
	size_t n = 0;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : 1;
	while (got > 0 && n < sizeof head)
		if ((got = read(fd, head + n, sizeof head - n)) > 0)
			n += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return (gm_content){GM_CONTENT_UNKNOWN, "a file that cannot be read", NULL};
	return gm_content_of(head, n);
}

bool gm_content_named_picture(const char *name)
{
	static const char *const ends[] = {
		".png", ".apng", ".jpg", ".jpeg", ".jpe",  ".jfif", ".jif", ".pjpeg",
		".pjp", ".webp", ".gif", ".tif",  ".tiff", ".bmp",  ".dib", ".ppm",
		".pgm", ".pbm",  ".pnm", ".avif", ".heic", ".heif", ".jxl", ".jp2",
		".j2k", ".psd",  ".exr", ".hdr",  ".tga",  ".dds",  ".ico", ".svg",
		".cr2", ".cr3",  ".nef", ".arw",  ".dng",
	};
	const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}
