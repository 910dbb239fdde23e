/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of the back end that carries out svf_matmul. */
#include <svf/backend.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"

static const char *const backend_names[] = {"own", "onednn"};

static _Atomic int selected_backend = SVF_BACKEND_OWN;

const char *svf_backend_name(svf_backend backend)
{
  return backend == SVF_BACKEND_OWN || backend == SVF_BACKEND_ONEDNN ? backend_names[backend] : "?";
}

svf_status svf_backend_select(svf_backend backend)
{
  if (backend != SVF_BACKEND_OWN && backend != SVF_BACKEND_ONEDNN) {
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
  for (size_t i = 0; i < sizeof backend_names / sizeof *backend_names; ++i) {
    if (strcmp(name, backend_names[i]) == 0) return svf_backend_select((svf_backend)i);
  }
  return svf_fail(SVF_ERR_ARGUMENT, "SVF_BACKEND is '%.32s', which is no back end: own, onednn",
                  name);
}

svf_backend svf_backend_selected(void)
{
  return (svf_backend)atomic_load_explicit(&selected_backend, memory_order_relaxed);
}
