import t from 'tap'

import type { Finding } from '../../src/check/finding.js'
import { SlurpWorld, T1, run } from '../support/slurp.js'

interface Report {
  readonly findings: readonly Finding[]
  readonly units: readonly { readonly unit: string; readonly points: number; readonly restorable: number }[]
}

await t.test('a bucket of the Python tablesnap is checked by its listings', async t => {
  const { bucket } = await SlurpWorld.start(t)
  const check = async (): Promise<{ code: number | string; report: Report; log: string }> => {
    const { code, stdout, log } = await run('tablecheck', [
      ...bucket.flags,
      '--deep',
      '--json',
      bucket.bucket,
    ])
    return { code, log, report: JSON.parse(stdout) as Report }
  }
  const { code, report, log } = await check()
  t.equal(code, 0, log)
  t.same(
    report.findings.filter(({ severity }) => severity !== 'note'),
    [],
  )
  const table = report.units.find(({ unit }) => unit === T1)
  t.ok(table !== undefined && table.restorable > 0, JSON.stringify(report.units))

  await bucket.delete((await newestData(bucket)) ?? '')
  const broken = await check()
  t.equal(broken.code, 1)
  t.match(broken.report.findings[0], { kind: 'listing-lacks', unit: T1, count: 1 })
})

/** The key of the Data.db that the newest listing of the table is named after. */
async function newestData(bucket: SlurpWorld['bucket']): Promise<string | undefined> {
  const listings = (await bucket.list(`node1:${T1}/`)).filter(({ key }) =>
    key.endsWith('Data.db-listdir.json'),
  )
  listings.sort((a, b) => b.lastModified - a.lastModified || (a.key < b.key ? 1 : -1))
  return listings[0]?.key.replace(/-listdir\.json$/, '')
}
