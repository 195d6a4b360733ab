import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { NOT_TO_BE_HAD, OTHER_SERVERS, isInstalled, startOther } from '../support/real/other-servers.js'
import { temporaryDirectory } from '../support/real/place.js'
import { CHECKS, ServerYard, reportOf } from '../support/real/server-checks.js'
import { Tablesnap } from '../support/real/tablesnap.js'

const S3RVER =
  "s3rver's: it lists keys in another order than that of their bytes, and answers 500 to max-keys=2"

/** What is known to fail on a server, and whose fault it is. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  's3rver-3.7.1': Object.fromEntries(
    Object.keys(CHECKS)
      .filter(what => what !== 'backup' && what !== '--list')
      .map(what => [what, S3RVER]),
  ),
}

/** What fails on a server now and then, how that shows, and whose fault it is. */
const AT_TIMES: Readonly<Record<string, { what: string; shows: RegExp; whose: string }>> = {
  's3proxy-2.6.0': {
    what: '--list-nodes with 2,000 objects',
    shows: /ERROR ListObjectsV2: 500/,
    whose:
      "S3Proxy's: the file of a part whose connection was cut stays in the bucket's directory without attributes (.mpus-…), and every LIST that comes by it answers 500 (Unable to get size of extended attribute 'user.content-md5')",
  },
}

const only = process.env['SERVERS']?.split(',')
const results = new Map<string, Map<string, string | undefined>>()

for (const server of OTHER_SERVERS) {
  const { name, cache } = server
  if (only !== undefined && !only.includes(cache)) continue
  const skip = !isInstalled(server) && `${name} is not installed: .ci/install ${cache.split('-')[0]}`
  await t.test(name, { skip }, async t => {
    const directory = temporaryDirectory(t)
    const home = join(directory, 'server')
    mkdirSync(home)
    const way = await startOther(server, home)
    t.teardown(() => way.process.stop('SIGTERM', 20_000).catch(() => undefined))
    const yard = new ServerYard(new Tablesnap(way, join(directory, 'home')), way, directory)
    const outcomes = new Map<string, string | undefined>()
    results.set(name, outcomes)
    for (const [what, check] of Object.entries(CHECKS)) {
      const failure = await check(yard).then(
        () => undefined,
        (error: unknown) => (error as Error).message,
      )
      const known = KNOWN[cache]?.[what]
      const times = AT_TIMES[cache]
      if (failure !== undefined && times?.what === what && times.shows.test(failure)) {
        outcomes.set(what, times.whose)
        t.pass(`${what} fails: ${times.whose}`)
        continue
      }
      outcomes.set(what, failure === undefined ? undefined : (known ?? `not known: ${failure}`))
      if (known === undefined) t.equal(failure, undefined, what)
      else t.ok(failure !== undefined, `${what} fails: ${known}`)
    }
  })
}

for (const line of reportOf(results)) t.comment(line)
for (const [name, why] of Object.entries(NOT_TO_BE_HAD))
  await t.test(name, { skip: `cannot be had: ${why}` }, () => undefined)
