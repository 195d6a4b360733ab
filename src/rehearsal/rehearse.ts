import type { LoadedConfig } from '../config/load.js'

import { AREAS, finding, type Finding } from './finding.js'
import { checkKernel } from './kernel.js'
import { checkSources, checkTarget } from './paths.js'
import { checkServer } from './server.js'
import { checkSocket } from './socket.js'

/**
 * Looks at everything that a run needs, and changes nothing: the bucket gets one LIST of the node's own keys, and no file is written.
 * @returns findings by their area, in the order of {@link AREAS}
 */
export async function rehearse(
  { config, settings, warnings }: LoadedConfig,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const found = warnings.map(text => finding('Settings', 'warning', text))
  found.push(...(await checkServer(config, settings, env)))
  if (config.mode === 'download') found.push(...checkTarget(config), ...checkKernel(config, undefined))
  else {
    const { findings, sample } = checkSources(config)
    found.push(...findings, ...checkKernel(config, sample), checkSocket(env))
  }
  return found.sort((one, other) => AREAS.indexOf(one.area) - AREAS.indexOf(other.area))
}
