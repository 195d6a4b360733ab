import { backupLine, shellWord, takeOverLine } from '../config/command-line.js'
import type { Config } from '../config/config.js'

/** The command lines that a report names; an operator runs them as they are. */
export class Mends {
  readonly #config: Config
  readonly #name: string

  constructor(config: Config, name: string) {
    this.#config = config
    this.#name = name
  }

  /** Backs up directories of the node. @param files paths of files or SSTables in them */
  backUp(files: readonly string[]): string {
    return `on the node: ${backupLine(this.#config, this.#name, files)}`
  }

  /** Uploads from the node's disk what the bucket lacks of older restore points, too. */
  repair(): string {
    return `on the node: ${this.#line('tablecheck', ['--repair'])}`
  }

  /** Accepts what is gone. */
  takeOver(): string {
    return `if it is gone for good, on the node: ${takeOverLine(this.#config, this.#name)}`
  }

  /** Deletes what no restore point needs. */
  chop(): string {
    return this.#line('tablechop', ['-r'], [...this.#config.paths.slice(0, 1), '30'])
  }

  /** Another look, with a flag. */
  check(flag: string): string {
    return this.#line('tablecheck', [flag])
  }

  /** A command of the AWS CLI on the bucket. @param rest what follows the bucket, as a shell takes it */
  aws(operation: string, rest = ''): string {
    const { endpoint, bucket } = this.#config.s3
    const server = endpoint === undefined ? '' : ` --endpoint-url ${shellWord(endpoint)}`
    return `aws s3api${server} ${operation} --bucket ${shellWord(bucket)}${rest === '' ? '' : ` ${rest}`}`
  }

  /** Deletes one object. */
  remove(key: string): string {
    return this.aws('delete-object', `--key ${shellWord(key)}`)
  }

  /** Asks S3 to thaw the objects of an archive class. @param key one of them */
  thaw(storageClass: string, key: string): string {
    const prefix = shellWord(key.slice(0, key.lastIndexOf('/') + 1))
    const query = shellWord(`Contents[?StorageClass=='${storageClass}'].[Key]`)
    const list = this.aws('list-objects-v2', `--prefix ${prefix} --query ${query} --output text`)
    // An object of Intelligent-Tiering comes back for good.
    const request = storageClass === 'INTELLIGENT_TIERING' ? '{}' : '{"Days":7}'
    const restore = this.aws('restore-object', `--key "$key" --restore-request '${request}'`)
    return `${list} | while read -r key; do ${restore}; done`
  }

  #line(command: string, flags: readonly string[], rest?: readonly string[]): string {
    const { prefix, separator, s3, paths } = this.#config
    return [
      command,
      ...['-n', this.#name],
      ...(prefix === '' ? [] : ['--prefix', prefix]),
      ...(separator === ':' ? [] : ['--keyname-separator', separator]),
      ...(s3.endpoint === undefined ? [] : ['--endpoint-url', s3.endpoint]),
      ...flags,
      s3.bucket,
      ...(rest ?? paths.filter(path => path !== '/')),
    ]
      .map(shellWord)
      .join(' ')
  }
}
