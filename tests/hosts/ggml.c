/* SPDX-License-Identifier: Apache-2.0
 *
 * ggml and svf take turns in one process, by their public headers alone. A turn is
 *
 *   a graph of ggml's        P = X W^T, on ggml's threads
 *   a call of svf_matmul     on svf's threads
 *   a graph of both          P = X W^T, each stage of svf_matmul on P as a node, Q = Y W'^T, on
 *                            ggml's threads
 *
 * with types, formats and numbers of threads in all combinations. The first result of each is
 * compared with double precision, every further one with the first, to the bit. What is at stake is
 * what threads keep between calls: ggml configures the tiles of AMX once per thread.
 *
 *   ggml_beside [turns] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ggml.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <svf/cpu.h>
#include <svf/matmul.h>
#include <svf/version.h>

#include "tests/kernels/rng.h"

/* W [MIDDLE][IN], a layer with U [OUT][RANK] and V^T [RANK][MIDDLE], W' [LAST][OUT]. More rows than
 * one tile has, and more than the 8 for which svf leaves AMX aside; outputs in multiples of 32 and
 * steps of 32, as ggml's tiles want them. */
enum { ROWS = 20, IN = 256, MIDDLE = 320, RANK = 272, OUT = 288, LAST = 64 };
enum { TURNS = 10000, TYPES = 4, FORMATS = 5, THREADS = 3, STAGES_MAX = 8, RESULTS_MAX = 3 };

static const size_t threads_of[THREADS] = {1, 2, 3};

/* A matrix in ggml's memory, and in fp32 as it is stored there. */
typedef struct matrix {
  struct ggml_tensor *tensor;
  float *plain; /* [m][n] */
  size_t m, n;
} matrix;

/* Limits are of NMSE, in each output, and hold against the weights as they are stored: what remains
 * are sums in fp32 and the rounding of X, to fp16, bf16 or, for q4_0 and q8_0, 8 bits with a scale
 * for each 32 steps. */
static struct type {
  enum ggml_type type;
  bool tiles; /* ggml has tiles for it */
  double limit, worst;
  matrix first, last; /* W and W' */
} types[TYPES] = {{.type = GGML_TYPE_F16, .limit = 1e-6},
                  {.type = GGML_TYPE_BF16, .limit = 5e-5},
                  {.type = GGML_TYPE_Q4_0, .tiles = true, .limit = 5e-4},
                  {.type = GGML_TYPE_Q8_0, .tiles = true, .limit = 5e-4}};

/* Here X and T are rounded: to bf16, or to 8 or 15 bits with a scale for each span of 256 steps,
 * which is coarse where a span of T has both sigma = 1 and sigma = 1/32. */
static struct layer {
  svf_format format;
  double limit, worst;
  void *block;
  float *u, *vt; /* as they are stored in the block */
} layers[FORMATS] = {{.format = SVF_FORMAT_BF16, .limit = 1e-4},
                     {.format = SVF_FORMAT_BF16_SPLIT, .limit = 4e-5},
                     {.format = SVF_FORMAT_S8, .limit = 8e-3},
                     {.format = SVF_FORMAT_W8, .limit = 6e-7},
                     {.format = SVF_FORMAT_W4, .limit = 6e-7}};

typedef struct result {
  float *values;
  float *first; /* what they were the first time */
  size_t bytes;
} result;

typedef struct stage {
  const struct job *job;
  int number;
} stage;

/* What a turn repeats. `type` or `layer` is NULL where there is no such part. */
typedef struct job {
  struct type *type;
  struct layer *layer;
  size_t threads, times;
  void (*run)(const struct job *);
  void (*check)(const struct job *);
  result results[RESULTS_MAX];
  size_t result_count;
  svf_matmul_args args;
  void *workspace;
  size_t workspace_bytes;
  struct ggml_cgraph *graph;
  struct ggml_tensor *x, *product, *y, *last;
  svf_plan plan;
  stage stages[STAGES_MAX];
} job;

static job products[TYPES * THREADS], calls[FORMATS * THREADS], both[TYPES * FORMATS * THREADS];
static const job *current; /* whose turn it is */
static ggml_backend_t cpu;
static ggml_backend_buffer_type_t tiles; /* where ggml keeps weights for AMX, or NULL */
static float x_of_calls[ROWS * MIDDLE];
static uint64_t seed = 88172645463325252u;

