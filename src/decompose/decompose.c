/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposing a model, a matrix at a time. */
#define _GNU_SOURCE
#include <svf/model_files.h>

#include <cblas.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <svf/convert.h>
#include <svf/matmul.h>

#include "src/core/digest.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/decompose/conversion.h"
#include "src/decompose/svd.h"
#include "src/io/file.h"

enum { JSON_SCHEMA = 1, DIGITS = 32 };

/* One matrix, and what became of it. */
typedef struct item {
  const char *name; /* of the layer */
  const svf_st_tensor *w;
  size_t m, n, r;
  char shard[32];
  char source[DIGITS];         /* digest of W and the options */
  double seconds, svd_seconds; /* 0: an earlier run made it */
  svf_factor_report report;
} item;

typedef struct job {
  svf_conversion c;
  const svf_decompose_options *o;
  item *items;
  size_t count;
  char digest[DIGITS]; /* of all that the model is made of */
  json_t *map;         /* tensor to shard */
} job;

/* --- What is to be done ------------------------------------------------------------------------
 */

static bool wanted(const job *j, size_t linear)
{
  const unsigned layers = j->o->layers ? j->o->layers : SVF_LAYERS_ATTENTION | SVF_LAYERS_MLP;
  if (linear + 1 == j->c.linears) return false; /* the head */
  return (layers &
          (linear % SVF_LAYER_LINEARS >= SVF_GATE ? SVF_LAYERS_MLP : SVF_LAYERS_ATTENTION)) != 0;
}

static void print_digest(const svf_digest *d, char *text)
{
  snprintf(text, DIGITS, "%016" PRIx64, svf_digest_end(d));
}

/* What a finished shard must have been made from to be kept. */
static void digest_item(const job *j, item *it)
{
  svf_digest d = svf_digest_begin();
  const uint64_t shape[] = {it->m, it->n, it->w->dtype, j->o->rank, j->o->dtype};
  svf_digest_add(&d, it->name, strlen(it->name));
  svf_digest_add(&d, shape, sizeof shape);
  svf_digest_add(&d, &j->o->energy, sizeof j->o->energy);
  svf_digest_add(&d, it->w->data, it->w->bytes);
  print_digest(&d, it->source);
}

static svf_status add_item(job *j, size_t linear)
{
  char name[SVF_CONVERSION_NAME + 8];
  const svf_linear_shape shape = svf_model_linear_shape(&j->c.config, linear);
  item *it = &j->items[j->count];
  snprintf(name, sizeof name, "%s.weight", j->c.names[linear]);
  *it = (item){.name = j->c.names[linear], .m = shape.m, .n = shape.n};
  it->w = svf_checkpoint_find(j->c.files, name);
  if (!it->w) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s' is missing: only dense weights can be decomposed",
                    name);
  }
  if (it->w->ndim != 2 || it->w->shape[0] != it->m || it->w->shape[1] != it->n) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s' has not the shape [%zu, %zu] (%.200s)", name, it->m,
                    it->n, svf_checkpoint_file(j->c.files, it->w));
  }
  snprintf(it->shard, sizeof it->shard, "factors-%05zu.safetensors", j->count);
  digest_item(j, it);
  ++j->count;
  return SVF_OK;
}

static bool is_kept(const void *context, const svf_st_tensor *t)
{
  const job *j = context;
  const size_t linear = svf_conversion_linear_of(&j->c, t->name);
  return linear == j->c.linears || !wanted(j, linear);
}

/* What a finished job must have been made from: the sources, and the tensors that are copied. */
static void digest_all(job *j)
{
  svf_digest d = svf_digest_begin();
  for (size_t i = 0; i < j->count; ++i) svf_digest_add(&d, j->items[i].source, DIGITS);
  for (size_t i = 0; i < svf_checkpoint_count(j->c.files); ++i) {
    const svf_st_tensor *t = svf_checkpoint_at(j->c.files, i);
    if (!is_kept(j, t)) continue;
    const uint64_t shape[] = {t->dtype, t->bytes};
    svf_digest_add(&d, t->name, strlen(t->name));
    svf_digest_add(&d, shape, sizeof shape);
    svf_digest_add(&d, t->data, t->bytes);
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
    if (wanted(j, i)) status = add_item(j, i);
  }
  if (status == SVF_OK) digest_all(j);
  return status;
}

