import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { parseKeyPath, unfit } from '../../src/manifest/key-path.js'

import { TABLE, World, digest } from './support.js'

const world = await World.start(t)

await t.test('paths in keys', t => {
  t.same(parseKeyPath('/var/lib/a-Data.db'), { directory: '/var/lib', name: 'a-Data.db' })
  t.same(
    parseKeyPath('data/ks//a-Data.db'),
    { directory: '/data/ks', name: 'a-Data.db' },
    'as -B of the original typed it',
  )
  t.same(parseKeyPath('./data/x'), { directory: '/data', name: 'x' })
  t.same(parseKeyPath('/x'), { directory: '/', name: 'x' })
  for (const path of ['../x', '/a/../x', '/..', '/a/..', '..', '', '/', '/a/', '/a/.', '/a\0/b', 'a\0']) {
    t.type(parseKeyPath(path), 'string', JSON.stringify(path))
  }
  t.same(parseKeyPath('/a/..b/...'), { directory: '/a/..b', name: '...' })
  t.equal(unfit('/a', 'x'.repeat(255)), undefined)
  t.match(unfit('/a', 'x'.repeat(256)), /256 bytes/)
  t.match(unfit('/a', 'ü'.repeat(128)), /256 bytes/)
  t.match(unfit(`/${'ü'.repeat(128)}`, 'x'), /256 bytes/)
  t.match(unfit(`/${'abcdefghi/'.repeat(409)}`, 'abcdef'), /4097 bytes/)
  t.end()
})

await t.test('keys that lead out of the target are refused and named; the rest comes', async t => {
  await world.reset()
  const outside = join(world.directory, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'mine'), 'mine')
  mkdirSync(join(world.target, 'data'))
  symlinkSync(outside, join(world.target, 'data', 'link'))
  symlinkSync('/nowhere/at/all', join(world.target, 'data', 'dangling'))
  symlinkSync('.', join(world.target, 'data', 'within'))
  writeFileSync(join(world.target, 'data', 'file'), '')
  const hostile = [
    'node1:../../outside/a',
    'node1:/../outside/b',
    'node1:/data/../../outside/c',
    'node1:/data/link/nb-1-big-Data.db',
    'node1:/data/link/deeper/nb-1-big-Data.db',
    'node1:/data/dangling/d',
    'node1:/data/file/e',
    `node1:/data/${'x'.repeat(256)}`,
    `node1:/data/${'x'.repeat(300)}`,
    `node1:/data/${'y'.repeat(300)}/file`,
    `node1:/data/ks/${'y'.repeat(300)}-0a1b2c3d4e5f60718293a4b5c6d7e8f9/nb-1-big-Data.db`,
    'node1:/.tablesnap-restore/0',
    'node1:/.tablesnap-restore/lock',
    'node1:/data/.tablesnap-replaced-20261126T113258363Z/nb-1-big-Data.db',
  ]
  for (const key of hostile) await world.put(key, 'hostile')
  await world.put('node1:/data/within/good', 'good')
  await world.put('node1:/data/within/a\x01\n\x7fb', 'a name that a file can have')
  const summary = await world.restore()
  t.match(summary, { exitCode: 1, files: 2, failed: hostile.length })
  for (const key of hostile)
    t.equal(
      world.log.lines.filter(
        line => /^error Error downloading /.test(line) && /^[:,]/.test(line.split(key)[1] ?? ''),
      ).length,
      1,
      key,
    )
  t.same(readdirSync(outside), ['mine'])
  t.same(Object.keys(world.tree()).sort(), [
    '/data/a\x01\n\x7fb',
    '/data/dangling',
    '/data/file',
    '/data/good',
    '/data/link',
    '/data/within',
  ])
  t.match(await world.restore({ partial: true }), { exitCode: 1 }, '--partial does not excuse it')
})

await t.test('what is in the way of a whole directory is one line', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  mkdirSync(join(world.target, 'var'))
  writeFileSync(join(world.target, 'var', 'lib'), 'a file')
  t.match(await world.restore(), { exitCode: 1, files: 0, failed: 16 })
  const lines = world.log.like(/^error/)
  t.equal(lines.length, 1, lines.join('\n'))
  t.match(
    lines[0],
    /^error Error downloading node1:\S+, \S+, \S+ and 13 more: .*\/var\/lib is in its way, and is no directory$/,
  )
})

