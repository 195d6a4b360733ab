import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The project's folder: this file is compiled to dist/bench/. */
export const ROOT = resolve(import.meta.dirname, '../..')

/** Where the C programs and the peers' scripts are. */
export const SOURCE = join(ROOT, 'bench')

/** Compiled programs, certificates and Python packages; survives a run. `TABLESNAP_BENCH_CACHE` moves it. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return process.env['TABLESNAP_BENCH_CACHE'] ?? join(base, 'tablesnap-bench')
}

/** Where versitygw is, if `.ci/install versitygw` has been run. */
export function versitygwBinary(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const cache = process.env['TABLESNAP_CI_CACHE'] ?? join(base, 'tablesnap-ci')
  return join(cache, 'versitygw-v1.8.0', 'versitygw')
}

/** The command line of one of tablesnap's programs, as it is installed. */
export function ownProgram(name: 'tablesnap' | 'tableslurp'): string[] {
  return [process.execPath, join(ROOT, 'dist/bin', `${name}.js`)]
}