/* --- One matrix --------------------------------------------------------------------------------
 */

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* How many singular values the options keep. */
static size_t rank_of(const svf_decompose_options *o, const svf_svd_factors *f)
{
  size_t rank = o->rank > 0 ? svf_size_min(o->rank, f->k) : f->k;
  if (o->energy <= 0) return rank;
  double all = 0, sum = 0;
  size_t r = 0;
  for (size_t i = 0; i < f->k; ++i) all += (double)f->sigma[i] * (double)f->sigma[i];
  while (r < f->k && sum < o->energy * all) {
    sum += (double)f->sigma[r] * (double)f->sigma[r];
    ++r;
  }
  return svf_size_min(rank, r > 0 ? r : 1);
}

/* Appends floats as F32 or BF16; they are narrowed where they stand. */
static svf_status append(svf_st_writer *w, float *x, size_t count, svf_dtype dtype)
{
  if (dtype == SVF_F32) return svf_st_append(w, x, count * sizeof *x);
  enum { PIECE = 4096 };
  uint16_t narrow[PIECE];
  svf_status status = SVF_OK;
  for (size_t i = 0, n; status == SVF_OK && i < count; i += n) {
    n = svf_size_min(count - i, PIECE);
    svf_f32_to_bf16(x + i, narrow, n);
    status = svf_st_append(w, narrow, n * sizeof *narrow);
  }
  return status;
}

static svf_st_dtype factor_dtype(const job *j)
{
  return j->o->dtype == SVF_BF16 ? SVF_ST_BF16 : SVF_ST_F32;
}

static svf_status write_shard(const job *j, const item *it, const svf_svd_factors *f)
{
  char path[PATH_MAX], names[3][SVF_CONVERSION_NAME + 4], numbers[4][32];
  const svf_st_dtype type = factor_dtype(j);
  for (int i = 0; i < 3; ++i) snprintf(names[i], sizeof names[i], "%s.%c", it->name, "USV"[i]);
  snprintf(numbers[0], sizeof *numbers, "%.6g", it->report.residual);
  snprintf(numbers[1], sizeof *numbers, "%.6g", it->report.dropped);
  snprintf(numbers[2], sizeof *numbers, "%.6g", it->report.orthogonality_u);
  snprintf(numbers[3], sizeof *numbers, "%.6g", it->report.orthogonality_v);
  const svf_st_entry entries[] = {{names[0], type, 2, {it->m, it->r}},
                                  {names[1], SVF_ST_F32, 1, {it->r}},
                                  {names[2], type, 2, {it->r, it->n}}};
  const svf_st_pair pairs[] = {{"svf.source", it->source},
                               {"svf.residual", numbers[0]},
                               {"svf.dropped", numbers[1]},
                               {"svf.orthogonality_u", numbers[2]},
                               {"svf.orthogonality_v", numbers[3]}};
  svf_st_writer *w = NULL;
  svf_status status = svf_conversion_path(&j->c, it->shard, path, sizeof path);
  if (status == SVF_OK) status = svf_st_create(path, entries, 3, pairs, 5, &w);
  if (status == SVF_OK) status = append(w, f->u, it->m * it->r, j->o->dtype);
  if (status == SVF_OK) status = append(w, f->sigma, it->r, SVF_F32);
  if (status == SVF_OK) status = append(w, f->vt, it->r * it->n, j->o->dtype);
  if (status == SVF_OK) return svf_st_commit(&w);
  svf_st_discard(&w);
  return status;
}

/* W once more where the SVD has destroyed it, to measure against. */
static svf_status decompose_into(const job *j, item *it, float *w, const svf_svd_factors *f)
{
  svf_status status = svf_st_to_f32(it->w, w, it->m * it->n);
  const double start = now();
  if (status == SVF_OK) status = svf_svd(w, it->m, it->n, f);
  it->svd_seconds = now() - start;
  if (status != SVF_OK) return status;
  it->r = rank_of(j->o, f);
  for (size_t i = 1; i < it->m && it->r < f->k; ++i) {
    memmove(f->u + i * it->r, f->u + i * f->k, it->r * sizeof *f->u);
  }
  status = svf_st_to_f32(it->w, w, it->m * it->n);
  if (status == SVF_OK) status = svf_svd_measure(w, it->m, it->n, f, it->r, &it->report);
  return status == SVF_OK ? write_shard(j, it, f) : status;
}

