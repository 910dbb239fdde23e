/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokenizers of Hugging Face's tokenizer.json (library svf_model): byte-level BPE as in GPT-2,
 * SmolLM, Qwen2 and Llama 3, and BPE with byte fallback as in Llama 2 and Mistral. The ids are
 * those of the library `tokenizers`; a file that asks for anything that this reader does not do in
 * exactly the same way is refused with a message that names it.
 *
 * `truncation` and `padding` of the file are ignored. A tokenizer never changes once it is open:
 * all functions are thread-safe, except that svf_tokenizer_close must be the last call on its
 * tokenizer, and that one thread at a time may use a decoder. */
#ifndef SVF_TOKENIZER_H
#define SVF_TOKENIZER_H

#include <stdbool.h>

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_tokenizer svf_tokenizer;

#define SVF_TOKENIZER_MAX_FILE ((size_t)128 << 20) /* bytes of a tokenizer.json */
#define SVF_TOKENIZER_MAX_ID ((1 << 24) - 1)
#define SVF_TOKENIZER_MAX_TEXT ((size_t)1 << 28) /* bytes of one text to encode */

/* Flag for encoding: add the tokens that the file's post_processor puts around a text (BOS,
 * EOS). */
#define SVF_TOKENIZER_SPECIAL 1u
/* Flag for encoding: special tokens that are spelled out in the text are ordinary text, as they
 * must be where the text comes from a stranger. Added tokens that are not special are still
 * recognised. */
#define SVF_TOKENIZER_PLAIN 2u
/* Flag for decoding: leave special tokens out. */
#define SVF_TOKENIZER_SKIP_SPECIAL 4u

/* Open a tokenizer.json, or the one in the directory `path`. Close *tokenizer with
 * svf_tokenizer_close. Characters are what Hugging Face's `tokenizers` 0.23 takes them for,
 * whatever version of Unicode the system knows. Added tokens that the model lacks are numbered as
 * there, from the number of the model's tokens on, whatever ids the file gives them. Errors, with
 * the path: NULL; IO; MEMORY; FILE (malformed: not JSON, duplicate tokens or ids, ids outside
 * 0..SVF_TOKENIZER_MAX_ID, merges of unknown tokens, ...); UNSUPPORTED (a kind of model,
 * normalizer, pre-tokenizer, regular expression, ... that this reader does not know). */
SVF_API svf_status svf_tokenizer_open(const char *path, svf_tokenizer **tokenizer);

/* The same from memory, which is no longer needed afterwards. Errors: those of svf_tokenizer_open,
 * but neither IO nor a path. */
SVF_API svf_status svf_tokenizer_parse(const char *json, size_t bytes, svf_tokenizer **tokenizer);

/* Close; NULL is ignored. */
SVF_API void svf_tokenizer_close(svf_tokenizer *tokenizer);

/* The largest id + 1; some ids below it may have no token. 0 for NULL. */
SVF_API size_t svf_tokenizer_size(const svf_tokenizer *tokenizer);

/* The token as the vocabulary spells it, which is not what it decodes to; NULL if the id has none.
 * It is terminated UTF-8 and belongs to the tokenizer; one with U+0000 in it seems to end there. */
SVF_API const char *svf_tokenizer_token(const svf_tokenizer *tokenizer, int32_t id);

/* The id of the token that the vocabulary, with added tokens, spells exactly like this, or -1. */
SVF_API int32_t svf_tokenizer_id(const svf_tokenizer *tokenizer, const char *token);

/* True if the file marks the token as special. */
SVF_API bool svf_tokenizer_is_special(const svf_tokenizer *tokenizer, int32_t id);

/* Text to ids.
 *
 *   flags  SVF_TOKENIZER_SPECIAL, SVF_TOKENIZER_PLAIN
 *   text   `bytes` of UTF-8, any content; may be NULL if bytes is 0. Where it is not well-formed,
 *          each maximal subpart of an ill-formed sequence counts as U+FFFD: what Python's
 *          bytes.decode("utf-8", errors="replace") makes of it
 *   ids    out, with space for `capacity` ids; may be NULL if that is 0
 *   count  out: the number of ids, also on SPACE
 *
 * Takes O(bytes log bytes) time and memory in proportion to bytes, which it allocates. Errors:
 * NULL; ARGUMENT (unknown flag); OVERFLOW (bytes > SVF_TOKENIZER_MAX_TEXT, or the file's rules make
 * the text many times longer); SPACE (capacity < *count; ids are untouched); MEMORY; FILE (a
 * character is unknown, and the unk_token is not in the vocabulary); UNSUPPORTED (the text makes a
 * regular expression of the file backtrack without end). */
SVF_API svf_status svf_tokenizer_encode(const svf_tokenizer *tokenizer, unsigned flags,
                                        const char *text, size_t bytes, int32_t *ids,
                                        size_t capacity, size_t *count);

/* Ids to text, always well-formed UTF-8: a byte that does not complete a character is U+FFFD, by
 * the rule above. If a run of tokens of single bytes (<0xE2>) is not well-formed as a whole,
 * `tokenizers` replaces every byte of the run, which cannot be known while streaming; here the
 * bytes that form characters stay. Ids without a token add nothing.
 *
 *   flags  SVF_TOKENIZER_SKIP_SPECIAL
 *   text   out, with space for `capacity` bytes, not terminated; may be NULL if that is 0
 *   bytes  out: the length of the text, also on SPACE
 *
 * Does not allocate. Errors: NULL, ARGUMENT (unknown flag), SPACE. */
SVF_API svf_status svf_tokenizer_decode(const svf_tokenizer *tokenizer, unsigned flags,
                                        const int32_t *ids, size_t count, char *text,
                                        size_t capacity, size_t *bytes);

/* Decoding one id at a time. Push and flush give whole characters, and what they give adds up to
 * what svf_tokenizer_decode gives. A decoder is the caller's memory, with nothing to free; a copy
 * of it can be used to go back to an earlier state. Its tokenizer must stay open. */
typedef struct svf_decoder {
  uint64_t opaque[8];
} svf_decoder;

/* Start a text. flags: SVF_TOKENIZER_SKIP_SPECIAL. Errors: NULL, ARGUMENT. */
SVF_API svf_status svf_decoder_init(svf_decoder *decoder, const svf_tokenizer *tokenizer,
                                    unsigned flags);

/* The text that became certain with this id: *bytes bytes in `text`, often 0. If capacity is too
 * small the error is SPACE, *bytes is the capacity that is needed, and the decoder is unchanged.
 * Errors: NULL, SPACE. */
SVF_API svf_status svf_decoder_push(svf_decoder *decoder, int32_t id, char *text, size_t capacity,
                                    size_t *bytes);

/* The end: U+FFFD for a character that was never completed, or nothing. Afterwards the decoder is
 * as it was after init. Errors: NULL, SPACE. */
SVF_API svf_status svf_decoder_flush(svf_decoder *decoder, char *text, size_t capacity,
                                     size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
