/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

void *svf_tok_grow(void *items, size_t *capacity, size_t needed, size_t item_bytes)
{
  size_t bytes;
  size_t enough = *capacity ? *capacity : 16;
  while (enough < needed) {
    if (!svf_size_mul(enough, 2, &enough)) return NULL;
  }
  if (!svf_size_mul(enough, item_bytes, &bytes)) return NULL;
  void *grown = realloc(items, bytes);
  if (grown) *capacity = enough;
  return grown;
}

svf_status svf_tok_bytes_append(svf_tok_bytes *bytes, const char *data, size_t count)
{
  if (count > bytes->limit || bytes->count > bytes->limit - count) {
    return svf_fail(SVF_ERR_OVERFLOW, "the tokenizer's rules make more than %zu bytes of the text",
                    bytes->limit);
  }
  if (count > bytes->capacity - bytes->count) {
    char *grown = svf_tok_grow(bytes->data, &bytes->capacity, bytes->count + count, 1);
    if (!grown) {
      return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes of text", bytes->count + count);
    }
    bytes->data = grown;
  }
  if (count > 0) memcpy(bytes->data + bytes->count, data, count);
  bytes->count += count;
  return SVF_OK;
}

svf_status svf_tok_ids_append(svf_tok_ids *ids, int32_t id)
{
  if (ids->count == ids->capacity) {
    int32_t *grown = svf_tok_grow(ids->data, &ids->capacity, ids->count + 1, sizeof *grown);
    if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu ids", ids->count + 1);
    ids->data = grown;
  }
  ids->data[ids->count++] = id;
  return SVF_OK;
}

svf_status svf_tok_pieces_add(svf_tok_pieces *pieces, size_t begin, size_t bytes, bool first)
{
  if (bytes == 0) return SVF_OK;
  if (pieces->count == pieces->capacity) {
    svf_tok_piece *grown =
        svf_tok_grow(pieces->list, &pieces->capacity, pieces->count + 1, sizeof *grown);
    if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu words", pieces->count + 1);
    pieces->list = grown;
  }
  pieces->list[pieces->count++] = (svf_tok_piece){(uint32_t)begin, (uint32_t)bytes, first};
  return SVF_OK;
}

void svf_tok_pieces_free(svf_tok_pieces *pieces)
{
  free(pieces->text.data);
  free(pieces->list);
  *pieces = (svf_tok_pieces){0};
}