static svf_status decompose_item(const job *j, item *it)
{
  const size_t k = svf_size_min(it->m, it->n);
  const double start = now();
  float *w = malloc(it->m * it->n * sizeof *w);
  const svf_svd_factors f = {malloc(it->m * k * sizeof(float)), malloc(k * sizeof(float)),
                             malloc(k * it->n * sizeof(float)), k};
  svf_status status = w && f.u && f.sigma && f.vt
                          ? decompose_into(j, it, w, &f)
                          : svf_fail(SVF_ERR_MEMORY, "no memory for %zu x %zu", it->m, it->n);
  free(w);
  free(f.u);
  free(f.sigma);
  free(f.vt);
  it->seconds = now() - start;
  if (status == SVF_OK || status == SVF_ERR_IO) return status;
  char reason[256];
  snprintf(reason, sizeof reason, "%s", svf_last_message());
  return svf_fail(status, "'%s': %s", it->name, reason);
}

static double number_of(const svf_safetensors *file, const char *key)
{
  const char *text = svf_safetensors_metadata(file, key);
  return text ? strtod(text, NULL) : 0;
}

/* Whether a shard has the factor of that letter in this shape; columns = 0: one dimension. */
static bool has_factor(const svf_safetensors *file, const item *it, char letter, svf_st_dtype dtype,
                       size_t rows, size_t columns)
{
  char name[SVF_CONVERSION_NAME + 4];
  snprintf(name, sizeof name, "%s.%c", it->name, letter);
  const svf_st_tensor *t = svf_safetensors_find(file, name);
  return t && t->dtype == dtype && t->ndim == (columns > 0 ? 2 : 1) && t->shape[0] == rows &&
         (columns == 0 || t->shape[1] == columns);
}

/* Whether an earlier run finished this shard; fills in what it reported. */
static bool is_finished(const job *j, item *it)
{
  char path[PATH_MAX], name[SVF_CONVERSION_NAME + 4];
  svf_safetensors *file = NULL;
  if (svf_conversion_path(&j->c, it->shard, path, sizeof path) != SVF_OK ||
      svf_safetensors_open(path, 0, &file) != SVF_OK) {
    return false;
  }
  const char *source = svf_safetensors_metadata(file, "svf.source");
  snprintf(name, sizeof name, "%s.S", it->name);
  const svf_st_tensor *sigma = svf_safetensors_find(file, name);
  const size_t r = sigma ? sigma->elements : 0;
  const bool same = source && strcmp(source, it->source) == 0 && r > 0 &&
                    has_factor(file, it, 'U', factor_dtype(j), it->m, r) &&
                    has_factor(file, it, 'S', SVF_ST_F32, r, 0) &&
                    has_factor(file, it, 'V', factor_dtype(j), r, it->n);
  if (same) {
    it->r = r;
    it->report = (svf_factor_report){.residual = number_of(file, "svf.residual"),
                                     .dropped = number_of(file, "svf.dropped"),
                                     .orthogonality_u = number_of(file, "svf.orthogonality_u"),
                                     .orthogonality_v = number_of(file, "svf.orthogonality_v")};
  }
  svf_safetensors_close(file);
  return same;
}

/* --- The rest ----------------------------------------------------------------------------------
 */

static svf_status map_to(json_t *map, const char *tensor, const char *shard)
{
  if (json_object_set_new(map, tensor, json_string(shard)) == 0) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for an index");
}

static svf_status write_rest(job *j)
{
  static const char shard[] = "rest.safetensors";
  char path[PATH_MAX];
  size_t count = 0;
  svf_st_writer *w = NULL;
  svf_st_entry *entries = calloc(svf_checkpoint_count(j->c.files) + 1, sizeof *entries);
  if (!entries) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of tensors");
  svf_conversion_add_kept(&j->c, is_kept, j, entries, &count);
  svf_status status = svf_conversion_path(&j->c, shard, path, sizeof path);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    status = map_to(j->map, entries[i].name, shard);
  }
  if (status == SVF_OK) status = svf_st_create(path, entries, count, NULL, 0, &w);
  if (status == SVF_OK) status = svf_conversion_append_kept(&j->c, is_kept, j, w);
  free(entries);
  if (status == SVF_OK) return svf_st_commit(&w);
  svf_st_discard(&w);
  return status;
}

