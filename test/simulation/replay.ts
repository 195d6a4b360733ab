import { tableOf, type CoreTable, type MakeCore } from './core.js'
import { History } from './history.js'
import { REAL_CORE, scriptOf, shrink } from './seeds.js'
import type { Script } from './script.js'

// node dist/test/simulation/replay.js SEED [shrink] | node dist/test/simulation/replay.js '<script as JSON>'
// TRACE=1 prints every call of the core as well.
const [what = '1', how] = process.argv.slice(2)
let script: Script
if (what.startsWith('{')) script = JSON.parse(what) as Script
else if (how === 'shrink') script = await shrink(Number(what))
else script = scriptOf(Number(what))

/** How many cores were made: each has a number in the trace. */
let cores = 0

/** The core, with each call to it and each news from it printed. */
const traced: MakeCore = (name, settings, disk, orders, clock) => {
  const number = ++cores
  const say = (text: string) => console.log(`#${number} ${name.slice(-2)} ${text}`)
  const table = REAL_CORE(
    name,
    settings,
    disk,
    {
      upload: (_, ready) => {
        say(`  → upload ${ready.files.name}`)
        orders.upload(tableOf(proxy), ready)
      },
      present: (_, files) => {
        say(`  → is there ${files.name}`)
        orders.present(tableOf(proxy), files)
      },
      unlinked: (_, files) => orders.unlinked(tableOf(proxy), files),
      restorePoint: () => orders.restorePoint(tableOf(proxy)),
      rescan: (_, directories, why) => {
        say(`  → rescan: ${why}`)
        orders.rescan(tableOf(proxy), directories, why)
      },
      wake: (_, at) => orders.wake(tableOf(proxy), at),
      tell: (_, news) => {
        say(`  → ${JSON.stringify(news)}`)
        orders.tell(tableOf(proxy), news)
      },
    },
    clock,
  )
  const proxy: CoreTable = new Proxy(table, {
    get(target, property) {
      const value = Reflect.get(target, property, target) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result = (value as (...args: unknown[]) => unknown).apply(target, args)
        if (typeof property === 'string' && !QUIET.has(property))
          say(`${property} ${args.map(shown).join(' ')}${property === 'draft' ? shown(result) : ''}`)
        return result
      }
    },
  })
  return proxy
}

const QUIET = new Set(['files', 'isWanted', 'get', 'missing', 'look', 'next'])

function shown(value: unknown): string {
  if (typeof value === 'string') return value.slice(value.lastIndexOf('/') + 1)
  if (value === undefined) return '–'
  if (typeof value !== 'object' || value === null)
    return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
  if (Symbol.iterator in value && 'size' in value)
    return `[${[...(value as unknown as ReadonlyMap<unknown, unknown>).keys()].map(shown).join(' ')}]`
  if (value instanceof Set || value instanceof Map) return `[${[...value.keys()].map(shown).join(' ')}]`
  if ('path' in value && 'name' in value) return shown(value.path)
  return `{${Object.entries(value)
    .filter(([name]) => name !== 'paths' && name !== 'identity')
    .map(([name, one]) => `${name}: ${shown(one)}`)
    .join(', ')}}`
}

const outcome = await new History(script, process.env['TRACE'] === undefined ? REAL_CORE : traced).run()
for (const line of outcome.trace) console.log(line)
console.log(JSON.stringify(script))
console.log(outcome.violation ?? 'nothing went wrong')
