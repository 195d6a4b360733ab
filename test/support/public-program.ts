import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout: its package.json, node_modules and dist. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** A copy of the program that every user of the machine can run. */
export interface PublicProgram {
  /** The Node to run it with. */
  readonly node: string
  /** The folder that stands for the checkout: its package.json, node_modules, dist/bin, dist/src and dist/dev. */
  readonly folder: string
}

let copy: PublicProgram | undefined

/**
 * Copies the program and the packages that it needs to a folder that every user can read, once per process; the copy goes
 * with the process. Tests run the program as another user, and the checkout may lie in a folder of mode 0700, as /root does.
 * @throws Error when no folder for temporary files is open to all users
 */
export function publicProgram(): PublicProgram {
  if (copy !== undefined) return copy
  const folder = mkdtempSync(join(publicTemporary(), 'tablesnap-public-'))
  chmodSync(folder, 0o755)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  for (const part of ['dist/bin', 'dist/src', 'dist/dev'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  mkdirSync(join(folder, 'node_modules'))
  copyPackages(folder)
  execFileSync('chmod', ['-R', 'a+rX', folder])
  copy = { node: publicNode(folder), folder }
  return copy
}

/** A folder for temporary files that every user can get to. */
function publicTemporary(): string {
  const found = [tmpdir(), '/tmp', '/var/tmp'].find(isOpen)
  if (found === undefined)
    throw new Error('no folder for temporary files is open to all users: set TMPDIR to one')
  return found
}

/** The packages that the program needs at run time, with all that those need. */
function copyPackages(folder: string): void {
  const left = dependenciesOf(ROOT)
  const done = new Set<string>()
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const source = join(ROOT, 'node_modules', name)
    // One that is not there is optional, or lies within the package that needs it.
    if (done.has(name) || !existsSync(source)) continue
    done.add(name)
    // Our own packages are links to native-bindings.
    cpSync(source, join(folder, 'node_modules', name), { recursive: true, dereference: true })
    left.push(...dependenciesOf(source))
  }
}

/** The names in a package's dependencies, and in those of the packages that lie within it. */
function dependenciesOf(folder: string): string[] {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string> | undefined>
  const within = folder === ROOT ? [] : packagesWithin(join(folder, 'node_modules'))
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...within.flatMap(dependenciesOf)]
}

function packagesWithin(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder).filter(name => !name.startsWith('.'))
  return entries.flatMap(name =>
    name.startsWith('@') ? packagesWithin(join(folder, name)) : [join(folder, name)],
  )
}

/** The running Node, copied where a version manager keeps it in a private home. */
function publicNode(folder: string): string {
  if (isOpen(dirname(process.execPath)) && (statSync(process.execPath).mode & 0o005) === 0o005) {
    return process.execPath
  }
  const node = join(folder, 'node')
  copyFileSync(process.execPath, node)
  chmodSync(node, 0o755)
  return node
}

/** Whether all users may go into a folder and through those above it. */
function isOpen(folder: string): boolean {
  const parts = folder.split(sep)
  const above = parts.map((_, i) => parts.slice(0, i + 1).join(sep) || sep)
  return above.every(path => existsSync(path) && (statSync(path).mode & 0o001) !== 0)
}
