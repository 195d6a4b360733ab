import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url))

/** The files that are loaded with a file of the bundle, by its static imports. */
function loadedWith(name: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(name)) return loaded
  loaded.add(name)
  const text = readFileSync(join(BIN, name), 'utf8')
  for (const [, other = ''] of text.matchAll(/^(?:import|export)\b[^'"()]*["']\.\/([^"']+\.js)["'];?$/gm))
    loadedWith(other, loaded)
  return loaded
}

await t.test('a backup without --metrics-listen loads neither prom-client nor an HTTP server', t => {
  const has = (name: string, text: string) => readFileSync(join(BIN, name), 'utf8').includes(text)
  const chunks = readdirSync(BIN).filter(name => name.endsWith('.js'))
  const backup = chunks.find(name => name.startsWith('backup-')) ?? ''
  const loaded = [...loadedWith('tablesnap.js'), ...loadedWith(backup)]
  t.ok(loaded.length > 5, 'static imports are found')
  t.ok(
    chunks.some(name => has(name, '// node_modules/prom-client/')),
    'prom-client is in the bundle',
  )
  for (const name of loaded) t.notOk(has(name, '// node_modules/prom-client/'), name)
  for (const name of loaded) t.notOk(has(name, '// dist/src/status/http.js'), name)
  t.end()
})
