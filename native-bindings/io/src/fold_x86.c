#if defined(__x86_64__)

#include "fold.h"

#include <cpuid.h>
#include <immintrin.h>

#define BLOCK __m128i
#define LOAD_BLOCK(p) _mm_loadu_si128((const __m128i *)(p))
#define STORE_BLOCK(p, b) _mm_storeu_si128((__m128i *)(p), b)
#define FIRST(crc) _mm_cvtsi64_si128((long long)(crc))
#define XOR_BLOCK(a, b) _mm_xor_si128(a, b)
#define BLOCK_CONSTANTS(k) LOAD_BLOCK(&(k))
#define FOLD_BLOCKS(b, k, next)                                                                                        \
  _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(b, k, 0x00), _mm_clmulepi64_si128(b, k, 0x11)), next)

#define FOLD_NAME fold_pclmul
#define FOLD_TARGET __attribute__((target("pclmul")))
#define OVER over_128
#define VECTOR __m128i
#define LOAD(p) LOAD_BLOCK(p)
#define STORE(p, v) STORE_BLOCK(p, v)
#define WIDEN(block) (block)
#define XOR(a, b) XOR_BLOCK(a, b)
#define CONSTANTS(k) BLOCK_CONSTANTS(k)
#define FOLD(v, k, next) FOLD_BLOCKS(v, k, next)
#include "fold_loop.h"

#define FOLD_NAME fold_vpclmul256
#define FOLD_TARGET __attribute__((target("pclmul,avx2,vpclmulqdq")))
#define OVER over_256
#define VECTOR __m256i
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define WIDEN(block) _mm256_zextsi128_si256(block)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define CONSTANTS(k) _mm256_broadcastsi128_si256(LOAD_BLOCK(&(k)))
#define FOLD(v, k, next)                                                                                               \
  XOR(XOR(_mm256_clmulepi64_epi128(v, k, 0x00), _mm256_clmulepi64_epi128(v, k, 0x11)), next)
#include "fold_loop.h"

#define XOR_OF_THREE 0x96 /* truth table */

/* Clang 18 to 21 split the registers of 512 bits off from AVX512F. */
#if defined(__clang__) && __clang_major__ >= 18 && __clang_major__ <= 21
#define REGISTERS_512 ",evex512"
#else
#define REGISTERS_512
#endif

#define FOLD_NAME fold_vpclmul512
#define FOLD_TARGET __attribute__((target("pclmul,avx512f,vpclmulqdq" REGISTERS_512)))
#define OVER over_512
#define VECTOR __m512i
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define WIDEN(block) _mm512_zextsi128_si512(block)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define CONSTANTS(k) _mm512_broadcast_i32x4(LOAD_BLOCK(&(k)))
#define FOLD(v, k, next)                                                                                               \
  _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(v, k, 0x00), _mm512_clmulepi64_epi128(v, k, 0x11), next,          \
                            XOR_OF_THREE)
#include "fold_loop.h"

/* Register sets that the kernel saves for a process, by their bits in XCR0 (Intel SDM, volume 1, 13.3). */
enum { SAVES_XMM_YMM = 0x06, SAVES_ZMM = 0xe6 };

__attribute__((target("xsave"))) static uint64_t saved_registers(void) { return _xgetbv(0); }

const struct fold_implementation *fold_implementations(void) {
  static struct fold_implementation found[4];
  unsigned eax, ebx = 0, ecx = 0, edx, basic = 0, extended_ebx = 0, extended_ecx = 0;
  if (__get_cpuid(1, &eax, &ebx, &basic, &edx) && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    extended_ebx = ebx;
    extended_ecx = ecx;
  }
  uint64_t saved = basic & bit_OSXSAVE ? saved_registers() : 0;
  int multiplies = (basic & bit_PCLMUL) != 0, wide = multiplies && (extended_ecx & bit_VPCLMULQDQ) != 0;
  int ymm = (saved & SAVES_XMM_YMM) == SAVES_XMM_YMM && (basic & bit_AVX) && (extended_ebx & bit_AVX2);
  int zmm = ymm && (saved & SAVES_ZMM) == SAVES_ZMM && (extended_ebx & bit_AVX512F);
  struct fold_implementation *next = found;
  if (wide && zmm) *next++ = (struct fold_implementation){"vpclmul512", fold_vpclmul512};
  if (wide && ymm) *next++ = (struct fold_implementation){"vpclmul256", fold_vpclmul256};
  if (multiplies) *next++ = (struct fold_implementation){"pclmul", fold_pclmul};
  next->name = NULL;
  return found;
}

#endif
