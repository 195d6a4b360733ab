/** The result of a backup so far: its counts and its failures. It changes its figures itself, by the events that it is told of. */
export class BackupSummary {
  #uploaded = 0
  #bytes = 0
  #present = 0
  #restored = 0
  #superseded = 0
  readonly #failed = new Map<string, string>()
  readonly #lost = new Map<string, string>()
  readonly #corrupt = new Set<string>()
  readonly #unfinished: string[] = []
  readonly #written: string[] = []

  /** Files sent, other versions included. */
  get uploaded(): number {
    return this.#uploaded
  }

  /** Bytes of those. */
  get bytes(): number {
    return this.#bytes
  }

  /** Files that were in the bucket already. */
  get present(): number {
    return this.#present
  }

  /** Files of SSTables that Cassandra removed before they could be read. */
  get superseded(): number {
    return this.#superseded
  }

  /** Paths that are not in the bucket, and why. */
  get failed(): ReadonlyMap<string, string> {
    return this.#failed
  }

  /** Of `uploaded` those whose object the bucket had lost although restore points name it. */
  get restored(): number {
    return this.#restored
  }

  /** Objects that restore points name, and neither the bucket nor the disk has any more: paths by key. */
  get lost(): ReadonlyMap<string, string> {
    return this.#lost
  }

  /** SSTables whose Data.db is not what their Digest.crc32 says. */
  get corrupt(): ReadonlySet<string> {
    return this.#corrupt
  }

  /** SSTables that were not complete at the end of a one-shot backup. */
  get unfinished(): readonly string[] {
    return this.#unfinished
  }

  /** SSTables that Cassandra was still writing then: they are not part of the table yet. */
  get written(): readonly string[] {
    return this.#written
  }

  /** A file was sent. */
  sent(bytes: number): void {
    this.#uploaded++
    this.#bytes += bytes
  }

  /** Objects that the bucket had lost were uploaded again. @param bytes of all of them */
  sentAgain(count: number, bytes: number): void {
    this.#uploaded += count
    this.#bytes += bytes
    this.#restored += count
  }

  /** Files were in the bucket already. */
  found(count: number): void {
    this.#present += count
  }

  /** So many files were superseded in all. */
  noteSuperseded(count: number): void {
    this.#superseded = count
  }

  /** @param about a path, or the name of a table */
  fail(about: string, why: string): void {
    this.#failed.set(about, why)
  }

  solve(about: string): void {
    this.#failed.delete(about)
  }

  /** The bucket lacks an object that restore points name. */
  lose(key: string, path: string): void {
    this.#lost.set(key, path)
  }

  /** The object is there again, or nothing names it any more. */
  regain(key: string): void {
    this.#lost.delete(key)
  }

  /** @param isCorrupt whether an SSTable is */
  judge(path: string, isCorrupt: boolean): void {
    if (isCorrupt) this.#corrupt.add(path)
    else this.#corrupt.delete(path)
  }

  /** Failures and corrupt SSTables below a directory, or that a path begins, are no more. */
  forget(start: string): void {
    for (const paths of [this.#failed, this.#corrupt])
      for (const path of paths.keys()) if (path.startsWith(start)) paths.delete(path)
  }

  /** The run ends before an SSTable is complete. @param isWritten whether Cassandra is still writing it */
  leave(path: string, isWritten: boolean): void {
    const paths = isWritten ? this.#written : this.#unfinished
    paths.push(path)
  }
}
