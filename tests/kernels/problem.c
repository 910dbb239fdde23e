/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/problem.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/linear/bands.h"
#include "tests/kernels/gates.h"

/* --- Values ----------------------------------------------------------------------------------- */

static float draw(values kind, size_t at, uint64_t *state)
{
  static const float special[] = {NAN, INFINITY, -INFINITY, 1e-40f, -1e-42f, -0.0f, 0.0f, 3e38f};
  switch (kind) {
    case VALUES_RANDOM: return random_float(state);
    case VALUES_INTEGER: return (float)random_below(state, 3) - 1.0f;
    case VALUES_SPREAD: return ldexpf(random_float(state), (int)random_below(state, 81) - 40);
    case VALUES_CANCEL: return (at % 2 ? -1.0f : 1.0f) * (1.0f + 1e-6f * random_float(state));
    case VALUES_SPECIAL:
      if (random_below(state, 40) == 0) {
        return special[random_below(state, sizeof special / sizeof *special)];
      }
      return random_float(state);
    case VALUES_LOWEST: return 1;
  }
  return 0;
}

/* --- Building --------------------------------------------------------------------------------- */

static void *need(void *p)
{
  if (!p) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return p;
}

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "unexpected status %s: %s\n", svf_status_name(status), svf_last_message());
  exit(1);
}

/* Store v as the type of the matrix and return what was stored. */
static float put(char *to, svf_dtype type, float v)
{
  if (type == SVF_DTYPE_F32) {
    memcpy(to, &v, sizeof v);
    return v;
  }
  const uint16_t b = bf16_round(v);
  memcpy(to, &b, sizeof b);
  return bf16_widen(b);
}

/* Rounds an operand to the precision of the format; formats with integers leave it as it is
 * here. */
static float stored(int precision, const spec *s, float v)
{
  return precision == 8 && !gate_traits(s->format).integer ? bf16_widen(bf16_round(v)) : v;
}

/* A strided matrix in a guarded buffer with its dense fp32 copy, to that precision. Returns the
 * first row. */
static char *fill_matrix(guard *g, size_t rows, size_t width, ptrdiff_t stride, ptrdiff_t step,
                         svf_dtype type, const spec *s, int precision, float *dense,
                         uint64_t *state)
{
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  const size_t last = (rows - 1) * (size_t)labs((long)stride) + (width - 1) * (size_t)step;
  const size_t span = (last + 1) * (size_t)size;
  char *low = guard_take(g, span, s->at_end);
  char *first = stride < 0 ? low + (ptrdiff_t)(rows - 1) * -stride * size : low;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < width; ++j) {
      char *to = first + ((ptrdiff_t)i * stride + (ptrdiff_t)j * step) * size;
      dense[i * width + j] = stored(precision, s, put(to, type, draw(s->kind, j, state)));
    }
  }
  /* With stride 0 the last row wins. */
  for (size_t i = 0; stride == 0 && i < rows; ++i) {
    memcpy(dense + i * width, dense + (rows - 1) * width, width * sizeof *dense);
  }
  return first;
}

static void make_gains(problem *p, uint64_t *state)
{
  const spec *s = &p->s;
  float *expert[EXPERTS];
  for (int e = 0; e < EXPERTS; ++e) {
    expert[e] = (float *)(void *)guard_take(&p->expert[e], s->r * sizeof(float), s->at_end);
    for (size_t k = 0; k < s->r; ++k) {
      expert[e][k] = s->kind == VALUES_INTEGER ? (k % 2 ? 2.0f : -1.0f) : draw(s->kind, k, state);
    }
  }
  const float **rows =
      (const float **)(void *)guard_take(&p->row_gains, s->rows * sizeof(float *), s->at_end);
  for (size_t i = 0; i < s->rows; ++i) {
    const size_t e = random_below(state, EXPERTS + 1);
    rows[i] = e < EXPERTS ? expert[e] : NULL;
    if (e < EXPERTS && s->gains) p->dense_gains[i] = expert[e];
  }
  p->args.gains = s->gains ? rows : NULL;
}

