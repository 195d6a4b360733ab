import { readFileSync } from 'node:fs'
import { crc64nvme } from 'tablesnap-io'
import type { Bucket } from './bucket.js'
import type { LiveSets } from './live.js'
import type { Manifest, Named } from './manifests.js'

interface Seen {
  readonly size: number
  readonly crc64: string
  readonly text: string
}

/** What TOC.txt may list and a set does without. */
const DISPENSABLE = /^(Filter|Summary|Digest|CRC)\b/

/** Bytes up to which an object's text is kept. */
const SMALL = 4096

/** Compares what manifests say with what the bucket holds. Objects never change: each is read once. */
export class Audit {
  readonly #bucket: Bucket
  readonly #seen = new Map<string, Promise<Seen>>()

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** What is wrong with manifests: objects that are missing or other ones, and sets that are not whole. */
  async problems(manifests: readonly Manifest[]): Promise<string[]> {
    const keys = await this.#bucket.list()
    const problems = new Set<string>()
    for (const manifest of manifests) {
      const sets = [...manifest.sets].flatMap(([, set]) => [...set.values()])
      for (const named of [...sets, ...manifest.files.values()]) {
        if (keys.get(named.key) !== named.size) problems.add(`${manifest.key}: ${named.key} is missing`)
        else if (!(await this.#is(named))) problems.add(`${manifest.key}: ${named.key} is another object`)
      }
      for (const [path, set] of manifest.sets) {
        const lacking = await this.#lacking(path, set)
        if (lacking.length > 0) problems.add(`${manifest.key}: ${path} lacks ${lacking.join(', ')}`)
      }
    }
    return [...problems]
  }

  /** Live files of which the newest states have no object with the same bytes. */
  async unlike(live: LiveSets, newest: ReadonlyMap<string, Manifest>): Promise<string[]> {
    const sets = new Map([...newest.values()].flatMap(({ sets }) => [...sets]))
    const problems: string[] = []
    for (const [path, components] of live) {
      for (const component of components) {
        const named = sets.get(path)?.get(component)
        const file = readFileSync(`${path}-${component}`)
        if (named === undefined) problems.push(`${path}-${component} is in no newest state`)
        else {
          const { size, crc64 } = await this.#see(named.key)
          if (size !== file.length || crc64 !== hex(crc64nvme(file))) {
            problems.push(`${path}-${component} is not ${named.key}`)
          }
        }
      }
    }
    return problems
  }

  async #lacking(path: string, set: ReadonlyMap<string, Named>): Promise<string[]> {
    const toc = set.get('TOC.txt')
    const listed =
      toc === undefined ? [] : (await this.#see(toc.key)).text.split('\n').filter(name => name !== '')
    const index = path.endsWith('-bti') ? ['Partitions.db', 'Rows.db'] : ['Index.db']
    const wanted = new Set(['Data.db', 'Statistics.db', ...index, ...listed])
    return [...wanted].filter(name => !set.has(name) && !DISPENSABLE.test(name))
  }

  async #is({ key, size, crc64 }: Named): Promise<boolean> {
    const seen = await this.#see(key)
    return seen.size === size && seen.crc64 === crc64
  }

  #see(key: string): Promise<Seen> {
    let seen = this.#seen.get(key)
    if (seen === undefined) {
      seen = this.#bucket.get(key).then(body => ({
        size: body.length,
        crc64: hex(crc64nvme(body)),
        text: body.length <= SMALL ? body.toString() : '',
      }))
      this.#seen.set(key, seen)
    }
    return seen
  }
}

function hex(crc64: bigint): string {
  return crc64.toString(16).padStart(16, '0')
}
