#include "crc.h"
#include "fold.h"
#include "table.h"

#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct {
  struct table64 table;
  struct fold fold;
} nvme;

struct crc_of_32 {
  struct table32 table;
  struct fold fold;
};
static struct crc_of_32 hdlc, castagnoli;

/* The implementations end with the table, which every processor can run: its function is NULL. */
enum { MOST_IMPLEMENTATIONS = 4 };
static struct fold_implementation implementations[MOST_IMPLEMENTATIONS + 1];
static fold_function *chosen; /* read and written by all threads, hence atomically */

static void fill(void) {
  table64_fill(&nvme.table, CRC64_NVME_POLYNOMIAL);
  table32_fill(&hdlc.table, CRC32_POLYNOMIAL);
  table32_fill(&castagnoli.table, CRC32C_POLYNOMIAL);
  fold_fill(&nvme.fold, CRC64_NVME_POLYNOMIAL, 64);
  fold_fill(&hdlc.fold, CRC32_POLYNOMIAL, 32);
  fold_fill(&castagnoli.fold, CRC32C_POLYNOMIAL, 32);
  int count = 0;
  for (const struct fold_implementation *one = fold_implementations(); one->name != NULL; one++)
    implementations[count++] = *one;
  implementations[count] = (struct fold_implementation){"table", NULL};
  chosen = implementations[0].fold;
}

void crc_prepare(void) { pthread_once(&once, fill); }

const char *crc_implementation(int index) { return index < MOST_IMPLEMENTATIONS ? implementations[index].name : NULL; }

bool crc_use(const char *name) {
  for (int i = 0; implementations[i].name != NULL; i++) {
    if (strcmp(implementations[i].name, name) != 0) continue;
    __atomic_store_n(&chosen, implementations[i].fold, __ATOMIC_RELAXED);
    return true;
  }
  return false;
}

/* Where multiplying is not worth its start, or no block is there to be multiplied. */
enum { SHORT = 4 * FOLD_BLOCK };

static fold_function *fold_for(size_t length) {
  return length < SHORT ? NULL : __atomic_load_n(&chosen, __ATOMIC_RELAXED);
}

uint64_t crc64nvme(uint64_t previous, const uint8_t *data, size_t length) {
  uint64_t crc = ~previous;
  fold_function *fold = fold_for(length);
  if (fold != NULL) {
    uint8_t block[FOLD_BLOCK];
    size_t whole = length - length % FOLD_BLOCK;
    fold(&nvme.fold, crc, data, whole, block);
    crc = table64_update(&nvme.table, 0, block, FOLD_BLOCK);
    data += whole;
    length -= whole;
  }
  return ~table64_update(&nvme.table, crc, data, length);
}

static uint32_t update32(const struct crc_of_32 *kind, uint32_t previous, const uint8_t *data, size_t length) {
  uint32_t crc = ~previous;
  fold_function *fold = fold_for(length);
  if (fold != NULL) {
    uint8_t block[FOLD_BLOCK];
    size_t whole = length - length % FOLD_BLOCK;
    fold(&kind->fold, crc, data, whole, block);
    crc = table32_update(&kind->table, 0, block, FOLD_BLOCK);
    data += whole;
    length -= whole;
  }
  return ~table32_update(&kind->table, crc, data, length);
}

uint32_t crc32(uint32_t previous, const uint8_t *data, size_t length) {
  return update32(&hdlc, previous, data, length);
}

uint32_t crc32c(uint32_t previous, const uint8_t *data, size_t length) {
  return update32(&castagnoli, previous, data, length);
}
