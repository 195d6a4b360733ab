import { readFileSync } from 'node:fs'

import t from 'tap'

import { SITUATIONS } from './situations.js'

await t.test(
  'every change of test/situations still fits the program, and every test that it names is there',
  t => {
    for (const { title, module, from, test, holds } of SITUATIONS) {
      const compiled = readFileSync(new URL(`../../src/${module}.js`, import.meta.url), 'utf8')
      t.equal(compiled.split(from).length, 2, `${title}: ${module}`)
      const titles = readFileSync(new URL(`../${test}.test.js`, import.meta.url), 'utf8')
      t.ok(titles.includes(holds.replace(/^\^|\$$/g, '')), `${title}: ${test}`)
    }
    t.end()
  },
)
