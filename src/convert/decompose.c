/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposing a model, several matrices at once, each on one thread. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <svf/matmul.h>

#include "src/convert/conversion.h"
#include "src/convert/estimate.h"
#include "src/convert/shard.h"
#include "src/convert/steps.h"
#include "src/core/digest.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/file.h"
#include "src/io/json.h"
#include "src/io/tensor.h"
#include "src/transformer/model_files.h"

enum { JSON_SCHEMA = 1 };

typedef struct job {
  svf_conversion c;
  svf_svd_fn *svd;
  svf_decompose_options o; /* as read: threads and memory are not 0 */
  svf_shard *items;        /* [count] the matrices to decompose */
  size_t count;
  char digest[SVF_DIGEST_DIGITS]; /* of everything that the new model is made from */
  const svf_tensor *not_finite;   /* the first copied tensor with NaN or Inf, or NULL */
  json_t *map;                    /* from the name of a tensor to its shard */
} job;

/* --- What is to be done ----------------------------------------------------------------------- */

static bool wanted(const job *j, size_t linear)
{
  const unsigned layers = j->o.layers ? j->o.layers : SVF_DECOMPOSE_ATTENTION | SVF_DECOMPOSE_MLP;
  if (linear + 1 == j->c.linears) return false; /* the lm_head */
  return (layers & (linear % SVF_LAYER_LINEARS >= SVF_GATE ? SVF_DECOMPOSE_MLP
                                                           : SVF_DECOMPOSE_ATTENTION)) != 0;
}

static void print_digest(const svf_digest *d, char *text)
{
  snprintf(text, SVF_DIGEST_DIGITS, "%016" PRIx64, svf_digest_end(d));
}

/* The digest by which a finished shard is kept: that of what it must have been made from. */
static void digest_item(const job *j, svf_shard *it)
{
  svf_digest d = svf_digest_begin();
  const uint64_t shape[] = {it->m, it->n, it->w->dtype, j->o.rank, j->o.dtype};
  svf_digest_add(&d, it->name, strlen(it->name));
  svf_digest_add(&d, shape, sizeof shape);
  svf_digest_add(&d, &j->o.energy, sizeof j->o.energy);
  svf_digest_add(&d, it->w->data, it->w->bytes);
  print_digest(&d, it->digest);
}

static svf_status add_item(job *j, size_t linear)
{
  char name[SVF_LINEAR_NAME + 8];
  const svf_linear_shape shape = svf_model_linear_shape(&j->c.config, linear);
  svf_shard *it = &j->items[j->count];
  snprintf(name, sizeof name, "%s.weight", j->c.names[linear]);
  *it = (svf_shard){.name = j->c.names[linear], .m = shape.m, .n = shape.n};
  it->w = svf_checkpoint_find(j->c.files, name);
  if (!it->w) {
    return svf_file_at_path(
        svf_fail(SVF_ERR_FILE, "tensor '%s' is missing: only dense weights can be decomposed",
                 name),
        j->c.dir);
  }
  if (it->w->ndim != 2 || it->w->shape[0] != it->m || it->w->shape[1] != it->n) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s' does not have the shape [%zu, %zu] (%.200s)", name,
                    it->m, it->n, svf_checkpoint_file(j->c.files, it->w));
  }
  snprintf(it->file, sizeof it->file, "factors-%05zu.safetensors", j->count);
  digest_item(j, it);
  ++j->count;
  return SVF_OK;
}

/* Digests a tensor that is copied and looks for NaN and Inf, in pieces that stay in cache in
 * between, so that memory is read once. */
static void digest_kept(job *j, svf_digest *d, const svf_tensor *t)
{
  enum { PIECE = 1 << 18 };
  const char *data = t->data;
  for (size_t at = 0, n; at < t->bytes; at += n) {
    n = svf_size_min(PIECE, t->bytes - at);
    svf_digest_add(d, data + at, n);
    if (!j->not_finite && !svf_tensor_data_is_finite(t->dtype, data + at, n)) j->not_finite = t;
  }
}

/* What a finished job must have been made from: the digests of the matrices, and the tensors that
 * are copied. */
static void digest_all(job *j)
{
  svf_digest d = svf_digest_begin();
  for (size_t i = 0; i < j->count; ++i) svf_digest_add(&d, j->items[i].digest, SVF_DIGEST_DIGITS);
  for (size_t i = 0; i < svf_checkpoint_count(j->c.files); ++i) {
    const svf_tensor *t = svf_checkpoint_at(j->c.files, i);
    if (!svf_conversion_keeps(&j->c, t)) continue;
    const uint64_t shape[] = {t->dtype, t->bytes};
    svf_digest_add(&d, t->name, strlen(t->name));
    svf_digest_add(&d, shape, sizeof shape);
    digest_kept(j, &d, t);
  }
  print_digest(&d, j->digest);
}

