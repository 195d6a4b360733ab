/** Something that the user of the benchmark can mend; shown without a stack. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure'
}
