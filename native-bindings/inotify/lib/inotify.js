import { readFileSync } from 'node:fs'
import { InotifyBatch } from './batch.js'
import { throwLater } from './errors.js'
import { constants } from './native.js'

const { IN_ALL_EVENTS, IN_IGNORED } = constants

/** An OR of IN_ONESHOT (the sign bit) is negative in JavaScript, IN_ONESHOT alone is not: both are meant. */
function isMask(value) {
  return Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff && value !== 0
}

/** See index.d.ts. */
export class Inotify {
  #batch
  #callbacks = new Map()
  #overflowed = false
  #persistent

  constructor(...args) {
    this.#persistent = !(args.length === 1 && args[0] === false)
    this.#batch = new InotifyBatch(
      {
        event: (watch, mask, cookie, name, nameBytes) => this.#event(watch, mask, cookie, name, nameBytes),
        end: drained => this.#end(drained),
      },
      { persistent: this.#persistent },
    )
  }

  get persistent() {
    return this.#persistent
  }

  addWatch(options) {
    if ((typeof options !== 'object' && typeof options !== 'function') || options === null) {
      throw new TypeError('You must specify an object as first argument')
    }
    const { path, watch_for: mask = IN_ALL_EVENTS, callback } = options
    if (typeof path !== 'string' && !(path instanceof Uint8Array)) {
      throw new TypeError('You must specify a path to watch for events')
    }
    if (typeof callback !== 'function') throw new TypeError('You must specify a callback function')
    if (!isMask(mask)) throw new TypeError("You must specify OR'ed set of events")
    const watch = this.#batch.add(path, mask)
    this.#callbacks.set(watch, callback)
    return watch
  }

  removeWatch(watch) {
    if (!Number.isInteger(watch) || watch !== (watch | 0)) {
      throw new TypeError('You must specify a valid watcher descriptor as argument')
    }
    this.#batch.remove(watch)
    return true
  }

  close() {
    this.#batch.close()
    this.#callbacks.clear()
    return true
  }

  #event(watch, mask, cookie, name, nameBytes) {
    if (watch === -1) {
      this.#overflow({ watch, mask, cookie })
      return
    }
    const callback = this.#callbacks.get(watch)
    if (callback === undefined) return
    // before the call, which may add a watch that gets this number
    if ((mask & IN_IGNORED) !== 0) this.#callbacks.delete(watch)
    const event = { watch, mask, cookie }
    if (name !== undefined) event.name = name
    if (nameBytes !== undefined) event.nameBytes = nameBytes
    callback.call(this, event)
  }

  #overflow(event) {
    this.#overflowed = true
    for (const callback of new Set(this.#callbacks.values())) {
      if (this.#batch.closed) return
      this.#call(callback, { ...event })
    }
  }

  #call(callback, event) {
    try {
      callback.call(this, event)
    } catch (error) {
      throwLater(error)
    }
  }

  /**
   * An overflow may have cost a watch its IN_IGNORED, and its callback would never be let go. Once the queue is empty
   * the kernel's own list tells which watches are gone.
   */
  #end(drained) {
    if (!this.#overflowed || !drained) return
    this.#overflowed = false
    const alive = this.#watchesOfKernel()
    if (alive === undefined) return
    for (const watch of [...this.#callbacks.keys()]) {
      if (alive.has(watch)) continue
      if (this.#batch.closed) return
      try {
        this.#event(watch, IN_IGNORED, 0)
      } catch (error) {
        throwLater(error)
      }
    }
  }

  /** `inotify wd:<hex> …` lines of the descriptor's fdinfo (proc(5)); undefined where they cannot be read. */
  #watchesOfKernel() {
    try {
      const text = readFileSync(`/proc/self/fdinfo/${this.#batch.descriptor}`, 'latin1')
      return new Set(Array.from(text.matchAll(/^inotify wd:([0-9a-f]+)/gm), match => parseInt(match[1], 16)))
    } catch {
      return undefined
    }
  }
}

for (const [name, value] of Object.entries(constants)) {
  Object.defineProperty(Inotify, name, { value, enumerable: true })
}
