#ifndef TABLESNAP_IO_FOLD_H
#define TABLESNAP_IO_FOLD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Folding by carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ",
 * Intel 2009), for reflected checksums of up to 64 bits.
 *
 * A block of 128 bits is the polynomial low·x^64 + high, where the lowest bit of each half is its highest power. Moving
 * it n bits away from the end of the message multiplies it by x^n; modulo the generator those are two products of 64
 * bits. A carry-less product of reversed words comes out one place off, which is the −1 in the exponents.
 */
struct fold_constants {
  uint64_t low;  /* x^(n+64-1) modulo the generator */
  uint64_t high; /* x^(n-1) */
};

/* For one checksum: moving a block over the next one, and over what a turn of each wide loop takes. */
struct fold {
  struct fold_constants over_block;
  struct fold_constants over_128, over_256, over_512;
};

enum { FOLD_BLOCK = 16 };

/* @param polynomial bit-reversed, in the lowest bits @param width 32 or 64 */
void fold_fill(struct fold *fold, uint64_t polynomial, int width);

/*
 * Reduces all whole blocks of data, of which there is at least one, to a single block that leaves the same remainder.
 * `crc` is the shift register at the start of data.
 */
typedef void fold_function(const struct fold *fold, uint64_t crc, const uint8_t *data, size_t length,
                           uint8_t block[FOLD_BLOCK]);

struct fold_implementation {
  const char *name;
  fold_function *fold;
};

/* Those that this processor and this kernel can run, fastest first; ends with a name of NULL. */
const struct fold_implementation *fold_implementations(void);

#endif
