/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/target.h"

#include <arm_neon.h>
#include <stdint.h>

#include <svf/cpu.h>

#include "kernels/neon/vec.h"

SVF_INLINE vec v_widen_f16(const uint16_t *p)
{
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

SVF_INLINE void v_narrow_f16(uint16_t *p, vec v)
{
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

#include "kernels/half_vec.h"

SVF_CONVERT(neon, SVF_ISA_NEON, SVF_FMA_NEEDS);
