import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import t from 'tap'

import { sourceStack } from '../../src/cli/source-stack.js'

const BIN = join(import.meta.dirname, '../../bin')
const CALL = 'takeOverRequests();'

/** The place of a call in the bundle. */
function placeOfCall(): string {
  for (const name of readdirSync(BIN)) {
    if (!name.endsWith('.js')) continue
    const lines = readFileSync(join(BIN, name), 'utf8').split('\n')
    const line = lines.findIndex(text => text.trim() === CALL)
    if (line >= 0)
      return `${pathToFileURL(join(BIN, name)).href}:${line + 1}:${lines[line]!.indexOf(CALL) + 1}`
  }
  throw new Error(`no file of the bundle calls ${CALL}`)
}

await t.test('a stack of the bundle names the lines of the sources', async t => {
  const stack = sourceStack(`Error: x\n    at enter (${placeOfCall()})\n    at node:internal/main:1:2`)
  const [, path = '', line = ''] = /\((\/.*):(\d+):\d+\)/.exec(stack) ?? []
  t.match(path, /src\/cli\/entry\.ts$/)
  t.match(readFileSync(path, 'utf8').split('\n')[Number(line) - 1], /takeOverRequests\(\)/)
  t.match(stack, /^Error: x\n {4}at enter .*\n {4}at node:internal\/main:1:2$/)
})

await t.test('a place without a map stays as it is', async t => {
  const stack = 'Error: x\n    at f (file:///nowhere/at%20all.js:1:2)\n    at /nowhere/g.js:3:4'
  t.equal(sourceStack(stack), stack)
})
