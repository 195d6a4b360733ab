// Compiles the addons for all targets: npm run prebuilds.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { makePrebuilds } from './prebuilds.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
for (const file of makePrebuilds(root)) process.stdout.write(`${relative(root, file)}\n`)
