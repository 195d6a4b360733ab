import { TablesnapError, errorCode, errorMessage } from '../errors.js'

/** A watched path went away. @param how how it went */
export function lostError(path: string, how: string): TablesnapError {
  return new TablesnapError({
    code: 'WATCH_LOST',
    message: `${path} is no longer watched: ${how}; tablesnap watches it again as soon as it is back`,
    step: { operation: 'watch', path },
  })
}

/** The file system of a path is not mounted. */
export function hiddenError(path: string): TablesnapError {
  return new TablesnapError({
    code: 'WATCH_UNMOUNTED',
    message: `${path} was unmounted, or another file system was mounted over it: nothing below it is backed up until it is mounted again; restore points stay as they are`,
    step: { operation: 'watch', path },
  })
}

/** Why a directory cannot be watched or read. */
export function watchError(path: string, cause: unknown): TablesnapError {
  const code = errorCode(cause)
  const details = { step: { operation: 'watch', path }, cause }
  if (code === 'ENOENT') {
    return new TablesnapError({
      ...details,
      code: 'WATCH_GONE',
      message: `${path} does not exist: check the path`,
    })
  }
  if (code === 'ENOTDIR') {
    return new TablesnapError({
      ...details,
      code: 'WATCH_NOT_DIRECTORY',
      message: `${path} is not a directory`,
    })
  }
  if (code === 'EACCES') {
    const message = `${path} cannot be read by this user: run tablesnap as Cassandra's user or root`
    return new TablesnapError({ ...details, code: 'WATCH_DENIED', message })
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    const advice =
      'raise the limit of open files (LimitNOFILE, ulimit -n); tablesnap tries again every second'
    const message = `${path} cannot be scanned now: too many open files; ${advice}`
    return new TablesnapError({ ...details, code: 'WATCH_SHORT', message, retry: true })
  }
  return new TablesnapError({
    ...details,
    code: 'WATCH_FAILED',
    message: `cannot watch ${path}: ${errorMessage(cause)}`,
  })
}
