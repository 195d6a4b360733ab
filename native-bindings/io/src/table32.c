#include "table.h"

/* Byte by byte, so that it means the same on every machine; compilers make one load of it on little-endian ones. */
static inline uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void table32_fill(struct table32 *table, uint32_t polynomial) {
  for (unsigned byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    table->of[0][byte] = crc;
  }
  for (unsigned byte = 0; byte < 256; byte++) {
    for (int behind = 1; behind < TABLE32_BYTES; behind++) {
      uint32_t before = table->of[behind - 1][byte];
      table->of[behind][byte] = before >> 8 ^ table->of[0][before & 0xff];
    }
  }
}

/* What four bytes contribute with `behind` further bytes of the step behind them. */
static inline uint32_t four(const struct table32 *table, int behind, uint32_t word) {
  return table->of[behind + 3][word & 0xff] ^ table->of[behind + 2][word >> 8 & 0xff] ^
         table->of[behind + 1][word >> 16 & 0xff] ^ table->of[behind][word >> 24];
}

uint32_t table32_update(const struct table32 *table, uint32_t crc, const uint8_t *data, size_t length) {
  for (; length >= TABLE32_BYTES; length -= TABLE32_BYTES, data += TABLE32_BYTES) {
    crc = four(table, 12, crc ^ load32(data)) ^ four(table, 8, load32(data + 4)) ^ four(table, 4, load32(data + 8)) ^
          four(table, 0, load32(data + 12));
  }
  for (; length > 0; length--, data++) crc = crc >> 8 ^ table->of[0][(crc ^ *data) & 0xff];
  return crc;
}
