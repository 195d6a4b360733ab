import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Fields of package.json for the checkout alone. */
const PRIVATE = ['scripts', 'devDependencies', 'tap']

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly bundleDependencies: readonly string[]
}

function manifestOf(folder: string): Manifest & Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest & Record<string, unknown>
}

function pack(folder: string, target: string): string {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', target]
  return join(target, execFileSync('npm', args, { cwd: folder, encoding: 'utf8' }).trim())
}

/**
 * Makes the npm package that is published. It holds our own packages; in the checkout these are links into native-bindings, which a
 * reader of the published package.json could not follow, so they get their version there. Scripts and tools of the checkout go.
 * @returns the path of the tarball
 */
export function makeNpmPackage(root: string, target: string): string {
  const work = mkdtempSync(join(tmpdir(), 'tablesnap-npm-'))
  try {
    const packed = join(work, 'packed')
    mkdirSync(packed)
    execFileSync('tar', ['-xzf', pack(root, packed), '-C', work])
    const folder = join(work, 'package')
    const manifest = manifestOf(folder)
    const dependencies: Record<string, string> = { ...manifest.dependencies }
    for (const name of manifest.bundleDependencies)
      dependencies[name] = manifestOf(join(folder, 'node_modules', name)).version
    const published = Object.entries({ ...manifest, dependencies }).filter(([key]) => !PRIVATE.includes(key))
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(Object.fromEntries(published), null, 2)}\n`)
    return pack(folder, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
