/* SPDX-License-Identifier: Apache-2.0
 *
 * The experts of a running model, by name (library svf_model). Experts can be loaded and removed
 * while others, or the same ones, are in use: a user of an expert holds a handle, and an expert
 * that was removed lives until its last handle is released.
 *
 * Every function is thread-safe except destroy, which must be the last call on its registry.
 * Handles and what they hold may outlive the registry; the modules that it was created with must
 * not be freed before it. */
#ifndef SVF_EXPERT_REGISTRY_H
#define SVF_EXPERT_REGISTRY_H

#include <svf/modules.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_EXPERT_MAX_NAME 64 /* bytes of a name in a registry */

typedef struct svf_expert_registry svf_expert_registry;
typedef struct svf_expert_handle svf_expert_handle;

/* A registry for experts on these modules, which are kept by reference. flags: those of
 * svf_expert_gains. On OK *registry must be destroyed. Errors: NULL, VERSION, ARGUMENT, OVERFLOW,
 * MEMORY. */
SVF_API svf_status svf_expert_registry_create(const svf_modules *modules, unsigned flags,
                                              svf_expert_registry **registry);

/* Remove all experts and free; NULL is ignored. */
SVF_API void svf_expert_registry_destroy(svf_expert_registry *registry);

/* Load an expert from a file, compute its gains and enter both under that name. A name has 1 to
 * SVF_EXPERT_MAX_NAME of the characters A-Z a-z 0-9 . _ - and begins with a letter or a digit.
 * Errors: NULL; ARGUMENT (the name is malformed or taken); those of svf_expert_open and
 * svf_expert_gains; MEMORY. */
SVF_API svf_status svf_expert_registry_load(svf_expert_registry *registry, const char *name,
                                            const char *path);

/* The same with an expert in memory. On OK the expert belongs to the registry; otherwise it is
 * still the caller's. Errors: NULL; ARGUMENT (the name is malformed or taken); those of
 * svf_expert_gains; MEMORY. */
SVF_API svf_status svf_expert_registry_add(svf_expert_registry *registry, const char *name,
                                           svf_expert *expert);

/* Remove an expert; its name is free again. Errors: NULL, ARGUMENT (there is no such expert). */
SVF_API svf_status svf_expert_registry_remove(svf_expert_registry *registry, const char *name);

/* The number of experts in the registry now; 0 if registry is NULL. */
SVF_API size_t svf_expert_registry_count(svf_expert_registry *registry);

/* A handle on the expert of that name, which must be released. Errors: NULL, ARGUMENT (there is no
 * such expert). */
SVF_API svf_status svf_expert_registry_find(svf_expert_registry *registry, const char *name,
                                            svf_expert_handle **handle);

/* Add a holder of the handle, who must release it too. Returns handle; NULL is ignored. */
SVF_API svf_expert_handle *svf_expert_handle_retain(svf_expert_handle *handle);

/* Give a handle back; NULL is ignored. A removed expert is freed with its last handle. */
SVF_API void svf_expert_handle_release(svf_expert_handle *handle);

/* What a handle holds, valid until the handle is released; NULL if handle is NULL. The gains are
 * gains[modules->gains], aligned to 64 bytes, with 0 in places that belong to no module. */
SVF_API const char *svf_expert_handle_name(const svf_expert_handle *handle);
SVF_API const svf_expert *svf_expert_handle_expert(const svf_expert_handle *handle);
SVF_API const float *svf_expert_handle_gains(const svf_expert_handle *handle);

#ifdef __cplusplus
}
#endif
#endif
