import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { BenchFailure } from '../failure.js'
import { SOURCE, cacheFolder } from '../places.js'
import { awscli } from './awscli.js'
import type { Client } from './client.js'
import { rclone } from './rclone.js'
import { s5cmd } from './s5cmd.js'
import { scriptClients } from './script.js'

const run = promisify(execFile)

/** A client that tablesnap is compared with. */
interface Peer {
  /** Finds it on this machine. */
  readonly find: () => Client[] | undefined
  /** Installs what comes from a package registry; undefined where that is left to the user. */
  readonly install?: () => Promise<void>
  readonly missing: string
}

const PYTHON_PACKAGES = ['awscrt', 'boto3', 'awscli'] as const

const python = (): string => join(cacheFolder(), 'venv', 'bin', 'python')

/** Left in the virtual environment once everything is in it. */
const complete = (): string => join(cacheFolder(), 'venv', PYTHON_PACKAGES.join('+'))

function pythonPeer(name: string, file: string): Peer {
  return {
    find: () =>
      existsSync(complete()) ? scriptClients(name, python(), file, ['file', 'restore']) : undefined,
    install: installPython,
    missing: 'it comes from PyPI: npm run bench -- peers',
  }
}

const PEERS: Readonly<Record<string, Peer>> = {
  s5cmd: {
    find: () => onPath('s5cmd', s5cmd),
    missing: 'put the binary on PATH',
  },
  'aws-c-s3': pythonPeer('aws-c-s3', 'awscrt_peer.py'),
  boto3: pythonPeer('boto3', 'boto3_peer.py'),
  awscli: {
    find: () => {
      const own = join(cacheFolder(), 'venv', 'bin', 'aws')
      return existsSync(own) ? awscli(own) : onPath('aws', awscli)
    },
    install: installPython,
    missing: 'it comes from PyPI: npm run bench -- peers',
  },
  'lib-storage': {
    find: () =>
      npmPeer('@aws-sdk/lib-storage', 'lib-storage', 'lib-storage.mjs', ['file', 'folder', 'restore']),
    install: installNpm,
    missing: 'it comes from npm: npm run bench -- peers',
  },
  minio: {
    find: () => npmPeer('minio', 'minio', 'minio.mjs', ['file', 'restore']),
    install: installNpm,
    missing: 'it comes from npm: npm run bench -- peers',
  },
  rclone: {
    find: () => onPath('rclone', rclone),
    missing: 'put it on PATH: apt-get install rclone',
  },
}

/** All that can be named. */
export const PEER_NAMES: readonly string[] = Object.keys(PEERS)

/**
 * The peers asked for.
 * @param wanted `auto`: those that are there; otherwise those named, which are installed where a registry has them
 * @returns them, and what to say of those that are not there
 * @throws BenchFailure for a name that is unknown, or a named peer that cannot be had
 */
export async function findPeers(
  wanted: 'auto' | readonly string[],
): Promise<{ clients: Client[]; notes: string[] }> {
  const clients: Client[] = []
  const notes: string[] = []
  for (const name of wanted === 'auto' ? PEER_NAMES : wanted) {
    const peer = PEERS[name]
    if (peer === undefined) throw new BenchFailure(`no peer ${name}; there are ${PEER_NAMES.join(', ')}`)
    let found = peer.find()
    if (found === undefined && wanted !== 'auto') {
      await peer.install?.()
      found = peer.find()
      if (found === undefined) throw new BenchFailure(`${name} is not here: ${peer.missing}`)
    }
    if (found === undefined) notes.push(`${name} was not here: ${peer.missing}`)
    else clients.push(...found)
  }
  return { clients, notes }
}

/** Installs all peers that come from a package registry. @throws BenchFailure */
export async function installPeers(): Promise<void> {
  await installPython()
  await installNpm()
}

function onPath(name: string, make: (binary: string) => Client[]): Client[] | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const binary = join(folder, name)
    if (folder !== '' && existsSync(binary)) return make(binary)
  }
  return undefined
}

function npmPeer(
  packageName: string,
  ...rest: [name: string, file: string, tasks: Parameters<typeof scriptClients>[3]]
): Client[] | undefined {
  const [name, file, tasks] = rest
  return existsSync(join(SOURCE, 'node_modules', packageName))
    ? scriptClients(name, process.execPath, file, tasks)
    : undefined
}

async function installPython(): Promise<void> {
  const folder = join(cacheFolder(), 'venv')
  if (existsSync(complete())) return
  mkdirSync(cacheFolder(), { recursive: true })
  try {
    await run('python3', ['-m', 'venv', folder])
    await run(python(), ['-m', 'pip', 'install', '--quiet', ...PYTHON_PACKAGES], { maxBuffer: 2 ** 24 })
    writeFileSync(complete(), '')
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    throw new BenchFailure(`the Python peers cannot be installed (python3, python3-venv, pip): ${stderr}`, {
      cause,
    })
  }
}

async function installNpm(): Promise<void> {
  if (existsSync(join(SOURCE, 'node_modules', 'minio'))) return
  try {
    await run('npm', ['ci', '--prefix', SOURCE, '--no-audit', '--no-fund'], { maxBuffer: 2 ** 24 })
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    throw new BenchFailure(`the npm peers cannot be installed: ${stderr}`, { cause })
  }
}
