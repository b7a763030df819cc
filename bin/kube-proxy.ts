#!/usr/bin/env node
import { main } from '../lib/cli/main.js'

// Exits explicitly: a library may keep the process alive with a timer or a socket that has no purpose any more.
process.exit(await main(process.argv.slice(2)))
