/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/factors.h"

#include <stdlib.h>

#include "src/core/status.h"
#include "src/transformer/source.h"
#include "src/transformer/weights.h"

/* sigma receives where the singular values of each module stand. */
static svf_status list_modules(const svf_config *config, const svf_checkpoint *files,
                               svf_factors *f, const svf_st_tensor **sigma)
{
  const size_t linears = config->layers * SVF_LAYER_LINEARS + 1;
  for (size_t i = 0; i < linears; ++i) {
    const size_t at = f->modules.count;
    svf_weights_source source;
    svf_model_linear_name(config, i, f->names[at]);
    const svf_status status = svf_weights_locate_linear(files, config, i, &source);
    if (status != SVF_OK) return status;
    if (source.packed) {
      return svf_fail(SVF_ERR_FILE,
                      "'%s' is packed: its factors are in the model it was packed from",
                      f->names[at]);
    }
    if (source.r == 0) continue;
    sigma[at] = source.s;
    f->list[at] = (svf_module){f->names[at], source.r, NULL, f->modules.gains};
    f->modules.gains += source.r;
    ++f->modules.count;
  }
  return SVF_OK;
}

static svf_status copy_sigma(svf_factors *f, const svf_st_tensor *const *sigma)
{
  f->sigma = malloc((f->modules.gains + 1) * sizeof *f->sigma);
  if (!f->sigma) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu gains", f->modules.gains);
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < f->modules.count; ++i) {
    f->list[i].sigma = f->sigma + f->list[i].offset;
    status = svf_st_to_f32(sigma[i], f->sigma + f->list[i].offset, f->list[i].r);
  }
  if (status != SVF_OK || f->modules.count == 0) return status;
  return svf_modules_fingerprint(f->list, f->modules.count, &f->modules.fingerprint);
}

svf_status svf_factors_read(const svf_config *config, const svf_checkpoint *files, svf_factors *f)
{
  const size_t linears = config->layers * SVF_LAYER_LINEARS + 1;
  *f = (svf_factors){.list = calloc(linears, sizeof *f->list),
                     .names = malloc(linears * sizeof *f->names)};
  f->modules.modules = f->list;
  const svf_st_tensor **sigma = calloc(linears, sizeof(const svf_st_tensor *));
  svf_status status = SVF_OK;
  if (!f->list || !f->names || !sigma) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for %zu layers", linears);
  }
  if (status == SVF_OK) status = list_modules(config, files, f, sigma);
  if (status == SVF_OK) status = copy_sigma(f, sigma);
  free(sigma);
  return status;
}

svf_status svf_factors_open(const char *dir, svf_factors *f)
{
  svf_config config;
  svf_checkpoint *files = NULL;
  *f = (svf_factors){0};
  svf_status status = svf_source_open(dir, 0, &config, &files);
  if (status == SVF_OK) status = svf_factors_read(&config, files, f);
  svf_checkpoint_close(files);
  return status;
}

void svf_factors_close(svf_factors *f)
{
  free(f->list);
  free(f->names);
  free(f->sigma);
  *f = (svf_factors){0};
}
