import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'

import { BenchFailure } from './failure.js'
import { GIB, MIB } from './figure.js'

/** What a run of the benchmark is asked for. */
export interface Options {
  readonly scenario: string
  /** Bytes of the smaller file; the larger one has four times as many. */
  readonly size: number
  readonly runs: number
  readonly peers: 'auto' | readonly string[]
  /** Where results go besides standard output. */
  readonly json: string | undefined
  readonly svg: string | undefined
  /** An existing folder for the data. */
  readonly work: string
  /** How many files, directories, objects or events, where a scenario counts them. */
  readonly count: number | undefined
  /** A command line that runs the original tablesnap. */
  readonly original: string | undefined
  /** A real bucket and real files in place of the sink and made ones. */
  readonly real:
    | {
        readonly endpoint: string | undefined
        readonly bucket: string
        readonly path: string
        readonly region: string
      }
    | undefined
}

export const USAGE = `usage: npm run bench -- SCENARIO [options]

Scenarios, against a null sink on 127.0.0.1:
  upload, upload-tls, upload-signed   CPU per GiB (slope between --size and four times that), start-up, memory
  restore                             the same the other way; every checksum is verified by tablesnap
  workers                             upload with 1, 2 and 4 worker threads
  small                               CPU per file: 10,000 sets of 8 small files against an eighth of them
  restart                             what is there already: 100,000 objects
  latency                             from the COMMIT of a transaction log to the last PUT's answer
  events                              200,000 IN_MOVED_TO until the set is marked
  page-cache                          what an upload leaves in it and takes out of it
  idle                                10,000 directories, nothing happens
  neighbour                           latency of a real Cassandra beside a backup (--size of its data; .ci/install cassandra)
  scaling                             cost against SSTables of a table (--count at most), files a second, bytes of a file
  peers                               install the peers that come from PyPI and npm

Options:
  --size 2GiB        the smaller file
  --runs 3           median of so many
  --peers auto       those found; none; or names: s5cmd,aws-c-s3,boto3,awscli,lib-storage,minio,rclone
  --original CMD     also the original tablesnap, by the command that runs it
  --count N          files, directories, objects or events, where a scenario counts them
  --work FOLDER      for the data; on ext4 or xfs (default: $TMPDIR)
  --json FILE, --svg FILE

A real bucket with real SSTables (upload and restore; credentials from the environment). Everything is written under a
prefix of its own, and deleted afterwards:
  --bucket NAME --path FOLDER [--endpoint-url URL] [--region us-east-1]
`

/** @throws BenchFailure for what is no valid command line */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  const [scenario, ...more] = positionals
  if (scenario === undefined || more.length > 0) throw new BenchFailure(USAGE)
  const { bucket, path, region = process.env['AWS_REGION'] ?? 'us-east-1' } = values
  if ((bucket === undefined) !== (path === undefined))
    throw new BenchFailure('--bucket and --path go together')
  if (bucket === undefined && values['endpoint-url'] !== undefined)
    throw new BenchFailure('--endpoint-url needs --bucket and --path')
  return {
    scenario,
    size: parseSize(values.size),
    runs: parseCount(values.runs, '--runs'),
    peers: parsePeers(values.peers),
    json: values.json,
    svg: values.svg,
    work: values.work ?? tmpdir(),
    count: values.count === undefined ? undefined : parseCount(values.count, '--count'),
    original: values.original,
    real:
      bucket === undefined || path === undefined
        ? undefined
        : { endpoint: values['endpoint-url'], bucket, path, region },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        size: { type: 'string', default: '2GiB' },
        runs: { type: 'string', default: '3' },
        peers: { type: 'string', default: 'auto' },
        json: { type: 'string' },
        svg: { type: 'string' },
        work: { type: 'string' },
        count: { type: 'string' },
        original: { type: 'string' },
        'endpoint-url': { type: 'string' },
        bucket: { type: 'string' },
        path: { type: 'string' },
        region: { type: 'string' },
      },
    })
  } catch (cause) {
    throw new BenchFailure(`${(cause as Error).message}\n\n${USAGE}`, { cause })
  }
}

/** Bytes of `512MiB`, `2GiB`, `2G`. */
function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+)(M|G)(?:i?B)?$/.exec(text) ?? []
  if (digits === undefined) throw new BenchFailure(`--size ${text}: a number with MiB or GiB`)
  return Number(digits) * (unit === 'G' ? GIB : MIB)
}

function parseCount(text: string, flag: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new BenchFailure(`${flag} ${text}: a whole number above 0`)
  return value
}

function parsePeers(text: string): Options['peers'] {
  if (text === 'auto') return 'auto'
  return text === 'none' ? [] : text.split(',').filter(name => name !== '')
}
