import { changeRate } from '../scaling/change-rate.js'
import { fileSize } from '../scaling/file-size.js'
import { tableSize } from '../scaling/table-size.js'

import type { Scenario } from './scenario.js'

/** How what a backup costs grows: with the SSTables of a table, the files a second, and the size of a file. */
export const scaling: Scenario = async context => {
  const results = []
  for (const part of [tableSize, changeRate, fileSize]) results.push(...(await part(context)))
  return results
}
