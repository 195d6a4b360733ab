#include "fold.h"
#include "field.h"

static struct fold_constants over(struct field field, int width, unsigned bytes) {
  uint64_t x = field.one >> 1;
  int unused = 64 - width; /* a word of a block has 64 places, whatever the checksum's width */
  return (struct fold_constants){
      .low = field_power(field, x, 8 * bytes + 63) << unused,
      .high = field_power(field, x, 8 * bytes - 1) << unused,
  };
}

void fold_fill(struct fold *fold, uint64_t polynomial, int width) {
  struct field field = {polynomial, UINT64_C(1) << (width - 1)};
  fold->over_block = over(field, width, FOLD_BLOCK);
  fold->over_128 = over(field, width, 128);
  fold->over_256 = over(field, width, 256);
  fold->over_512 = over(field, width, 512);
}
