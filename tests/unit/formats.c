/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats, as callers see it and as the library reads it. */
#include "kernels/format.h"
#include "src/core/structs.h"
#include "tests/unit/suite.h"

static svf_format_traits traits_of(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  ck_works(svf_format_get_traits(format, &t));
  return t;
}

START_TEST(values_are_those_of_files)
{
  static const struct {
    const char *name;
    int value;
  } known[] = {{"f32", 0},      {"bf16", 1}, {"bf16-split", 2}, {"s8", 3},
               {"s8-split", 4}, {"w8", 5},   {"w4", 6},         {"w84", 7}};
  ck_assert_uint_ge(svf_format_count(), sizeof known / sizeof *known);
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    svf_format format = SVF_FORMAT_NONE;
    ck_works(svf_format_parse(known[i].name, &format));
    ck_assert_int_eq(format, known[i].value);
  }
}
END_TEST

START_TEST(formats_are_listed)
{
  const size_t count = svf_format_count();
  for (size_t i = 0; i < count; ++i) {
    svf_format format = SVF_FORMAT_NONE;
    const char *name = svf_format_name(svf_format_at(i));
    ck_works(svf_format_parse(name, &format));
    ck_assert_int_eq(format, svf_format_at(i));
    ck_assert_str_eq(traits_of(format).name, name);
    for (size_t j = 0; j < i; ++j) ck_assert_int_ne(svf_format_at(j), format);
  }
  ck_assert_int_eq(svf_format_at(count), SVF_FORMAT_NONE);
  ck_assert_int_eq(svf_format_at(SIZE_MAX), SVF_FORMAT_NONE);
}
END_TEST

START_TEST(unknown_formats)
{
  static const svf_format none[] = {SVF_FORMAT_NONE, (svf_format)1000, (svf_format)-2};
  svf_format format = SVF_FORMAT_W8;
  for (size_t i = 0; i < sizeof none / sizeof *none; ++i) {
    svf_format_traits t = {.size = sizeof t, .name = "unchanged"};
    ck_assert_str_eq(svf_format_name(none[i]), "?");
    ck_assert_ptr_null(svf_format_of(none[i]));
    ck_assert_int_eq(svf_isa_serving(SVF_ISA_REF, none[i]), SVF_ISA_AUTO);
    ck_fails(svf_format_get_traits(none[i], &t), SVF_ERR_ARGUMENT, "no format");
    ck_assert_str_eq(t.name, "unchanged");
  }
  ck_fails(svf_format_parse("w5", &format), SVF_ERR_ARGUMENT,
           "name is 'w5', which is no format: f32, bf16, bf16-split, s8, s8-split, w8, w4, w84");
  ck_fails(svf_format_parse("?", &format), SVF_ERR_ARGUMENT, "no format");
  ck_fails(svf_format_parse(NULL, &format), SVF_ERR_NULL, "name is NULL");
  ck_fails(svf_format_parse("w8", NULL), SVF_ERR_NULL, "format is NULL");
  ck_assert_int_eq(format, SVF_FORMAT_W8);
}
END_TEST

/* A caller of the first version, and one of a version to come. */
START_TEST(traits_have_a_size)
{
  struct {
    svf_format_traits t;
    size_t more;
  } newer = {.t.size = sizeof newer, .more = 5};
  svf_format_traits t = {.size = 8};
  ck_fails(svf_format_get_traits(SVF_FORMAT_W8, &t), SVF_ERR_VERSION, "traits->size is 8");
  ck_fails(svf_format_get_traits(SVF_FORMAT_W8, NULL), SVF_ERR_NULL, "traits is NULL");
  t.size = SVF_SIZE_TO(svf_format_traits, group_count);
  ck_works(svf_format_get_traits(SVF_FORMAT_W8, &t));
  ck_assert_uint_eq(t.group_count, 3);
  ck_works(svf_format_get_traits(SVF_FORMAT_W8, &newer.t));
  ck_assert_uint_eq(newer.t.size, sizeof newer);
  ck_assert_uint_eq(newer.more, 0);
  ck_assert_str_eq(newer.t.name, "w8");
}
END_TEST

