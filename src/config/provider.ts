import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { TablesnapError, errorMessage } from '../errors.js'
import { monotonic } from '../s3/server-time.js'
import type { CredentialSource, Credentials } from '../s3/settings.js'

/** Credentials that end are fetched again so long before, ms; those that live shorter, at half of their time. */
const EARLY = 5 * 60_000

/** At most so often the chain is asked, and the files are looked at, ms. */
const LEAST = 5_000

/** Between two attempts with credentials that are refused, ms. */
const PAUSE = 500

/**
 * How long credentials that are refused may still become good, or others be written in their place, ms: whoever changes keys writes the
 * file a little before or after the server takes them.
 */
const PATIENCE = 15_000

/** The same for a HEAD, whose answer does not say why it is refused: mostly for want of a permission. */
const HEAD_PATIENCE = 2_000

/** Credentials as the AWS provider chain gives them. */
type Temporary = Credentials & { readonly expiration?: Date | undefined }

/** How the credentials of a run are found. */
export interface ProviderOptions {
  /** Given by flags, environment or tablesnap.conf: the chain is not asked. */
  readonly given: Credentials | undefined
  readonly region: string
  /** Asks the chain; for tests. */
  readonly fetch?: (region: string) => Promise<Temporary>
  readonly env?: NodeJS.ProcessEnv
  /** For tests. */
  readonly clock?: Partial<ProviderClock>
}

/** The time, as a provider asks for it. */
export interface ProviderClock {
  /** ms of a clock that never jumps. */
  now(): number
  /** The time of day, ms since 1970. */
  timeOfDay(): number
  /** Waits, ms. */
  sleep(milliseconds: number): Promise<unknown>
}

/**
 * Where requests get their credentials from: the given ones, else the AWS provider chain (shared files, SSO, web
 * identity, container, instance role), which is loaded only then. They are read again before they end, when a file that they
 * may come from has changed, and when the server refuses them; never for each request.
 * @returns a function that throws TablesnapError `CREDENTIALS_MISSING`
 */
export function credentialProvider(options: ProviderOptions): CredentialSource {
  const { given } = options
  if (given !== undefined) return () => given
  const chain = new Chain(options)
  return Object.assign(() => chain.credentials(), {
    accepted: () => chain.accepted(),
    refused: (used: Credentials, isCertain: boolean) => chain.refused(used, isCertain),
  })
}

class Chain {
  readonly #options: ProviderOptions
  readonly #clock: ProviderClock
  #held: Promise<Temporary> | undefined
  /** When the chain is asked again, ms; Infinity: when a file changes, or the server refuses what it gave. */
  #due = Infinity
  #asked = -Infinity
  #looked = -Infinity
  #files = ''
  /** Whether the server has taken any of its credentials: others have never been good, and are a mistake. */
  #wereAccepted = false
  #last: Temporary | undefined
  /** Whether it has given different credentials. */
  #hasChanged = false
  #refusal: { readonly key: string; readonly since: number; last: number } | undefined

  constructor(options: ProviderOptions) {
    this.#options = options
    this.#clock = { now: monotonic, timeOfDay: Date.now, sleep, ...options.clock }
  }

  credentials(): Promise<Credentials> {
    const now = this.#now()
    if (this.#held === undefined) return this.#fetch()
    if (now - this.#asked >= LEAST && (now > this.#due || this.#haveFilesChanged()))
      return this.#renew(this.#held)
    return this.#held
  }

  /** The server takes its credentials. */
  accepted(): void {
    this.#wereAccepted = true
  }

  /** The server does not take these (any more). @returns whether the request is worth another attempt */
  async refused(used: Credentials, isCertain: boolean): Promise<boolean> {
    const held = await this.#held
    if (held !== undefined && !isSame(held, used)) return true
    const now = this.#now()
    if (await this.#hasOthers(used)) return true
    if (!this.#wereAccepted || !(isCertain || this.#hasChanged)) return false
    if (this.#refusal?.key !== used.accessKeyId || now - this.#refusal.last > PATIENCE)
      this.#refusal = { key: used.accessKeyId, since: now, last: now }
    this.#refusal.last = now
    if (now - this.#refusal.since > (isCertain ? PATIENCE : HEAD_PATIENCE)) return false
    await this.#clock.sleep(PAUSE)
    return true
  }

  /** Asks the chain again, unless it was asked just now and nothing has changed since. @returns whether it gave others */
  async #hasOthers(used: Credentials): Promise<boolean> {
    this.#looked = -Infinity
    if (!this.#haveFilesChanged() && this.#now() - this.#asked < LEAST) return false
    const held = this.#held
    const fresh = held === undefined ? this.#fetch() : this.#renew(held)
    return fresh.then(
      found => !isSame(found, used),
      () => false,
    )
  }

  /** Whoever needs credentials meanwhile goes on with those that there are, for as long as nothing newer can be had. */
  #renew(before: Promise<Temporary>): Promise<Temporary> {
    const renewed = this.#fetch().catch(() => before)
    this.#held = renewed
    return renewed
  }

  #fetch(): Promise<Temporary> {
    const { fetch = fromChain, region } = this.#options
    this.#asked = this.#now()
    this.#looked = -Infinity
    this.#haveFilesChanged()
    const fetched = fetch(region)
    this.#held = fetched
    fetched.then(
      found => {
        this.#due = this.#dueOf(found.expiration)
        if (this.#last !== undefined && !isSame(this.#last, found)) this.#hasChanged = true
        this.#last = found
      },
      () => {
        if (this.#held === fetched) this.#held = undefined
      },
    )
    return fetched
  }

  #dueOf(expiration: Date | undefined): number {
    if (expiration === undefined) return Infinity
    const left = expiration.getTime() - this.#clock.timeOfDay()
    return this.#now() + (left > 2 * EARLY ? left - EARLY : left / 2)
  }

  /** Whether a file that the chain reads is another one since it was asked; some are links that a rotator turns. */
  #haveFilesChanged(): boolean {
    const now = this.#now()
    if (now - this.#looked < LEAST) return false
    this.#looked = now
    const { env = process.env } = this.#options
    const files = filesOf(env).map(versionOf).join()
    const changed = files !== this.#files
    this.#files = files
    return changed
  }

  /** Not the time of day: after a jump backwards the chain would not be asked for as long as the jump was. */
  #now(): number {
    return this.#clock.now()
  }
}

/** The files that the chain may read credentials from. */
function filesOf(env: NodeJS.ProcessEnv): string[] {
  const home = env['HOME'] ?? homedir()
  return [
    env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws/credentials'),
    env['AWS_CONFIG_FILE'] ?? join(home, '.aws/config'),
    env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '',
  ].filter(path => path !== '')
}

function versionOf(path: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(path)
    return `${ino} ${mtimeMs} ${size}`
  } catch {
    return 'none'
  }
}

function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  )
}

/** Asks the AWS provider chain, and says in `$source` which of its providers answered. @throws TablesnapError `CREDENTIALS_MISSING` */
export async function fromChain(region: string): Promise<Temporary & { readonly $source?: object }> {
  try {
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
    return await fromNodeProviderChain({ clientConfig: { region }, ignoreCache: true })()
  } catch (cause) {
    throw new TablesnapError({
      code: 'CREDENTIALS_MISSING',
      message: `no credentials: give -k and -s, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, aws_key and aws_secret in tablesnap.conf, a profile or an instance role (${errorMessage(cause)})`,
      step: { operation: 'credentials' },
      retry: true,
      cause,
    })
  }
}