static svf_status list_items(job *j)
{
  j->items = calloc(j->c.linears, sizeof *j->items);
  j->map = json_object();
  if (!j->items || !j->map) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of matrices");
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < j->c.linears; ++i) {
    j->c.taken[i] = wanted(j, i);
    if (j->c.taken[i]) status = add_item(j, i);
  }
  if (status == SVF_OK) digest_all(j);
  return status;
}

/* --- Other files ------------------------------------------------------------------------------ */

static svf_status write_rest(job *j)
{
  static const char shard[] = "rest.safetensors";
  char path[PATH_MAX];
  size_t count = 0;
  svf_safetensors_writer *w = NULL;
  svf_safetensors_entry *entries = calloc(svf_checkpoint_count(j->c.files) + 1, sizeof *entries);
  if (!entries) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of tensors");
  svf_conversion_add_kept(&j->c, entries, &count);
  svf_status status = svf_conversion_path(&j->c, shard, path, sizeof path);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    status = svf_conversion_map(j->map, entries[i].name, shard);
  }
  if (status == SVF_OK) status = svf_safetensors_create(path, entries, count, NULL, 0, &w);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    status = svf_conversion_append_kept(&j->c, entries[i].name, w);
  }
  free(entries);
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

/* At first the report has no matrices: without an index its file says that there is a job, and
 * which one. */
static svf_status write_report(const job *j)
{
  json_t *list = json_array();
  for (size_t i = 0; i < j->count && j->items[i].r > 0; ++i) {
    const svf_shard *it = &j->items[i];
    json_t *entry = json_pack(
        "{ss sI sI sI sf sf sf sf sf sf}", "name", it->name, "m", (json_int_t)it->m, "n",
        (json_int_t)it->n, "r", (json_int_t)it->r, "residual", it->report.residual, "dropped",
        it->report.dropped, "orthogonality_u", it->report.orthogonality_u, "orthogonality_v",
        it->report.orthogonality_v, "seconds", it->seconds, "svd_seconds", it->svd_seconds);
    if (json_array_append_new(list, entry) != 0) {
      json_decref(list);
      return svf_fail(SVF_ERR_MEMORY, "no memory for a report");
    }
  }
  return svf_conversion_write_json(
      &j->c, SVF_DECOMPOSITION_FILE,
      json_pack("{si ss sI so}", "schema", JSON_SCHEMA, "source", j->digest, "threads",
                (json_int_t)j->o.threads, "matrices", list));
}

static svf_status write_index(const job *j)
{
  return svf_conversion_write_index(&j->c, json_pack("{ss}", "svf.decomposition", j->digest),
                                    json_incref(j->map));
}

/* --- All of it -------------------------------------------------------------------------------- */

/* True if `out` holds this very job, finished. */
static bool is_done(const job *j)
{
  svf_checkpoint *made = NULL;
  if (svf_checkpoint_open(j->c.out, 0, &made) != SVF_OK) return false;
  const char *digest = svf_checkpoint_metadata(made, "svf.decomposition");
  const bool same = digest && strcmp(digest, j->digest) == 0;
  svf_checkpoint_close(made);
  return same;
}

/* An unfinished job in `out` must be this one. */
static svf_status join_job(const job *j)
{
  enum { MOST = 16 << 20 };
  char path[PATH_MAX];
  json_t *report = NULL;
  svf_status status = svf_conversion_path(&j->c, SVF_DECOMPOSITION_FILE, path, sizeof path);
  if (status != SVF_OK || access(path, F_OK) != 0) return status;
  status = svf_json_read(path, MOST, &report);
  if (status != SVF_OK) return status;
  const char *digest = json_string_value(json_object_get(report, "source"));
  if (!digest || strcmp(digest, j->digest) != 0) {
    status = svf_file_at_path(
        svf_fail(SVF_ERR_ARGUMENT,
                 "holds an unfinished decomposition of another model or with other "
                 "options: finish it, remove it, or choose another directory"),
        j->c.out);
  }
  json_decref(report);
  return status;
}

