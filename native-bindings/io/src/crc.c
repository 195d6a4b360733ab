#include "crc.h"
#include "table.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct table64 nvme;
static struct table32 hdlc;
static struct table32 castagnoli;

static void fill(void) {
  table64_fill(&nvme, CRC64_NVME_POLYNOMIAL);
  table32_fill(&hdlc, CRC32_POLYNOMIAL);
  table32_fill(&castagnoli, CRC32C_POLYNOMIAL);
}

void crc_prepare(void) { pthread_once(&once, fill); }

uint64_t crc64nvme(uint64_t previous, const uint8_t *data, size_t length) {
  return ~table64_update(&nvme, ~previous, data, length);
}

uint32_t crc32(uint32_t previous, const uint8_t *data, size_t length) {
  return ~table32_update(&hdlc, ~previous, data, length);
}

uint32_t crc32c(uint32_t previous, const uint8_t *data, size_t length) {
  return ~table32_update(&castagnoli, ~previous, data, length);
}
