/* SPDX-License-Identifier: Apache-2.0
 *
 * Large allocations. */
#ifndef SVF_CORE_PAGES_H
#define SVF_CORE_PAGES_H

#include <stddef.h>

/* `bytes` bytes, aligned to a cache line at least, to be released by free(); NULL if memory is
 * short. Large allocations ask for huge pages: weights are streamed, and with small pages a core
 * waits for its TLB. Thread-safe. */
void *svf_pages_alloc(size_t bytes);

/* The same for rows * width elements of `size` bytes; NULL also if that exceeds SIZE_MAX. */
void *svf_pages_array(size_t rows, size_t width, size_t size);

#endif
