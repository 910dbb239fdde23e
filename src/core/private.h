/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of libsvf that no public header declares, but that libsvf_model.so or libsvf_svd.so
 * calls. libsvf.so exports them under a version node of their own, which lists them by name
 * (cmake/svf.map.in). A gate compares that list with the functions that carry this macro and with
 * those that the two libraries need. They may change with every release. */
#ifndef SVF_CORE_PRIVATE_H
#define SVF_CORE_PRIVATE_H

#include <svf/export.h>

#define SVF_PRIVATE_API SVF_API

#endif
