/* SPDX-License-Identifier: Apache-2.0
 *
 * The prompts of `svf generate`, from the command line or from a file with one prompt per line. */
#ifndef SVF_CLI_JOBS_H
#define SVF_CLI_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/generate.h>

typedef struct job {
  char *prompt; /* UTF-8, owned */
  size_t bytes;
  char *expert, *mix; /* owned, or NULL */
  float scale;
  size_t line; /* its number in the file; 0: from the command line */
  svf_sampling sampling;
  bool seeded;   /* its line has a seed */
  size_t tokens; /* the most to generate */
} job;

typedef struct jobs {
  job *job;
  size_t count;
  const char *file; /* the caller's; NULL: none was read */
} jobs;

/* Append a prompt with all other values from `usual`. Errors: MEMORY. */
svf_status jobs_add(jobs *j, const char *prompt, size_t bytes, const job *usual);

/* Append a file's lines; "-" is standard input. A line is a prompt, or a JSON object:
 *   {"prompt": "...", "expert": "FILE", "mix": "A=0.7,B=0.3", "scale": 1, "tokens": 64, "seed": 1,
 *    "temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.05}
 * Keys other than the prompt may be missing, and null for expert and mix is the same; their values
 * are then those of `usual`. A seed may be
 * a string, and must be one above 2^63 - 1. A line whose first character after white space and a
 * byte-order mark is '{' is JSON, or an error. Only one file can be read. Errors: IO, MEMORY, FILE
 * (with the number of the line). */
#define JOBS_KEYS "expert, mix, scale, tokens, seed, temperature, top_k, top_p, min_p"
svf_status jobs_read(jobs *j, const char *path, const job *usual);

/* Puts the place that job i comes from before the last message: "FILE: line 3", or "prompt 2" if
 * there are several on the command line. Returns the status, except that ARGUMENT becomes FILE if
 * the job is a line of a file. */
svf_status jobs_fail_at(const jobs *j, size_t i, svf_status status);

void jobs_free(jobs *j);

#endif
