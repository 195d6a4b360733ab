process.env['TZ'] = 'America/New_York'

import t from 'tap'

import { parseTime } from '../../src/config/time.js'

import { load, makePlace, refusal, writeConf } from './support.js'

await t.test('times as people write them', t => {
  const moment = Date.UTC(2026, 10, 23, 4, 12, 33)
  for (const text of [
    '2026-11-23T04:12:33Z',
    '2026-11-23T04:12:33.000Z',
    '2026-11-23 04:12:33 UTC',
    '2026-11-23t04:12:33z',
    '2026-11-23T05:12:33+01:00',
    '2026-11-23T05:12:33+01',
    '2026-11-22T23:42:33-0430',
    '2026-11-22 23:12:33',
    '20261123T041233Z',
    '20261122T231233',
    '1795407153',
    '@1795407153',
    '1795407153000',
  ]) {
    t.equal(parseTime(text), moment, text)
  }
  t.equal(parseTime('2026-11-23T04:12Z'), moment - 33_000)
  t.equal(parseTime('2026-11-22 23:12'), moment - 33_000)
  t.equal(parseTime('2026-11-22'), Date.UTC(2026, 10, 22, 5), 'the beginning of the day, local time')
  t.equal(parseTime('2026-07-01 00:00:00'), Date.UTC(2026, 6, 1, 4), 'summer time where it is one')
  t.equal(parseTime('20261123T041233123Z'), moment + 123, 'as in the key of a state')
  t.equal(parseTime('2026-11-22 23:12:33,579'), moment + 579, 'as in the log')
  t.equal(parseTime('1795407153.579'), moment + 579)
  t.equal(parseTime('1970-01-01T00:00:00Z'), 0)
  t.end()
})

await t.test('a time of yesterday or today', t => {
  // 23:30 of the 22nd in New York.
  const now = Date.UTC(2026, 10, 23, 4, 30)
  t.equal(parseTime('yesterday 14:00', now), Date.UTC(2026, 10, 21, 19))
  t.equal(parseTime('today 14:00', now), Date.UTC(2026, 10, 22, 19))
  t.equal(parseTime('Yesterday 14:00 UTC', now), Date.UTC(2026, 10, 22, 14))
  t.equal(parseTime('yesterday', now), Date.UTC(2026, 10, 21, 5), 'its beginning')
  t.equal(
    parseTime('yesterday 00:30', Date.UTC(2026, 2, 9, 12)),
    Date.UTC(2026, 2, 8, 5, 30),
    'a day of 23 h',
  )
  for (const text of ['yesterday14:00', 'yesterday 25:00', 'tomorrow 14:00', 'yesterdays'])
    t.equal(parseTime(text, now), undefined, text)
  t.end()
})

await t.test('how long ago', t => {
  const now = Date.UTC(2026, 10, 23, 12)
  for (const [text, hours] of [
    ['2h', 2],
    ['2h ago', 2],
    ['90m', 1.5],
    ['1d12h', 36],
    ['1w', 168],
    ['3600s', 1],
    ['1H30M', 1.5],
  ] as const)
    t.equal(parseTime(text, now), now - hours * 3_600_000, text)
  for (const text of ['h', '', ' ago', 'ago', '2 hours', '12h1d', '-2h', '1.5h', '2h ', '1000000w'])
    t.equal(parseTime(text, now), undefined, text)
  t.end()
})

await t.test('what is none', t => {
  for (const text of [
    '',
    'now',
    'tomorrow',
    '2026',
    '2026-11',
    '2026-02-30',
    '2026-13-01',
    '2026-11-23T24:00:00Z',
    '2026-11-23T04:60Z',
    '2026-11-23T04:12:60Z',
    '2026-11-23T04Z+1',
    '2026-11-23T04:12:331Z',
    '2026-11-23T04:12:33+16:00',
    '2026-11-23T04:12:33+01:60',
    '2026-11-23T04:12:33 CET',
    '0070-11-23T04:12:33Z',
    '1969-12-31T23:59:59Z',
    '9999-11-23T04:12:33Z',
    '-1',
    '123',
    '99999999999999999999',
    '1e9',
    '23.11.2026',
    '11/23/2026',
  ]) {
    t.equal(parseTime(text), undefined, text)
  }
  t.end()
})

await t.test('--at and the key at', t => {
  const place = makePlace(t.testdir())
  t.equal(load(place, '-D bucket /').config.at, undefined)
  t.equal(load(place, '-D --at 2026-11-23T04:12:33Z bucket /').config.at, 1795407153000)
  writeConf(place, '[tablesnap]\nat = 2026-11-22 23:12:33\n')
  t.equal(load(place, '-D bucket /').config.at, 1795407153000)
  t.equal(load(place, '-D --at 1795407154 bucket /').config.at, 1795407154000)
  t.equal(load(place, '-D --all bucket /').config.at, undefined, '--all of the command line wins')
  t.equal(load(place, 'bucket /').config.mode, 'watch', 'a key of the file is none of the other modes')
  t.end()
})

await t.test('wrong ones are bad usage', t => {
  const place = makePlace(t.testdir())
  for (const [words, message] of [
    [
      '-D --at tomorrow',
      /^--at: "tomorrow" is not a time such as 2026-11-23T04:12:33Z \(UTC\), .*local time/,
    ],
    ['-D --at=', /^--at: the value is empty$/],
    ['--at 1795407153', /^--at works only with -D\/--download$/],
    ['-B --at 1795407153', /^--at works only with -D\/--download$/],
    ['-D --all --at 1795407153', /^--all and --at cannot be used together$/],
  ] as const) {
    t.match(refusal(place, `${words} bucket /`), { exitCode: 2, message }, words)
  }
  t.end()
})