START_TEST(traits_say_what_formats_are_like)
{
  svf_format_traits t = traits_of(SVF_FORMAT_BF16_SPLIT);
  ck_assert(!t.integer && t.hi_lo && !t.bands);
  ck_assert_int_eq(t.weights, SVF_FORMAT_BF16);
  ck_assert_int_eq(t.dense, SVF_FORMAT_BF16_SPLIT);
  ck_assert_int_eq(t.weight_bits, 16);
  ck_assert_int_eq(t.t_precision, 16);
  ck_assert_uint_eq(t.group_count, 0);
  t = traits_of(SVF_FORMAT_S8);
  ck_assert(t.integer && !t.hi_lo && !t.bands);
  ck_assert_uint_eq(t.group_count, 1);
  ck_assert_uint_eq(t.groups[0], 256);
  t = traits_of(SVF_FORMAT_W84);
  ck_assert(t.integer && !t.hi_lo && t.bands);
  ck_assert_int_eq(t.weights, SVF_FORMAT_W4);
  ck_assert_int_eq(t.dense, SVF_FORMAT_W4);
  ck_assert_uint_eq(t.group_count, 3);
  ck_assert_uint_eq(t.groups[0], 32);
  ck_assert_uint_eq(t.groups[2], 128);
}
END_TEST

static svf_status bytes_of(size_t m, size_t n, size_t r, svf_format format, svf_quant quant,
                           size_t *bytes)
{
  const svf_linear_source source = {
      .size = sizeof source, .m = m, .n = n, .r = r, .format = format, .quant = quant};
  return svf_linear_bytes(&source, bytes);
}

/* What the traits promise is what packing does. */
START_TEST(traits_hold)
{
  for (size_t i = 0; i < svf_format_count(); ++i) {
    const svf_format format = svf_format_at(i);
    const svf_format_traits t = traits_of(format), weights = traits_of(t.weights);
    size_t asked, bytes = 0;
    ck_assert_int_eq(weights.weights, t.weights);
    ck_assert_int_eq(weights.weight_bits, t.weight_bits);
    ck_assert_int_eq(traits_of(t.dense).dense, t.dense);
    ck_assert_int_eq(t.dense != format, t.bands);
    ck_assert(!t.hi_lo || (t.weights != format && t.t_precision > weights.t_precision));
    ck_assert_int_eq(t.group_count > 0, t.integer);
    for (size_t g = 0; g <= 512; ++g) {
      bool listed = g == 0;
      for (size_t k = 0; k < t.group_count; ++k) listed = listed || t.groups[k] == g;
      asked = bytes_of(16, 256, 256, format, (svf_quant){.group = g}, &bytes) == SVF_OK;
      ck_assert_int_eq(asked, listed);
    }
    ck_assert_int_eq(bytes_of(16, 16, 0, format, (svf_quant){0}, &bytes) == SVF_OK, !t.bands);
    ck_assert_int_eq(bytes_of(64, 64, 64, format, (svf_quant){.head = 64}, &bytes) == SVF_OK,
                     t.bands);
    /* A dense layer of whole panels and blocks: header, scales, weights. */
    ck_works(bytes_of(16, 256, 0, t.dense, (svf_quant){0}, &bytes));
    const size_t stored = bytes - sizeof(svf_linear_header) - 16 * 256 * (size_t)t.weight_bits / 8;
    const size_t scales = t.group_count > 0 ? 16 * 256 / t.groups[0] : 0;
    ck_assert(stored == scales * 2 || stored == scales * 4);
  }
}
END_TEST

SUITE("formats", values_are_those_of_files, formats_are_listed, unknown_formats, traits_have_a_size,
      traits_say_what_formats_are_like, traits_hold)
