import { readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'

import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { TestNode } from '../support/node.js'
import { WatchedStatus } from '../support/watched-status.js'

const RULES = 'examples/prometheus/tablesnap.rules.yml'
const DASHBOARD = 'examples/grafana/tablesnap.json'

await t.test('every metric and label of the examples is in a real scrape', async t => {
  const node = await TestNode.create(t)
  node.table().flush('nb-1-big')
  // One file fails first: a counter by code is there only once something has failed.
  node.bucket.server.faults.add({
    on: 'PutObject',
    key: /Data\.db/,
    count: 1,
    fault: faults.answer(403, 'AccessDenied'),
  })
  const watched = await WatchedStatus.start(t, node)
  await watched.when(({ isProtected }) => isProtected)
  const { body } = await watched.get('/metrics')
  const scraped = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const names = scraped.get(name) ?? new Set()
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) names.add(label)
    scraped.set(name, names)
  }
  for (const path of [RULES, DASHBOARD]) {
    const text = readFileSync(path, 'utf8')
    const used = new Set(Array.from(text.matchAll(/\btablesnap_\w+/g), ([name]) => name))
    t.ok(used.size > 5, `${path} uses ${used.size} metrics`)
    for (const name of used) t.ok(scraped.has(name), `${path}: ${name}`)
  }
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
    panels: { id: number; targets: { expr: string; legendFormat: string }[] }[]
  }
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const { expr, legendFormat } of panels.flatMap(({ targets }) => targets)) {
    const [name = ''] = /tablesnap_\w+/.exec(expr) ?? []
    const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g), ...expr.matchAll(/\bby \((\w+)\)/g)].map(
      ([, label = '']) => label,
    )
    for (const label of labels)
      t.ok(label === 'instance' || scraped.get(name)?.has(label) === true, `${name} has the label ${label}`)
  }
  // `# HELP` and `# TYPE` of each family, each once, and no series twice.
  const series = body
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.slice(0, line.lastIndexOf(' ')))
  t.equal(new Set(series).size, series.length)
  for (const name of scraped.keys()) {
    const family = name.replace(/^(tablesnap_durable_latency_seconds)_(?:bucket|sum|count)$/, '$1')
    t.equal(body.split(`# TYPE ${family} `).length, 2, `${family} has one type`)
  }
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
await t.test(
  'promtool finds no fault in the alert rules',
  promtool ? {} : { skip: 'no promtool here: apt-get install prometheus' },
  t => {
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    t.end()
  },
)
