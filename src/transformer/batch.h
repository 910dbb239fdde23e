/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts on the sequences of one context: which begin when, which blocks of the cache they may
 * come to hold, and the rows of a pass that read them. What texts have in common at their
 * beginnings is read by one of them, the leader; the others wait for it in sequences of their own
 * and continue as its forks. */
#ifndef SVF_TRANSFORMER_BATCH_H
#define SVF_TRANSFORMER_BATCH_H

#include "src/transformer/context.h"
#include "src/transformer/prefix.h"

/* A text, beside its svf_prefix, whose tokens are to be read. A text of no tokens takes no sequence.
 *
 * A text reads its last tokens itself, and their rows want logits: from token `own` on, if its
 * leader has read as much, and else from token `alone` on, alone <= own < count. */
typedef struct svf_batch_text {
  const float *gains; /* the caller's; their hash is in the svf_prefix */
  size_t positions;   /* the most that it fills, those of its tokens included */
  size_t own, alone;
  size_t begins; /* out: own or alone, set when the text gets its sequence */
  size_t slot;   /* out: its sequence, SVF_NONE before it begins and after it has ended */
} svf_batch_text;

/* A sequence of the context. */
typedef struct svf_batch_slot {
  size_t text;  /* SVF_NONE: idle */
  size_t read;  /* tokens of the text that the cache holds, or will after the pass under way */
  size_t donor; /* the slot whose fork it is to become; SVF_NONE: it waits for none */
  size_t goal;  /* the length at which it forks */
} svf_batch_slot;

typedef struct svf_batch {
  svf_context *c;
  size_t count;         /* texts */
  svf_prefix *prefix;   /* [count] */
  svf_batch_text *text; /* [count] */
  size_t *order;        /* [count] in which they begin */
  size_t begun;
  svf_batch_slot *slot; /* [sequences] */
  svf_batch_slot next;  /* how the next text begins */
  size_t next_slot;     /* the sequence that the next text gets */
  size_t next_begins;   /* `begins` of the next text */
  svf_row *rows;        /* [rows of the context] the pass */
  size_t row_count;
  size_t wanting;      /* rows of the pass that want logits */
  size_t wanting_most; /* the limit of `wanting` */
  bool *mark;          /* [blocks of the cache] scratch */
} svf_batch;

/* Room for texts, of which the caller fills in prefix and text, except what is out. Passes have at
 * most `wanting` rows that want logits. MEMORY; to be freed also then. */
svf_status svf_batch_create(svf_batch *b, svf_context *c, size_t count, size_t wanting);
void svf_batch_free(svf_batch *b);

/* Hash the gains, find the leaders and settle the order. After that `own` and `alone` may still be
 * changed. MEMORY. */
svf_status svf_batch_plan(svf_batch *b);

/* The text that begins next, if there is a sequence for it and room in the cache for all that it
 * may come to; SVF_NONE if there is not. Then it is to be begun or, if it is empty, skipped. */
size_t svf_batch_next(svf_batch *b);
void svf_batch_begin(svf_batch *b);
void svf_batch_skip(svf_batch *b);

/* Begin a new pass: no rows. */
void svf_batch_clear(svf_batch *b);

/* Add a row; there must be room for it. */
void svf_batch_add(svf_batch *b, size_t slot, int32_t token, bool wants_logits);

/* Add as many rows as fit of texts that have not read all their tokens. Texts that wait become
 * forks as soon as their donors are long enough. Errors of svf_context_fork. */
svf_status svf_batch_gather(svf_batch *b);

/* Whether a slot's text has read all its tokens. */
bool svf_batch_has_read(const svf_batch *b, size_t slot);

/* End the text of a slot. Texts that wait for it continue as its forks. Errors of
 * svf_context_fork. */
svf_status svf_batch_end(svf_batch *b, size_t slot);

#endif
