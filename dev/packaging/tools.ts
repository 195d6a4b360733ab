import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder of downloads that `.ci/install` uses, too. */
export function cacheFolder(): string {
  const { TABLESNAP_CI_CACHE, XDG_CACHE_HOME } = process.env
  return TABLESNAP_CI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tablesnap-ci')
}

/** The folder that `.ci/install packaging` fills: a Python environment with zig and nfpm. Its name has their versions. */
function installed(): string | undefined {
  const cache = cacheFolder()
  const name = existsSync(cache)
    ? readdirSync(cache)
        .filter(name => /^packaging-[\d.]+-[\d.]+$/.test(name))
        .sort()
        .at(-1)
    : undefined
  return name === undefined ? undefined : join(cache, name)
}

function isCommand(name: string, argument: string): boolean {
  return spawnSync(name, [argument], { stdio: 'ignore' }).status === 0
}

/** How to start zig, the compiler for all targets. @throws Error when there is none */
export function zigCommand(): readonly string[] {
  const { ZIG } = process.env
  if (ZIG !== undefined && ZIG !== '') return [ZIG]
  const folder = installed()
  if (folder !== undefined) return [join(folder, 'bin/python'), '-m', 'ziglang']
  if (isCommand('zig', 'version')) return ['zig']
  throw new Error('zig is missing: run .ci/install packaging, or name it by $ZIG')
}

/** How to start nfpm, which writes .deb and .rpm. @throws Error when there is none */
export function nfpmCommand(): string {
  const { NFPM } = process.env
  if (NFPM !== undefined && NFPM !== '') return NFPM
  const folder = installed()
  if (folder !== undefined) return join(folder, 'bin/nfpm')
  if (isCommand('nfpm', '--version')) return 'nfpm'
  throw new Error('nfpm is missing: run .ci/install packaging, or name it by $NFPM')
}
