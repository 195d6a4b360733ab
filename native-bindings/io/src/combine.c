#include "crc.h"

/*
 * A checksum is a remainder of polynomials over GF(2): putting n bytes behind a message multiplies its remainder by x^8n,
 * and the checksum of the two is the sum (xor) of both. The constants at start and end cancel out.
 * As everywhere, bits are reversed: `one` = x^0 is the highest of the checksum's width.
 */
struct field {
  uint64_t polynomial;
  uint64_t one;
};

static uint64_t multiply(struct field field, uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (uint64_t power = field.one; power != 0; power >>= 1) {
    if (a & power) product ^= b;
    b = b & 1 ? b >> 1 ^ field.polynomial : b >> 1;
  }
  return product;
}

static uint64_t combine(struct field field, uint64_t a, uint64_t b, uint64_t length_of_b) {
  uint64_t shift = field.one;
  uint64_t square = field.one >> 8; /* x^8, then its square, and so on: one for each bit of the length */
  for (; length_of_b > 0; length_of_b >>= 1) {
    if (length_of_b & 1) shift = multiply(field, shift, square);
    square = multiply(field, square, square);
  }
  return multiply(field, shift, a) ^ b;
}

uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t length_of_b) {
  return combine((struct field){CRC64_NVME_POLYNOMIAL, UINT64_C(1) << 63}, a, b, length_of_b);
}

uint32_t crc32_combine(uint32_t a, uint32_t b, uint64_t length_of_b) {
  return (uint32_t)combine((struct field){CRC32_POLYNOMIAL, UINT64_C(1) << 31}, a, b, length_of_b);
}

uint32_t crc32c_combine(uint32_t a, uint32_t b, uint64_t length_of_b) {
  return (uint32_t)combine((struct field){CRC32C_POLYNOMIAL, UINT64_C(1) << 31}, a, b, length_of_b);
}
