/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes and messages.
 *
 * Every fallible function returns an svf_status. On failure a message that names the argument and
 * the values that disagree is kept for the calling thread; nothing is ever printed. */
#ifndef SVF_STATUS_H
#define SVF_STATUS_H

#include <svf/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum svf_status {
  SVF_OK = 0,
  SVF_ERR_NULL,      /* a required pointer is NULL */
  SVF_ERR_ARGUMENT,  /* a value is outside its domain (zero dimension, unknown enum, bad stride) */
  SVF_ERR_OVERFLOW,  /* a size computed from the arguments exceeds SIZE_MAX */
  SVF_ERR_SPACE,     /* a buffer is smaller than the size that the query function returned */
  SVF_ERR_ALIGNMENT, /* a buffer is not aligned as documented */
  SVF_ERR_MAGIC,     /* the bytes are not a packed linear */
  SVF_ERR_VERSION,   /* a packed linear, struct or file is of a version that cannot be read here */
  SVF_ERR_ENDIAN,    /* a packed linear was written on a machine of the other endianness */
  SVF_ERR_CORRUPT,   /* header fields contradict each other, or the checksum does not match */
  SVF_ERR_UNSUPPORTED, /* this CPU or this build cannot do what was asked */
  SVF_ERR_MEMORY,      /* an allocation failed (never returned by the matmul itself) */
  SVF_ERR_IO,          /* the operating system refused a file operation */
  SVF_ERR_FILE,        /* a file's content is malformed */
  SVF_ERR_NUMERIC,     /* a numerical routine did not converge, or met NaN or Inf */
  SVF_ERR_FAILED,      /* a self-test failed */
  SVF_ERR_STOPPED      /* a callback of the caller asked to stop */
} svf_status;

/* The constant's name without its prefix, for example "OVERFLOW"; "?" for an unknown value. Static
 * strings. Thread-safe. */
SVF_API const char *svf_status_name(svf_status status);

/* The message of this thread's last failed call; "" if no call has failed. The string belongs to
 * the library and stays valid until this thread's next failing call. Successful calls do not clear
 * it. Thread-safe. */
SVF_API const char *svf_last_message(void);

/* Set the calling thread's message to a copy of `text`, which may be the last message itself, or to
 * "" if text is NULL. This is for callbacks that fail, and for programs that report their own
 * errors as the library does. A text of more than 511 bytes is truncated and ends in "...". Returns
 * `status`. Thread-safe. */
SVF_API svf_status svf_set_message(svf_status status, const char *text);

#ifdef __cplusplus
}
#endif
#endif
