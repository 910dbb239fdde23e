/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts of whole models, in memory and as files (library svf_model).
 *
 * A file is in safetensors format. It has one tensor for each module that the expert changes, F32
 * of shape [r]: z as "<module>.z" where the parametrisation is direct, otherwise the parameters as
 * "<module>.p". <module> is the name of the weight in the model without ".weight", for example
 * "model.layers.0.mlp.down_proj". Its metadata are
 *
 *   svf.format           "1"
 *   svf.factors          fingerprint of the factors that the expert belongs to: 16 digits 0-9a-f
 *   svf.parametrisation  "direct" or "sigmoid"
 *   svf.scale            of the sigmoid, a JSON number; 1 where the parametrisation is direct
 *   svf.normalise        "1": c = sum(sigma) / sum(sigma z); "0": c = 1
 *   svf.task             free text, which may be missing
 *   svf.trained          free text on how it was trained, which may be missing
 *
 * Other keys are ignored. Files are untrusted: one that breaks a rule is refused.
 *
 * An expert never changes once it is made. All functions are thread-safe, except that
 * svf_expert_close must be the last call on its expert. */
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
#define SVF_EXPERT_MAX_RANK 1048576u     /* of one module */
#define SVF_EXPERT_MAX_VALUES 134217728u /* of all modules together: 512 MiB */
#define SVF_EXPERT_MAX_MODULE_NAME 200   /* bytes; ASCII without blanks and control characters */
#define SVF_EXPERT_MAX_TASK 256          /* bytes of svf.task */
#define SVF_EXPERT_MAX_TRAINED 65536     /* bytes of svf.trained */

typedef struct svf_expert svf_expert;

/* What an expert is, apart from its modules. Set to zero first, except size = sizeof. */
typedef struct svf_expert_info {
  size_t size;
  uint64_t factors; /* svf_modules_fingerprint of the factors that it belongs to; not 0 */
  svf_parametrisation parametrisation;
  float scale;         /* of the sigmoid, finite; 1 where the parametrisation is direct */
  bool normalise;      /* see svf_gains */
  const char *task;    /* UTF-8, or NULL */
  const char *trained; /* UTF-8, or NULL */
} svf_expert_info;

/* One module of an expert. Set to zero first, except size = sizeof. */
typedef struct svf_expert_module {
  size_t size;
  const char *name;
  size_t r;
  const float *values; /* [r], as stored: parameters, or z where the parametrisation is direct */
  const float *z;      /* [r], what the values stand for; the same array if they are z */
} svf_expert_module;

/* An expert from arrays; all modules have the size of the first. Everything is copied, except z of
 * the modules, which is not read but computed. On OK *expert must be closed. Errors: NULL; VERSION
 * (a size); ARGUMENT (info; no module, too many, a bad name, one name twice, a bad rank; the
 * message names it); NUMERIC (a value or z that is not finite); OVERFLOW; MEMORY. */
SVF_API svf_status svf_expert_create(const svf_expert_info *info, const svf_expert_module *modules,
                                     size_t count, svf_expert **expert);

/* An expert from a file, which is no longer needed afterwards. On OK *expert must be closed.
 * Errors, with the path in the message: NULL; IO; MEMORY; VERSION (svf.format); FILE (whatever
 * svf_safetensors_open refuses; bad metadata; no tensor, or one that is not as described above; a
 * value that is not finite). */
SVF_API svf_status svf_expert_open(const char *path, svf_expert **expert);

/* Free; NULL is ignored. */
SVF_API void svf_expert_close(svf_expert *expert);

/* Write a file that svf_expert_open reads back identically. Whatever happens, `path` holds either
 * its old content or all of the new. The arguments are those of svf_expert_create. The same input
 * gives the same bytes, with the modules in the order of names. Errors: those of svf_expert_create,
 * and IO. */
SVF_API svf_status svf_expert_write(const char *path, const svf_expert_info *info,
                                    const svf_expert_module *modules, size_t count);

/* Fill *info, whose size the caller has set. Strings belong to the expert. Errors: NULL, VERSION.
 * Thread-safe. */
SVF_API svf_status svf_expert_get_info(const svf_expert *expert, svf_expert_info *info);

/* The number of modules, and module i in the order of names (strcmp), which is NULL if i is out of
 * range. The module belongs to the expert; its size is the library's. Thread-safe. */
SVF_API size_t svf_expert_count(const svf_expert *expert);
SVF_API const svf_expert_module *svf_expert_at(const svf_expert *expert, size_t i);

/* The module of that name, or NULL if the expert leaves that module as it is. Thread-safe. */
SVF_API const svf_expert_module *svf_expert_find(const svf_expert *expert, const char *name);

#ifdef __cplusplus
}
#endif
#endif
