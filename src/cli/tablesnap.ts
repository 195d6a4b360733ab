#!/usr/bin/env node
import { enter } from './entry.js'

await enter('tablesnap', async () => (await import('./main.js')).main)
