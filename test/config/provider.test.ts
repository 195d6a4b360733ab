import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { credentialProvider } from '../../src/config/provider.js'
import type { CredentialSource, Credentials } from '../../src/s3/settings.js'

interface Scene {
  readonly source: CredentialSource
  /** How often the chain was asked. */
  readonly asked: () => number
  readonly home: string
  /** Lets time go by, ms. */
  readonly wait: (milliseconds: number) => void
}

/** A provider whose chain gives the keys `key1`, `key2`, … each living `lifetime` ms, and a clock that the test turns. */
function scene(t: Test, lifetime?: number): Scene {
  const home = t.testdir({ '.aws': {} })
  let asked = 0
  let now = 1_000_000
  const source = credentialProvider({
    given: undefined,
    region: 'us-east-1',
    env: { HOME: home },
    clock: { now: () => now, timeOfDay: () => now },
    fetch: () => {
      asked++
      const expiration = lifetime === undefined ? undefined : new Date(now + lifetime)
      return Promise.resolve({ accessKeyId: `key${asked}`, secretAccessKey: 's', expiration })
    },
  })
  return { source, asked: () => asked, home, wait: milliseconds => (now += milliseconds) }
}

const keyOf = async (source: CredentialSource): Promise<string> => (await source()).accessKeyId

await t.test('given credentials are the only ones', async t => {
  const given: Credentials = { accessKeyId: 'k', secretAccessKey: 's' }
  const source = credentialProvider({ given, region: 'us-east-1' })
  t.equal(await source(), given)
  t.equal(source.refused, undefined)
})

await t.test('credentials that do not end are read once, however many requests there are', async t => {
  const { source, asked, wait } = scene(t)
  for (let i = 0; i < 1000; i++) {
    t.equal(await keyOf(source), 'key1')
    wait(1_000)
  }
  t.equal(asked(), 1)
})

await t.test('credentials that end are read again in time, also those that live shortly', async t => {
  for (const [lifetime, most] of [
    [3_600_000, 8],
    [120_000, 130],
  ] as const) {
    const { source, asked, wait } = scene(t, lifetime)
    const began = asked()
    for (let second = 0; second < 7_200; second++) {
      await source()
      wait(1_000)
    }
    t.ok(asked() - began <= most, `${asked()} times in two hours, at ${lifetime} ms each`)
    t.ok(asked() >= 7_200_000 / lifetime)
  }
})

await t.test('a file that changed is read again, a link that leads elsewhere as well', async t => {
  const { source, asked, home, wait } = scene(t)
  t.equal(await keyOf(source), 'key1')
  const file = join(home, '.aws/credentials')
  writeFileSync(`${file}.new`, '[default]')
  renameSync(`${file}.new`, file)
  t.equal(await keyOf(source), 'key1', 'not for each request')
  wait(6_000)
  t.equal(await keyOf(source), 'key2')
  for (const name of ['one', 'two']) {
    writeFileSync(join(home, name), name)
    rmSync(file)
    symlinkSync(join(home, name), file)
    wait(6_000)
    await source()
  }
  t.equal(asked(), 4)
})

await t.test('what the server refuses is read again, at most once in a while', async t => {
  const { source, asked, wait } = scene(t)
  const used = await source()
  t.equal(await source.refused?.(used, true), false, 'it has just been read')
  wait(6_000)
  t.equal(await source.refused?.(used, true), true)
  t.equal(await source.refused?.(used, true), true, 'there are others already')
  t.equal(asked(), 2)
  t.equal(await keyOf(source), 'key2')
})

await t.test('keys that change and are refused for a moment are tried again, for a while', async t => {
  let now = 0
  let key = 'one'
  const paused: number[] = []
  const source = credentialProvider({
    given: undefined,
    region: 'us-east-1',
    env: { HOME: t.testdir() },
    clock: {
      now: () => now,
      timeOfDay: () => now,
      sleep: milliseconds => {
        paused.push(milliseconds)
        now += milliseconds
        return Promise.resolve()
      },
    },
    fetch: () => Promise.resolve({ accessKeyId: key, secretAccessKey: 's' }),
  })
  const first = await source()
  t.equal(await source.refused?.(first, true), false, 'keys that were never good are not')
  source.accepted?.()
  now = 60_000
  t.equal(await source.refused?.(first, true), true, 'the server was first: there is nothing new yet')
  key = 'two'
  now += 5_000
  t.equal(await source.refused?.(first, true), true)
  t.equal(await keyOf(source), 'two')
  const second = await source()
  let attempts = 0
  while ((await source.refused?.(second, true)) === true) attempts++
  t.ok(attempts > 20 && attempts < 40, `${attempts} attempts before the server's word counts`)
  now += 60_000
  attempts = 0
  while ((await source.refused?.(second, false)) === true) attempts++
  t.ok(attempts > 2 && attempts < 10, `${attempts} attempts of a HEAD`)
  t.ok(paused.every(pause => pause === 500))
})

await t.test(
  'a time of day that jumps back by two hours does not keep a refused key for two hours',
  async t => {
    let now = 0
    let timeOfDay = 10_000_000
    let asked = 0
    const source = credentialProvider({
      given: undefined,
      region: 'us-east-1',
      env: { HOME: t.testdir() },
      clock: { now: () => now, timeOfDay: () => timeOfDay },
      fetch: () => Promise.resolve({ accessKeyId: `key${++asked}`, secretAccessKey: 's' }),
    })
    const used = await source()
    now += 6_000
    timeOfDay -= 7_200_000
    t.equal(await source.refused?.(used, true), true)
    t.equal(await keyOf(source), 'key2')
  },
)

await t.test('a chain that fails for a while leaves what there is', async t => {
  let now = 0
  let failing = false
  let asked = 0
  const source = credentialProvider({
    given: undefined,
    region: 'us-east-1',
    env: { HOME: t.testdir() },
    clock: { now: () => now, timeOfDay: () => now },
    fetch: () => {
      asked++
      if (failing) return Promise.reject(new Error('no metadata service'))
      return Promise.resolve({
        accessKeyId: `key${asked}`,
        secretAccessKey: 's',
        expiration: new Date(now + 60_000),
      })
    },
  })
  await source()
  failing = true
  now = 40_000
  t.equal(await keyOf(source), 'key1')
  t.equal(await keyOf(source), 'key1')
  t.equal(asked, 2)
  failing = false
  now = 46_000
  t.equal(await keyOf(source), 'key3')
})
