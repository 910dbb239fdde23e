/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of experts: handles in the order of names, under one mutex. Files are read, gains
 * computed and experts freed without holding it, so that no lookup waits for them. */
#include <svf/expert_registry.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/experts/handle.h"
#include "src/experts/modules.h"

struct svf_expert_registry {
  svf_modules modules;
  unsigned flags;
  pthread_mutex_t mutex;       /* protects the members below */
  svf_expert_handle **handles; /* [capacity], of which the first `count` are in use */
  size_t count, capacity;
};

svf_status svf_expert_registry_create(const svf_modules *modules, unsigned flags,
                                      svf_expert_registry **registry)
{
  if (!registry) return svf_fail(SVF_ERR_NULL, "registry is NULL");
  *registry = NULL;
  if (flags & ~SVF_EXPERT_UNPAIRED) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags, SVF_EXPERT_UNPAIRED);
  }
  svf_modules model;
  const svf_status status = svf_modules_read(modules, &model);
  if (status != SVF_OK) return status;
  svf_expert_registry *made = calloc(1, sizeof *made);
  if (!made) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *made);
  if (pthread_mutex_init(&made->mutex, NULL) != 0) {
    free(made);
    return svf_fail(SVF_ERR_MEMORY, "no memory for a mutex");
  }
  made->modules = model;
  made->flags = flags;
  *registry = made;
  return SVF_OK;
}

void svf_expert_registry_destroy(svf_expert_registry *registry)
{
  if (!registry) return;
  for (size_t i = 0; i < registry->count; ++i) svf_expert_handle_release(registry->handles[i]);
  free(registry->handles);
  pthread_mutex_destroy(&registry->mutex);
  free(registry);
}

static svf_status check_name(const svf_expert_registry *registry, const char *name)
{
  static const char allowed[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" /* may come first */
      "._-";
  if (!registry || !name)
    return svf_fail(SVF_ERR_NULL, "%s is NULL", registry ? "name" : "registry");
  const size_t length = strspn(name, allowed);
  if (length == 0 || name[length] || length > SVF_EXPERT_MAX_NAME || strchr("._-", name[0])) {
    return svf_fail(
        SVF_ERR_ARGUMENT,
        "the name of an expert has 1 to %d letters, digits, '.', '_' and '-', the first "
        "a letter or a digit; '%.*s' has another form",
        SVF_EXPERT_MAX_NAME, (int)svf_size_min(length, SVF_EXPERT_MAX_NAME), name);
  }
  return SVF_OK;
}

/* True if the registry has the name. *at becomes its place, or the place where it belongs. The
 * mutex is held. */
static bool locate(const svf_expert_registry *registry, const char *name, size_t *at)
{
  size_t low = 0, high = registry->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = strcmp(registry->handles[middle]->name, name);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *at = low;
  return low < registry->count && strcmp(registry->handles[low]->name, name) == 0;
}

static svf_status missing(const char *name)
{
  return svf_fail(SVF_ERR_ARGUMENT, "there is no expert '%s'", name);
}

/* Makes space for one more handle. The mutex is held. */
static svf_status grow(svf_expert_registry *registry)
{
  enum { FIRST = 8 };
  if (registry->count < registry->capacity) return SVF_OK;
  const size_t capacity = registry->capacity ? 2 * registry->capacity : FIRST;
  svf_expert_handle **handles = realloc(registry->handles, capacity * sizeof(svf_expert_handle *));
  if (!handles) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu experts", capacity);
  registry->handles = handles;
  registry->capacity = capacity;
  return SVF_OK;
}

/* The mutex is held. */
static svf_status insert(svf_expert_registry *registry, svf_expert_handle *handle)
{
  size_t at;
  if (locate(registry, handle->name, &at)) {
    return svf_fail(SVF_ERR_ARGUMENT, "there is an expert '%s' already", handle->name);
  }
  const svf_status status = grow(registry);
  if (status != SVF_OK) return status;
  svf_expert_handle **place = registry->handles + at;
  memmove(place + 1, place, (registry->count - at) * sizeof(svf_expert_handle *));
  *place = handle;
  ++registry->count;
  return SVF_OK;
}

svf_status svf_expert_registry_add(svf_expert_registry *registry, const char *name,
                                   svf_expert *expert)
{
  svf_expert_handle *handle = NULL;
  svf_status status = check_name(registry, name);
  if (status != SVF_OK) return status;
  status = svf_expert_handle_create(name, expert, &registry->modules, registry->flags, &handle);
  if (status != SVF_OK) return status;
  pthread_mutex_lock(&registry->mutex);
  status = insert(registry, handle);
  pthread_mutex_unlock(&registry->mutex);
  if (status != SVF_OK) {
    handle->expert = NULL; /* still the caller's */
    svf_expert_handle_release(handle);
  }
  return status;
}

svf_status svf_expert_registry_load(svf_expert_registry *registry, const char *name,
                                    const char *path)
{
  svf_expert *expert = NULL;
  svf_status status = check_name(registry, name);
  if (status == SVF_OK) status = svf_expert_open(path, &expert);
  if (status != SVF_OK) return status;
  status = svf_expert_registry_add(registry, name, expert);
  if (status != SVF_OK) svf_expert_close(expert);
  return status;
}

svf_status svf_expert_registry_remove(svf_expert_registry *registry, const char *name)
{
  svf_expert_handle *handle = NULL;
  size_t at;
  const svf_status status = check_name(registry, name);
  if (status != SVF_OK) return status;
  pthread_mutex_lock(&registry->mutex);
  if (locate(registry, name, &at)) {
    svf_expert_handle **place = registry->handles + at;
    handle = *place;
    --registry->count;
    memmove(place, place + 1, (registry->count - at) * sizeof(svf_expert_handle *));
  }
  pthread_mutex_unlock(&registry->mutex);
  if (!handle) return missing(name);
  svf_expert_handle_release(handle);
  return SVF_OK;
}

size_t svf_expert_registry_count(svf_expert_registry *registry)
{
  if (!registry) return 0;
  pthread_mutex_lock(&registry->mutex);
  const size_t count = registry->count;
  pthread_mutex_unlock(&registry->mutex);
  return count;
}

svf_status svf_expert_registry_find(svf_expert_registry *registry, const char *name,
                                    svf_expert_handle **handle)
{
  size_t at;
  if (!handle) return svf_fail(SVF_ERR_NULL, "handle is NULL");
  *handle = NULL;
  const svf_status status = check_name(registry, name);
  if (status != SVF_OK) return status;
  pthread_mutex_lock(&registry->mutex);
  if (locate(registry, name, &at)) *handle = svf_expert_handle_retain(registry->handles[at]);
  pthread_mutex_unlock(&registry->mutex);
  return *handle ? SVF_OK : missing(name);
}
