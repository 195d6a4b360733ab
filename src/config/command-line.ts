import { dirname } from 'node:path'

import type { Config } from './config.js'

/** Text that a shell takes as it is. */
const PLAIN = /^[\w@%+=:,./-]+$/

/** The line that backs up what a state lacks. @param paths of sets and files that are not in the bucket */
export function backupLine(config: Config, name: string, paths: readonly string[]): string {
  return lineOf(config, name, ['-B'], [...new Set(paths.map(path => dirname(path)))])
}

/** The line that backs up the paths of a run, and accepts what is missing of earlier restore points. */
export function takeOverLine(config: Config, name: string): string {
  return lineOf(config, name, [...(config.recursive ? ['-r'] : []), '-B', '--take-over'], config.paths)
}

function lineOf(config: Config, name: string, flags: readonly string[], paths: readonly string[]): string {
  const { prefix, separator, s3 } = config
  const words = [
    'tablesnap',
    ...['-n', name],
    ...(prefix === '' ? [] : ['--prefix', prefix]),
    ...(separator === ':' ? [] : ['--keyname-separator', separator]),
    ...(s3.endpoint === undefined ? [] : ['--endpoint-url', s3.endpoint]),
    ...flags,
    s3.bucket,
    ...paths,
  ]
  return words.map(shellWord).join(' ')
}

/** A text as one word of a shell's. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
