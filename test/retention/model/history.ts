import { TablesnapError } from '../../../src/errors.js'
import { KeyLayout } from '../../../src/manifest/keys.js'
import { createLogger } from '../../../src/report/log.js'
import { chop } from '../../../src/retention/chop.js'
import { DeletionRule, type RetentionOptions } from '../../../src/retention/deletion-rule.js'
import { ChopScope } from '../../../src/retention/scope.js'
import { Random } from '../../manifest/random.js'
import { OPTIONS } from '../support.js'

import { ModelBucket, ModelStore, type ModelObject } from './bucket.js'
import { Fenced, ModelDaemon } from './daemon.js'
import { lossesIn } from './manifests.js'
import { ModelDisk } from './node.js'
import { Reference, type Asked } from './reference.js'
import { Turns } from './turns.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What is broken in a history. */
export interface Mutation {
  readonly rule?: new (options: RetentionOptions, now: number) => DeletionRule
  /** tablesnap does not heed plans. */
  readonly isHeedless?: boolean
}

/** What a run of tablechop may do, by the rule as it stood when it began. */
interface RunningChop {
  readonly asked: Asked
}

/** One random history of a node, its tablesnap, two tablechops and an operator; says what went wrong. */
export class RetentionHistory {
  readonly problems: string[] = []
  /** Objects that were deleted. */
  deleted = 0
  readonly #random: Random
  readonly #turns: Turns
  readonly #store: ModelStore
  readonly #keys = new KeyLayout('', 'node1', ':')
  readonly #disk: ModelDisk
  readonly #mutation: Mutation
  readonly #asked: Omit<Asked, 'cutoff'> & { readonly age: number }
  #epoch = 1
  #daemon: ModelDaemon
  #isOver = false
  #onNode: () => void = () => undefined
  #salt = 0
  readonly #background: Promise<void>[] = []

  constructor(seed: number, mutation: Mutation = {}) {
    const random = new Random(seed)
    this.#random = random
    this.#mutation = mutation
    this.#turns = new Turns(random)
    this.#store = new ModelStore(this.#turns)
    this.#disk = new ModelDisk(random)
    const flags = random.chance(0.3)
    this.#asked = {
      age: random.pick([0, 0, HOUR, DAY, 3 * DAY, 30 * DAY]) ?? 0,
      scope: random.pick(['/', '/data/ks/']) ?? '/',
      last: flags ? 1 + random.below(4) : undefined,
      daily: flags && random.chance(0.5) ? 1 + random.below(3) : undefined,
    }
    this.#store.watchers.push({
      deleting: object => this.#deleting(object),
      deleted: () => this.#check(),
      written: key => {
        if (key === this.#keys.node) this.#onNode()
        if (key.startsWith(this.#keys.states(''))) this.#check()
      },
    })
    this.#daemon = this.#newDaemon()
  }

