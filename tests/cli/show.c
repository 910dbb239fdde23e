/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands may use public headers only, so they have a function of their own for what the
 * library's messages do with text that is not to be trusted: both show every character alike. */
#define _GNU_SOURCE
#include "src/cli/show.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/io/text.h"

static int failures;

static void compare(const char *text)
{
  char *shown = NULL;
  size_t bytes = 0;
  FILE *to = open_memstream(&shown, &bytes);
  if (!to) exit(2);
  cli_show(to, text);
  fclose(to);
  if (strcmp(shown, svf_text_show(text).text) != 0) {
    printf("'%s' and '%s'\n", shown, svf_text_show(text).text);
    ++failures;
  }
  free(shown);
}

/* Whether or not it is a character. */
static void encode(uint32_t code, char text[8])
{
  const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  char *out = text;
  *out++ = (char)(more == 0 ? code : (0xff00u >> (more + 1) & 0xffu) | code >> 6 * more);
  for (int i = more - 1; i >= 0; --i) *out++ = (char)(0x80 | (code >> 6 * i & 0x3fu));
  *out++ = 'x';
  *out = 0;
}

int main(void)
{
  char text[8];
  for (uint32_t code = 1; code < 0x120000; ++code) {
    encode(code, text);
    compare(text);
  }
  for (uint32_t pair = 0x101; pair < 0x10000; ++pair) { /* any two bytes */
    snprintf(text, sizeof text, "%c%c", (int)(pair >> 8), (int)(pair & 0xff));
    compare(text);
  }
  printf("%d differ\n", failures);
  return failures > 0;
}
