import { getSystemErrorMap } from 'node:util'
import { initAdvice, watchAdvice } from './limits.js'

/**
 * An Error as node:fs makes it: `code`, negative `errno`, `syscall` and, when given, `path`; limits that can be raised are
 * named in the message.
 * @param {number} errno negative, as the compiled functions return it
 * @param {string} syscall the system call that failed
 * @param {string} [path] the file it was for
 * @returns {Error}
 */
export function systemError(errno, syscall, path) {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`E${-errno}`, 'unknown error']
  const advice = adviceFor(code, syscall)
  const target = path === undefined ? '' : ` '${path}'`
  const error = new Error(`${code}: ${text}, ${syscall}${target}${advice === '' ? '' : `: ${advice}`}`)
  Object.assign(error, { errno, code, syscall }, path === undefined ? {} : { path })
  return error
}

function adviceFor(code, syscall) {
  if (code === 'ENOSPC' && syscall === 'inotify_add_watch') return watchAdvice()
  if (code === 'EMFILE' && syscall === 'inotify_init1') return initAdvice()
  return ''
}

/**
 * Throws on an own tick, so that a caller's mistake becomes an uncaughtException and the events behind it still arrive.
 * @param {unknown} error
 */
export function throwLater(error) {
  process.nextTick(() => {
    throw error
  })
}