/* Every weight -128, or -8. */
static void lower_weights(char *block)
{
  const svf_linear_header *h = (const void *)block;
  for (int product = 0; product < 2; ++product) {
    const size_t k = svf_product_k(h, product), channels = svf_product_channels(h, product);
    const svf_bands bands = svf_bands_of(h, product);
    char *panels = block + (product == 0 ? h->v_offset : h->u_offset);
    for (size_t panel = 0; panel < (channels + SVF_PANEL - 1) / SVF_PANEL; ++panel) {
      for (size_t from = 0, to; from < k; from = to) {
        to = svf_span_end(&bands, from, k);
        const svf_format format = bands.format[svf_band_at(&bands, panel, from)];
        const svf_panel_layout *layout = &bands.layout[svf_band_at(&bands, panel, from)];
        const size_t scales = layout->scales;
        memset(panels + svf_bands_offset(&bands, panel, from) + scales,
               format == SVF_FORMAT_W4 ? 0x88 : 0x80, svf_panel_bytes(layout, to - from) - scales);
      }
    }
  }
}
/* Numbers in a range that every format has are each rounded to nearest in its precision. */
static void must_be_near(const float *exact, const float *rounded, size_t count, int precision)
{
  for (size_t i = 0; i < count; ++i) {
    const double x = fabs((double)exact[i]), e = fabs((double)rounded[i] - (double)exact[i]);
    if (!(x > 1e-3 && x < 1e3) || e <= ldexp(x, -precision)) continue;
    fprintf(stderr, "a weight of %a is packed as %a\n", (double)exact[i], (double)rounded[i]);
    exit(1);
  }
}

/* The weights as the block has them, for the oracles: those of the formats with integers are read
 * by an oracle; what fill_matrix knows how to round is there already. Others are what the library
 * says, which must be near. */
static void store_weights(problem *p, const char *block, size_t bytes)
{
  const spec *s = &p->s;
  const svf_format_traits t = gate_traits(s->format);
  const size_t width = s->r > 0 ? s->r : s->n;
  if (t.integer) {
    oracle_weights(block, p->du, p->dvt);
  } else if (t.weight_precision != 8 && t.weight_precision != 24) {
    float *u = need(malloc(s->m * width * sizeof *u));
    float *vt = need(malloc((s->r + 1) * s->n * sizeof *vt));
    must(svf_linear_unpack(block, bytes, u, width, vt, s->n));
    must_be_near(p->du, u, s->m * width, t.weight_precision);
    must_be_near(p->dvt, vt, s->r * s->n, t.weight_precision);
    free(p->du);
    free(p->dvt);
    p->du = u;
    p->dvt = vt;
  }
}

static void make_block(problem *p, uint64_t *state)
{
  const spec *s = &p->s;
  const size_t width = s->r > 0 ? s->r : s->n;
  size_t us = width + s->factor_pad, vs = s->n + s->factor_pad, u_step = 1, v_step = 1;
  if (s->transposed) {
    u_step = s->m + s->factor_pad;
    v_step = s->r + s->factor_pad;
    us = vs = 1;
  }
  const int digits = gate_traits(s->format).weight_precision;
  char *u = fill_matrix(&p->u, s->m, width, (ptrdiff_t)us, (ptrdiff_t)u_step, s->u_type, s, digits,
                        p->du, state);
  char *vt = NULL;
  float *sigma = NULL;
  if (s->r > 0) {
    vt = fill_matrix(&p->vt, s->r, s->n, (ptrdiff_t)vs, (ptrdiff_t)v_step, s->vt_type, s, digits,
                     p->dvt, state);
    sigma = (float *)(void *)guard_take(&p->sigma, s->r * sizeof(float), s->at_end);
  }
  for (size_t k = 0; k < s->r; ++k) {
    sigma[k] = s->kind == VALUES_INTEGER ? 1.0f : draw(s->kind, k, state);
  }
  const svf_linear_source source = {.size = sizeof source,
                                    .format = s->format,
                                    .m = s->m,
                                    .n = s->n,
                                    .r = s->r,
                                    .u_type = s->u_type,
                                    .u = u,
                                    .u_stride = us,
                                    .u_step = u_step,
                                    .vt_type = s->vt_type,
                                    .vt = vt,
                                    .vt_stride = vs,
                                    .vt_step = v_step,
                                    .sigma = sigma,
                                    .quant = s->quant};
  size_t bytes;
  must(svf_linear_bytes(&source, &bytes));
  char *block = guard_take(&p->block, bytes, s->at_end);
  must(svf_linear_pack(&source, block, bytes));
  if (s->kind == VALUES_LOWEST) {
    lower_weights(block);
    must(svf_linear_seal(block, bytes));
  }
  must(svf_linear_check(block, bytes, true));
  p->args.linear = block;
  store_weights(p, block, bytes);
  for (size_t i = 0; i < s->rows; ++i) p->dense_gains[i] = svf_linear_sigma(block);
}

