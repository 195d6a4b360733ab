import { mkdirSync, writeFileSync } from 'node:fs'

import { findPeers, installPeers } from './clients/peers.js'
import { BenchFailure } from './failure.js'
import { endInOrder, interruption } from './interruption.js'
import { describe, machine } from './machine.js'
import { parseOptions, type Options } from './options.js'
import { chart } from './report/chart.js'
import { markdown } from './report/markdown.js'
import type { Result } from './result.js'
import { real } from './scenarios/real.js'
import { SCENARIOS } from './scenarios/all.js'

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args)
  endInOrder()
  if (options.scenario === 'peers') {
    await installPeers()
    return
  }
  const scenario = options.real === undefined ? SCENARIOS[options.scenario] : real
  if (scenario === undefined)
    throw new BenchFailure(`no scenario ${options.scenario}; there are ${Object.keys(SCENARIOS).join(', ')}`)
  mkdirSync(options.work, { recursive: true })
  const { clients, notes } = await findPeers(options.peers)
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const results = await scenario({ options, peers: clients, say })
  await report(options, [...results], notes)
}

async function report(options: Options, results: readonly Result[], notes: readonly string[]): Promise<void> {
  const here = await machine()
  const about = `${describe(here)}; median of ${options.runs} runs (least–most)`
  process.stdout.write(
    `${results.map(markdown).join('\n')}\n${[about, ...notes].map(note => `- ${note}`).join('\n')}\n`,
  )
  if (options.json !== undefined) {
    const { scenario, size, runs, real: bucket } = options
    const content = {
      scenario,
      size,
      runs,
      bucket,
      when: new Date().toISOString(),
      machine: here,
      results,
      notes,
    }
    writeFileSync(options.json, `${JSON.stringify(content, null, 2)}\n`)
  }
  if (options.svg !== undefined) writeFileSync(options.svg, chart(results))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!interruption.aborted && !(error instanceof BenchFailure)) throw error
  process.stderr.write(`${interruption.aborted ? 'interrupted' : (error as Error).message}\n`)
  process.exitCode = interruption.aborted ? 130 : 1
}
