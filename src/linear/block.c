/* SPDX-License-Identifier: Apache-2.0 */
#include "src/linear/block.h"

#include <stdio.h>
#include <string.h>

#include "src/core/check.h"
#include "src/core/digest.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/linear/bands.h"

/* The CR LF reveals a file that was transferred as text. */
const unsigned char svf_linear_magic[8] = {'S', 'V', 'F', 'L', 'I', 'N', '\r', '\n'};

_Static_assert(sizeof(svf_linear_header) == 128, "the header is part of the file format");

/* Appends a section of `size` bytes, which are whole cache lines, to the block. */
static bool append_section(size_t *bytes, size_t size, uint64_t *offset)
{
  *offset = *bytes;
  return svf_size_add(*bytes, size, bytes);
}

/* The bytes of the panels of a factor; false if they exceed SIZE_MAX. */
static bool panels(const svf_linear_header *h, int product, size_t *bytes)
{
  const size_t channels = svf_product_channels(h, product), k = svf_product_k(h, product);
  size_t count, head, rest;
  if (k > SIZE_MAX / (4 * SVF_LINE)) return false; /* so that the size of a panel does not wrap */
  const svf_bands p = svf_bands_of(h, product);
  return svf_size_round(channels, SVF_PANEL, &count) &&
         svf_size_mul(p.cut_panel, p.stride[0], &head) &&
         svf_size_mul(count / SVF_PANEL - p.cut_panel, p.stride[1], &rest) &&
         svf_size_add(head, rest, bytes);
}

/* The group of a header, from what was asked for; ARGUMENT with a list of what the format takes. */
static svf_status choose_group(const svf_format_traits *t, size_t asked, size_t *group)
{
  char text[64] = "0";
  *group = asked == 0 && t->group_count > 0 ? t->groups[0] : asked;
  if (asked == 0) return SVF_OK;
  for (size_t i = 0; i < t->group_count; ++i) {
    if (t->groups[i] == asked) return SVF_OK;
    const size_t at = strlen(text);
    snprintf(text + at, sizeof text - at, " or %zu", t->groups[i]);
  }
  return svf_fail(SVF_ERR_ARGUMENT, "group is %zu; %s takes %s", asked, t->name, text);
}

/* ARGUMENT for a head that the format, or a layer of rank r, does not have. */
static svf_status check_head(const svf_format_traits *t, size_t head, size_t r)
{
  if (r == 0 && t->bands) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s divides a spectrum; a dense layer (r = 0) has none",
                    t->name);
  }
  if (head == 0 || (t->bands && head % SVF_HEAD_UNIT == 0 && head <= r)) return SVF_OK;
  if (!t->bands) return svf_fail(SVF_ERR_ARGUMENT, "head is %zu; %s takes 0", head, t->name);
  return svf_fail(SVF_ERR_ARGUMENT, "head is %zu; %s takes a multiple of %d up to r = %zu", head,
                  t->name, SVF_HEAD_UNIT, r);
}

svf_status svf_linear_layout(size_t m, size_t n, size_t r, svf_format format,
                             const svf_quant *quant, svf_linear_header *header)
{
  if (m == 0) return svf_fail(SVF_ERR_ARGUMENT, "m is 0; a layer has at least one output");
  if (n == 0) return svf_fail(SVF_ERR_ARGUMENT, "n is 0; a layer has at least one input");
  const svf_format_row *row = svf_format_of(format);
  if (!row) {
    return svf_fail(SVF_ERR_ARGUMENT, "format is %d, which is no format of this library",
                    (int)format);
  }
  const size_t head = quant ? quant->head : 0;
  size_t group = 0;
  svf_status status = choose_group(&row->traits, quant ? quant->group : 0, &group);
  if (status == SVF_OK) status = check_head(&row->traits, head, r);
  if (status != SVF_OK) return status;
  svf_linear_header h = {.endian = SVF_LINEAR_ENDIAN,
                         .version = SVF_LINEAR_VERSION,
                         .format = (uint32_t)format,
                         .group = (uint32_t)group,
                         .head = head,
                         .m = m,
                         .n = n,
                         .r = r};
  memcpy(h.magic, svf_linear_magic, sizeof h.magic);
  size_t bytes = sizeof h, sigma, v, u;
  if (!svf_size_round(r, SVF_PANEL, &sigma) || !svf_size_mul(sigma, sizeof(float), &sigma) ||
      !panels(&h, 0, &v) || !panels(&h, 1, &u) || !append_section(&bytes, sigma, &h.sigma_offset) ||
      !append_section(&bytes, v, &h.v_offset) || !append_section(&bytes, u, &h.u_offset)) {
    return svf_fail(SVF_ERR_OVERFLOW, "m = %zu, n = %zu, r = %zu: the packed size exceeds SIZE_MAX",
                    m, n, r);
  }
  h.bytes = bytes;
  *header = h;
  return SVF_OK;
}

svf_status svf_linear_read_source(const svf_linear_source *from, svf_linear_source *to)
{
  if (!from) return svf_fail(SVF_ERR_NULL, "source is NULL");
  const svf_status status =
      svf_struct_read("source", from, SVF_SIZE_TO(svf_linear_source, quant), to, sizeof *to);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < sizeof to->quant.reserved / sizeof *to->quant.reserved; ++i) {
    if (to->quant.reserved[i] == 0) continue;
    return svf_fail(SVF_ERR_ARGUMENT, "source->quant.reserved[%zu] is %zu, not 0", i,
                    to->quant.reserved[i]);
  }
  if (to->u_step == 0) to->u_step = 1;
  if (to->vt_step == 0) to->vt_step = 1;
  return SVF_OK;
}

