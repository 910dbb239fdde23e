/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of libsvf that no public header declares, but that libsvf_model.so or libsvf_svd.so
 * calls. They are exported by libsvf.so under a version node of their own, which lists them by name
 * (cmake/svf.map.in); a gate compares the list with what carries this macro and with what those
 * libraries need. They may change with every release. */
#ifndef SVF_CORE_PRIVATE_H
#define SVF_CORE_PRIVATE_H

#include <svf/export.h>

#define SVF_PRIVATE_API SVF_API

#endif