/* Takes `root`, which may be NULL for want of memory. */
static svf_status write_json(const job *j, const char *name, json_t *root)
{
  char path[PATH_MAX];
  const size_t flags = JSON_INDENT(2);
  const size_t bytes = root ? json_dumpb(root, NULL, 0, flags) : 0;
  char *text = bytes > 0 ? malloc(bytes) : NULL;
  svf_status status = svf_conversion_path(&j->c, name, path, sizeof path);
  if (!text || json_dumpb(root, text, bytes, flags) != bytes) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for %s", name);
  }
  if (status == SVF_OK) status = svf_file_replace(path, text, bytes);
  free(text);
  json_decref(root);
  return status;
}

static svf_status write_report(const job *j)
{
  json_t *list = json_array();
  for (size_t i = 0; i < j->count; ++i) {
    const item *it = &j->items[i];
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
  return write_json(j, "decomposition.json",
                    json_pack("{si so}", "schema", JSON_SCHEMA, "matrices", list));
}

static svf_status write_index(const job *j)
{
  return write_json(
      j, "model.safetensors.index.json",
      json_pack("{s{ss} sO}", "metadata", "svf.decomposition", j->digest, "weight_map", j->map));
}

/* --- All of it ---------------------------------------------------------------------------------
 */

/* Whether `out` is this very job, done. */
static bool is_done(const job *j)
{
  svf_checkpoint *made = NULL;
  if (svf_checkpoint_open(j->c.out, 0, &made) != SVF_OK) return false;
  const char *digest = svf_checkpoint_metadata(made, "svf.decomposition");
  const bool same = digest && strcmp(digest, j->digest) == 0;
  svf_checkpoint_close(made);
  return same;
}

static svf_status run_item(job *j, size_t i)
{
  item *it = &j->items[i];
  svf_status status = svf_conversion_step(&j->c, i, j->count, it->name);
  if (status == SVF_OK && !is_finished(j, it)) status = decompose_item(j, it);
  for (int k = 0; status == SVF_OK && k < 3; ++k) {
    char name[SVF_CONVERSION_NAME + 4];
    snprintf(name, sizeof name, "%s.%c", it->name, "USV"[k]);
    status = map_to(j->map, name, it->shard);
  }
  return status;
}

static svf_status run(job *j, const char *dir, const char *out)
{
  svf_status status = svf_conversion_open(&j->c, dir, out);
  j->c.progress = j->o->progress;
  j->c.progress_context = j->o->progress_context;
  if (status == SVF_OK) status = list_items(j);
  if (status != SVF_OK || is_done(j)) return status;
  status = svf_conversion_refuse_model(&j->c);
  openblas_set_num_threads(
      (int)svf_size_min(j->o->threads ? j->o->threads : svf_max_threads(), INT_MAX));
  for (size_t i = 0; status == SVF_OK && i < j->count; ++i) status = run_item(j, i);
  if (status == SVF_OK) status = svf_conversion_step(&j->c, j->count, j->count, "other tensors");
  if (status == SVF_OK) status = write_rest(j);
  if (status == SVF_OK) status = svf_conversion_copy_files(&j->c);
  if (status == SVF_OK) status = write_report(j);
  return status == SVF_OK ? write_index(j) : status;
}

static svf_status check_options(const svf_decompose_options *o)
{
  if (o->size != sizeof *o) {
    return svf_fail(SVF_ERR_VERSION, "options->size is %zu, this library expects %zu", o->size,
                    sizeof *o);
  }
  if (o->layers & ~(SVF_LAYERS_ATTENTION | SVF_LAYERS_MLP)) {
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

svf_status svf_model_decompose(const char *dir, const char *out,
                               const svf_decompose_options *options)
{
  const svf_decompose_options defaults = {.size = sizeof defaults};
  job j = {.o = options ? options : &defaults};
  svf_status status = check_options(j.o);
  if (status == SVF_OK) status = run(&j, dir, out);
  json_decref(j.map);
  free(j.items);
  svf_conversion_close(&j.c);
  return status;
}
