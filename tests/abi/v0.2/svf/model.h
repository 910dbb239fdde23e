/* SPDX-License-Identifier: Apache-2.0
 *
 * A decoder of the Llama family (Llama 2 and 3, TinyLlama, SmolLM, Mistral, Qwen2) whose linear
 * layers run on this library's kernels (library svf_model).
 *
 * A model is a directory as Hugging Face lays it out: config.json and model.safetensors, or shards
 * with model.safetensors.index.json. It holds a linear layer `<name>` in one of three ways:
 *
 *   <name>.weight                   W [out][in]                                dense
 *   <name>.U, <name>.S, <name>.V    U [out][r], sigma [r], V^T [r][in]         svf/convert.h
 *   <name>.packed                   the bytes of a packed block, dense or not  svf_model_pack
 *
 * Of these files a symbolic link may lead to a regular file of the same directory, "<name>", or of
 * Hugging Face's cache, "../../blobs/<name>", in one step; every other link is refused, since an
 * index from elsewhere could name it. `dir` itself may be any link.
 *
 * Weights are mapped. A layer that is packed already runs where it is mapped, if it is aligned;
 * every other layer is packed into memory once, when the model is opened. */
#ifndef SVF_MODEL_H
#define SVF_MODEL_H

#include <stdbool.h>

#include <svf/modules.h>
#include <svf/linear.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_model svf_model;

/* Reports how far a long job has come: `done` of `all` steps are done, and the step `what` begins.
 * Called on the thread that started the job, which may keep a team meanwhile (svf_keep_team says
 * what that forbids); returns true to end the job with SVF_ERR_STOPPED. */
typedef bool svf_progress_fn(void *context, size_t done, size_t all, const char *what);

#define SVF_MODEL_NO_MMAP 1u /* read files, not map them: one that shrinks while mapped is SIGBUS */
/* Find all tensors and check their shapes, but pack none: for describing a model or checking
 * experts against it. A context can be made only if every layer is packed already. */
#define SVF_MODEL_OUTLINE 2u

/* Set everything to zero first, then size. */
typedef struct svf_model_options {
  size_t size;               /* sizeof(svf_model_options) */
  svf_format format;         /* of layers that are not packed yet; for dense ones w84 means w4 */
  svf_quant quant;           /* for w8, w4 and w84; w84 with head = 0: a quarter of the rank */
  size_t threads;            /* to pack with; 0: svf_max_threads() */
  unsigned flags;            /* SVF_MODEL_* */
  svf_progress_fn *progress; /* or NULL */
  void *progress_context;
} svf_model_options;

/* Open a model. On OK *model must be closed. options may be NULL: f32. Errors: NULL, VERSION,
 * ARGUMENT, IO, MEMORY, STOPPED; NUMERIC, naming a tensor with NaN or Inf that was to be packed;
 * UNSUPPORTED, naming the architecture or setting that is not known; FILE, naming the tensor, both
 * shapes and the file. Thread-safe. */
SVF_API svf_status svf_model_open(const char *dir, const svf_model_options *options,
                                  svf_model **model);

/* Close a model; NULL is ignored. Its contexts must have been destroyed before, and it must be the
 * last call on the model. */
SVF_API void svf_model_close(svf_model *model);

/* The description of a model. What its pointers point to belongs to the model. */
typedef struct svf_model_info {
  size_t size;              /* in: sizeof(svf_model_info) */
  const char *architecture; /* as in config.json */
  size_t vocab, hidden, intermediate, layers, heads, kv_heads, head_dim;
  size_t context;     /* positions that the model was made for */
  size_t window;      /* positions of sliding attention; 0: none */
  int32_t bos;        /* the token that begins a text; -1: none */
  const int32_t *eos; /* [eos_count] the tokens that end a text */
  size_t eos_count;
  size_t linears;      /* linear layers, including the lm_head */
  size_t factored;     /* linear layers in factors */
  size_t packed;       /* linear layers that its files hold packed */
  svf_format format;   /* of the first packed layer */
  size_t group;        /* its weights that share a scale; 0 in formats without groups */
  double bits;         /* per packed weight on average, including scales and padding */
  size_t parameters;   /* in the model's files; of a layer in factors those of U, S and V */
  size_t weight_bytes; /* bytes read for each token: packed layers, norms and biases */
  bool untied; /* config.json ties lm_head and embedding, but the files hold another lm_head, which
                  is used */
} svf_model_info;

/* Describe a model. Only info->size is read. Errors: NULL, VERSION (info->size). Thread-safe. */
SVF_API svf_status svf_model_get_info(const svf_model *model, svf_model_info *info);

/* The layers in factors, to which experts apply; `count` is 0 for a dense model. The result belongs
 * to the model. Thread-safe. */
SVF_API const svf_modules *svf_model_modules(const svf_model *model);

/* --- Layers and files ------------------------------------------------------------------------- */

/* One linear layer. The caller sets size to sizeof(svf_layer_info). */
typedef struct svf_layer_info {
  size_t size;
  const char *name;  /* as the files spell it, without ".weight"; belongs to the model */
  size_t m, n, r;    /* outputs, inputs, rank; r = 0: dense */
  bool packed;       /* the model's files hold it packed */
  svf_format format; /* of its block; F32 if SVF_MODEL_OUTLINE left it without one */
  size_t group;      /* weights that share a scale; 0 without groups or without a block */
  size_t bytes;      /* of its block, or of the one that it would be packed into */
} svf_layer_info;

/* Linear layer i of info.linears: those of each decoder layer in the order of their use (q, k, v,
 * o, gate, up, down), then the lm_head. Errors: NULL, VERSION, ARGUMENT (there is no layer i).
 * Thread-safe. */
SVF_API svf_status svf_model_layer_at(const svf_model *model, size_t i, svf_layer_info *info);

/* Compare the checksum of linear layer i with all of its bytes, if the model's files hold it
 * packed; a layer that they hold otherwise has none, and is OK. Opening a model does not do this,
 * since it reads every byte. Errors: NULL, ARGUMENT (there is no layer i); CORRUPT, naming the
 * tensor and its file. Thread-safe. */
SVF_API svf_status svf_model_check_layer(const svf_model *model, size_t i);

/* The total size in bytes of the files that hold the model's tensors. Thread-safe. */
SVF_API size_t svf_model_file_bytes(const svf_model *model);

#ifdef __cplusplus
}
#endif
#endif
