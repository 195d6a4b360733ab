import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The commit of the sources; the bundler puts it here, and '' where it cannot know it. Not defined outside of the bundle. */
declare const TABLESNAP_COMMIT: string

/** The version of this package. */
export function packageVersion(): string {
  // By its name, as the bundle lies in another folder than this file.
  const path = createRequire(import.meta.url).resolve('tablesnap/package.json')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}

/** The commit that the program was built from, `03c8e27a1b`; undefined: it is not known. */
export function buildCommit(): string | undefined {
  const commit = typeof TABLESNAP_COMMIT === 'undefined' ? '' : TABLESNAP_COMMIT
  return commit === '' ? undefined : commit
}

/** The text of `--version`: `2.0.0 (commit 03c8e27a1b, Node 20.18.1)`. */
export function versionText(): string {
  const commit = buildCommit()
  return `${packageVersion()} (${commit === undefined ? '' : `commit ${commit}, `}Node ${process.versions.node})`
}
