import { existsSync, writeFileSync } from 'node:fs'

import t from 'tap'

import type { Client } from '../../bench/clients/client.js'
import { floor } from '../../bench/clients/floor.js'
import { measure } from '../../bench/series.js'
import { Site } from '../../bench/site.js'

process.env['TABLESNAP_BENCH_CACHE'] = t.testdir()
const BYTES = 100_000

function doing(name: string, ...argv: readonly string[]): Client {
  return { name, variant: 'defaults', command: () => ({ argv, env: { PATH: process.env['PATH'] ?? '' } }) }
}

await t.test('clients take turns; who sends nothing, fails or cannot is left out and named', async t => {
  const site = await Site.open(t.testdir())
  t.teardown(() => site.close())
  const source = `${site.folder}/file`
  writeFileSync(source, Buffer.alloc(BYTES))
  const incapable: Client = { name: 'incapable', variant: 'defaults', command: () => undefined }
  const clients = [await floor(false), doing('idler', 'true'), doing('failure', 'false'), incapable]
  const said: string[] = []
  let prepared = 0
  const before = async () => {
    prepared++
  }
  const step = { name: 'one', task: 'file' as const, source, bytes: BYTES, before }
  const { series, notes } = await measure(site, clients, [step], 2, line => said.push(line))
  t.same(
    series.map(({ client }) => client.name),
    ['floor'],
  )
  t.equal(series[0]?.samples.get('one')?.length, 2)
  t.match(series[0]?.samples.get('one')?.[1], { sink: { puts: 1, objectBytes: BYTES } })
  t.match(notes, [/^idler .*only 0 of 100000 bytes/, /^failure .*exit code 1/])
  t.match(said, [/^1\/2 floor/, /^2\/2 floor/])
  t.equal(prepared, 5)
})

await t.test('tablesnap itself may not fail', async t => {
  const site = await Site.open(t.testdir())
  t.teardown(() => site.close())
  const step = { name: 'one', task: 'file' as const, source: site.folder, bytes: BYTES }
  await t.rejects(
    measure(site, [doing('tablesnap', 'true')], [step], 1, () => undefined),
    { message: /only 0 of 100000 bytes/ },
  )
})

await t.test('a site leaves nothing behind', async t => {
  const site = await Site.open(t.testdir())
  await site.close()
  t.notOk(existsSync(site.folder))
})
