import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The Node that the packages bring along: the newest one that the tests run on. */
const VERSION = '24.21.0'

/** Of the npm packages with Node's own binaries, as the registry's `dist.integrity` says. */
const SHA512 = {
  x64: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
} as const

/** A processor, as Node names it. */
export type Architecture = keyof typeof SHA512

/**
 * The folder of a Node binary for a processor, with `bin/node` and `LICENSE`; it is downloaded once.
 * @param cache where downloads stay
 * @throws Error when the download is not what it was when the version was chosen
 */
export function nodeFolder(cache: string, arch: Architecture): string {
  const folder = join(cache, `node-${VERSION}-linux-${arch}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'download-'))
  try {
    const name = execFileSync('npm', ['pack', '--silent', `node-linux-${arch}@${VERSION}`], { cwd: work })
    const archive = join(work, name.toString().trim())
    const hash = createHash('sha512').update(readFileSync(archive)).digest('base64')
    if (hash !== SHA512[arch]) throw new Error(`node-linux-${arch}@${VERSION} has another checksum: ${hash}`)
    execFileSync('tar', ['-xzf', archive, '-C', work])
    renameSync(join(work, 'package'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}
