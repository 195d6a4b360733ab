import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A package that the program needs at run time. */
export interface Dependency {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly folder: string
}

interface Manifest {
  readonly version: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** All packages that the program needs at run time, by name. @param root of the repository */
export function runtimeDependencies(root: string): Dependency[] {
  const all = new Map<string, Dependency>()
  const visit = (from: string): void => {
    for (const name of Object.keys(manifestOf(from).dependencies ?? {})) {
      const folder = [join(from, 'node_modules', name), join(root, 'node_modules', name)].find(existsSync)
      if (folder === undefined) throw new Error(`${name} is not installed: run npm ci`)
      const { version, license = 'see its license file' } = manifestOf(folder)
      const key = `${name} ${version}`
      if (all.has(key)) continue
      all.set(key, { name, version, license, folder })
      visit(folder)
    }
  }
  visit(root)
  return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** The text of a package's license. */
export function licenseText({ folder, license }: Dependency): string {
  const name = readdirSync(folder).find(name => /^(licen[cs]e|copying)/i.test(name))
  return name === undefined ? license : readFileSync(join(folder, name), 'utf8').trim()
}