static void make_t0(problem *p)
{
  const spec *s = &p->s;
  const size_t stride = s->r + (size_t)s->y_pad;
  p->t0_span = (s->rows - 1) * stride + s->r;
  p->t0_start = (float *)(void *)guard_take(&p->t0_guard, p->t0_span * sizeof(float), s->at_end);
  p->t0 = need(malloc(s->rows * s->r * sizeof *p->t0));
  p->args.t0 = p->t0_start + (s->y_backward ? (s->rows - 1) * stride : 0);
  p->args.t0_stride = s->y_backward ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
}

static void reset_y(problem *p)
{
  const spec *s = &p->s;
  if (p->t0) memset(p->t0_start, 0xff, p->t0_span * sizeof *p->t0);
  const ptrdiff_t size = s->y_type == SVF_DTYPE_F32 ? 4 : 2;
  memset(p->y_start, 0xff, p->y_span);
  for (size_t i = 0; s->accumulate && i < s->rows; ++i) {
    for (size_t j = 0; j < s->m; ++j) {
      put((char *)p->args.y + ((ptrdiff_t)i * p->args.y_stride + (ptrdiff_t)j) * size, s->y_type,
          p->old[i * s->m + j]);
    }
  }
}

oracle_input problem_oracle(const problem *p)
{
  const svf_format_traits t = gate_traits(p->s.format);
  const carry how = t.integer || t.t_precision == 24 ? CARRY_F32
                    : t.t_precision == 16            ? CARRY_SPLIT
                                                     : CARRY_BF16;
  return (oracle_input){.carry = how,
                        .m = p->s.m,
                        .n = p->s.n,
                        .r = p->s.r,
                        .rows = p->s.rows,
                        .u = p->du,
                        .vt = p->dvt,
                        .x = p->dx,
                        .gains = p->dense_gains,
                        .bias = p->args.bias,
                        .t0 = p->t0,
                        .old = p->s.accumulate ? p->old : NULL};
}

void problem_make(problem *p, const spec *s, uint64_t *state)
{
  memset(p, 0, sizeof *p);
  p->s = *s;
  const size_t size = s->y_type == SVF_DTYPE_F32 ? 4 : 2;
  p->du = need(malloc(s->m * (s->r > 0 ? s->r : s->n) * sizeof(float)));
  p->dvt = need(malloc((s->r + 1) * s->n * sizeof(float)));
  p->dx = need(malloc(s->rows * s->n * sizeof(float)));
  p->old = need(malloc(s->rows * s->m * sizeof(float)));
  p->dense_gains = need(malloc(s->rows * sizeof *p->dense_gains));
  p->expected = need(malloc(s->rows * s->m * sizeof(float)));
  p->args = (svf_matmul_args){.size = sizeof p->args,
                              .rows = s->rows,
                              .x_type = s->x_type,
                              .y_type = s->y_type,
                              .flags = s->accumulate ? SVF_MATMUL_ACCUMULATE : 0};
  make_block(p, state);
  if (s->r > 0) make_gains(p, state);
  if (s->bias) {
    float *bias = (float *)(void *)guard_take(&p->bias, s->m * sizeof(float), s->at_end);
    for (size_t i = 0; i < s->m; ++i) bias[i] = draw(s->kind, i, state);
    p->args.bias = bias;
  }
  ptrdiff_t stride = s->x_same ? 0 : (ptrdiff_t)s->n + s->x_pad;
  if (s->x_backward) stride = -stride;
  p->args.x_stride = stride;
  const svf_format_traits t = gate_traits(s->format);
  p->args.x =
      fill_matrix(&p->x, s->rows, s->n, stride, 1, s->x_type, s, t.x_precision, p->dx, state);

  stride = (ptrdiff_t)s->m + s->y_pad;
  p->y_span = ((s->rows - 1) * (size_t)stride + s->m) * size;
  p->y_start = (uint16_t *)(void *)guard_take(&p->y, p->y_span, s->at_end);
  p->args.y_stride = s->y_backward ? -stride : stride;
  p->args.y = (char *)p->y_start +
              (s->y_backward ? (ptrdiff_t)(s->rows - 1) * stride * (ptrdiff_t)size : 0);
  for (size_t i = 0; i < s->rows * s->m; ++i) {
    char unused[4];
    p->old[i] = put(unused, s->y_type, draw(s->kind, i, state));
  }

  if (s->keep && s->r > 0) make_t0(p);
  const oracle_input in = problem_oracle(p);
  if (t.integer) {
    oracle_integers(&in, p->args.linear, p->expected);
  } else if (t.x_precision > 8) {
    oracle_chain(&in, p->expected);
  } else if (s->isa == SVF_ISA_AMX) {
    oracle_tiles(&in, p->expected);
  } else if (s->isa == SVF_ISA_AVX512BF16) {
    oracle_dots(&in, p->expected);
  } else if (s->isa == SVF_ISA_NEONBF16) {
    oracle_odd(&in, p->expected);
  } else {
    oracle_chain(&in, p->expected);
  }
  if (s->y_type == SVF_DTYPE_BF16) {
    const float *f = p->expected;
    uint16_t *b = need(malloc(s->rows * s->m * sizeof *b));
    for (size_t i = 0; i < s->rows * s->m; ++i) b[i] = bf16_round(f[i]);
    free(p->expected);
    p->expected = b;
  }
}

