#!/usr/bin/env node
import { main } from '../lib/cli/main.js'

// The exit is asked for, since a library may keep a timer or a socket that nobody waits for any more.
process.exit(await main(process.argv.slice(2)))
