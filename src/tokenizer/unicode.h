/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of characters as Hugging Face's `tokenizers` has them, so that ids do not depend on
 * which version of Unicode this system's libraries know. unicode_data.py makes the tables. */
#ifndef SVF_TOKENIZER_UNICODE_H
#define SVF_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/tokenizer/charset.h"

/* True for Unicode's White_Space, and for characters of words, which bound a token with
 * single_word. */
bool svf_tok_is_space(uint32_t c);
bool svf_tok_is_word(uint32_t c);

/* The canonical combining class; 0 of what is not a mark, or not one in Unicode 9. */
unsigned svf_tok_combining_class(uint32_t c);

/* One step of a canonical decomposition, Hangul's included. False if there is none; *second is 0 if
 * c becomes a single character. */
bool svf_tok_decompose(uint32_t c, uint32_t *first, uint32_t *second);

/* The character that two compose to, Hangul's included, or 0. */
uint32_t svf_tok_compose(uint32_t first, uint32_t second);

/* Add the characters of a property to a set: white space, or \p{name}, where the name is of `bytes`
 * bytes: a general category ("Lu"), a group of them ("L"), a script, or "Digits", what the
 * pre-tokenizer of that name splits at; in any case and with '_' anywhere. *known becomes false if
 * there is no such property. Errors: MEMORY. */
svf_status svf_tok_set_add_space(svf_tok_set *set);
svf_status svf_tok_set_add_property(svf_tok_set *set, const char *name, size_t bytes, bool *known);

/* The tables. Values of characters are sorted: `first << 8 | value` holds up to the next entry.
 * Members of a set are [0, 1), [2, 3), ... of a sorted list. */
typedef struct svf_tok_name {
  char name[24]; /* of a script in lower case and without '_' */
  uint8_t value;
} svf_tok_name;

typedef struct svf_tok_decomposition {
  uint32_t from, first, second;
} svf_tok_decomposition;

extern const svf_tok_name svf_tok_category_names[], svf_tok_script_names[];
extern const uint32_t svf_tok_categories[], svf_tok_scripts[], svf_tok_combining[];
extern const uint32_t svf_tok_numeric[], svf_tok_word[];
extern const svf_tok_decomposition svf_tok_decompositions[]; /* sorted by `from` */
extern const uint16_t svf_tok_compositions[]; /* indices of those, by first, then second */
extern const size_t svf_tok_category_names_count, svf_tok_script_names_count;
extern const size_t svf_tok_categories_count, svf_tok_scripts_count, svf_tok_combining_count;
extern const size_t svf_tok_numeric_count, svf_tok_word_count;
extern const size_t svf_tok_decompositions_count, svf_tok_compositions_count;

#endif
