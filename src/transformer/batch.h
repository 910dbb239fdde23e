/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts on the sequences of one context: when each begins, how many KV blocks it may come to
 * hold, and the rows of a pass that read it. What texts have in common at their beginnings is read
 * by one of them, the leader; the others wait for it in sequences of their own and continue as its
 * forks. */
#ifndef SVF_TRANSFORMER_BATCH_H
#define SVF_TRANSFORMER_BATCH_H

#include "src/transformer/context.h"
#include "src/transformer/prefix.h"

/* A text, together with its svf_prefix, which holds the tokens to be read. An empty text has
 * nothing to read and takes no sequence. */
typedef struct svf_batch_text {
  const float *gains; /* those that its hash is of */
  size_t positions;   /* the most that it fills, including those of the tokens read */
  /* If its leader has read that far, the text itself reads tokens from `own` on, and their rows
   * want logits; own < count. */
  size_t own;
  size_t alone;  /* likewise if its leader has not read that far; alone <= own */
  size_t begins; /* out: which of the two it is, once the text is in a sequence */
  size_t slot;   /* out: its sequence; SVF_NONE before it begins and after it ends */
} svf_batch_text;

/* A sequence of the context, and the text in it. */
typedef struct svf_batch_slot {
  size_t text;  /* SVF_NONE: idle */
  size_t read;  /* tokens of the text that the cache holds, or will hold after this pass */
  size_t donor; /* the slot that it waits for, to become its fork; SVF_NONE: it does not wait */
  size_t goal;  /* the length at which it becomes the fork */
} svf_batch_slot;

typedef struct svf_batch {
  svf_context *c;
  size_t count;         /* texts */
  svf_prefix *prefix;   /* [count] */
  svf_batch_text *text; /* [count] */
  size_t *order;        /* [count] the texts in the order in which they begin */
  size_t begun;         /* texts that have begun or were skipped */
  svf_batch_slot *slot; /* [sequences] */
  svf_batch_slot next;  /* what the next text's slot will hold */
  size_t next_slot;     /* which slot that is */
  size_t next_begins;   /* the next text's `begins` */
  svf_row *rows;        /* [rows of the context] the rows of the pass */
  size_t row_count;     /* rows of the pass */
  size_t wanting;       /* rows of the pass that want logits */
  size_t wanting_most;  /* rows of a pass that may want logits */
  size_t turn;          /* the slot with which the next pass begins to read */
  bool *mark;           /* [KV blocks of the cache] scratch */
} svf_batch;

/* Allocate memory for `count` texts. The caller fills in prefix[] and text[], except the members
 * marked `out`. Passes will have at most `wanting` rows that want logits. Errors: MEMORY; *b must
 * be freed also then. */
svf_status svf_batch_create(svf_batch *b, svf_context *c, size_t count, size_t wanting);

/* Texts that have not ended are left where they are, and their gains forgotten. */
void svf_batch_free(svf_batch *b);

/* Compute the hashes of the gains and, from these and the tokens, the order. `own` and `alone` may
 * still be changed afterwards. Errors: MEMORY. */
svf_status svf_batch_plan(svf_batch *b);

/* The text that begins next, if it is empty or if a sequence is free for it and the cache can hold
 * all that it may come to; else SVF_NONE. The caller then begins it or, if it is empty, skips
 * it. */
size_t svf_batch_next(svf_batch *b);
void svf_batch_begin(svf_batch *b);
void svf_batch_skip(svf_batch *b);

/* Whether any text is reading, for which a pass should have room. */
bool svf_batch_is_reading(const svf_batch *b);

/* Put a pass together: clear begins it without rows; add takes one row of a text that has read all
 * its tokens; gather adds as many rows as fit of the texts that have not. Errors of gather: those
 * of svf_context_fork. */
void svf_batch_clear(svf_batch *b);

/* Add a row; there must be room for it. */
void svf_batch_add(svf_batch *b, size_t slot, int32_t token, bool wants_logits);

/* Add as many rows as fit of texts that have not read all their tokens. Texts that wait become
 * forks as soon as their donors are long enough. Errors of svf_context_fork. */
svf_status svf_batch_gather(svf_batch *b);

/* True if a slot's text has read all its tokens. */
bool svf_batch_has_read(const svf_batch *b, size_t slot);

/* End the text of a slot, and forget its gains. Texts that wait for it continue as its forks.
 * Errors: those of svf_context_fork. */
svf_status svf_batch_end(svf_batch *b, size_t slot);

#endif
