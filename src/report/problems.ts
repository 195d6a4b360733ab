/** Is told what an operator should know. */
export interface Problems {
  /** Something cannot be backed up. @param about the path, or the table's name */
  problem(about: string, message: string): void
  /** It can, or it need not be any more. */
  solved(about: string): void
}
