/*
 * The body of one implementation, for vectors of any width; no include guard, as it is included once for each. Wanted:
 *   FOLD_NAME, FOLD_TARGET       the function's name and attributes
 *   BLOCK, LOAD_BLOCK(p), STORE_BLOCK(p, b), FIRST(crc), XOR_BLOCK(a, b), BLOCK_CONSTANTS(k), FOLD_BLOCKS(b, k, next)
 *   VECTOR, LOAD(p), STORE(p, v), WIDEN(block) with zeros behind, XOR(a, b), CONSTANTS(k), FOLD(v, k, next)
 *   OVER                         the member of struct fold for what a turn takes
 * Several vectors at a time, because a product takes longer than it keeps the multiplier busy.
 */
FOLD_TARGET static void FOLD_NAME(const struct fold *fold, uint64_t crc, const uint8_t *data, size_t length,
                                  uint8_t block[FOLD_BLOCK]) {
  enum { LANES = 8, TURN = LANES * sizeof(VECTOR) };
  const uint8_t *end = data + length;
  BLOCK folded;
  const BLOCK step = BLOCK_CONSTANTS(fold->over_block);
  if (length >= TURN) {
    uint8_t left[TURN];
    VECTOR lane[LANES];
    const VECTOR turn = CONSTANTS(fold->OVER);
    for (int i = 0; i < LANES; i++) lane[i] = LOAD(data + i * sizeof(VECTOR));
    lane[0] = XOR(lane[0], WIDEN(FIRST(crc)));
    for (data += TURN; end - data >= TURN; data += TURN) {
      for (int i = 0; i < LANES; i++) lane[i] = FOLD(lane[i], turn, LOAD(data + i * sizeof(VECTOR)));
    }
    for (int i = 0; i < LANES; i++) STORE(left + i * sizeof(VECTOR), lane[i]);
    folded = LOAD_BLOCK(left);
    for (size_t at = FOLD_BLOCK; at < TURN; at += FOLD_BLOCK)
      folded = FOLD_BLOCKS(folded, step, LOAD_BLOCK(left + at));
  } else {
    folded = XOR_BLOCK(LOAD_BLOCK(data), FIRST(crc));
    data += FOLD_BLOCK;
  }
  for (; end - data >= FOLD_BLOCK; data += FOLD_BLOCK) folded = FOLD_BLOCKS(folded, step, LOAD_BLOCK(data));
  STORE_BLOCK(block, folded);
}

#undef FOLD_NAME
#undef FOLD_TARGET
#undef VECTOR
#undef LOAD
#undef STORE
#undef WIDEN
#undef XOR
#undef CONSTANTS
#undef FOLD
#undef OVER
