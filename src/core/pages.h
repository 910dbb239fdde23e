/* SPDX-License-Identifier: Apache-2.0
 *
 * Large memory. */
#ifndef SVF_CORE_PAGES_H
#define SVF_CORE_PAGES_H

#include <stddef.h>

/* `bytes` on a cache line at least, for free(); NULL if there are none. What is large asks for huge
 * pages: weights are streamed, and with small ones a core waits for its TLB. */
void *svf_pages_alloc(size_t bytes);

#endif