static const char *part(const job *j)
{
  return !j->layer ? "a graph of ggml" : !j->type ? "a call of svf" : "a graph of both";
}

/* The message of svf is empty where another one has failed. */
static void must(bool good, const char *what)
{
  if (good) return;
  fprintf(stderr, "ggml_beside: %s %s\n", what, svf_last_message());
  const job *j = current;
  if (j) {
    fprintf(stderr, "in %s:%s%s%s%s, threads %zu, time %zu\n", part(j), j->type ? " " : "",
            j->type ? ggml_type_name(j->type->type) : "", j->layer ? " " : "",
            j->layer ? svf_format_name(j->layer->format) : "", j->threads, j->times + 1);
  }
  exit(1);
}

static void *memory(size_t bytes)
{
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
  must(p, "out of memory");
  return p;
}

static float *random_floats(size_t count, float scale)
{
  float *values = memory(count * sizeof *values);
  for (size_t i = 0; i < count; ++i) values[i] = scale * random_float(&seed);
  return values;
}

/* --- What results should be ------------------------------------------------------------------- */

/* y [ROWS][m] = x [ROWS][n] times the transpose of w [m][n]. */
static void multiply(const double *x, size_t n, const float *w, size_t m, double *y)
{
  for (size_t row = 0; row < ROWS; ++row) {
    for (size_t i = 0; i < m; ++i) {
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += x[row * n + k] * (double)w[i * n + k];
      y[row * m + i] = sum;
    }
  }
}

static void widen(const float *x, size_t count, double *wide)
{
  for (size_t i = 0; i < count; ++i) wide[i] = (double)x[i];
}

