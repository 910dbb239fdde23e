/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts of whole models, in memory and as files (library svf_model).
 *
 * A file is safetensors. Its tensors are, one for each module that the expert changes, F32 of shape
 * [r]: "<module>.z" where the parametrisation is direct, "<module>.p", the parameters, where it is
 * another. <module> is the name of the weight in the model without ".weight", for example
 * "model.layers.0.mlp.down_proj". Its metadata are
 *
 *   svf.format           "1"
 *   svf.factors          fingerprint of the factors the expert belongs to: 16 digits 0-9a-f
 *   svf.parametrisation  "direct" or "sigmoid"
 *   svf.scale            of the sigmoid, a JSON number; 1 where the parametrisation is direct
 *   svf.normalise        "1" or "0": with c = sum(sigma) / sum(sigma z), or without
 *   svf.task             free text, may be missing
 *   svf.trained          free text, may be missing: how it was trained
 *
 * Other keys are ignored. Files are untrusted: what breaks a rule is refused. */
#ifndef SVF_EXPERT_H
#define SVF_EXPERT_H

#include <stdbool.h>

#include <svf/gains.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_EXPERT_MAX_MODULES 131072u   /* of one expert */
#define SVF_EXPERT_MAX_RANK 1048576u     /* r of one module */
#define SVF_EXPERT_MAX_VALUES 134217728u /* of all modules together: 512 MiB */
#define SVF_EXPERT_MAX_MODULE_NAME 200   /* bytes; ASCII without blanks and controls */
#define SVF_EXPERT_MAX_TASK 256          /* bytes of svf.task */
#define SVF_EXPERT_MAX_TRAINED 65536     /* bytes of svf.trained */

typedef struct svf_expert svf_expert;

/* Set to zero first, but size = sizeof. */
typedef struct svf_expert_info {
  size_t size;
  uint64_t factors; /* svf_modules_fingerprint of the factors it belongs to; not 0 */
  svf_parametrisation parametrisation;
  float scale;         /* of the sigmoid, finite; 1 if direct */
  bool normalise;      /* see svf_gains */
  const char *task;    /* UTF-8, or NULL */
  const char *trained; /* UTF-8, or NULL */
} svf_expert_info;

/* Set to zero first, but size = sizeof. */
typedef struct svf_expert_module {
  size_t size;
  const char *name;
  size_t r;
  const float *values; /* [r] as they are stored: parameters or z */
  const float *z;      /* [r] what they stand for; the same array if direct */
} svf_expert_module;

/* An expert from arrays; all modules have the size of the first. Everything is copied; z of the
 * modules is not read but computed. On OK *expert must be closed. Errors: NULL; VERSION (a size);
 * ARGUMENT (info; no module, too many, a name, a name twice, a rank, naming them); NUMERIC (a value
 * or z that is not finite); OVERFLOW; MEMORY. */
SVF_API svf_status svf_expert_create(const svf_expert_info *info, const svf_expert_module *modules,
                                     size_t count, svf_expert **expert);

/* An expert from a file, which is not needed any more afterwards. On OK *expert must be closed.
 * Errors, with the path in the message: NULL; IO; MEMORY; VERSION (svf.format); FILE (whatever
 * svf_safetensors_open refuses; metadata; no tensor, or one that is not as described above; a value
 * that is not finite). */
SVF_API svf_status svf_expert_open(const char *path, svf_expert **expert);

/* Free; NULL is ignored. */
SVF_API void svf_expert_close(svf_expert *expert);

/* Write a file that svf_expert_open reads back identically; `path` holds its old content or all of
 * the new one, whatever happens. Arguments as svf_expert_create. The same input gives the same
 * bytes, in the order of names. Errors: those of svf_expert_create, and IO. */
SVF_API svf_status svf_expert_write(const char *path, const svf_expert_info *info,
                                    const svf_expert_module *modules, size_t count);

/* What is known of an expert, into *info, whose size is set. Strings belong to the expert. Errors:
 * NULL, VERSION. Thread-safe. */
SVF_API svf_status svf_expert_get_info(const svf_expert *expert, svf_expert_info *info);

/* Number of modules, and module i in the order of names (strcmp); NULL if out of range. What is
 * returned belongs to the expert; its size is the library's. Thread-safe. */
SVF_API size_t svf_expert_count(const svf_expert *expert);
SVF_API const svf_expert_module *svf_expert_at(const svf_expert *expert, size_t i);

/* The module of that name, or NULL: the expert leaves it as it is. Thread-safe. */
SVF_API const svf_expert_module *svf_expert_find(const svf_expert *expert, const char *name);

#ifdef __cplusplus
}
#endif
#endif
