#ifndef TABLESNAP_IO_TABLE_H
#define TABLESNAP_IO_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The portable method, for every processor: a step takes several bytes at once, and `of[k][byte]` is what that byte
 * contributes with k further bytes of the step behind it ("slicing-by-n", Kounavis and Berry 2005).
 * `crc` is the shift register here, without the xors at start and end.
 */
enum { TABLE64_BYTES = 8, TABLE32_BYTES = 16 };

struct table64 {
  uint64_t of[TABLE64_BYTES][256];
};

struct table32 {
  uint32_t of[TABLE32_BYTES][256];
};

void table64_fill(struct table64 *table, uint64_t polynomial);
uint64_t table64_update(const struct table64 *table, uint64_t crc, const uint8_t *data, size_t length);

void table32_fill(struct table32 *table, uint32_t polynomial);
uint32_t table32_update(const struct table32 *table, uint32_t crc, const uint8_t *data, size_t length);

#endif
