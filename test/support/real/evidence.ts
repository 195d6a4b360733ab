import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './manifests.js'
import type { Stage } from './stage.js'

/** Keeps the daemon's log, all manifests and what is known of the tables in the directory that EVIDENCE names, if it does. */
export async function keepEvidence(stage: Stage): Promise<void> {
  const directory = process.env['EVIDENCE'] ?? ''
  if (directory === '') return
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'tablesnap.log'), stage.daemon.output())
  const manifests = await stage.manifests.all()
  writeFileSync(join(directory, 'manifests.txt'), manifests.map(line).join(''))
  const moments = [...stage.models].flatMap(([unit, { moments }]) =>
    moments.map(
      ({ at, least, most }, i) =>
        `${unit} ${i} ${new Date(at).toISOString()} ${least.size} to ${most.size} rows\n`,
    ),
  )
  writeFileSync(join(directory, 'moments.txt'), moments.join(''))
}

function line({ key, time, gap, sets, files, unprotected, unexplained }: Manifest): string {
  const names = [...sets.keys()].map(path => path.replace(/.*\/(?=[^/]*$)/, '')).sort()
  const more = [
    gap ? 'gap' : '',
    files.size > 0 ? `${files.size} files` : '',
    unprotected.length > 0 ? `not backed up: ${unprotected.join(', ')}` : '',
    unexplained.length > 0 ? `unexplained: ${unexplained.join(', ')}` : '',
  ].filter(text => text !== '')
  return `${time} ${key}: {${names.join(', ')}} ${more.join('; ')}\n`
}
