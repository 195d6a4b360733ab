import t from 'tap'

import { listUnits } from '../../src/restore/choose/history.js'
import { findArchived } from '../../src/restore/read/archived.js'
import type { S3Client } from '../../src/s3/client.js'

import { at, state, write } from './states.js'
import { COMPONENTS, TABLE, World, config } from './support.js'

const world = await World.start(t)

await t.test(
  'archived objects are found by the plan, and named with the command that thaws them',
  async t => {
    await world.reset()
    for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) await world.putSet(set)
    for (const [name, storageClass] of [
      ['nb-1-big-Data.db', 'GLACIER'],
      ['nb-1-big-Index.db', 'GLACIER'],
      ['nb-2-big-Data.db', 'STANDARD_IA'],
    ] as const) {
      const headers = { 'X-Amz-Storage-Class': storageClass }
      await world.put(`node1:${TABLE}/${name}`, `content of ${name}`, { headers })
    }
    await write(world.client, 'node1', state(at(1), ['nb-1-big', 'nb-2-big', 'nb-3-big']))
    const expected = {
      code: 'OBJECTS_ARCHIVED',
      message: new RegExp(
        `^node1:${TABLE}/nb-1-big-\\w+.db and 1 more cannot be read, as S3 has archived them \\(GLACIER\\)\\. Thaw them first, .*` +
          `aws s3api --endpoint-url \\S+ list-objects-v2 --bucket bucket --prefix node1:${TABLE}/nb-1-big- .*StorageClass=='GLACIER'.*` +
          `restore-object --bucket bucket --key "\\$key" --restore-request '{"Days":7}'`,
      ),
    }
    world.server.requests.length = 0
    await t.rejects(world.restore(), expected)
    t.same(world.tree(), {}, 'before the first byte')
    t.equal(
      world.server.requests.filter(({ operation }) => operation === 'HeadObject').length,
      2,
      'only what the LIST says of archives is asked for',
    )
    t.match(await world.restore({ dryRun: true }), { exitCode: 1 })
    t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 2, files: 16, missing: 2 })
    t.equal(
      world.log.like(/^warn .*nb-1-big-Data.db is archived \(GLACIER\): its SSTable is not restored/).length,
      1,
    )
    const { client, engine, log } = world
    const deps = { client, engine, log, node: { name: 'node1' }, scope: undefined }
    for await (const { moments } of listUnits(config(world.target), deps))
      t.match(moments[0], { archived: 2 })
  },
)

await t.test('what is there already is not asked for, nor what is thawed', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  t.match(await world.restore(), { exitCode: 0 })
  for (const component of COMPONENTS) {
    const name = `nb-1-big-${component}`
    await world.put(`node1:${TABLE}/${name}`, `content of ${name}`, {
      headers: { 'X-Amz-Storage-Class': 'GLACIER' },
    })
  }
  t.match(await world.restore(), { exitCode: 0, skipped: 8 })

  const answers: Record<string, Record<string, string>> = {
    thawed: { 'x-amz-restore': 'ongoing-request="false", expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"' },
    thawing: { 'x-amz-restore': 'ongoing-request="true"' },
    frozen: {},
    tiered: { 'x-amz-archive-status': 'ARCHIVE_ACCESS' },
    frequent: {},
  }
  const client = {
    call: ({ key = '' }: { key?: string }) => Promise.resolve({ headers: answers[key] }),
  } as unknown as S3Client
  const files = Object.keys(answers).map(key => ({
    key,
    name: key,
    size: 1,
    lastModified: 0,
    storageClass: ['tiered', 'frequent'].includes(key) ? 'INTELLIGENT_TIERING' : 'DEEP_ARCHIVE',
  }))
  const found = await findArchived(client, files)
  t.same(
    found.map(({ file, where, thawing }) => [file.key, where, thawing]),
    [
      ['thawing', 'DEEP_ARCHIVE', true],
      ['frozen', 'DEEP_ARCHIVE', false],
      ['tiered', 'ARCHIVE_ACCESS', false],
    ],
  )
})
