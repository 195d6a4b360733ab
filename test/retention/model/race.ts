import { KeyLayout } from '../../../src/manifest/keys.js'
import { ChopScope } from '../../../src/retention/scope.js'
import { Random } from '../../manifest/random.js'
import { chopOnce } from '../support.js'

import { ModelBucket, ModelStore } from './bucket.js'
import { ModelDaemon } from './daemon.js'
import type { Mutation } from './history.js'
import { lossesIn } from './manifests.js'
import { ModelDisk, TABLES } from './node.js'
import { Turns } from './turns.js'

const HOUR = 3_600_000
const [TABLE] = TABLES
const OLD = new Map([['Data.db', 'old data']])
const NEW = new Map([['Data.db', 'new data']])

/**
 * An SSTable is compacted away, tablechop plans its object, and within the minute in which tablesnap does not know of the plan the
 * SSTable comes back and a restore point names that very object.
 */
export class ReturnWithinTheMinute {
  readonly #turns: Turns
  readonly #store: ModelStore
  readonly #disk: ModelDisk
  readonly #daemon: ModelDaemon
  readonly #keys = new KeyLayout('', 'node1', ':')
  readonly #random = new Random(1)

  constructor(readonly mutation: Mutation = {}) {
    this.#turns = new Turns(this.#random)
    this.#store = new ModelStore(this.#turns)
    this.#disk = new ModelDisk(this.#random)
    this.#daemon = new ModelDaemon(this.#store, this.#disk, this.#keys, this.#random, {
      epoch: 1,
      heeds: mutation.isHeedless !== true,
    })
  }

  /** The restore point comes while another tablechop runs. @returns what was lost */
  async whileChopping(): Promise<string[]> {
    await this.#turns.run([this.#whileChopping()])
    return lossesIn(this.#store, this.#keys)
  }

  /** An hour later another tablechop runs, and the restore point is not the newest any more. @returns what was lost */
  async anHourBefore(): Promise<string[]> {
    await this.#turns.run([this.#anHourBefore()])
    return lossesIn(this.#store, this.#keys)
  }

  async #whileChopping(): Promise<void> {
    await this.#returned()
    const published = this.#daemon.publish(TABLE, 40_000)
    await this.#chop()
    await published
  }

  async #anHourBefore(): Promise<void> {
    await this.#returned()
    await this.#daemon.publish(TABLE, 1_000)
    await this.#turns.sleep(30_000)
    await this.#daemon.look()
    await this.#daemon.publish(TABLE, 1_000)
    await this.#turns.sleep(2 * HOUR)
    await this.#chop()
  }

  async #returned(): Promise<void> {
    const daemon = this.#daemon
    await daemon.start()
    this.#disk.add(TABLE, 'nb-1-big', OLD)
    await this.#backUp()
    this.#disk.delete(TABLE, 'nb-1-big')
    this.#disk.add(TABLE, 'nb-2-big', NEW)
    await this.#backUp()
    await daemon.look()
    await this.#chop()
    this.#disk.add(TABLE, 'nb-1-big', OLD)
    await daemon.upload(TABLE)
  }

  async #backUp(): Promise<void> {
    await this.#daemon.upload(TABLE)
    await this.#daemon.publish(TABLE)
    await this.#turns.sleep(10_000)
  }

  async #chop(): Promise<void> {
    const bucket = new ModelBucket(this.#store, this.#random)
    const scope = new ChopScope('/', true)
    await chopOnce(bucket, this.#keys, { scope, grace: HOUR }, this.mutation.rule)
  }
}