/* The NMSE of one output over all rows: among all outputs a single wrong weight would drown. */
static double nmse(const float *y, const double *want, size_t m)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < ROWS * m; i += m) {
    error += ((double)y[i] - want[i]) * ((double)y[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

static void compare(const float *y, const double *want, size_t m, double limit, double *worst)
{
  for (size_t i = 0; i < m; ++i) {
    const double error = nmse(y + i, want + i, m);
    if (error > *worst) *worst = error;
    if (error <= limit) continue; /* which NaN is not */
    fprintf(stderr, "ggml_beside: output %zu has an NMSE of %.2g, limit %.2g\n", i, error, limit);
    must(false, "a first result is wrong");
  }
}

static void check_matrix(struct type *t, const matrix *w, const struct ggml_tensor *x,
                         const struct ggml_tensor *y)
{
  static double wide[ROWS * MIDDLE], want[ROWS * MIDDLE];
  widen(x->data, ROWS * w->n, wide);
  multiply(wide, w->n, w->plain, w->m, want);
  compare(y->data, want, w->m, t->limit, &t->worst);
}

static void check_layer(struct layer *l, const float *x, const float *y)
{
  static double wide[ROWS * MIDDLE], t[ROWS * RANK], want[ROWS * OUT];
  const float *sigma = svf_linear_sigma(l->block);
  widen(x, ROWS * MIDDLE, wide);
  multiply(wide, MIDDLE, l->vt, RANK, t);
  for (size_t i = 0; i < ROWS * RANK; ++i) t[i] *= (double)sigma[i % RANK];
  multiply(t, RANK, l->u, OUT, want);
  compare(y, want, OUT, l->limit, &l->worst);
}

static void check_product(const job *j)
{
  check_matrix(j->type, &j->type->first, j->x, j->product);
}

static void check_call(const job *j) { check_layer(j->layer, j->args.x, j->args.y); }

/* The stages on ggml's threads have the bits of a call on this one. */
static void check_both(const job *j)
{
  static float serial[ROWS * OUT];
  svf_matmul_args args = j->args;
  args.y = serial;
  must(svf_matmul(&args, 1, j->workspace, j->workspace_bytes) == SVF_OK, "svf_matmul:");
  must(memcmp(serial, j->args.y, sizeof serial) == 0, "stages as nodes have bits of their own");
  check_product(j);
  check_call(j);
  check_matrix(j->type, &j->type->last, j->y, j->last);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void run_graph(const job *j)
{
  ggml_backend_cpu_set_n_threads(cpu, (int)j->threads);
  must(ggml_backend_graph_compute(cpu, j->graph) == GGML_STATUS_SUCCESS, "a graph has failed");
}

static void run_call(const job *j)
{
  must(svf_matmul(&j->args, j->threads, j->workspace, j->workspace_bytes) == SVF_OK, "svf_matmul:");
}

/* Nodes are carried out one after the other. There may be fewer threads than were asked for. */
static void run_stage(struct ggml_tensor *node, int ith, int nth, void *context)
{
  (void)node;
  const stage *s = context;
  for (size_t i = (size_t)ith; i < s->job->threads; i += (size_t)nth) {
    svf_matmul_stage(&s->job->plan, s->number, i);
  }
}

static void take_turn(job *j)
{
  current = j;
  for (size_t i = 0; i < j->result_count; ++i)
    memset(j->results[i].values, 0xff, j->results[i].bytes);
  j->run(j);
  if (j->times == 0) j->check(j);
  for (size_t i = 0; i < j->result_count; ++i) {
    const result *r = &j->results[i];
    if (j->times == 0) memcpy(r->first, r->values, r->bytes);
    must(memcmp(r->first, r->values, r->bytes) == 0, "a result differs from the first one");
  }
  ++j->times;
}

/* --- What turns are made of ------------------------------------------------------------------- */

static void add_result(job *j, void *values, size_t count)
{
  const size_t bytes = count * sizeof(float);
  j->results[j->result_count++] = (result){values, memory(bytes), bytes};
}

static struct ggml_context *new_context(void)
{
  const struct ggml_init_params parameters = {
      .mem_size = 32 * ggml_tensor_overhead() + ggml_graph_overhead(), .no_alloc = true};
  struct ggml_context *context = ggml_init(parameters);
  must(context, "ggml_init");
  return context;
}

static matrix new_matrix(const struct type *t, size_t m, size_t n)
{
  const matrix w = {.tensor = ggml_new_tensor_2d(new_context(), t->type, (int64_t)n, (int64_t)m),
                    .plain = random_floats(m * n, 1),
                    .m = m,
                    .n = n};
  const size_t bytes = ggml_nbytes(w.tensor);
  void *stored = memory(bytes);
  must(ggml_quantize_chunk(t->type, w.plain, stored, 0, (int64_t)m, (int64_t)n, NULL) == bytes,
       "ggml_quantize_chunk");
  ggml_get_type_traits(t->type)->to_float(stored, w.plain, (int64_t)(m * n));
  const ggml_backend_buffer_type_t where =
      t->tiles && tiles ? tiles : ggml_backend_cpu_buffer_type();
  ggml_backend_buffer_t buffer =
      ggml_backend_buft_alloc_buffer(where, ggml_backend_buft_get_alloc_size(where, w.tensor));
  must(buffer && ggml_backend_tensor_alloc(
                     buffer, w.tensor, ggml_backend_buffer_get_base(buffer)) == GGML_STATUS_SUCCESS,
       "memory of ggml's weights");
  ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  ggml_backend_tensor_set(w.tensor, stored, 0, bytes);
  free(stored);
  return w;
}

static void make_layer(struct layer *l)
{
  float *sigma = random_floats(RANK, 0);
  for (size_t k = 0; k < RANK; ++k) sigma[k] = 1 / (1 + (float)k / 8);
  l->u = random_floats((size_t)OUT * RANK, 0.1f);
  l->vt = random_floats((size_t)RANK * MIDDLE, 0.1f);
  const svf_linear_source source = {.size = sizeof source,
                                    .m = OUT,
                                    .n = MIDDLE,
                                    .r = RANK,
                                    .format = l->format,
                                    .u = l->u,
                                    .u_stride = RANK,
                                    .vt = l->vt,
                                    .vt_stride = MIDDLE,
                                    .sigma = sigma};
  size_t bytes = 0;
  must(svf_linear_bytes(&source, &bytes) == SVF_OK, "svf_linear_bytes:");
  l->block = memory(bytes);
  must(svf_linear_pack(&source, l->block, bytes) == SVF_OK, "svf_linear_pack:");
  must(svf_linear_unpack(l->block, bytes, l->u, RANK, l->vt, MIDDLE) == SVF_OK,
       "svf_linear_unpack:");
  free(sigma);
}

static void prepare_call(job *j, const void *x, void *y)
{
  j->args = (svf_matmul_args){.size = sizeof j->args,
                              .linear = j->layer->block,
                              .rows = ROWS,
                              .x = x,
                              .x_stride = MIDDLE,
                              .y = y,
                              .y_stride = OUT};
  must(svf_matmul_workspace(&j->args, j->threads, &j->workspace_bytes) == SVF_OK,
       "svf_matmul_workspace:");
  j->workspace = memory(j->workspace_bytes);
}

static void make_call(job *j)
{
  prepare_call(j, x_of_calls, memory(ROWS * OUT * sizeof(float)));
  add_result(j, j->args.y, (size_t)ROWS * OUT);
  j->run = run_call;
  j->check = check_call;
}

/* A node for each stage, of which the last one is Y. */
static struct ggml_tensor *add_stages(struct ggml_context *context, job *j)
{
  const svf_linear_source source = {
      .size = sizeof source, .m = OUT, .n = MIDDLE, .r = RANK, .format = j->layer->format};
  const svf_matmul_shape shape = {.size = sizeof shape, .layer = &source, .rows = ROWS};
  svf_matmul_needs needs = {.size = sizeof needs};
  must(svf_matmul_query(&shape, 1, j->threads, &needs) == SVF_OK, "svf_matmul_query:");
  must(needs.stages > 0 && needs.stages <= STAGES_MAX, "the number of stages");
  struct ggml_tensor *node = j->product;
  for (size_t i = 0; i < needs.stages; ++i) {
    const bool y = i + 1 == needs.stages;
    node = ggml_custom_4d(context, GGML_TYPE_F32, y ? OUT : 1, y ? ROWS : 1, 1, 1, &node, 1,
                          run_stage, GGML_N_TASKS_MAX, &j->stages[i]);
  }
  return node;
}

static void plan_stages(job *j)
{
  prepare_call(j, j->product->data, j->y->data);
  must(svf_matmul_plan(&j->plan, &j->args, j->threads, j->workspace, j->workspace_bytes) == SVF_OK,
       "svf_matmul_plan:");
  int number = -1;
  for (size_t i = 0; (number = svf_matmul_next_stage(&j->plan, number + 1)) >= 0; ++i) {
    j->stages[i] = (stage){j, number};
  }
}

static void make_graph(job *j)
{
  struct ggml_context *context = new_context();
  j->graph = ggml_new_graph(context);
  j->x = ggml_new_tensor_2d(context, GGML_TYPE_F32, IN, ROWS);
  struct ggml_tensor *end = j->product = ggml_mul_mat(context, j->type->first.tensor, j->x);
  if (j->layer) {
    j->y = add_stages(context, j);
    end = j->last = ggml_mul_mat(context, j->type->last.tensor, j->y);
  }
  must(ggml_backend_supports_op(cpu, j->product) && ggml_backend_supports_op(cpu, end),
       "ggml has no product of this type");
  ggml_build_forward_expand(j->graph, end);
  must(ggml_backend_alloc_ctx_tensors(context, cpu), "memory of a graph");
  for (size_t i = 0; i < ROWS * IN; ++i) ((float *)j->x->data)[i] = random_float(&seed);
  add_result(j, j->product->data, (size_t)ROWS * MIDDLE);
  j->run = run_graph;
  j->check = check_product;
  if (!j->layer) return;
  plan_stages(j);
  add_result(j, j->y->data, (size_t)ROWS * OUT);
  add_result(j, j->last->data, (size_t)ROWS * LAST);
  j->check = check_both;
}

static void make_jobs(void)
{
  for (size_t i = 0; i < ROWS * MIDDLE; ++i) x_of_calls[i] = random_float(&seed);
  for (size_t t = 0; t < TYPES; ++t) {
    types[t].first = new_matrix(&types[t], MIDDLE, IN);
    types[t].last = new_matrix(&types[t], LAST, OUT);
  }
  for (size_t f = 0; f < FORMATS; ++f) make_layer(&layers[f]);
  for (size_t i = 0; i < TYPES * THREADS; ++i) {
    products[i] = (job){.type = &types[i / THREADS], .threads = threads_of[i % THREADS]};
    make_graph(&products[i]);
  }
  for (size_t i = 0; i < FORMATS * THREADS; ++i) {
    calls[i] = (job){.layer = &layers[i / THREADS], .threads = threads_of[i % THREADS]};
    make_call(&calls[i]);
  }
  for (size_t i = 0; i < TYPES * FORMATS * THREADS; ++i) {
    both[i] = (job){.type = &types[i / THREADS / FORMATS],
                    .layer = &layers[i / THREADS % FORMATS],
                    .threads = threads_of[i % THREADS]};
    make_graph(&both[i]);
  }
}

/* --- Instruction sets ------------------------------------------------------------------------- */

/* A function of ggml's CPU back end that has a name only. */
static void find(const char *name, void *function)
{
  void *found = ggml_backend_reg_get_proc_address(ggml_backend_cpu_reg(), name);
  must(found, name);
  memcpy(function, &found, sizeof found);
}

static void find_tiles(void)
{
  ggml_backend_dev_get_extra_bufts_t extra;
  find("ggml_backend_dev_get_extra_bufts", &extra);
  for (ggml_backend_buffer_type_t *b = extra(ggml_backend_get_device(cpu)); b && *b; ++b) {
    if (strcmp(ggml_backend_buft_name(*b), "AMX") == 0) tiles = *b;
  }
}

static void print_features(void)
{
  ggml_backend_get_features_t features;
  find("ggml_backend_get_features", &features);
  printf("ggml %s:", ggml_version());
  for (const struct ggml_backend_feature *f = features(ggml_backend_cpu_reg()); f->name; ++f) {
    printf(" %s", f->name);
  }
  printf("\nsvf %s:", svf_version());
  for (size_t f = 0; f < FORMATS; ++f) {
    printf("%s %s on %s", f ? "," : "", svf_format_name(layers[f].format),
           svf_isa_name(svf_isa_serving(SVF_ISA_AUTO, layers[f].format)));
  }
  printf("\n");
}

/* Where one engine has tiles, so must the other. */
static void print_amx(void)
{
#ifdef HOSTS_AMX_MODEL
  const char *where = "in both, as a model in plain C";
#else
  const char *where = "in both";
#endif
  size_t served = 0;
  for (size_t f = 0; f < FORMATS; ++f) {
    served += svf_isa_serving(SVF_ISA_AUTO, layers[f].format) == SVF_ISA_AMX;
  }
  must((tiles && ggml_cpu_has_amx_int8()) == (served > 0), "AMX is used by one engine alone");
  must(served == 0 || served == FORMATS, "AMX serves some formats only");
  printf("AMX: %s\n",
         served ? where : "in neither, since it is not to be had here; the rest is tested");
}

static void print_errors(void)
{
  printf("first results against double precision, worst NMSE of an output (limit):\n");
  for (size_t t = 0; t < TYPES; ++t) {
    printf("  ggml %-10s %.1e (%.0e)\n", ggml_type_name(types[t].type), types[t].worst,
           types[t].limit);
  }
  for (size_t f = 0; f < FORMATS; ++f) {
    printf("  svf  %-10s %.1e (%.0e)\n", svf_format_name(layers[f].format), layers[f].worst,
           layers[f].limit);
  }
}

/* Not what it is doing, which goes to stderr otherwise. */
static void print_log(enum ggml_log_level level, const char *text, void *context)
{
  (void)context;
  if (level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int argc, char **argv)
{
  const size_t turns = argc > 1 ? strtoul(argv[1], NULL, 10) : TURNS;
  setvbuf(stdout, NULL, _IOLBF, 0);
  ggml_log_set(print_log, NULL);
  cpu = ggml_backend_cpu_init();
  must(cpu, "ggml_backend_cpu_init");
  find_tiles();
  print_features();
  print_amx();
  make_jobs();
  for (size_t t = 0; t < turns; ++t) { /* the quotients make every pair meet */
    take_turn(&products[t % (TYPES * THREADS)]);
    take_turn(&calls[(t + t / (TYPES * THREADS)) % (FORMATS * THREADS)]);
    take_turn(&both[(t + t / (TYPES * FORMATS * THREADS)) % (TYPES * FORMATS * THREADS)]);
  }
  print_errors();
  printf(
      "%zu turns: as many products of ggml, calls of svf_matmul, and graphs of both; "
      "all results are right\n",
      turns);
  return 0;
}