await t.test('a refused file keeps its whole set away', async t => {
  await world.reset()
  const long = `nb-1-big-SAI+aa+${'x'.repeat(240)}+Meta.db`
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  await world.put(`node1:${TABLE}/${long}`, 'long')
  t.match(await world.restore(), { exitCode: 1, sets: 1, failed: 9 })
  t.ok(Object.keys(world.tree()).every(path => path.includes('/nb-2-big-')))
})

await t.test('odd names work', async t => {
  await world.reset()
  const odd = [
    'new\nline',
    'per%cent%20',
    'co:lon',
    'blank s',
    'ünïcødé ☃ 🎉',
    'q?u=e&ry#',
    'quo\'te"s',
    'back\\slash',
    '+plus+',
    '...',
    '-D',
    '~tilde',
    '{}[]',
    'e\u0301',
  ]
  for (const name of odd) await world.put(`node1:/odd ☃/${name}`, name)
  t.match(await world.restore(), { exitCode: 0, files: odd.length })
  t.same(readdirSync(join(world.target, 'odd ☃')).sort(), [...odd].sort())
})

await t.test('a key with keys below it cannot be a file as well', async t => {
  await world.reset()
  await world.put('node1:/a/b', 'file')
  await world.put('node1:/a/b/c', 'below')
  t.match(await world.restore(), { exitCode: 1, files: 1, failed: 1 })
  t.same(Object.keys(world.tree()), ['/a/b/c'])
})

await t.test('prefix, separator and relative keys of the original', async t => {
  await world.reset()
  await world.put('pre/fix0|data/ks//a-Data.db', 'relative')
  await world.put('pre/fix0|/data/ks/a-Data.db', 'absolute')
  t.match(await world.restore({ prefix: 'pre/fix', name: '0', separator: '|' }), { exitCode: 0, files: 1 })
  t.same(Object.keys(world.tree()), ['/data/ks/a-Data.db'])
  t.equal(world.log.like(/^warn .* have the same path; the newer one counts/).length, 1)
})

await t.test('a key with a NUL, and an absolute one', async t => {
  await world.reset()
  await world.put('node1://etc/passwd', 'below the target')
  await world.put('node1:/data/a\0b', 'hostile').catch(() => t.comment('the server takes no NUL'))
  const summary = await world.restore()
  t.equal(world.tree()['/etc/passwd'], digest('below the target'))
  t.equal(Object.keys(world.tree()).length, 1)
  t.equal(summary.exitCode, summary.failed > 0 ? 1 : 0)
})

await t.test('listings that are none are refused by name, before the first byte', async t => {
  const key = `node1:${TABLE}/nb-1-big-Data.db-listdir.json`
  const names = (list: unknown): string => JSON.stringify({ [TABLE]: list })
  const bodies: [string, RegExp][] = [
    [JSON.stringify({ '/etc': ['nb-1-big-Data.db'] }), /it is of "\/etc", and not of/],
    [JSON.stringify({ [`${TABLE}/../../../../../../etc`]: ['x'] }), /and not of/],
    [JSON.stringify({ '../outside': ['x'] }), /it is of "\.\.\/outside"/],
    ['no JSON', /cannot be used/],
    ['', /cannot be used/],
    ['{"a": [', /cannot be used/],
    ['['.repeat(2_000_000), /cannot be used/],
    [`{"a":${'['.repeat(2_000_000)}`, /cannot be used/],
    ['x'.repeat(2_000_000), /cannot be used/],
    [names('x'), /it is no/],
    [names(['ok', 5]), /something that is no name/],
    [names(['../../../outside']), /which is no file name/],
    [names(['/etc/passwd']), /which is no file name/],
    [names(['..']), /which is no file name/],
    [names(['a\0b']), /which is no file name/],
  ]
  await world.reset()
  await world.putSet('nb-1-big')
  for (const [body, message] of bodies) {
    await world.put(key, body)
    await t.rejects(world.restore(), { code: 'LISTING_CORRUPT', message }, String(message))
    await t.rejects(world.restore({ partial: true, force: true }), { code: 'LISTING_CORRUPT', key })
    t.same(world.tree(), {})
  }
  const many = Array.from({ length: 100_000 }, (_, i) => `made-up-name-${i}`)
  await world.put(key, names([...many, 'x'.repeat(300)]))
  t.match(await world.restore(), { exitCode: 1, files: 0, missing: many.length + 1 })
  t.same(world.tree(), {})
})
