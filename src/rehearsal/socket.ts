import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'

import { socketFolder } from '../status/socket-name.js'

import { finding, type Finding } from './finding.js'

/** Whether a run can make the socket that `tablesnap --status` asks. */
export function checkSocket(env: NodeJS.ProcessEnv): Finding {
  const folder = socketFolder(env)
  const canWrite = [folder, dirname(folder)].some(isWritable)
  return canWrite
    ? finding('Kernel', 'ok', `the status socket can be made in ${folder}`, { folder })
    : finding('Kernel', 'warning', `no status socket can be made in ${folder}: --status cannot ask a run`, {
        folder,
      })
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
