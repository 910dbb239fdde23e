/* SPDX-License-Identifier: Apache-2.0 */
#include "src/convert/driver.h"

#include <stdio.h>
#include <stdlib.h>

#include <svf/matmul.h>

#include "src/core/status.h"

/* --- What is to be done ----------------------------------------------------------------------- */

static svf_status plan_layer(svf_drive *d, size_t linear, svf_converted *l)
{
  const svf_conversion *c = &d->c;
  l->name = c->names[linear];
  l->shape = svf_model_linear_shape(&c->config, linear);
  l->tied = c->config.tied && linear + 1 == c->linears;
  snprintf(l->new_tensor, sizeof l->new_tensor, "%s%s", l->name, d->driver->suffix);
  l->entry.size = sizeof l->entry;
  l->entry.name = l->new_tensor;
  const svf_status status = svf_weights_locate_linear(c->files, &c->config, linear, &l->tensors);
  return status == SVF_OK ? d->driver->plan(d->job, l) : status;
}

static svf_status plan(svf_drive *d)
{
  size_t gains = 0;
  d->layers = calloc(d->c.linears, sizeof *d->layers);
  if (!d->layers) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu layers", d->c.linears);
  for (size_t i = 0; i < d->c.linears; ++i) {
    svf_converted *l = &d->layers[d->count];
    *l = (svf_converted){.gains = gains};
    const svf_status status = plan_layer(d, i, l);
    if (status != SVF_OK) return status;
    gains += l->tensors.r;
    d->c.taken[i] = l->entry.ndim > 0;
    d->count += d->c.taken[i];
  }
  return SVF_OK;
}

svf_status svf_drive_open(svf_drive *d, const svf_driver *driver, void *job, const char *dir,
                          const char *out, svf_progress_fn *progress, void *progress_context)
{
  *d = (svf_drive){.driver = driver, .job = job};
  svf_status status = svf_conversion_open(&d->c, dir, out);
  d->c.progress = progress;
  d->c.progress_context = progress_context;
  if (status == SVF_OK) status = svf_conversion_refuse(&d->c);
  return status == SVF_OK ? plan(d) : status;
}

void svf_drive_close(svf_drive *d)
{
  free(d->layers);
  svf_conversion_close(&d->c);
  *d = (svf_drive){0};
}

/* --- Doing it --------------------------------------------------------------------------------- */

/* Appends tensor i of the new model; beyond the converted layers, the kept tensor called `name`. */
static svf_status append(const void *context, size_t i, const char *name,
                         svf_safetensors_writer *writer)
{
  const svf_drive *d = context;
  if (i >= d->count) return svf_conversion_append_kept(&d->c, name, writer);
  const svf_status status = svf_conversion_step(&d->c, i, d->count, d->layers[i].name);
  return status == SVF_OK ? d->driver->append(d->job, &d->layers[i], writer) : status;
}

static svf_status write_files(const svf_drive *d, const svf_files_options *files)
{
  size_t count = d->count;
  svf_safetensors_entry *entries =
      calloc(count + svf_checkpoint_count(d->c.files) + 1, sizeof *entries);
  if (!entries) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of tensors");
  for (size_t i = 0; i < count; ++i) entries[i] = d->layers[i].entry;
  svf_conversion_add_kept(&d->c, entries, &count);
  svf_status status = svf_conversion_copy_files(&d->c);
  if (status == SVF_OK) status = svf_files_write(&d->c, entries, count, files, append, d);
  free(entries);
  return status;
}

typedef struct writing {
  const svf_drive *d;
  const svf_files_options *files;
  svf_status status;
} writing;

/* The body of svf_keep_team. */
static void write_with_team(void *context)
{
  writing *w = context;
  w->status = write_files(w->d, w->files);
}

svf_status svf_drive_write(const svf_drive *d, const svf_files_options *files, size_t threads)
{
  writing w = {d, files, SVF_OK};
  const svf_status status = svf_keep_team(threads, write_with_team, &w);
  return status == SVF_OK ? w.status : status;
}
