import { mkdirSync } from 'node:fs'

import type { Client } from '../clients/client.js'
import { floor } from '../clients/floor.js'
import { original } from '../clients/original.js'
import { tablesnap } from '../clients/tablesnap.js'
import { bigTable, checkSpace, fileSystem, keepWarm } from '../data.js'
import { MIB, show } from '../figure.js'
import { CPU, type Result, type Row, type Verdict } from '../result.js'
import { measure, type Step } from '../series.js'
import { Site } from '../site.js'
import { atMost, ratios, type RatioBound } from '../verdicts.js'
import { proof } from '../versitygw.js'
import type { Context, Scenario } from './scenario.js'
import { FACTOR, STARTUP_BYTES, STEPS, bodyNotes, slopeRows, startupRows } from './transfer.js'

/** How the uploads differ. */
interface Kind {
  readonly name: string
  readonly tls: boolean
  readonly signed: boolean
  readonly bounds: readonly RatioBound[]
}

const KINDS: readonly Kind[] = [
  {
    name: 'upload',
    tls: false,
    signed: false,
    bounds: [
      { over: 'floor', bound: 1.3 },
      { over: 'aws-c-s3', bound: 0.65 },
      { over: 's5cmd', bound: 0.25 },
      { over: 'lib-storage', bound: 0.15 },
    ],
  },
  {
    name: 'upload-tls',
    tls: true,
    signed: false,
    bounds: [
      { over: 'aws-c-s3', bound: 0.75 },
      { over: 's5cmd', bound: 0.4 },
    ],
  },
  { name: 'upload-signed', tls: false, signed: true, bounds: [{ over: 's5cmd', bound: 0.5 }] },
]

/** Start-up in CPU-s, peak memory, and how much that may grow with the file, bytes. */
const STARTUP_BOUND = 0.45
const RSS_BOUND = 160 * MIB
const RSS_GROWTH_BOUND = 16 * MIB

/** The scenarios `upload`, `upload-tls` and `upload-signed`. */
export const uploads: Readonly<Record<string, Scenario>> = Object.fromEntries(
  KINDS.map(kind => [
    kind.name,
    async (context: Context) => {
      const { options, peers } = context
      const clients = [
        ...(kind.signed ? [] : [await floor(kind.tls)]),
        tablesnap(),
        ...(options.original === undefined || kind.name !== 'upload' ? [] : [original(options.original)]),
        ...peers,
      ]
      const results = await upload(context, kind, clients)
      if (kind.name !== 'upload') return results
      return results.map((result, i) =>
        i > 0 ? result : { ...result, verdicts: [...result.verdicts, ...memory(result.rows)] },
      )
    },
  ]),
)

/** The scenario `workers`: the pool from one core of a busy node to a whole idle one. */
export const workers: Scenario = async context => {
  const clients = [await floor(false), ...[1, 2, 4].map(threads => tablesnap(threads))]
  const kind = { name: 'workers', tls: false, signed: false, bounds: [] }
  return upload(context, kind, clients)
}

async function upload(context: Context, kind: Kind, clients: readonly Client[]): Promise<Result[]> {
  const { options, say } = context
  const { size, runs } = options
  checkSpace(options.work, (1 + FACTOR) * size)
  mkdirSync(options.work, { recursive: true })
  const site = await Site.open(options.work, kind.tls)
  try {
    const sizes = { [STEPS.startup]: STARTUP_BYTES, [STEPS.small]: size, [STEPS.large]: FACTOR * size }
    const steps: Step[] = Object.entries(sizes).map(([name, bytes]) => {
      const source = bigTable(site.path(name, 'ks', 't'), bytes)
      const before = async () => {
        await keepWarm(source)
        // tablesnap sends nothing that it finds in the bucket.
        await site.sink.forget()
      }
      return { name, task: 'file', source, bytes, signed: kind.signed, before }
    })
    const { series, notes } = await measure(site, clients, steps, runs, say)
    const rows = slopeRows(series, size)
    const start = startupRows(series)
    const span = `${show(size, 'bytes')} and ${show(FACTOR * size, 'bytes')}`
    return [
      {
        scenario: kind.name,
        title: `${kind.name}: CPU-s per GiB, slope between ${span}`,
        rows,
        verdicts: ratios(rows, kind.bounds),
        notes: [
          ...placeNotes(options.work),
          ...notes,
          ...bodyNotes(series, kind.signed),
          await proof(site.path('proof')),
        ],
      },
      {
        scenario: `${kind.name}: start-up`,
        title: `${kind.name}: CPU-s of a whole run with one file of ${show(STARTUP_BYTES, 'bytes')}`,
        rows: start,
        verdicts: startup(kind, start),
        notes: [],
      },
    ]
  } finally {
    await site.close()
  }
}

/** What to say of a folder that is no fit place for a measurement. */
export function placeNotes(work: string): string[] {
  const found = fileSystem(work)
  return [found === undefined ? `${work} is neither ext4 nor xfs: figures may differ` : `files on ${found}`]
}

function startup(kind: Kind, rows: readonly Row[]): Verdict[] {
  const value = rows.find(row => row.client === 'tablesnap')?.figures[CPU]?.median
  return kind.name === 'upload' && value !== undefined
    ? [atMost('start-up of tablesnap -B, 2 workers, CPU-s', value, STARTUP_BOUND, 's')]
    : []
}

function memory(rows: readonly Row[]): Verdict[] {
  const figures = rows.find(row => row.client === 'tablesnap')?.figures
  const small = figures?.['peak RSS, small']
  const large = figures?.['peak RSS, large']
  if (small === undefined || large === undefined) return []
  const growth = Math.abs(large.median - small.median)
  return [
    atMost('peak RSS of tablesnap', Math.max(small.max, large.max), RSS_BOUND, 'bytes'),
    atMost('peak RSS, large file against small file', growth, RSS_GROWTH_BOUND, 'bytes'),
  ]
}
