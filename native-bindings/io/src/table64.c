#include "table.h"

/* Byte by byte, so that it means the same on every machine; compilers make one load of it on little-endian ones. */
static inline uint64_t load64(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
         (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

void table64_fill(struct table64 *table, uint64_t polynomial) {
  for (unsigned byte = 0; byte < 256; byte++) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    table->of[0][byte] = crc;
  }
  for (unsigned byte = 0; byte < 256; byte++) {
    for (int behind = 1; behind < TABLE64_BYTES; behind++) {
      uint64_t before = table->of[behind - 1][byte];
      table->of[behind][byte] = before >> 8 ^ table->of[0][before & 0xff];
    }
  }
}

uint64_t table64_update(const struct table64 *table, uint64_t crc, const uint8_t *data, size_t length) {
  for (; length >= TABLE64_BYTES; length -= TABLE64_BYTES, data += TABLE64_BYTES) {
    uint64_t word = crc ^ load64(data);
    crc = table->of[7][word & 0xff] ^ table->of[6][word >> 8 & 0xff] ^ table->of[5][word >> 16 & 0xff] ^
          table->of[4][word >> 24 & 0xff] ^ table->of[3][word >> 32 & 0xff] ^ table->of[2][word >> 40 & 0xff] ^
          table->of[1][word >> 48 & 0xff] ^ table->of[0][word >> 56];
  }
  for (; length > 0; length--, data++) crc = crc >> 8 ^ table->of[0][(crc ^ *data) & 0xff];
  return crc;
}
