import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { BenchFailure } from './failure.js'
import { SOURCE, cacheFolder } from './places.js'

const run = promisify(execFile)

/** The C programs and the files that each is made of. */
const PROGRAMS = {
  sink: ['sink', 'conn', 'request', 's3', 'list', 'read', 'store', 'answer', 'counters', 'trace'],
  floor: ['floor'],
  launch: ['launch'],
  pages: ['pages'],
  renames: ['renames'],
  speed: ['speed'],
} as const

export type ProgramName = keyof typeof PROGRAMS

/**
 * Compiles a C program of the benchmark at its first use; later it comes from the cache.
 * @param tls whether it needs OpenSSL
 * @returns its path
 * @throws BenchFailure without a compiler or OpenSSL's headers, saying how to get them
 */
export async function program(name: ProgramName, tls = false): Promise<string> {
  const folder = join(SOURCE, 'c')
  const sources = PROGRAMS[name].map(file => join(folder, `${file}.c`))
  const flags = ['-O2', '-Wall', '-D_GNU_SOURCE', '-pthread', ...(tls ? ['-DWITH_TLS'] : [])]
  const hash = createHash('sha256').update(flags.join(' '))
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)))
  const bin = join(cacheFolder(), 'bin')
  const target = join(bin, `${name}${tls ? '-tls' : ''}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(target)) return target
  mkdirSync(bin, { recursive: true })
  const part = `${target}.${process.pid}`
  try {
    await run('cc', [...flags, '-o', part, ...sources, ...(tls ? ['-lssl', '-lcrypto'] : [])])
  } catch (cause) {
    throw new BenchFailure(whyNot(name, cause), { cause })
  }
  renameSync(part, target)
  return target
}

function whyNot(name: string, cause: unknown): string {
  const { code, stderr = '' } = cause as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return 'there is no C compiler (cc): apt-get install gcc libc6-dev'
  if (/openssl\/\w+\.h|-lssl|-lcrypto/.test(stderr))
    return "OpenSSL's headers are missing: apt-get install libssl-dev (Debian), dnf install openssl-devel (Red Hat)"
  return `bench/c: ${name} does not compile: ${stderr}`
}

/**
 * A certificate for 127.0.0.1, made once by the openssl program.
 * @throws BenchFailure when there is no openssl
 */
export async function certificate(): Promise<{ certificate: string; key: string }> {
  const folder = join(cacheFolder(), 'tls')
  const made = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
  if (existsSync(made.certificate)) return made
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650']
  const part = `${made.certificate}.${process.pid}`
  try {
    await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', made.key, '-out', part])
  } catch (cause) {
    throw new BenchFailure(
      'the certificate for TLS is made by the program openssl: apt-get install openssl',
      {
        cause,
      },
    )
  }
  renameSync(part, made.certificate)
  return made
}
