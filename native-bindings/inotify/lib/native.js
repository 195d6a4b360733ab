import { Buffer } from 'node:buffer'
import { loadNative } from './load.js'

/** The compiled functions; system calls that fail return a negative errno. */
export const native = loadNative()

/** Every IN_* constant of inotify(7) and linux/inotify.h, as the kernel defines it. */
export const constants = Object.freeze({ ...native.constants })

/** Where the compiled half puts the events of a wake-up; shared by all instances of the thread. */
export const eventBytes = Buffer.from(native.events)

/** The same memory: an event's header is four of these (watch, mask, cookie, length of the name's field). */
export const eventWords = new Int32Array(native.events)