  async run(): Promise<readonly string[]> {
    const chops = [this.#chops(), this.#chops()]
    await this.#turns.run([this.#live(), this.#operate(), this.#looks(), ...chops])
    if (this.problems.length === 0) await this.#turns.run([this.#end()])
    return this.problems
  }

  #newDaemon(): ModelDaemon {
    return new ModelDaemon(this.#store, this.#disk, this.#keys, this.#random, {
      epoch: this.#epoch,
      heeds: this.#mutation.isHeedless !== true,
    })
  }

  /** The node and its daemon. */
  async #live(): Promise<void> {
    await this.#daemon.start()
    const changes = 6 + this.#random.below(16)
    for (let i = 0; i < changes; i++) {
      this.#disk.change()
      if (this.#random.chance(0.1)) await this.#restart()
      const daemon = this.#daemon
      for (const directory of [...this.#disk.directories.keys()])
        if (this.#random.chance(0.7)) await unlessFenced(() => this.#backUp(daemon, directory))
      await this.#turns.sleep(this.#random.below(this.#random.pick([60_000, HOUR, DAY]) ?? HOUR))
    }
    await Promise.all(this.#background)
    this.#isOver = true
    this.#onNode()
  }

  async #backUp(daemon: ModelDaemon, directory: string): Promise<void> {
    if (this.#random.chance(0.8)) await daemon.upload(directory, this.#random.chance(0.05) ? 3 : 0)
    // What was uploaded may be named much later.
    if (this.#random.chance(0.2)) await this.#turns.sleep(this.#random.below(5 * HOUR))
    if (this.#random.chance(0.15)) {
      this.#background.push(this.#twoChops())
      await this.#turns.sleep(this.#random.below(20_000))
      await daemon.look()
      await this.#turns.sleep(this.#random.below(55_000))
    }
    if (this.#random.chance(0.8)) await daemon.publish(directory)
  }

  /** One run right behind another, while tablesnap is at work. */
  async #twoChops(): Promise<void> {
    for (let run = 0; run < 2; run++) {
      await this.#chop(new ModelBucket(this.#store, this.#random))
      await this.#turns.sleep(this.#random.below(10_000))
    }
  }

  async #restart(): Promise<void> {
    this.#daemon.isDead = true
    if (this.#random.chance(0.3)) this.#epoch++
    this.#daemon = this.#newDaemon()
    await this.#daemon.start()
  }

  /** A daemon looks at node.json once a minute, whatever else it does: each plan is seen within one. */
  async #looks(): Promise<void> {
    for (;;) {
      await new Promise<void>(resolve => (this.#onNode = resolve))
      if (this.#isOver) return
      await this.#turns.sleep(this.#random.below(55_000))
      await unlessFenced(() => this.#daemon.look())
      await this.#turns.sleep(35_000)
      await unlessFenced(() => this.#daemon.look())
    }
  }

  /** Another run of tablesnap, once in a while: -B from cron. */
  async #operate(): Promise<void> {
    for (;;) {
      await this.#turns.sleep(this.#random.below(3 * DAY))
      if (this.#isOver) return
      const run = this.#newDaemon()
      await unlessFenced(async () => {
        await run.start()
        for (const directory of [...this.#disk.directories.keys()]) {
          await run.upload(directory)
          await run.publish(directory)
        }
      })
    }
  }

  /** tablechop, again and again; some runs are killed. */
  async #chops(): Promise<void> {
    while (!this.#isOver) {
      await this.#turns.sleep(this.#random.below(this.#random.pick([90_000, HOUR, 6 * HOUR, DAY]) ?? DAY))
      const bucket = new ModelBucket(this.#store, this.#random)
      const run = this.#chop(bucket)
      if (!this.#random.chance(0.2)) await run
      else {
        run.catch(() => undefined)
        await Promise.race([run, this.#turns.sleep(this.#random.below(60_000))])
        bucket.isDead = true
      }
    }
  }

  /** What is left when all is at rest is what the rule says. */
  async #end(): Promise<void> {
    this.#daemon.isDead = true
    const { age, ...asked } = this.#asked
    const cutoff = this.#turns.now - age
    for (let run = 0; run < 3; run++) {
      await this.#turns.sleep(2 * HOUR)
      await this.#chop(new ModelBucket(this.#store, this.#random))
    }
    // What may go at one time may have to stay later: with --keep-… the newest one before the cutoff is another one then.
    const references = [cutoff, this.#turns.now - age].map(
      time => new Reference(this.#store, this.#keys, { ...asked, cutoff: time }),
    )
    for (const object of this.#store.objects.values())
      if (references.every(reference => reference.mayGo(object)))
        this.problems.push(`${object.key} is still there`)
  }

  async #chop(bucket: ModelBucket): Promise<void> {
    const { age, scope, last, daily } = this.#asked
    const { rule: Rule = DeletionRule } = this.#mutation
    const chopScope = new ChopScope(scope === '/' ? '/' : scope.slice(0, -1), true)
    const options = { ...OPTIONS, scope: chopScope, age, keep: { last, daily }, grace: HOUR }
    let running: RunningChop | undefined
    const deletes = bucket.delete.bind(bucket)
    bucket.delete = async objects => {
      // Only what this run asks for is judged by what it was asked.
      const result = deletes(objects)
      this.#pending.push({ keys: new Set(objects.map(({ key }) => key)), run: running })
      return result
    }
    try {
      await chop(options, {
        bucket,
        keys: this.#keys,
        name: 'node1',
        log: createLogger({ format: 'text' }, () => undefined),
        observer: {
          going: () => undefined,
          deleted: () => undefined,
          locked: () => undefined,
          failed: ({ key, why }) => this.problems.push(`${key} was not deleted: ${why}`),
        },
        rule: (asked, now) => {
          running = { asked: { scope, last, daily, cutoff: now - age } }
          return new Rule(asked, now)
        },
        salt: () => this.#salt++ & 0xffff,
      })
    } catch (error) {
      const code = error instanceof TablesnapError ? error.code : ''
      if (!EXPECTED.has(code)) throw error
    }
  }

  /** Requests to delete that are under way. */
  readonly #pending: { keys: Set<string>; run: RunningChop | undefined }[] = []

  #deleting(object: ModelObject): void {
    this.deleted++
    const { key } = object
    if (key.startsWith(this.#keys.chops)) return
    const request = this.#pending.find(({ keys }) => keys.has(key))
    const asked = request?.run?.asked
    if (asked === undefined) {
      this.problems.push(`${key} was deleted by nobody`)
      return
    }
    request?.keys.delete(key)
    // The manifests of the same request go at once: each was allowed before it.
    const isManifest = key.startsWith(this.#keys.states(''))
    if (this.#judged?.request !== request || !isManifest)
      this.#judged = { request, reference: new Reference(this.#store, this.#keys, asked) }
    if (this.#judged?.reference.mayGo(object) !== true)
      this.problems.push(`${key} was deleted, and must not be`)
  }

  #judged: { readonly request: unknown; readonly reference: Reference } | undefined

  #check(): void {
    if (this.problems.length <= 20) this.problems.push(...lossesIn(this.#store, this.#keys))
  }
}

/** Runs that another one was faster than end so, and change nothing. */
const EXPECTED = new Set(['NOTHING_FOUND', 'CHOP_RACED', 'BUCKET_CHANGED', 'PLAN_CORRUPT'])

/** A run that another machine has fenced does nothing any more. */
async function unlessFenced(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Fenced)) throw error
  }
}
