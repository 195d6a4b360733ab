import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

import { BenchFailure } from './failure.js'
import { certificate, program } from './program.js'

/** What the sink has counted since it was last reset; times are CPU of its whole process, us, since it began. */
export interface SinkStats {
  readonly requests: number
  readonly puts: number
  readonly parts: number
  readonly creates: number
  readonly completes: number
  readonly heads: number
  readonly gets: number
  readonly lists: number
  readonly deletes: number
  readonly others: number
  /** Of all requests those for tablesnap's states and its fence. */
  readonly states: number
  /** Bodies with Content-MD5 or a checksum header or trailer, those of them with CRC-64/NVME, and those whose SHA-256 is signed. */
  readonly checksums: number
  readonly crc64s: number
  readonly signed: number
  /** Bytes of bodies as sent, and of the objects in them. */
  readonly received: number
  readonly objectBytes: number
  /** Bytes of objects given back. */
  readonly sent: number
  /** Requests that it has no answer to. */
  readonly refused: number
  readonly connections: number
  readonly objects: number
  readonly user: number
  readonly sys: number
}

/** The null sink as a process of its own on 127.0.0.1; it ends with the benchmark, as its standard input does. */
export class Sink {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    lines: AsyncIterator<string>,
    readonly port: number,
    /** PEM file of the certificate that clients have to trust; undefined: plain http. */
    readonly ca: string | undefined,
  ) {
    this.#child = child
    this.#lines = lines
  }

  /**
   * @param options.tls whether it speaks https
   * @param options.files objects named `…:<path below here>` are read from there on GET
   * @throws BenchFailure when it cannot be compiled or started
   */
  static async start(options: { tls?: boolean; files?: string }): Promise<Sink> {
    const { tls = false, files } = options
    const pem = tls ? await certificate() : undefined
    const args = [
      ...(files === undefined ? [] : ['--files', files]),
      ...(pem === undefined ? [] : ['--tls', pem.certificate, pem.key]),
    ]
    const child = spawn(await program('sink', tls), args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A key pressed in the terminal ends the benchmark, which then ends the sink.
      detached: true,
    })
    await once(child, 'spawn')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const port = await lines.next()
    if (port.done === true) throw new BenchFailure('the null sink does not start')
    return new Sink(child, lines, Number(port.value), pem?.certificate)
  }

  get url(): string {
    return `${this.ca === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`
  }

  async stats(): Promise<SinkStats> {
    return JSON.parse(await this.#ask('stats')) as SinkStats
  }

  /** Sets all counters to 0. @returns what they were */
  async reset(): Promise<SinkStats> {
    return JSON.parse(await this.#ask('reset')) as SinkStats
  }

  /** Forgets all objects. */
  async forget(): Promise<void> {
    await this.#ask('forget')
  }

  /** Whether the bodies of small objects that are no files are kept for GET. */
  async keep(on: boolean): Promise<void> {
    await this.#ask(`keep ${on ? 1 : 0}`)
  }

  /** Whether the time of each PUT's answer is noted. */
  async tracing(on: boolean): Promise<void> {
    await this.#ask(`tracing ${on ? 1 : 0}`)
  }

  /** When PUTs were answered since the last call, ns of the monotonic clock (that of process.hrtime). */
  async trace(): Promise<{ at: bigint; key: string }[]> {
    const notes: { at: bigint; key: string }[] = []
    for (let line = await this.#ask('trace'); line !== ''; line = await this.#line()) {
      const space = line.indexOf(' ')
      notes.push({ at: BigInt(line.slice(0, space)), key: line.slice(space + 1) })
    }
    return notes
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.stdin.end()
    await exit
  }

  async #ask(command: string): Promise<string> {
    this.#child.stdin.write(`${command}\n`)
    return this.#line()
  }

  async #line(): Promise<string> {
    const line = await this.#lines.next()
    if (line.done === true) throw new BenchFailure('the null sink ended early')
    return line.value
  }
}
