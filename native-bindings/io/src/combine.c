#include "crc.h"
#include "field.h"

/*
 * A checksum is a remainder of polynomials over GF(2): putting n bytes behind a message multiplies its remainder by x^8n,
 * and the checksum of the two is the sum (xor) of both. The constants at start and end cancel out.
 */
static uint64_t combine(struct field field, uint64_t a, uint64_t b, uint64_t length_of_b) {
  uint64_t byte = field.one >> 8; /* x^8 */
  return field_multiply(field, field_power(field, byte, length_of_b), a) ^ b;
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