svf_status svf_linear_bytes(const svf_linear_source *source, size_t *bytes)
{
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  svf_linear_source s;
  svf_linear_header header = {0};
  svf_status status = svf_linear_read_source(source, &s);
  if (status != SVF_OK) return status;
  status = svf_linear_layout(s.m, s.n, s.r, s.format, &s.quant, &header);
  if (status == SVF_OK) *bytes = (size_t)header.bytes;
  return status;
}

uint64_t svf_linear_checksum(const void *block)
{
  svf_linear_header header;
  memcpy(&header, block, sizeof header);
  header.checksum = 0;
  svf_digest d = svf_digest_begin();
  svf_digest_add(&d, &header, sizeof header);
  svf_digest_add(&d, (const char *)block + sizeof header, (size_t)header.bytes - sizeof header);
  return svf_digest_end(&d); /* 0 stands for "not sealed" */
}

/* Checks the header against what its own shape implies. */
static svf_status check_header(const svf_linear_header *h, size_t bytes)
{
  svf_linear_header want;
  const svf_quant quant = {.group = h->group, .head = (size_t)h->head};
  if (h->head > SIZE_MAX || h->m > SIZE_MAX || h->n > SIZE_MAX || h->r > SIZE_MAX ||
      svf_linear_layout((size_t)h->m, (size_t)h->n, (size_t)h->r, (svf_format)h->format, &quant,
                        &want) != SVF_OK) {
    return svf_fail(
        SVF_ERR_CORRUPT,
        "block: m = %llu, n = %llu, r = %llu, format = %lu, group = %lu is no possible layer",
        (unsigned long long)h->m, (unsigned long long)h->n, (unsigned long long)h->r,
        (unsigned long)h->format, (unsigned long)h->group);
  }
  want.checksum = h->checksum;
  if (memcmp(h, &want, sizeof want) != 0) {
    return svf_fail(SVF_ERR_CORRUPT,
                    "block: header fields do not follow from m = %zu, n = %zu, r = %zu "
                    "(bytes %llu, expected %llu)",
                    (size_t)h->m, (size_t)h->n, (size_t)h->r, (unsigned long long)h->bytes,
                    (unsigned long long)want.bytes);
  }
  if (h->bytes > bytes) {
    return svf_fail(SVF_ERR_SPACE, "block: its header says %llu bytes, only %zu are there",
                    (unsigned long long)h->bytes, bytes);
  }
  return SVF_OK;
}

/* Checks everything except that the block was sealed, and copies its header. */
static svf_status check_block(const void *block, size_t bytes, svf_linear_header *h)
{
  if (!block) return svf_fail(SVF_ERR_NULL, "block is NULL");
  if (bytes < sizeof *h) {
    return svf_fail(SVF_ERR_SPACE, "block: %zu bytes cannot hold the header of %zu", bytes,
                    sizeof *h);
  }
  memcpy(h, block, sizeof *h);
  if (memcmp(h->magic, svf_linear_magic, sizeof h->magic) != 0) {
    return svf_fail(SVF_ERR_MAGIC, "block does not start with the magic of a packed linear");
  }
  if (h->endian == __builtin_bswap32(SVF_LINEAR_ENDIAN)) {
    return svf_fail(SVF_ERR_ENDIAN, "block was written on a machine of the other byte order");
  }
  if (h->endian != SVF_LINEAR_ENDIAN) {
    return svf_fail(SVF_ERR_CORRUPT, "block: byte order mark is 0x%08lx", (unsigned long)h->endian);
  }
  if (h->version != SVF_LINEAR_VERSION) {
    return svf_fail(SVF_ERR_VERSION, "block has version %lu, this library reads %d",
                    (unsigned long)h->version, SVF_LINEAR_VERSION);
  }
  return check_header(h, bytes);
}

svf_status svf_linear_read_header(const void *block, size_t bytes, svf_linear_header *h)
{
  const svf_status status = check_block(block, bytes, h);
  if (status != SVF_OK || h->checksum != 0) return status;
  return svf_fail(SVF_ERR_CORRUPT, "block was never sealed");
}

svf_status svf_linear_check(const void *block, size_t bytes, bool verify_checksum)
{
  svf_linear_header h;
  const svf_status status = svf_linear_read_header(block, bytes, &h);
  if (status != SVF_OK || !verify_checksum) return status;
  const uint64_t sum = svf_linear_checksum(block);
  if (sum == h.checksum) return SVF_OK;
  return svf_fail(SVF_ERR_CORRUPT, "block: checksum is %016llx, the header says %016llx",
                  (unsigned long long)sum, (unsigned long long)h.checksum);
}

svf_status svf_linear_seal(void *block, size_t bytes)
{
  svf_linear_header h;
  const svf_status status = check_block(block, bytes, &h);
  if (status != SVF_OK) return status;
  h.checksum = svf_linear_checksum(block);
  memcpy(block, &h, sizeof h);
  return SVF_OK;
}

const svf_linear_header *svf_linear_info(const void *block) { return block; }

const float *svf_linear_sigma(const void *block)
{
  svf_linear_header h;
  if (!block) return NULL;
  memcpy(&h, block, sizeof h);
  return h.r == 0 ? NULL : (const float *)(const void *)((const char *)block + h.sigma_offset);
}
