#!/usr/bin/env node
import { enter } from './entry.js'

await enter('tableslurp', async () => (await import('./slurp.js')).slurp)
