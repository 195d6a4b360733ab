import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { BIG } from '../support/table.js'

const TABLES = 100
const SETS = 125
const COMPONENTS = [...BIG, 'TOC.txt']

await t.test(
  '100,000 files in 100 tables that are in the bucket: few requests, nothing read, nothing sent',
  async t => {
    const node = await TestNode.create(t, { etags: 'opaque' })
    for (let table = 0; table < TABLES; table++) {
      const directory = join(node.data, `ks/t${table}-${String(table).padStart(32, '0')}`)
      mkdirSync(directory, { recursive: true })
      for (let set = 1; set <= SETS; set++) {
        for (const component of COMPONENTS) {
          const path = join(directory, `nb-${set}-big-${component}`)
          if (component === 'TOC.txt') writeFileSync(path, COMPONENTS.join('\n'))
          else if (component !== 'Digest.crc32') writeFileSync(path, `${table} ${set} ${component}`)
          else writeFileSync(path, '')
        }
      }
    }
    const first = new Cli(node.args(['-r', '-B']))
    t.equal(await first.exit, 0, first.stderr.slice(-2000))
    t.match(first.stderr, /Uploaded 100000 files .* 0 failed/)
    for (let table = 0; table < TABLES; table++) {
      const directory = join(node.data, `ks/t${table}-${String(table).padStart(32, '0')}`)
      mkdirSync(join(directory, 'snapshots'))
      execFileSync('cp', ['-al', '--', directory, join(node.bucket.directory, `copy-${table}`)])
    }
    const { requests } = node.bucket.server
    requests.length = 0
    const began = performance.now()
    const strace = new Cli(node.args(['-r', '-B']))
    t.equal(await strace.exit, 0)
    t.match(strace.stderr, /Uploaded 0 files .* 100000 were there already; 0 failed/)
    t.comment(`${requests.length} requests, ${((performance.now() - began) / 1000).toFixed(1)} s`)
    t.ok(requests.length <= 350, `${requests.length} requests`)
    t.same(
      requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
      [],
      'nothing is written',
    )
  },
)
