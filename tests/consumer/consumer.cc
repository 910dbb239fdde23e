// SPDX-License-Identifier: Apache-2.0
//
// The same program in C++: what it tests are the headers and the linkage.
#include "consumer.c"
