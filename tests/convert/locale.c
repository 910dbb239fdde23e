/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in a shard's metadata where programs print a decimal comma. Such a locale is not
 * installed everywhere, so snprintf and strtod of this library behave as in one (--wrap, see
 * convert.cmake); jansson's are its own, and are checked too where there is such a locale. */
#define _GNU_SOURCE
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>

#include <svf/convert.h>

#include "src/io/json.h"
#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

/* --- A locale with a decimal comma ------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) int __wrap_snprintf(char *text, size_t bytes,
                                                          const char *format, ...);
double __real_strtod(const char *text, char **end);
double __wrap_strtod(const char *text, char **end);

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

int __wrap_snprintf(char *text, size_t bytes, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(text, bytes, format, list);
  va_end(list);
  for (size_t i = 1; i + 1 < bytes && text[i - 1] && text[i]; ++i) {
    if (text[i] == '.' && is_digit(text[i - 1]) && is_digit(text[i + 1])) text[i] = ',';
  }
  return n;
}

/* A number ends at a point. */
double __wrap_strtod(const char *text, char **end)
{
  char copy[64] = "", *at;
  strncat(copy, text, strcspn(text, "."));
  const double number = __real_strtod(copy, &at);
  if (end) *end = (char *)(uintptr_t)text + (at - copy);
  return number;
}

static void choose_locale(void)
{
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
  bool found = false;
  for (size_t i = 0; !found && i < sizeof names / sizeof *names; ++i) {
    found = setlocale(LC_ALL, names[i]) != NULL;
  }
}

/* --- Numbers ---------------------------------------------------------------------------------- */

START_TEST(numbers_are_json)
{
  static const struct {
    double number;
    size_t digits;
    const char *text;
  } cases[] = {{0, 6, "0.0"},       {1.5, 6, "1.5"},
               {-2.25, 6, "-2.25"}, {1.234567e-7, 3, "1.23e-7"},
               {1e300, 6, "1e300"}, {2.0 / 3, 6, "0.666667"}};
  choose_locale();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char text[SVF_JSON_NUMBER];
    double back = 7;
    ck_works(svf_json_print_number(cases[i].number, cases[i].digits, text));
    ck_assert_str_eq(text, cases[i].text);
    ck_works(svf_json_read_number(text, &back));
    ck_assert_double_le(fabs(back - cases[i].number), 1e-2 * fabs(cases[i].number));
  }
  setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(other_texts_are_refused)
{
  static const char *const bad[] = {"", "1,5", "1.5 2", "nan", "\"1\"", "[1]", "0x10", "1.5\n2"};
  char text[67];
  double number = 7;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    ck_fails(svf_json_read_number(bad[i], &number), SVF_ERR_FILE,
             "is not a JSON number of at most 64");
  }
  memset(text, '1', 65);
  text[1] = '.';
  text[65] = 0;
  ck_fails(svf_json_read_number(text, &number), SVF_ERR_FILE, "at most 64");
  ck_assert_double_eq(number, 7);
  text[64] = 0;
  ck_works(svf_json_read_number(text, &number));
  ck_assert_double_eq(number, 10.0 / 9);
}
END_TEST

/* --- Shards ----------------------------------------------------------------------------------- */

static const char *const keys[] = {"residual", "dropped", "orthogonality_u", "orthogonality_v"};

/* The numbers of the first shard's metadata, which are those of the job that made it. */
static void read_shard(const char *out, double numbers[4])
{
  char path[300], key[40];
  svf_safetensors *file = NULL;
  snprintf(path, sizeof path, "%s/factors-00000.safetensors", out);
  ck_works(svf_safetensors_open(path, 0, &file));
  for (size_t i = 0; i < 4; ++i) {
    snprintf(key, sizeof key, "svf.%s", keys[i]);
    const char *text = svf_safetensors_metadata(file, key);
    ck_assert_ptr_nonnull(text);
    ck_works(svf_json_read_number(text, &numbers[i]));
  }
  svf_safetensors_close(file);
}

/* The report of a job that found a shard repeats the numbers that are in the shard. */
START_TEST(shards_are_read_back)
{
  temp_make();
  golden g = golden_open("smollm");
  size_t when = 1;
  double numbers[4];
  char out[256], path[300];
  json_t *report = NULL;
  svf_decompose_options o = {
      .size = sizeof o, .rank = 7, .threads = 1, .progress = stop_at, .progress_context = &when};
  snprintf(out, sizeof out, "%s", temp_path("out"));
  choose_locale();
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_STOPPED, "stopped");
  read_shard(out, numbers);
  o.progress = NULL;
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
  snprintf(path, sizeof path, "%s/decomposition.json", out);
  ck_works(svf_json_read(path, 1 << 20, &report));
  const json_t *first = json_array_get(json_object_get(report, "matrices"), 0);
  ck_assert_double_eq(json_real_value(json_object_get(first, "seconds")), 0); /* it was found */
  for (size_t i = 0; i < 4; ++i) {
    ck_assert(numbers[i] > 0 && numbers[i] < 1);
    ck_assert_double_eq(json_number_value(json_object_get(first, keys[i])), numbers[i]);
  }
  json_decref(report);
  setlocale(LC_ALL, "C");
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

SUITE("locale", numbers_are_json, other_texts_are_refused, shards_are_read_back)
