/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/amx_model.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/amx.h"

#include <svf/cpu.h>
#include "tests/kernels/features.h"
#include "tests/kernels/oracle.h"

enum { TILES = 8, ROWS = 16, ROW = 64 };

typedef struct tile {
  unsigned char row[ROWS][ROW];
  int rows, columns; /* configured; columns in bytes */
} tile;

static _Thread_local tile tiles[TILES];
static _Thread_local bool configured;
static _Thread_local unsigned char current[64]; /* the configuration, as it is stored */

/* What real tiles answer with #UD or #GP. */
static tile *use(int t)
{
  if (!configured || t < 0 || t >= TILES || tiles[t].rows == 0) abort();
  return &tiles[t];
}

void amx_model_config(const void *config)
{
  const unsigned char *c = config;
  if (c[0] != 1) abort();
  for (int t = 0; t < TILES; ++t) {
    uint16_t columns;
    memcpy(&columns, c + 16 + 2 * t, sizeof columns);
    if (columns > ROW || c[48 + t] > ROWS) abort();
    tiles[t] = (tile){.rows = c[48 + t], .columns = columns};
  }
  memcpy(current, config, sizeof current);
  configured = true;
}

void amx_model_store_config(void *config) { memcpy(config, current, sizeof current); }

void amx_model_release(void)
{
  memset(tiles, 0xff, sizeof tiles); /* nothing survives */
  memset(current, 0, sizeof current);
  configured = false;
}

void amx_model_load(int t, const void *base, ptrdiff_t stride)
{
  tile *to = use(t);
  memset(to->row, 0, sizeof to->row);
  for (int i = 0; i < to->rows; ++i) {
    memcpy(to->row[i], (const char *)base + i * stride, (size_t)to->columns);
  }
}

void amx_model_store(int t, void *base, ptrdiff_t stride)
{
  const tile *from = use(t);
  for (int i = 0; i < from->rows; ++i) {
    memcpy((char *)base + i * stride, from->row[i], (size_t)from->columns);
  }
}

void amx_model_zero(int t) { memset(use(t)->row, 0, sizeof tiles[t].row); }

/* Loops are written so that compilers vectorise them: over the columns of a sum, innermost. */
enum { SUMS = ROW / 4 };

static float bf16_at(const tile *t, int row, int i)
{
  uint16_t v;
  memcpy(&v, t->row[row] + 2 * i, sizeof v);
  return flush(bf16_widen(v));
}

void amx_model_dpbf16ps(int c, int a, int b)
{
  tile *sum = use(c);
  const tile *x = use(a), *w = use(b);
  const int pairs = x->columns / 4;
  float weight[2][ROWS][SUMS];
  for (int k = 0; k < pairs; ++k) {
    for (int j = 0; j < SUMS; ++j) {
      weight[0][k][j] = bf16_at(w, k, 2 * j);
      weight[1][k][j] = bf16_at(w, k, 2 * j + 1);
    }
  }
  for (int i = 0; i < sum->rows; ++i) {
    float part[2][SUMS] = {{0}}, total[SUMS];
    for (int k = 0; k < 2 * pairs; ++k) {
      const float value = bf16_at(x, i, k), *from = weight[k % 2][k / 2];
      float *to = part[k % 2];
      for (int j = 0; j < SUMS; ++j) to[j] = flush(fmaf(value, from[j], to[j]));
    }
    memcpy(total, sum->row[i], sizeof total);
    for (int j = 0; j < SUMS; ++j)
      total[j] = flush(flush(total[j]) + flush(part[0][j] + part[1][j]));
    memcpy(sum->row[i], total, (size_t)sum->columns);
  }
}

void amx_model_dpbssd(int c, int a, int b)
{
  tile *sum = use(c);
  const tile *x = use(a), *w = use(b);
  int32_t weight[ROW][SUMS];
  for (int k = 0; k < x->columns; ++k) {
    for (int j = 0; j < SUMS; ++j) weight[k][j] = (int8_t)w->row[k / 4][4 * j + k % 4];
  }
  for (int i = 0; i < sum->rows; ++i) {
    int32_t total[SUMS];
    memcpy(total, sum->row[i], sizeof total);
    for (int k = 0; k < x->columns; ++k) {
      const int32_t value = (int8_t)x->row[i][k];
      for (int j = 0; j < SUMS; ++j) total[j] += value * weight[k][j];
    }
    memcpy(sum->row[i], total, (size_t)sum->columns);
  }
}

__attribute__((constructor)) static void add_features(void)
{
  features_added = SVF_CPU_AMX_TILE | SVF_CPU_AMX_BF16 | SVF_CPU_AMX_INT8;
}

/* The linker puts these in the place of the library's (--wrap). */
bool __wrap_svf_amx_permitted(void);
bool __wrap_svf_amx_refused(void);

bool amx_model_refuses;

bool __wrap_svf_amx_permitted(void) { return !amx_model_refuses; }
bool __wrap_svf_amx_refused(void) { return amx_model_refuses; }
