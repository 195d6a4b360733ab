#!/usr/bin/env node
import { enter } from './entry.js'

await enter('tablechop', async () => (await import('./chop.js')).chop)
