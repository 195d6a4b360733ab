import { setTimeout as sleep } from 'node:timers/promises'

import type { TestNode } from './node.js'

/** Every listing of a directory that there ever is: two of them are a second apart, so none is missed. */
export class Listings {
  readonly #all: string[][] = []
  readonly #done: Promise<void>
  #running = true

  constructor(
    node: TestNode,
    directory: string,
    check: (names: readonly string[]) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#done = this.#run(node, directory, check)
  }

  async end(): Promise<readonly (readonly string[])[]> {
    this.#running = false
    await this.#done
    return this.#all
  }

  async #run(
    node: TestNode,
    directory: string,
    check: (names: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const seen = new Set<string>()
    while (this.#running) {
      for (const { key, etag } of await node.bucket.list(node.key(`${directory}/`))) {
        if (!key.endsWith('-listdir.json') || seen.has(`${key} ${etag}`)) continue
        seen.add(`${key} ${etag}`)
        const names =
          (JSON.parse((await node.body(key)).toString()) as Record<string, string[]>)[directory] ?? []
        this.#all.push(names)
        await check(names)
      }
      await sleep(100)
    }
  }
}
