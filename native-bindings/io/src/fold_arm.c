#if defined(__aarch64__) && defined(__AARCH64EL__)

#include "fold.h"

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#define TARGET __attribute__((target("+crypto")))

TARGET static inline uint64x2_t fold_block(uint64x2_t block, uint64x2_t constants, uint64x2_t next) {
  poly128_t low = vmull_p64((poly64_t)vgetq_lane_u64(block, 0), (poly64_t)vgetq_lane_u64(constants, 0));
  poly128_t high = vmull_high_p64(vreinterpretq_p64_u64(block), vreinterpretq_p64_u64(constants));
  return veorq_u64(veorq_u64(vreinterpretq_u64_p128(low), vreinterpretq_u64_p128(high)), next);
}

#define BLOCK uint64x2_t
#define LOAD_BLOCK(p) vreinterpretq_u64_u8(vld1q_u8((const uint8_t *)(p)))
#define STORE_BLOCK(p, b) vst1q_u8(p, vreinterpretq_u8_u64(b))
#define FIRST(crc) vsetq_lane_u64(crc, vdupq_n_u64(0), 0)
#define XOR_BLOCK(a, b) veorq_u64(a, b)
#define BLOCK_CONSTANTS(k) LOAD_BLOCK(&(k))
#define FOLD_BLOCKS(b, k, next) fold_block(b, k, next)

#define FOLD_NAME fold_pmull
#define FOLD_TARGET TARGET
#define OVER over_128
#define VECTOR uint64x2_t
#define LOAD(p) LOAD_BLOCK(p)
#define STORE(p, v) STORE_BLOCK(p, v)
#define WIDEN(block) (block)
#define XOR(a, b) XOR_BLOCK(a, b)
#define CONSTANTS(k) BLOCK_CONSTANTS(k)
#define FOLD(v, k, next) FOLD_BLOCKS(v, k, next)
#include "fold_loop.h"

const struct fold_implementation *fold_implementations(void) {
  static const struct fold_implementation all[] = {{"pmull", fold_pmull}, {NULL, NULL}};
  return getauxval(AT_HWCAP) & HWCAP_PMULL ? all : all + 1;
}

#endif
