import type { LocalS3 } from '../../dev/local-s3/index.js'
import type { RequestRecord } from '../../dev/local-s3/request-log.js'

/** ms between two looks at the server's log, which keeps the latest 10,000 requests alone. */
const INTERVAL = 50

/** Counts a server's requests by kind, however many they are. */
export class RequestTally {
  /** By operation and what it was for, such as `PutObject manifest`. */
  readonly counts = new Map<string, number>()
  /** When the first manifest of each table was stored, ms since 1970, by table. */
  readonly manifests = new Map<string, number>()
  /** When the latest request came, ms since 1970. */
  latest = 0
  readonly #server: LocalS3
  readonly #timer: NodeJS.Timeout
  #last: RequestRecord | undefined

  /** Counts what comes from now on, until {@link end}. */
  constructor(server: LocalS3) {
    this.#server = server
    this.#last = server.requests.at(-1)
    this.#timer = setInterval(() => this.#look(), INTERVAL)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#look()
  }

  /** All counts in words, the largest first. */
  toString(): string {
    const sorted = [...this.counts].toSorted(([, a], [, b]) => b - a)
    return sorted.map(([kind, count]) => `${count} ${kind}`).join(', ')
  }

  #look(): void {
    const { requests } = this.#server
    const begin = this.#last === undefined ? 0 : requests.lastIndexOf(this.#last) + 1
    // One that has no status yet is counted when it has.
    let end = begin
    while (end < requests.length && requests[end]?.status !== 0) end += 1
    for (const request of requests.slice(begin, end)) this.#count(request)
    this.#last = end > begin ? requests[end - 1] : this.#last
  }

  #count({ operation, key, query, status, time }: RequestRecord): void {
    const what = objectOf(operation.startsWith('List') ? (query['prefix'] ?? '') : key)
    const kind = `${operation} ${what}${status < 300 ? '' : ` (${status})`}`
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    this.latest = Math.max(this.latest, time)
    const [, unit] = /\/states\/(.+)\/[^/]+$/.exec(key) ?? []
    if (operation !== 'PutObject' || status !== 200 || unit === undefined) return
    if (!this.manifests.has(unit)) this.manifests.set(unit, time)
  }
}

function objectOf(key: string): string {
  if (key.includes('/states/')) return 'manifest'
  if (key.endsWith('-listdir.json')) return 'listing'
  if (key.endsWith('/node.json')) return 'node.json'
  if (key.includes('.tablesnap/')) return 'other'
  return key === '' ? 'bucket' : 'file'
}