/* The bytes that svf_svd takes for a matrix, or that its factors take while they are measured. */
static size_t bytes_of(void *context, size_t i)
{
  const job *j = context;
  const svf_shard *it = &j->items[i];
  const size_t k = svf_size_min(it->m, it->n), measured = svf_estimate_bytes(it->m, it->n);
  const size_t all = it->m * it->n * sizeof(float), square = k * k * sizeof(float);
  return svf_size_max(all + 6 * square, 2 * all + square + measured);
}

static svf_status begin_item(void *context, size_t i)
{
  const job *j = context;
  return svf_conversion_step(&j->c, i, j->count, j->items[i].name);
}

static svf_status make_item(void *context, size_t i)
{
  job *j = context;
  if (svf_shard_is_finished(&j->c, &j->o, &j->items[i])) return SVF_OK;
  return svf_shard_make(&j->c, &j->o, j->svd, &j->items[i]);
}

static svf_status make_items(job *j)
{
  return svf_steps_run(&(svf_steps){.count = j->count,
                                    .threads = j->o.threads,
                                    .memory = j->o.memory,
                                    .bytes = bytes_of,
                                    .begin = begin_item,
                                    .run = make_item,
                                    .context = j});
}

static svf_status map_items(job *j)
{
  char name[SVF_LINEAR_NAME + 4];
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < 3 * j->count; ++i) {
    const svf_shard *it = &j->items[i / 3];
    snprintf(name, sizeof name, "%s.%c", it->name, "USV"[i % 3]);
    status = svf_conversion_map(j->map, name, it->file);
  }
  return status;
}

static svf_status work(job *j)
{
  svf_status status = write_report(j);
  if (status == SVF_OK) status = svf_conversion_copy_files(&j->c);
  if (status == SVF_OK) status = make_items(j);
  if (status == SVF_OK) status = map_items(j);
  if (status == SVF_OK) status = svf_conversion_step(&j->c, j->count, j->count, "other tensors");
  if (status == SVF_OK) status = write_rest(j);
  if (status == SVF_OK) status = write_report(j);
  return status == SVF_OK ? write_index(j) : status;
}

static svf_status run(job *j, const char *dir, const char *out)
{
  svf_status status = svf_conversion_open(&j->c, dir, out);
  j->c.progress = j->o.progress;
  j->c.progress_context = j->o.progress_context;
  if (status == SVF_OK) status = list_items(j);
  if (status != SVF_OK || is_done(j)) return status;
  status = svf_conversion_refuse_model(&j->c);
  /* Checked before hours of work; the matrices are checked when their turn comes. */
  if (status == SVF_OK && j->not_finite) status = svf_tensor_not_finite(j->not_finite);
  if (status == SVF_OK) status = join_job(j);
  return status == SVF_OK ? work(j) : status;
}

static svf_status check_options(const svf_decompose_options *o)
{
  if (o->layers & ~(SVF_DECOMPOSE_ATTENTION | SVF_DECOMPOSE_MLP)) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->layers is 0x%x, known are 0x3", o->layers);
  }
  if (!(o->energy >= 0 && o->energy <= 1)) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->energy is %g, not in [0, 1]", o->energy);
  }
  if (svf_dtype_size(o->dtype) == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->dtype is %d, which is no element type",
                    (int)o->dtype);
  }
  return SVF_OK;
}

/* Half of the machine's memory, or of the space that a limit leaves. */
static size_t usual_memory(void)
{
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  struct rlimit limit;
  size_t bytes = SIZE_MAX;
  if (pages > 0 && page > 0) (void)svf_size_mul((size_t)pages, (size_t)page, &bytes);
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < bytes) bytes = (size_t)limit.rlim_cur;
  return bytes / 2;
}

static svf_status read_options(const svf_decompose_options *options, svf_decompose_options *o)
{
  enum { FIRST = SVF_SIZE_TO(svf_decompose_options, progress_context) };
  svf_status status = svf_struct_read_options("options", options, FIRST, o, sizeof *o);
  if (status == SVF_OK) status = check_options(o);
  if (status == SVF_OK && o->threads == 0) o->threads = svf_max_threads();
  if (status == SVF_OK && o->memory == 0) o->memory = usual_memory();
  return status;
}

svf_status svf_model_decompose(const char *dir, const char *out, svf_svd_fn *svd,
                               const svf_decompose_options *options)
{
  job j = {.svd = svd};
  svf_status status = svd ? SVF_OK : svf_fail(SVF_ERR_NULL, "svd is NULL");
  if (status == SVF_OK) status = read_options(options, &j.o);
  if (status == SVF_OK) status = run(&j, dir, out);
  json_decref(j.map);
  free(j.items);
  svf_conversion_close(&j.c);
  return status;
}
