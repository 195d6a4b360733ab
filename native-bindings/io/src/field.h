#ifndef TABLESNAP_IO_FIELD_H
#define TABLESNAP_IO_FIELD_H

#include <stdint.h>

/*
 * Polynomials over GF(2) modulo a checksum's generator. As everywhere here, bits are reversed: `one` = x^0 is the highest
 * bit of the checksum's width.
 */
struct field {
  uint64_t polynomial;
  uint64_t one;
};

uint64_t field_multiply(struct field field, uint64_t a, uint64_t b);

/* base^exponent */
uint64_t field_power(struct field field, uint64_t base, uint64_t exponent);

#endif
