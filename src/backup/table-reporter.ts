import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'

import { tableOfUnit } from '../cassandra/unit.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { TableNews } from '../tables/ports.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

/** Names that one log line shows. */
const SHOWN = 3

/** Says what an operator should know of tables: one line for one cause, however many SSTables it concerns. */
export class TableReporter {
  readonly #log: Logger
  readonly #problems: Problems
  readonly #isOneShot: boolean
  readonly #takeOver: string

  /**
   * @param isOneShot whether what is incomplete is named at the end of the run
   * @param takeOver the command line that accepts what is missing
   */
  constructor(log: Logger, problems: Problems, isOneShot: boolean, takeOver: string) {
    this.#takeOver = takeOver
    this.#log = log
    this.#problems = problems
    this.#isOneShot = isOneShot
  }

  tell(table: Table, news: TableNews): void {
    const name = nameOf(table)
    switch (news.kind) {
      case 'vanished':
        this.#vanished(name, news.paths)
        return
      case 'unexplained':
        this.#unexplained(table, news.paths)
        return
      case 'forgotten':
        this.#problems.problem(
          table.name,
          `${name}: its newest manifest cannot be read, and nothing else says which SSTables --delete-on-backup deleted. Its restore points are marked "unexplained", and -D skips them, until the table is truncated or dropped. If you accept the loss, ${this.#accept}`,
        )
        return
      case 'directory-replaced':
        if (!this.#missing(news.path))
          this.#problems.problem(
            table.name,
            `${name}: data directory ${news.path} was replaced (different inode). Its restore points are marked "unexplained", and -D skips them, until the SSTables are back, or the table is truncated or dropped. If you replaced it on purpose, ${this.#accept}`,
          )
        return
      case 'directory-renewed':
        this.#log.info(
          `${name}: data directory ${news.path} was made anew since the last restore point, as a restore does; no SSTable is missing`,
          { path: news.path },
        )
        return
      case 'directory-unwatched':
        this.#problems.problem(
          news.path,
          `${name}: ${news.path} is not watched, and has SSTables of the table: its restore points are partial; give all data directories (and -r)`,
        )
        return
      case 'incomplete':
        this.#incomplete(name, news)
        return
      case 'complete':
        if (!this.#isOneShot) this.#log.info(`${news.path} is complete now, or gone`, { path: news.path })
        return
      case 'gap':
        this.#log.debug(`${name}: tablesnap scans it again: ${news.why}`)
    }
  }

  get #accept(): string {
    return `stop the tablesnap that watches, run once: ${this.#takeOver}, and start it again`
  }

  /** Says that a data directory is missing, once for all tables. @returns whether it is */
  #missing(path: string): boolean {
    if (existsSync(path)) return false
    let missing = path
    while (!existsSync(dirname(missing))) missing = dirname(missing)
    this.#problems.problem(
      missing,
      `data directory ${missing} is missing: restore points of the tables that had SSTables below it are marked "unexplained", and -D skips them, until it is back. If you moved or removed it on purpose, ${this.#accept}`,
    )
    return true
  }

  /** An earlier run has told why; it is as true as it was. */
  #unexplained(table: Table, paths: readonly string[]): void {
    const [path = ''] = paths
    if (this.#missing(dirname(path))) return
    const count = counted(paths.length, 'SSTable')
    this.#problems.problem(
      table.name,
      `${nameOf(table)}: ${count} (${path}…) vanished earlier, and nothing says why: its restore points stay marked "unexplained", and -D skips them, until they are back. If you accept the loss, ${this.#accept}`,
    )
  }

  #vanished(name: string, paths: readonly string[]): void {
    const [path = ''] = paths
    const more = paths.slice(1, SHOWN + 1).map(other => basename(other))
    const rest = paths.length - 1 - more.length
    const others = [...more, ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
    const subject = others === '' ? `${path} is` : `${path} (and ${others}) is`
    this.#log.error(
      `${subject} gone, and no transaction log says why: restore points of ${name} are marked "unexplained", and -D skips them, until it is back, or the table is truncated or dropped, or --take-over accepts the loss`,
      { path },
    )
  }

  #incomplete(name: string, news: TableNews & { readonly kind: 'incomplete' }): void {
    // A run that ends names it at its end.
    if (this.#isOneShot) return
    const { path, isPart, missing } = news
    const lacks = missing.length > 0 ? `${missing.join(', ')} missing` : 'it is still being written'
    const meaning = isPart ? `restore points of ${name} name it as not backed up` : 'it is not backed up'
    this.#log.warn(
      `${path} has been incomplete for a long time (${lacks}): ${meaning} until it is complete`,
      { path },
    )
  }
}

/** A table as Cassandra names it, or the path of another directory. */
export function nameOf({ name }: Pick<Table, 'name'>): string {
  const table = tableOfUnit(name)
  return table === undefined ? `/${name.replace(/^\//, '')}` : `${table.keyspace}.${table.table}`
}
