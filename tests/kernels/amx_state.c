/* SPDX-License-Identifier: Apache-2.0
 *
 * What calls leave of a caller's AMX state: an engine that configures tiles once per thread, calls
 * svf_matmul in between and goes on with its own products. Built for the tiles of amx_model.c, and
 * where there is AMX once more for those of the CPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/cpu.h>
#include <svf/matmul.h>

#include "kernels/amx/tiles.h"
#include "src/core/dispatch.h"
#ifdef SVF_AMX_MODEL
#include "tests/kernels/amx_model.h"
#endif

enum { M = 40, N = 70, R = 36, ROWS = 20, TURNS = 100, LONG_TURNS = 10000 };

static float u[M * R], vt[R * N], sigma[R], x[ROWS * N], y[ROWS * M], want[ROWS * M];
static _Alignas(64) unsigned char block[1 << 16], workspace[1 << 20];

static void must(bool good, const char *what)
{
  if (good) return;
  fprintf(stderr, "amx_state: %s: %s\n", what, svf_last_message());
  exit(1);
}

static void pack(svf_format format)
{
  const svf_linear_source s = {.size = sizeof s,
                               .m = M,
                               .n = N,
                               .r = R,
                               .format = format,
                               .u = u,
                               .u_stride = R,
                               .vt = vt,
                               .vt_stride = N,
                               .sigma = sigma};
  must(svf_linear_pack(&s, block, sizeof block) == SVF_OK, "packing");
}

static void multiply(void)
{
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = block,
                             .rows = ROWS,
                             .x = x,
                             .x_stride = N,
                             .y = y,
                             .y_stride = M,
                             .isa = SVF_ISA_AMX};
  must(svf_matmul(&a, 1, workspace, sizeof workspace) == SVF_OK, "svf_matmul");
}

/* Tiles of an engine: sums of 3 rows x 5 columns of pairs of bf16. */
static const unsigned char engines[64] = {
    [0] = 1, [16] = 20, [18] = 12, [20] = 20, [48] = 3, [49] = 3, [50] = 3};

/* Each sum is 3 * 2 products of 1 * 1. */
static void engines_product(void)
{
  uint16_t ones[3 * 10];
  float sums[3 * 5];
  for (size_t i = 0; i < 30; ++i) ones[i] = 0x3f80;
  _tile_zero(0);
  _tile_loadd(1, ones, 12);
  _tile_loadd(2, ones, 20);
  _tile_dpbf16ps(0, 1, 2);
  _tile_stored(0, sums, 20);
  for (size_t i = 0; i < 15; ++i) must(sums[i] == 6, "the engine's product");
}

static void check(svf_format format, int turns)
{
  unsigned char config[64];
  pack(format);
  multiply();
  memcpy(want, y, sizeof want);
  _tile_storeconfig(config);
  for (size_t i = 0; i < sizeof config; ++i) must(config[i] == 0, "tiles are left configured");
  _tile_loadconfig(engines);
  for (int turn = 0; turn < turns; ++turn) {
    engines_product();
    memset(y, 0xff, sizeof y);
    multiply();
    must(memcmp(y, want, sizeof want) == 0, "the result beside the engine's");
    _tile_storeconfig(config);
    must(memcmp(config, engines, sizeof config) == 0, "the engine's configuration");
  }
  _tile_release();
}

#ifdef SVF_AMX_MODEL
/* What a team settles on stays when a refusal is over. */
static void check_settling(void)
{
  amx_model_refuses = true;
  const svf_isa without = svf_isa_settle(SVF_ISA_AUTO);
  must(without != SVF_ISA_AMX && without != SVF_ISA_AUTO, "tiles that are refused");
  must(svf_isa_settle(SVF_ISA_AMX) == without, "tiles that are asked for and refused");
  amx_model_refuses = false;
  must(svf_isa_settle(without) == without, "what was settled");
  must(svf_isa_settle(SVF_ISA_AUTO) == SVF_ISA_AMX, "tiles that are granted");
  must(svf_isa_settle(SVF_ISA_REF) == SVF_ISA_REF, "plain C");
}
#endif

int main(void)
{
#ifdef SVF_AMX_MODEL
  check_settling();
#endif
  const int turns = getenv("SVF_LONG") ? LONG_TURNS : TURNS;
  for (int i = 0; i < M * R; ++i) u[i] = (float)(i % 7) - 3;
  for (int i = 0; i < R * N; ++i) vt[i] = (float)(i % 5) - 2;
  for (int i = 0; i < R; ++i) sigma[i] = 1 / (float)(i + 1);
  for (int i = 0; i < ROWS * N; ++i) x[i] = 1 / (float)(i + 3);
  must(svf_isa_serving(SVF_ISA_AMX, SVF_FORMAT_BF16) == SVF_ISA_AMX, "AMX does not serve bf16");
  check(SVF_FORMAT_BF16, turns);
  check(SVF_FORMAT_BF16_SPLIT, turns);
  check(SVF_FORMAT_S8, turns);
  check(SVF_FORMAT_W4, turns);
  printf("%d turns of 4 formats beside an engine's tiles\n", turns);
  return 0;
}
