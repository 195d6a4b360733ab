import { lookup, lookupService } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP, isIPv6 } from 'node:net'

import { errorCode } from '../errors.js'

/** The functions that look up the name of this machine. */
export interface FqdnSources {
  readonly hostname: string
  /** `/etc/hosts`, unless a test says otherwise. */
  readonly hostsFile: string
  readonly lookup: (hostname: string) => Promise<string>
  /** The name of an address. */
  readonly reverse: (address: string) => Promise<string>
  /** How long all look-ups together may take, ms. */
  readonly timeout: number
}

/** A name, and why it may not be the one of other days. */
export interface FoundName {
  readonly name: string
  /** The look-up that failed for a passing reason. */
  readonly doubt?: string
}

/** The system's own sources. */
export const systemSources: Omit<FqdnSources, 'hostname'> = {
  hostsFile: '/etc/hosts',
  lookup: async hostname => (await lookup(hostname)).address,
  reverse: async address => (await lookupService(address, 0)).hostname,
  timeout: 5000,
}

function canonicalAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname : address
}

/** The names that the hosts file has for an address: the canonical one, then its aliases. */
function namesInHosts(file: string, address: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  for (const line of text.split('\n')) {
    const [first, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (first === undefined || isIP(first) === 0 || names.length === 0) continue
    if (canonicalAddress(first) === canonicalAddress(address)) return names
  }
  return []
}

function isLocalhost(name: string): boolean {
  return /^(?:ip6-)?(?:localhost|loopback)(?:[46]?$|\.)/i.test(name)
}

async function namesOf({ hostname, hostsFile, lookup, reverse }: FqdnSources): Promise<string[]> {
  const address = await lookup(hostname)
  const names = namesInHosts(hostsFile, address)
  if (names.length > 0) return names
  const name = await reverse(address)
  return isIP(name) === 0 ? [name] : []
}

/** Rejects with the code ETIMEDOUT when the promise takes longer. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${milliseconds} ms`), { code: 'ETIMEDOUT' }))
    }, milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The fully qualified name of this machine as Python's `socket.getfqdn` finds it, which named the nodes of
 * the originals: of the names of the host name's address (the canonical one, then the aliases) the first with
 * a dot, else the canonical one, else the host name. Unlike there, `localhost` is never taken from an
 * address: every machine has it.
 */
export async function findFqdn(sources: FqdnSources): Promise<FoundName> {
  const { hostname, timeout } = sources
  try {
    const names = (await within(timeout, namesOf(sources))).filter(name => !isLocalhost(name))
    return { name: names.find(name => name.includes('.')) ?? names[0] ?? hostname }
  } catch (error) {
    const code = errorCode(error) ?? 'unknown error'
    // ENOTFOUND is an answer: there is no such name. All else may be different the next time.
    return code === 'ENOTFOUND' ? { name: hostname } : { name: hostname, doubt: code }
  }
}
