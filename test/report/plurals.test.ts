import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { counted } from '../../src/report/format.js'

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url))

/** Nouns of messages that are counted. */
const NOUNS =
  'directories|files|SSTables|tables|objects|manifests|moments|points|keys|paths|watches|lines|reasons|findings|events|requests|threads|nodes|parts|others|overflows|gaps|retries'

/** A value in a template, behind it perhaps an adjective, and a plural noun: `1 directories`. A constant's value is known to be large. */
const JOINED = new RegExp(
  `\\$\\{(?!counted\\(|[A-Z_]+\\})[^{}]*\\} (?:(?:other|more|log|restore|open|upstream|inotify|multipart) )?(?:${NOUNS})\\b`,
  'g',
)

/** Sentences in which the value is no count, or a count that is never 1. */
const NO_COUNT: readonly RegExp[] = [
  /\$\{(?:path|segment)\}/,
  // The manifest is too large: there are thousands.
  /\$\{sets\} SSTables$|\$\{files\} other files$/,
]

/** The templates of a text that join a number and a plural noun by themselves. */
function joined(text: string): string[] {
  return [...text.matchAll(JOINED)].map(([all]) => all).filter(all => !NO_COUNT.some(one => one.test(all)))
}

await t.test('a count agrees with its noun', t => {
  t.equal(counted(1, 'file'), '1 file')
  t.equal(counted(0, 'file'), '0 files')
  t.equal(counted(2, 'directory', 'directories'), '2 directories')
  t.end()
})

await t.test('no message of the program joins a number and a plural noun without counted()', t => {
  t.same(joined('`Watching ${this.#watcher.size} directories; …`'), ['${this.#watcher.size} directories'])
  t.same(joined("`${counted(size, 'directory', 'directories')} are watched`"), [])
  for (const name of readdirSync(SRC, { recursive: true }) as string[]) {
    if (!name.endsWith('.ts')) continue
    t.same(joined(readFileSync(`${SRC}${name}`, 'utf8')), [], name)
  }
  t.end()
})
