import { basename, dirname } from 'node:path'

import { parseChops, plansOf } from '../../../src/manifest/chop-plan.js'
import { versionKey, type KeyLayout } from '../../../src/manifest/keys.js'
import { PlannedKeys } from '../../../src/manifest/planned-keys.js'
import type { Random } from '../../manifest/random.js'

import type { ModelStore } from './bucket.js'
import { manifestsIn } from './manifests.js'
import {
  crcOf,
  packed,
  unitAt,
  type Content,
  type Files,
  type ModelDisk,
  type ModelEntry,
  type ModelManifest,
} from './node.js'

/** How long before a manifest node.json was looked at, at most, ms. */
const FRESH = 60_000

/** The run was killed, or another machine took the name over. */
export class Fenced extends Error {}

/** What a run of tablesnap takes for uploaded. */
interface Uploaded {
  readonly content: Content
  readonly entry: ModelEntry
}

/** What the newest full manifest of a unit says, which deltas build on. */
interface Base {
  readonly key: string
  readonly sets: ModelManifest['sets']
}

/** How a run of tablesnap behaves. */
export interface DaemonOptions {
  readonly epoch: number
  /** Whether it heeds plans; the mutant does not. */
  readonly heeds: boolean
}

/** A run of tablesnap, as far as the bucket sees it: what it uploads, names and looks at, and in which order. */
export class ModelDaemon {
  isDead = false
  readonly #store: ModelStore
  readonly #disk: ModelDisk
  readonly #keys: KeyLayout
  readonly #random: Random
  readonly #options: DaemonOptions
  readonly #uploaded = new Map<string, Uploaded>()
  readonly #bases = new Map<string, Base>()
  readonly #newest = new Map<string, number>()
  #planned = PlannedKeys.none
  #known = ''
  #looked = -Infinity
  #again: number | undefined

  constructor(store: ModelStore, disk: ModelDisk, keys: KeyLayout, random: Random, options: DaemonOptions) {
    this.#store = store
    this.#disk = disk
    this.#keys = keys
    this.#random = random
    this.#options = options
  }

