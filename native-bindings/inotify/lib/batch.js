import { Buffer } from 'node:buffer'
import { systemError, throwLater } from './errors.js'
import { eventBytes, eventWords, native } from './native.js'

const HEADER_BYTES = 16

/** What is given for a path that cannot be decoded; also a character that a name may hold. */
const REPLACEMENT = '\ufffd'

/** Whether a handler of this thread is being called: all instances read into one buffer, whose events it has not seen all. */
let delivering = false

/** The name as bytes when decoding has lost something, else undefined. */
function undecodable(name, start, end) {
  if (!name.includes(REPLACEMENT)) return undefined
  const bytes = Buffer.from(eventBytes.subarray(start, end))
  return bytes.equals(Buffer.from(name)) ? undefined : bytes
}

function terminated(path) {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path
  if (!(bytes instanceof Uint8Array)) throw new TypeError('path must be a string or a Buffer')
  if (bytes.includes(0)) throw new TypeError('path must not contain a NUL')
  return Buffer.concat([bytes], bytes.length + 1)
}

/** See index.d.ts. */
export class InotifyBatch {
  #handle
  #handler
  #closed = false

  constructor(handler, options) {
    if (typeof handler?.event !== 'function') throw new TypeError('handler must have a function event')
    const handle = native.open((length, drained) => this.#deliver(length, drained))
    if (typeof handle === 'number') throw systemError(handle, 'inotify_init1')
    this.#handle = handle
    this.#handler = handler
    if (options?.persistent === false) this.unref()
  }

  get closed() {
    return this.#closed
  }

  get descriptor() {
    return native.descriptor(this.#handle)
  }

  add(path, mask) {
    if (!Number.isInteger(mask)) throw new TypeError('mask must be an integer')
    const bytes = terminated(path)
    const watch = native.add(this.#handle, bytes, mask)
    if (watch < 0) throw systemError(watch, 'inotify_add_watch', bytes.toString('utf8', 0, bytes.length - 1))
    return watch
  }

  remove(watch) {
    if (!Number.isInteger(watch)) throw new TypeError('watch must be an integer')
    const result = native.remove(this.#handle, watch)
    if (result < 0) throw systemError(result, 'inotify_rm_watch')
  }

  poll() {
    return !this.#closed && !delivering && native.poll(this.#handle)
  }

  close() {
    this.#closed = true
    native.close(this.#handle)
  }

  ref() {
    native.setReferenced(this.#handle, true)
  }

  unref() {
    native.setReferenced(this.#handle, false)
  }

  #deliver(length, drained) {
    if (length < 0) {
      this.close()
      throwLater(systemError(length, 'read'))
      return
    }
    delivering = true
    for (let at = 0; at < length && !this.#closed;) at = this.#event(at)
    this.#call('end', drained)
    if (drained) this.#call('drained')
    delivering = false
  }

  /** Calls an optional function of the handler. */
  #call(name, ...args) {
    if (this.#closed) return
    try {
      this.#handler[name]?.(...args)
    } catch (error) {
      throwLater(error)
    }
  }

  /** Hands on the event at a byte offset; returns where the next one lies. */
  #event(at) {
    const word = at >> 2
    const start = at + HEADER_BYTES
    const next = start + eventWords[word + 3]
    const watch = eventWords[word]
    const mask = eventWords[word + 1] >>> 0
    const cookie = eventWords[word + 2] >>> 0
    try {
      if (next === start) {
        this.#handler.event(watch, mask, cookie, undefined, undefined)
      } else {
        let end = next
        while (eventBytes[end - 1] === 0) end--
        const name = eventBytes.toString('utf8', start, end)
        this.#handler.event(watch, mask, cookie, name, undecodable(name, start, end))
      }
    } catch (error) {
      throwLater(error)
    }
    return next
  }
}
