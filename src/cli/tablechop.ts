#!/usr/bin/env node
import { chop } from './chop.js'

process.exit(chop(process.argv.slice(2)))
