/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of the back end that carries out svf_matmul. */
#include <svf/backend.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "src/core/names.h"
#include "src/core/status.h"

/* By value. */
static const char *backend_name_at(size_t i)
{
  static const char *const names[] = {"own", "onednn"};
  return i < sizeof names / sizeof *names ? names[i] : NULL;
}

static _Atomic int selected_backend = SVF_BACKEND_OWN;

const char *svf_backend_name(svf_backend backend)
{
  const char *name = backend_name_at((size_t)backend);
  return name ? name : "?";
}

svf_status svf_backend_select(svf_backend backend)
{
  if (!backend_name_at((size_t)backend)) {
    return svf_fail(SVF_ERR_ARGUMENT, "backend is %d, which is no back end", (int)backend);
  }
#ifndef SVF_WITH_ONEDNN
  if (backend == SVF_BACKEND_ONEDNN) {
    return svf_fail(SVF_ERR_UNSUPPORTED,
                    "backend is onednn, but this library was built without -DSVF_WITH_ONEDNN=ON");
  }
#endif
  atomic_store(&selected_backend, (int)backend);
  return SVF_OK;
}

svf_status svf_backend_select_env(void)
{
  const char *name = getenv("SVF_BACKEND");
  if (!name || !*name) return SVF_OK;
  size_t i = 0;
  const svf_status status = svf_name_find("SVF_BACKEND", name, "back end", backend_name_at, &i);
  return status == SVF_OK ? svf_backend_select((svf_backend)i) : status;
}

svf_backend svf_backend_selected(void)
{
  return (svf_backend)atomic_load_explicit(&selected_backend, memory_order_relaxed);
}
