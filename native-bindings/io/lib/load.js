import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const folder = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Loads the compiled half of this package: what was built here, else a prebuild for this platform.
 * @throws {Error} one line that says how to mend it, when there is none (as after `npm install --ignore-scripts`) or
 * when it does not load; the loader's own error is its `cause`
 */
export function loadNative() {
  try {
    return require('node-gyp-build')(folder)
  } catch (cause) {
    const { name } = require('../package.json')
    const missing = cause.code === undefined && cause.message.startsWith('No native build')
    const fault = missing
      ? `there is no compiled file for ${process.platform}-${process.arch} and Node ${process.version}`
      : `the compiled file does not load (${cause.message.split('\n')[0]})`
    throw new Error(`${name}: ${fault}; to build it run: node ${join(folder, 'build.js')}`, { cause })
  }
}
