import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Model } from './model.js'
import type { Stage } from './stage.js'

/**
 * Makes SSTables of rows from `first` on, and copies them into a directory whose path says that they are `target`'s. `source`
 * holds these rows alone then, in their version `first`.
 * @param target keyspace and table
 * @param count SSTables
 */
export async function incoming(
  stage: Stage,
  source: Model,
  target: string,
  first: number,
  count: number,
): Promise<string> {
  const [keyspace = '', table = ''] = source.name.split('.')
  await stage.rows.execute(`TRUNCATE ${source.name}`)
  source.emptied()
  for (let i = 0; i < count; i += 1) {
    await source.write(first + i * 500, first + i * 500 + 600, first)
    await stage.flush(source)
  }
  const tag = `source-${first}`
  await stage.node.nodetool('snapshot', '-t', tag, '-cf', table, keyspace)
  const directory = join(stage.work, `incoming-${first}`, ...target.split('.'))
  mkdirSync(directory, { recursive: true })
  const [own = ''] = stage.directories(source)
  const snapshot = join(own, 'snapshots', tag)
  for (const name of readdirSync(snapshot)) {
    if (/^[a-z]{2}-/.test(name)) copyFileSync(join(snapshot, name), join(directory, name))
  }
  return directory
}
