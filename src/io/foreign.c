/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/foreign.h"

#include <stdbool.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"

static const struct {
  const char *begin; /* lower-case letters stand for both cases */
  bool is_text;      /* white space and a byte-order mark may stand before it */
  const char *message;
} kinds[] = {
    {"version https://git-lfs", true,
     "is a pointer of Git LFS, not the file itself: 'git lfs pull' fetches it"},
    {"<!doctype html", true, "is an HTML page: the download gave a page, not the file"},
    {"<html", true, "is an HTML page: the download gave a page, not the file"},
    {"GGUF", false, "is a GGUF file, which svf does not read: take the model's safetensors"},
    {"PK\3\4", false, "is a PyTorch checkpoint or another ZIP archive: take the safetensors"},
};

/* By the ends of their names. */
static const struct {
  const char *end, *kind;
} weights[] = {
    {".gguf", "a GGUF file"},
    {".bin", "a PyTorch checkpoint"},
    {".bin.index.json", "a PyTorch checkpoint"},
    {".pt", "a PyTorch checkpoint"},
    {".pth", "a PyTorch checkpoint"},
    {".ckpt", "a PyTorch checkpoint"},
    {".h5", "a TensorFlow checkpoint"},
    {".msgpack", "a Flax checkpoint"},
    {".onnx", "an ONNX model"},
};

static bool begins(const char *at, size_t count, const char *begin)
{
  const size_t n = strlen(begin);
  for (size_t i = 0; i < n && i < count; ++i) {
    const bool letter = begin[i] >= 'a' && begin[i] <= 'z';
    if (at[i] != begin[i] && !(letter && at[i] == begin[i] - 'a' + 'A')) return false;
  }
  return n <= count;
}

/* The bytes of white space and a byte-order mark at the beginning. */
static size_t blank_bytes(const char *at, size_t count)
{
  static const char mark[] = "\xef\xbb\xbf";
  size_t n = count >= 3 && memcmp(at, mark, 3) == 0 ? 3 : 0;
  while (n < count && (at[n] == ' ' || (at[n] >= '\t' && at[n] <= '\r'))) ++n;
  return n;
}

svf_status svf_foreign_check(const void *bytes, size_t count)
{
  const size_t blank = blank_bytes(bytes, count);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    const size_t from = kinds[i].is_text ? blank : 0;
    if (begins((const char *)bytes + from, count - from, kinds[i].begin)) {
      return svf_fail(SVF_ERR_FILE, "%s", kinds[i].message);
    }
  }
  return SVF_OK;
}

const char *svf_foreign_weights(const char *name)
{
  for (size_t i = 0; i < sizeof weights / sizeof *weights; ++i) {
    if (svf_text_ends_in(name, weights[i].end)) return weights[i].kind;
  }
  return NULL;
}