  /** Claims the name, and takes up what the newest manifests say. */
  async start(): Promise<void> {
    for (;;) {
      await this.#turn()
      const found = this.#store.objects.get(this.#keys.node)
      const record = found === undefined ? {} : (JSON.parse(found.body.toString()) as Record<string, unknown>)
      const { epoch } = this.#options
      // Another machine took the name over.
      if (Number(record['epoch'] ?? 0) > epoch) this.isDead = true
      await this.#take(record['chop'])
      await this.#turn()
      if (this.#store.objects.get(this.#keys.node)?.etag !== found?.etag) continue
      const epochs = Array.from({ length: epoch }, (_, i) => ({ epoch: i + 1, since: 0 }))
      const next = { format: 1, writer: 'w', host: 'h', since: 0, ...record, epoch, epochs, heedsPlans: true }
      this.#store.put(this.#keys.node, Buffer.from(JSON.stringify(next)))
      break
    }
    this.#looked = this.#store.turns.now
    for (const path of this.#disk.directories.keys()) await this.#load(path)
  }

  /** Uploads what lies in a directory. @param days at which parts of a file may arrive until it is whole */
  async upload(directory: string, days = 0): Promise<void> {
    this.#forget()
    for (const [name, files] of [...(this.#disk.directories.get(directory) ?? [])]) {
      for (const [component, content] of files)
        await this.#file(`${directory}/${name}-${component}`, content, days)
    }
  }

  /** Writes a restore point of a directory's unit. @param stall how long the PUT takes, ms; undefined: some time */
  async publish(directory: string, stall?: number): Promise<void> {
    await this.look(FRESH)
    const unit = unitAt(directory)
    const now = this.#store.turns.now
    const sets: Record<string, Record<string, ModelEntry>> = {}
    const unprotected: string[] = []
    for (const [name, files] of this.#disk.directories.get(directory) ?? []) {
      const path = `${directory}/${name}`
      const entries = this.#entriesOf(path, files)
      if (entries === undefined) unprotected.push(path)
      else sets[path] = entries
    }
    // A clock that is wrong for once.
    const wrong = this.#random.chance(0.02) ? 7_200_000 : 0
    const time = Math.max(now + wrong, (this.#newest.get(unit) ?? 0) + 1)
    const base = this.#bases.get(unit)
    const isDelta = base !== undefined && this.#random.chance(0.7)
    const all = Object.values(sets).flatMap(entries => Object.values(entries))
    const bytes = all.reduce((sum, { size }) => sum + size, 0)
    const totals = { sets: Object.keys(sets).length, files: 0, bytes }
    const manifest: ModelManifest = {
      format: 1,
      node: 'node1',
      epoch: this.#options.epoch,
      unit,
      time: new Date(time).toISOString(),
      base: isDelta ? base.key : null,
      gap: false,
      unexplained: [],
      unprotected,
      removed: isDelta ? Object.keys(base.sets).filter(path => sets[path] === undefined) : [],
      directories: { [directory]: { device: '1', inode: '1' } },
      sets: isDelta ? differing(base.sets, sets) : sets,
      files: {},
      totals,
    }
    const key = this.#keys.state(unit, time, {
      epoch: this.#options.epoch,
      kind: unprotected.length > 0 ? 'partial' : 'complete',
      gap: false,
      base: isDelta ? this.#timeOf(base.key) : undefined,
      ...totals,
    })
    // The answer to a PUT may be long in coming; what it says was decided before.
    if (stall !== undefined) await this.#store.turns.sleep(stall)
    else await this.#turn(this.#random.chance(0.2) ? 120_000 : 3_000)
    this.#store.put(key, packed(manifest))
    this.#newest.set(unit, time)
    if (!isDelta) this.#bases.set(unit, { key, sets })
  }

  /** Looks at node.json. @param fresh how old the last look may be, ms */
  async look(fresh = 0): Promise<void> {
    const began = this.#store.turns.now
    if (began - this.#looked < fresh) return
    await this.#turn()
    const found = this.#store.objects.get(this.#keys.node)
    const record = JSON.parse(found?.body.toString() ?? '{}') as Record<string, unknown>
    // Another machine took the name over.
    if (Number(record['epoch'] ?? 0) > this.#options.epoch) this.isDead = true
    await this.#take(record['chop'])
    this.#looked = began
  }

  #counts(key: string): boolean {
    return this.#options.heeds && this.#planned.has(key)
  }

  async #take(value: unknown): Promise<void> {
    const chops = parseChops(value)
    const known = [...plansOf(chops)].sort().join()
    if (known !== this.#known) {
      const read = async (key: string): Promise<Buffer | undefined> => {
        await this.#turn()
        return this.#store.objects.get(key)?.body
      }
      this.#planned = await PlannedKeys.read(read, this.#keys, chops)
      this.#known = known
      // Each may be one that is about to go, now or with a plan that nobody knows any more later.
      if (this.#options.heeds) this.#bases.clear()
      this.#again = this.#store.turns.now + 30_000
    } else if (this.#again === undefined || this.#store.turns.now < this.#again) return
    else this.#again = undefined
    this.#forget()
    for (const [path, { content, entry }] of [...this.#uploaded]) await this.#rescue(path, content, entry)
  }

  /** Content that counts as uploaded gets another key if its object is about to go. */
  async #rescue(path: string, content: Content, entry: ModelEntry): Promise<void> {
    const source = entry.key ?? this.#keys.file(path)
    if (!this.#counts(source)) return
    const key = versionKey(this.#keys.versionStem(path, true), entry.crc64, this.#planned.suffix)
    await this.#turn()
    const isThere = this.#store.objects.get(source)?.body.toString() === content
    if (!isThere && !this.#isOnDisk(path, content)) {
      this.#uploaded.delete(path)
      return
    }
    this.#store.put(key, Buffer.from(content))
    this.#uploaded.set(path, { content, entry: { ...entry, key } })
  }

  /** What is not on the disk any more is uploaded anew when it comes back: then its object is found. */
  #forget(): void {
    for (const [path, { content }] of [...this.#uploaded])
      if (!this.#isOnDisk(path, content)) this.#uploaded.delete(path)
  }

  #isOnDisk(path: string, content: Content): boolean {
    const [, name = '', component = ''] = /^(.*-big)-(.*)$/.exec(basename(path)) ?? []
    return this.#disk.directories.get(dirname(path))?.get(name)?.get(component) === content
  }

  async #file(path: string, content: Content, days: number): Promise<void> {
    if (this.#uploaded.get(path)?.content === content) return
    const original = this.#originalOf(path, content)
    if (original !== undefined) {
      this.#uploaded.set(path, { content, entry: original })
      return
    }
    const crc64 = crcOf(content)
    const entry: ModelEntry = { size: content.length, mtime: '0', inode: 1, crc64 }
    const begun = this.#store.turns.now
    await this.#turn()
    const isPlanned = this.#options.heeds && this.#planned.concerns(path)
    const suffix = isPlanned ? this.#planned.suffix : undefined
    const plain = this.#keys.file(path)
    const version = versionKey(this.#keys.versionStem(path, true), crc64, suffix)
    let key = isPlanned ? version : plain
    if (!isPlanned) {
      const held = this.#store.objects.get(plain)
      if (held !== undefined && held.body.toString() !== content) key = version
    }
    if (!this.#store.objects.has(key)) {
      if (days > 0) await this.#turn(days * 86_400_000)
      if (!this.#store.objects.has(key)) this.#store.put(key, Buffer.from(content), begun)
    }
    const own = key === plain ? entry : { ...entry, key }
    this.#uploaded.set(path, { content, entry: own })
    await this.#rescue(path, content, own)
  }

  /** A snapshot's file is a hardlink: its object is that of the table's. */
  #originalOf(path: string, content: Content): ModelEntry | undefined {
    const [, directory, name] = /^(.*)\/snapshots\/[^/]+\/(.*)$/.exec(path) ?? []
    if (directory === undefined || name === undefined) return undefined
    const table = this.#uploaded.get(`${directory}/${name}`)
    if (table?.content !== content) return undefined
    const key = table.entry.key ?? this.#keys.file(`${directory}/${name}`)
    return this.#counts(key) ? undefined : { ...table.entry, key }
  }

  #entriesOf(path: string, files: Files): Record<string, ModelEntry> | undefined {
    const entries: Record<string, ModelEntry> = {}
    for (const [component, content] of files) {
      const uploaded = this.#uploaded.get(`${path}-${component}`)
      if (uploaded?.content !== content) return undefined
      entries[component] = uploaded.entry
    }
    return entries
  }

  /** What the newest manifest names, and the disk still has, counts as uploaded. */
  async #load(directory: string): Promise<void> {
    await this.#turn()
    const unit = unitAt(directory)
    const manifests = this.#manifestsOf(unit)
    const [newest] = manifests
    if (newest === undefined) return
    this.#newest.set(unit, newest.time)
    const { sets } = newest
    for (const [path, entries] of Object.entries(sets)) {
      const files = this.#disk.directories.get(directory)?.get(basename(path))
      for (const [component, entry] of Object.entries(entries)) {
        const content = files?.get(component)
        if (content === undefined || crcOf(content) !== entry.crc64) continue
        this.#uploaded.set(`${path}-${component}`, { content, entry })
        await this.#rescue(`${path}-${component}`, content, entry)
      }
    }
  }

  #manifestsOf(unit: string): { time: number; sets: ModelManifest['sets'] }[] {
    return manifestsIn(this.#store, this.#keys)
      .filter(one => one.unit === unit)
      .sort((a, b) => b.epoch - a.epoch || b.time - a.time)
      .map(({ time, named }) => ({ time, sets: named ?? {} }))
  }

  #timeOf(key: string): number {
    return 9_999_999_999_999 - Number(/\/(\d{13})-/.exec(key)?.[1])
  }

  /** @throws Fenced once it is dead */
  async #turn(most?: number): Promise<void> {
    await this.#store.turns.step(most)
    if (this.isDead) throw new Fenced()
  }
}

function differing(base: ModelManifest['sets'], sets: ModelManifest['sets']): ModelManifest['sets'] {
  return Object.fromEntries(
    Object.entries(sets).filter(([path, entries]) => JSON.stringify(base[path]) !== JSON.stringify(entries)),
  )
}
