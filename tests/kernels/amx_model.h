/* SPDX-License-Identifier: Apache-2.0
 *
 * AMX in C, for CPUs without it: included before kernels/amx/ by force, so that the checker can run
 * these kernels wherever AVX-512 is. Arithmetic as in Intel SDM volume 2, TDPBF16PS and TDPBSSD. */
#ifndef SVF_TESTS_AMX_MODEL_H
#define SVF_TESTS_AMX_MODEL_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#undef _tile_loadconfig
#undef _tile_storeconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stream_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#undef _tile_dpbssd

#define _tile_loadconfig(config) amx_model_config(config)
#define _tile_storeconfig(config) amx_model_store_config(config)
#define _tile_release() amx_model_release()
#define _tile_loadd(tile, base, stride) amx_model_load(tile, base, stride)
#define _tile_stream_loadd(tile, base, stride) amx_model_load(tile, base, stride)
#define _tile_stored(tile, base, stride) amx_model_store(tile, base, stride)
#define _tile_zero(tile) amx_model_zero(tile)
#define _tile_dpbf16ps(c, a, b) amx_model_dpbf16ps(c, a, b)
#define _tile_dpbssd(c, a, b) amx_model_dpbssd(c, a, b)

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the operating system refuses the tiles. */
extern bool amx_model_refuses;

void amx_model_config(const void *config);
void amx_model_store_config(void *config);
void amx_model_release(void);
void amx_model_load(int tile, const void *base, ptrdiff_t stride);
void amx_model_store(int tile, void *base, ptrdiff_t stride);
void amx_model_zero(int tile);
void amx_model_dpbf16ps(int c, int a, int b);
void amx_model_dpbssd(int c, int a, int b);

#ifdef __cplusplus
}
#endif
#endif
