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

/* Beside its svf_prefix, whose tokens are what is to be read. An empty one has nothing to read and
 * takes no sequence. */
typedef struct svf_batch_text {
  const float *gains; /* of its hash */
  size_t positions;   /* that it fills at most, those read included */
  /* Tokens from `own` on it reads itself, and their rows want logits: own < count. It may leave so
   * many to its leader once that has read them, else as many as `alone`, which is at most `own`. */
  size_t own, alone;
  size_t begins; /* out: which of the two it is, as soon as it is in a sequence */
  size_t slot;   /* out: that sequence; SVF_NONE: before and after that */
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
  svf_batch_slot *slot;      /* [sequences] */
  svf_batch_slot next;       /* what the next text will be in, */
  size_t next_slot;          /* where, */
  size_t next_begins;        /* and how */
  svf_row *rows;             /* [rows of the context] those of the pass */
  size_t row_count, wanting; /* rows; those of them that want logits */
  size_t wanting_most;
  bool *mark; /* [blocks of the cache] */
} svf_batch;

/* Room for texts, of which the caller fills in prefix and text, except what is out. Passes have at
 * most `wanting` rows that want logits. MEMORY; to be freed also then. */
svf_status svf_batch_create(svf_batch *b, svf_context *c, size_t count, size_t wanting);
void svf_batch_free(svf_batch *b);

/* Settle the order, from the tokens and the hashes, which this sets too. Then `own` and `alone` may
 * still be changed. MEMORY. */
svf_status svf_batch_plan(svf_batch *b);

/* The text that begins next, if there is a sequence for it and room in the cache for all that it
 * may come to; SVF_NONE if there is not. Then it is to be begun or, if it is empty, skipped. */
size_t svf_batch_next(svf_batch *b);
void svf_batch_begin(svf_batch *b);
void svf_batch_skip(svf_batch *b);

/* A pass: no rows; a row of a text that has read all; as many rows as fit of those that have not.
 * Errors of svf_context_fork. */
void svf_batch_clear(svf_batch *b);
void svf_batch_add(svf_batch *b, size_t slot, int32_t token, bool wants_logits);
svf_status svf_batch_gather(svf_batch *b);

/* Whether a slot's text has read all its tokens. */
bool svf_batch_has_read(const svf_batch *b, size_t slot);

/* End the text of a slot. Texts that wait for it continue as its forks. Errors of
 * svf_context_fork. */
svf_status svf_batch_end(svf_batch *b, size_t slot);

#endif
