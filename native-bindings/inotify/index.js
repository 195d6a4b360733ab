import { createRequire } from 'node:module'

export { InotifyBatch } from './lib/batch.js'
export { Inotify } from './lib/inotify.js'
export { constants } from './lib/native.js'

export const { version } = createRequire(import.meta.url)('./package.json')
