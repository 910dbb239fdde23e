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
  configured = true;
}

void amx_model_release(void)
{
  memset(tiles, 0xff, sizeof tiles); /* nothing survives */
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
  for (int i = 0; i < sum->rows; ++i) {
    for (int j = 0; j < sum->columns / 4; ++j) {
      float even = 0, odd = 0, total;
      for (int k = 0; k < x->columns / 4; ++k) {
        even = flush(fmaf(bf16_at(x, i, 2 * k), bf16_at(w, k, 2 * j), even));
        odd = flush(fmaf(bf16_at(x, i, 2 * k + 1), bf16_at(w, k, 2 * j + 1), odd));
      }
      memcpy(&total, sum->row[i] + 4 * j, sizeof total);
      total = flush(flush(total) + flush(even + odd));
      memcpy(sum->row[i] + 4 * j, &total, sizeof total);
    }
  }
}

void amx_model_dpbssd(int c, int a, int b)
{
  tile *sum = use(c);
  const tile *x = use(a), *w = use(b);
  for (int i = 0; i < sum->rows; ++i) {
    for (int j = 0; j < sum->columns / 4; ++j) {
      int32_t total;
      memcpy(&total, sum->row[i] + 4 * j, sizeof total);
      for (int k = 0; k < x->columns; ++k) {
        total += (int8_t)x->row[i][k] * (int8_t)w->row[k / 4][4 * j + k % 4];
      }
      memcpy(sum->row[i] + 4 * j, &total, sizeof total);
    }
  }
}

__attribute__((constructor)) static void add_features(void)
{
  features_added = SVF_CPU_AMX_TILE | SVF_CPU_AMX_BF16 | SVF_CPU_AMX_INT8;
}

/* The linker puts these in the place of the library's (--wrap). */
bool __wrap_svf_amx_permitted(void);
bool __wrap_svf_amx_refused(void);

bool __wrap_svf_amx_permitted(void) { return true; }
bool __wrap_svf_amx_refused(void) { return false; }
