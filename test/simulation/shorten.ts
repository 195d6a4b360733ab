import { PLAIN } from './scenario.js'
import type { Event, Script } from './script.js'

/** Seeds of chance that are tried for each event, the plainest first. */
const SALTS = [0, 1, 2, 3]

/** Whether a script still goes wrong as the first one did. */
export type GoesWrong = (script: Script) => Promise<boolean>

/**
 * The shortest script that can be found that goes wrong as a given one does: events are left out, many at once at first, and the
 * node and chance are made as plain as they can be. It runs the script some ten times for each event.
 */
export async function shorten(script: Script, goesWrong: GoesWrong): Promise<Script> {
  let shortest = script
  const attempt = async (change: Partial<Script>): Promise<boolean> => {
    const shorter = { ...shortest, ...change }
    if (!(await goesWrong(shorter))) return false
    shortest = shorter
    return true
  }
  await leaveOut(() => shortest.events, attempt)
  for (const name of Object.keys(PLAIN) as (keyof Script)[])
    if (name !== 'events' && shortest[name] !== PLAIN[name]) await attempt({ [name]: PLAIN[name] })
  for (let index = 0; index < shortest.events.length; index++)
    await plainSalt(index, shortest.events, attempt)
  return shortest
}

type Attempt = (change: Partial<Script>) => Promise<boolean>

/** Leaves out whatever events can be left out, until none can. */
async function leaveOut(events: () => readonly Event[], attempt: Attempt): Promise<void> {
  let hasChanged = true
  while (hasChanged) {
    hasChanged = false
    for (let size = Math.max(1, events().length >> 1); size >= 1; size >>= 1)
      for (let first = events().length - size; first >= 0; first -= size)
        for (const shorter of without(events(), first, size)) {
          if (!(await attempt({ events: shorter }))) continue
          hasChanged = true
          break
        }
  }
}

/** Events without some of them: once with what follows as much earlier, once with what follows when it was. */
function without(events: readonly Event[], first: number, count: number): Event[][] {
  const before = events.slice(0, first)
  const [next, ...rest] = events.slice(first + count)
  if (next === undefined) return [before]
  const pause = events.slice(first, first + count).reduce((sum, { after }) => sum + after, 0)
  return [
    [...before, next, ...rest],
    [...before, { ...next, after: next.after + pause }, ...rest],
  ]
}

async function plainSalt(index: number, events: readonly Event[], attempt: Attempt): Promise<void> {
  for (const salt of SALTS) {
    if (events[index]?.salt === salt) return
    if (await attempt({ events: events.map((event, i) => (i === index ? { ...event, salt } : event)) }))
      return
  }
}
