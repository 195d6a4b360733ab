#include "field.h"

uint64_t field_multiply(struct field field, uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (uint64_t power = field.one; power != 0; power >>= 1) {
    if (a & power) product ^= b;
    b = b & 1 ? b >> 1 ^ field.polynomial : b >> 1;
  }
  return product;
}

uint64_t field_power(struct field field, uint64_t base, uint64_t exponent) {
  uint64_t result = field.one;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = field_multiply(field, result, base);
    base = field_multiply(field, base, base);
  }
  return result;
}
