import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Texts that name tests; a folder stands for the files in it. */
const TEXTS = ['docs', '.ci', 'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'package.json']

/** A file or folder of tests, as such a text names it. */
const PATH = /(?<![\w./-])(?:dist\/)?(test\/[a-z0-9][a-z0-9./-]*[a-z0-9])/g

const texts = TEXTS.flatMap(name =>
  name.endsWith('.md') || name.endsWith('.json')
    ? [name]
    : readdirSync(join(ROOT, name)).map(file => join(name, file)),
)

await t.test('every test that a document or a script names is there', async t => {
  for (const text of texts) {
    for (const [, path = ''] of readFileSync(join(ROOT, text), 'utf8').matchAll(PATH))
      t.ok(existsSync(join(ROOT, path.replace(/\.js$/, '.ts'))), `${text}: ${path}`)
  }
})
