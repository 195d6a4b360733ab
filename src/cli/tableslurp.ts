#!/usr/bin/env node
import { slurp } from './slurp.js'

process.exit(await slurp(process.argv.slice(2)))
