/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_IO_SAFETENSORS_H
#define SVF_IO_SAFETENSORS_H

#include <svf/safetensors.h>

/* svf_safetensors_open for a file that is open for reading; fd may be closed afterwards. Messages
 * do not name the file. */
svf_status svf_safetensors_open_fd(int fd, unsigned flags, svf_safetensors **file);

#endif
