#ifndef TABLESNAP_IO_CRC_H
#define TABLESNAP_IO_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The three checksums: reflected, start value and final xor all ones, as in the CRC catalogue
 * (reveng.sourceforge.io/crc-catalogue): CRC-64/NVME, CRC-32/ISO-HDLC, CRC-32/ISCSI (Castagnoli).
 * Polynomials are given bit-reversed: the lowest bit belongs to the highest power of x.
 */
#define CRC64_NVME_POLYNOMIAL UINT64_C(0x9a6c9329ac4bc9b5)
#define CRC32_POLYNOMIAL UINT32_C(0xedb88320)
#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78)

/* Makes the tables and chooses the fastest implementation, once per process, whichever thread comes first; before any other call. */
void crc_prepare(void);

/* The implementations that this machine can run, fastest first, by their index; NULL after the last. */
const char *crc_implementation(int index);

/* Uses one of them in all threads from now on. @returns whether there is one of that name */
bool crc_use(const char *name);

/* The checksum of what `previous` is the checksum of (0: of nothing), followed by `data`. */
uint64_t crc64nvme(uint64_t previous, const uint8_t *data, size_t length);
uint32_t crc32(uint32_t previous, const uint8_t *data, size_t length);
uint32_t crc32c(uint32_t previous, const uint8_t *data, size_t length);

/* The checksum of a followed by b, from the checksums of both and the length of b in bytes. */
uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t length_of_b);
uint32_t crc32_combine(uint32_t a, uint32_t b, uint64_t length_of_b);
uint32_t crc32c_combine(uint32_t a, uint32_t b, uint64_t length_of_b);

#endif
