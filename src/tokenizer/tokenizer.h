/* SPDX-License-Identifier: Apache-2.0
 *
 * A tokenizer as its file describes it. */
#ifndef SVF_TOKENIZER_TOKENIZER_H
#define SVF_TOKENIZER_TOKENIZER_H

#include <svf/tokenizer.h>

#include "src/tokenizer/added.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/decoding.h"
#include "src/tokenizer/steps.h"
#include "src/tokenizer/vocabulary.h"

struct svf_tokenizer {
  svf_tok_vocabulary vocabulary;
  svf_tok_added_set verbatim;   /* added tokens that are found in the text as it is */
  svf_tok_added_set normalized; /* those that are found in the normalized text */
  svf_tok_steps normalizer, pre_tokenizer;
  svf_tok_bpe bpe;
  svf_tok_ids prefix, suffix; /* ids around a text with SVF_TOKENIZER_SPECIAL */
  svf_tok_decoding decoding;
};

/* Read the file's `post_processor`, the ids that go before and after a text. Errors: FILE,
 * UNSUPPORTED, MEMORY. */
svf_status svf_tok_post_processor_read(svf_tokenizer *tokenizer, const json_t *node);

#endif
