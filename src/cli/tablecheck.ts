#!/usr/bin/env node
import { enter } from './entry.js'

await enter('tablecheck', async () => (await import('./check.js')).check)
