import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { World } from './support.js'

/** An object that the original tablesnap wrote. */
export interface FixtureObject {
  readonly key: string
  readonly lastModified: string
  readonly metadata: Record<string, string>
  readonly bodyBase64: string
}

/** All that the original wrote in a recorded run; see test/fixtures. */
export const FIXTURE: readonly FixtureObject[] = readFileSync(
  fileURLToPath(new URL('../../../test/fixtures/python-tablesnap-bucket.jsonl', import.meta.url)),
  'utf8',
)
  .split('\n')
  .filter(line => line !== '')
  .map(line => JSON.parse(line) as FixtureObject)

/** Puts the fixture into the bucket, group by group in the order in which the original wrote it. */
export async function loadFixture(world: World): Promise<void> {
  const times = [...new Set(FIXTURE.map(({ lastModified }) => lastModified))].sort()
  for (const time of times) {
    world.shift += 1100
    for (const object of FIXTURE.filter(({ lastModified }) => lastModified === time)) {
      await world.put(object.key, Buffer.from(object.bodyBase64, 'base64'), { metadata: object.metadata })
    }
  }
}

/** The names that the newest listing of a directory has. */
export function newestListing(directory: string): string[] {
  const listings = FIXTURE.filter(
    ({ key }) => key.startsWith(`node1:${directory}/`) && key.endsWith('-listdir.json'),
  )
  const newest = listings.reduce((a, b) => (b.lastModified >= a.lastModified ? b : a))
  const content = JSON.parse(Buffer.from(newest.bodyBase64, 'base64').toString()) as Record<string, string[]>
  return Object.values(content)[0] ?? []
}
