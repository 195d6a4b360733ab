import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import { REPLACED } from '../sstable/names.js'

/** Whether a restore of ours moved a file of a directory aside: it lies below `.tablesnap-replaced-…` of a directory above. */
export function isAside(directory: string, name: string): boolean {
  for (let above = directory; ; above = dirname(above)) {
    const below = relative(above, directory)
    for (const entry of replacedIn(above)) if (existsSync(join(above, entry, below, name))) return true
    if (above === dirname(above)) return false
  }
}

function replacedIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter(name => name.startsWith(REPLACED))
  } catch {
    return []
  }
}
