import t from 'tap'

import { BenchFailure } from '../../bench/failure.js'
import { GIB, MIB } from '../../bench/figure.js'
import { parseOptions } from '../../bench/options.js'

await t.test('defaults', async t => {
  const options = parseOptions(['upload'])
  t.match(options, { scenario: 'upload', size: 2 * GIB, runs: 3, peers: 'auto' })
  t.equal(options.real, undefined)
})

await t.test('what is given', async t => {
  const { size, peers, count } = parseOptions([
    'x',
    '--size',
    '64MiB',
    '--peers',
    's5cmd,boto3',
    '--count',
    '9',
  ])
  t.equal(size, 64 * MIB)
  t.same(peers, ['s5cmd', 'boto3'])
  t.equal(count, 9)
  t.same(parseOptions(['x', '--peers', 'none']).peers, [])
  t.same(parseOptions(['x', '--bucket', 'b', '--path', '/p', '--region', 'r']).real, {
    bucket: 'b',
    path: '/p',
    region: 'r',
    endpoint: undefined,
  })
})

await t.test('what is wrong is said', async t => {
  const wrong = [
    [],
    ['a', 'b'],
    ['x', '--size', '2'],
    ['x', '--runs', '0'],
    ['x', '--no-such-flag'],
    ['x', '--bucket', 'b'],
    ['x', '--endpoint-url', 'http://127.0.0.1:1'],
  ]
  for (const args of wrong) t.throws(() => parseOptions(args), BenchFailure, args.join(' '))
})
