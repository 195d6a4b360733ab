import { readFileSync } from 'node:fs'

/**
 * A limit's value, or the error that reading it met.
 * @param {string} name as sysctl(8) spells it
 */
function sysctl(name) {
  try {
    return Number(readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'))
  } catch (error) {
    return error
  }
}

/**
 * Since Linux 4.9 a user namespace counts on its own as well (user.max_inotify_*, see namespaces(7)); the lower limit bites.
 */
function describe(what, name, namespaceName) {
  const limit = sysctl(name)
  if (typeof limit !== 'number')
    return `the limit ${name} is reached (its value cannot be read: ${limit.code})`
  const own = sysctl(namespaceName)
  if (typeof own === 'number' && own < limit) {
    return (
      `no ${what} is left: ${namespaceName} of this user namespace is ${own} (${name} is ${limit}); ` +
      `raise it where the namespace is made: sysctl -w ${namespaceName}=${limit}`
    )
  }
  return (
    `no ${what} is left: ${name} is ${limit}, for all processes of the user together; ` +
    `raise it: sysctl -w ${name}=${2 * limit}, and the same line in /etc/sysctl.d/ to keep it`
  )
}

/** What to do when inotify_add_watch fails with ENOSPC. */
export function watchAdvice() {
  return describe('inotify watch', 'fs.inotify.max_user_watches', 'user.max_inotify_watches')
}

/** What to do when inotify_init1 fails with EMFILE, which has two causes. */
export function initAdvice() {
  const limit = sysctl('fs.inotify.max_user_instances')
  if (limit.code === 'EMFILE') return 'this process has no file descriptor left; raise its limit (ulimit -n)'
  return describe('inotify instance', 'fs.inotify.max_user_instances', 'user.max_inotify_instances')
}