void problem_free(problem *p)
{
  guard *all[] = {&p->u,    &p->vt, &p->sigma,    &p->row_gains, &p->x,
                  &p->bias, &p->y,  &p->t0_guard, &p->block,     &p->workspace};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) guard_free(all[i]);
  for (int e = 0; e < EXPERTS; ++e) guard_free(&p->expert[e]);
  free(p->du);
  free(p->dvt);
  free(p->dx);
  free(p->old);
  free(p->dense_gains);
  free(p->expected);
  free(p->t0);
}

/* --- Running ---------------------------------------------------------------------------------- */

/* A pool with a thread per share, all at once: the hardest case for races. */
typedef struct pool_share {
  void (*task)(void *context, size_t i);
  void *context;
  size_t i;
} pool_share;

static void *pool_thread(void *argument)
{
  const pool_share *share = argument;
  share->task(share->context, share->i);
  return NULL;
}

static void pool_run(void *self, size_t count, void (*task)(void *context, size_t i), void *context)
{
  pthread_t *threads = need(malloc(count * sizeof *threads));
  pool_share *shares = need(malloc(count * sizeof *shares));
  (void)self;
  for (size_t i = 0; i < count; ++i) {
    shares[i] = (pool_share){task, context, i};
    if (pthread_create(&threads[i], NULL, pool_thread, &shares[i]) != 0) exit(1);
  }
  for (size_t i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  free(threads);
  free(shares);
}

static void run_parts(const svf_plan *plan, size_t nth, uint64_t *state)
{
  size_t *order = need(malloc(nth * sizeof *order));
  for (int stage = svf_matmul_next_stage(plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(plan, stage + 1)) {
    for (size_t i = 0; i < nth; ++i) {
      const size_t j = random_below(state, i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (size_t i = 0; i < nth; ++i) svf_matmul_stage(plan, stage, order[i]);
  }
  free(order);
}

/* The call in the middle of a group, beside two whose Y is their own. */
static void run_group(problem *p, size_t nth, uint64_t *state)
{
  enum { CALLS = 3 };
  const size_t count = p->s.rows * p->s.m;
  float *y = need(malloc(2 * count * sizeof *y));
  svf_matmul_args calls[CALLS] = {p->args, p->args, p->args};
  for (size_t i = 0; i < CALLS; i += 2) {
    calls[i].y_type = SVF_DTYPE_F32;
    calls[i].y = y + i / 2 * count;
    calls[i].y_stride = (ptrdiff_t)p->s.m;
    calls[i].gains = NULL;
    calls[i].flags = 0;
    calls[i].t0 = NULL;
  }
  svf_plan plan;
  size_t bytes;
  must(svf_matmul_group_workspace(calls, CALLS, nth, &bytes));
  char *workspace = guard_take(&p->workspace, bytes, p->s.at_end);
  must(svf_matmul_group_plan(&plan, calls, CALLS, nth, workspace, bytes));
  run_parts(&plan, nth, state);
  free(y);
}

void problem_run(problem *p, svf_isa isa, way how, size_t nth, uint64_t *state)
{
  p->args.isa = isa;
  size_t bytes;
  svf_plan plan;
  if (how == WAY_GROUP) {
    reset_y(p);
    run_group(p, nth, state);
    return;
  }
  must(svf_matmul_workspace(&p->args, nth, &bytes));
  char *workspace = guard_take(&p->workspace, bytes, p->s.at_end);
  reset_y(p);
  const svf_pool pool = {.size = sizeof pool, .threads = nth, .run = pool_run};
  switch (how) {
    case WAY_SERIAL:
    case WAY_OPENMP: must(svf_matmul(&p->args, nth, workspace, bytes)); break;
    case WAY_SHARES:
      must(svf_matmul_plan(&plan, &p->args, nth, workspace, bytes));
      run_parts(&plan, nth, state);
      break;
    default: must(svf_matmul_pool(&p->args, &pool, workspace, bytes)); break;
  }
}

/* --- Comparing -------------------------------------------------------------------------------- */

float problem_y(const problem *p, size_t row, size_t i)
{
  const ptrdiff_t at = (ptrdiff_t)row * p->args.y_stride + (ptrdiff_t)i;
  if (p->s.y_type == SVF_DTYPE_F32) return ((const float *)p->args.y)[at];
  return bf16_widen(((const uint16_t *)p->args.y)[at]);
}

/* T before its gains, and what lies between its rows. */
static bool t0_matches(const problem *p, char *text, size_t bytes)
{
  const spec *s = &p->s;
  const size_t stride = s->r + (size_t)s->y_pad;
  for (size_t at = 0; p->t0 && at < p->t0_span; ++at) {
    const size_t line = at / stride, k = at % stride,
                 row = s->y_backward ? s->rows - 1 - line : line;
    float want;
    memset(&want, 0xff, sizeof want);
    if (k < s->r) want = p->t0[row * s->r + k];
    const float got = p->t0_start[at];
    if (memcmp(&want, &got, sizeof want) == 0) continue;
    if (k < s->r && isnan(want) && isnan(got)) continue;
    snprintf(text, bytes, "t0[%zu][%zu] is %.9g (%a), expected %.9g (%a)", row, k, (double)got,
             (double)got, (double)want, (double)want);
    return false;
  }
  return true;
}

bool problem_matches(const problem *p, char *text, size_t bytes)
{
  const spec *s = &p->s;
  const size_t size = s->y_type == SVF_DTYPE_F32 ? 4 : 2;
  for (size_t row = 0; row < s->rows; ++row) {
    for (size_t i = 0; i < s->m; ++i) {
      const size_t at = row * s->m + i;
      const float want = s->y_type == SVF_DTYPE_F32
                             ? ((const float *)p->expected)[at]
                             : bf16_widen(((const uint16_t *)p->expected)[at]);
      const float got = problem_y(p, row, i);
      if (memcmp(&want, &got, sizeof want) == 0 || (isnan(want) && isnan(got))) continue;
      snprintf(text, bytes, "y[%zu][%zu] is %.9g (%a), expected %.9g (%a)", row, i, (double)got,
               (double)got, (double)want, (double)want);
      return false;
    }
  }
  /* Nothing between the rows may have changed. */
  const size_t stride = (s->m + (size_t)s->y_pad) * size;
  for (size_t at = 0; at < p->y_span; ++at) {
    if (at % stride >= s->m * size && ((const unsigned char *)p->y_start)[at] != 0xff) {
      snprintf(text, bytes, "byte %zu between the rows of Y was written", at);
      return false;
    }
  }
  return t0_matches(p, text, bytes);
}

void spec_describe(const spec *s, char *text, size_t bytes)
{
  static const char *const kinds[] = {"random", "integer", "spread", "cancel", "special"};
  snprintf(text, bytes,
           "m %zu n %zu r %zu rows %zu, %s values, x %s pad %td%s%s, y %s pad %td%s, u %s, vt %s"
           "%s%s%s%s%s, buffers %s",
           s->m, s->n, s->r, s->rows, kinds[s->kind], svf_dtype_name(s->x_type), s->x_pad,
           s->x_backward ? " backward" : "", s->x_same ? " stride 0" : "",
           svf_dtype_name(s->y_type), s->y_pad, s->y_backward ? " backward" : "",
           svf_dtype_name(s->u_type), svf_dtype_name(s->vt_type),
           s->transposed ? ", both transposed" : "", s->bias ? ", bias" : "", s->keep ? ", t0" : "",
           s->accumulate ? ", accumulate" : "", s->gains ? ", mixed gains" : "",
           s->at_end ? "at the end of a page" : "at the start of a page");
}
