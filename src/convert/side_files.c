/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a model beside its weights: which of them a conversion copies, and which not. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/convert/conversion.h"
#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/foreign.h"
#include "src/io/output.h"
#include "src/io/text.h"
#include "src/transformer/model_files.h"

enum { MOST = 256 << 20 }; /* bytes of a file that is copied */

static const char *const copied[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
};

/* --- Copying ---------------------------------------------------------------------------------- */

static svf_status copy_file(const svf_conversion *c, const char *name)
{
  char from[PATH_MAX], to[PATH_MAX];
  char *data = NULL;
  size_t bytes = 0;
  const int n = snprintf(from, sizeof from, "%s/%s", c->dir, name);
  if (n < 0 || (size_t)n >= sizeof from) return svf_fail(SVF_ERR_ARGUMENT, "the path is too long");
  if (access(from, F_OK) != 0) return SVF_OK;
  svf_status status = svf_conversion_path(c, name, to, sizeof to);
  if (status == SVF_OK) status = svf_file_read(from, MOST, &data, &bytes);
  if (status == SVF_OK) status = svf_output_replace(to, data, bytes);
  free(data);
  return status;
}

svf_status svf_conversion_copy_files(const svf_conversion *c)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < sizeof copied / sizeof *copied; ++i) {
    status = copy_file(c, copied[i]);
  }
  return status;
}

/* --- What is left ----------------------------------------------------------------------------- */

static bool is_copied(const char *name)
{
  for (size_t i = 0; i < sizeof copied / sizeof *copied; ++i) {
    if (strcmp(name, copied[i]) == 0) return true;
  }
  return false;
}

/* True for the name of a file of weights, in any program's format, of an index of such files, or of
 * the report that svf_model_decompose writes. */
static bool is_of_weights(const char *name)
{
  return svf_foreign_weights(name) || svf_text_ends_in(name, ".safetensors") ||
         svf_text_ends_in(name, ".index.json") || strcmp(name, SVF_DECOMPOSITION_FILE) == 0;
}

/* A link stands for what it leads to: in the cache of Hugging Face every file is one. */
static bool is_left(int directory, const char *name)
{
  struct stat s;
  return name[0] != '.' && !is_copied(name) && !is_of_weights(name) &&
         fstatat(directory, name, &s, 0) == 0 && S_ISREG(s.st_mode) && s.st_size <= MOST;
}

static int order(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

svf_status svf_model_left_files(const char *dir, svf_left_file_fn *left, void *context)
{
  if (!dir || !left) return svf_fail(SVF_ERR_NULL, "%s is NULL", dir ? "left" : "dir");
  struct dirent **names = NULL;
  const int count = scandir(dir, &names, NULL, order);
  if (count < 0) return svf_file_at_path(svf_file_error("cannot read the directory"), dir);
  DIR *d = opendir(dir);
  for (int i = 0; i < count; ++i) {
    if (d && is_left(dirfd(d), names[i]->d_name)) left(context, names[i]->d_name);
    free(names[i]);
  }
  free(names);
  if (!d) return svf_file_at_path(svf_file_error("cannot open the directory"), dir);
  closedir(d);
  return SVF_OK;
}
