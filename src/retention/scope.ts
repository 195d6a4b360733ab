import { basename, dirname, join } from 'node:path'

/** The directories of the node below which tablechop deletes. */
export class ChopScope {
  /** As node.json names it: the path, and with -r a slash behind it. */
  readonly name: string

  /** @param path absolute, without a trailing slash @param isRecursive whether all below it is meant */
  constructor(
    readonly path: string,
    readonly isRecursive: boolean,
  ) {
    this.name = isRecursive ? join(path, '/') : path
  }

  /** Whether a directory is meant; the hidden directories of a table's indexes belong to the table. @param directory absolute */
  holds(directory: string): boolean {
    if (directory === this.path) return true
    if (this.isRecursive) return directory.startsWith(this.name)
    return dirname(directory) === this.path && basename(directory).startsWith('.')
  }
}
