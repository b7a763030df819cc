// Which test files run together: pure, for bin/test.mjs.
import { basename } from 'node:path'

/**
 * Tests in a virtual machine that count losses in real time. Clients and proxies wait for each other a fixed time, which is short for an
 * emulated processor that others also use.
 */
const NEED_IDLE = ['hand-over-between-modes-in-vm', 'mode-switch-in-vm']

/**
 * @param {readonly string[]} files compiled tests
 * @returns {{ main: string[], beside: string[], alone: string[] }} what runs first, what runs beside it one at a time, and what runs when both
 *   have ended, one at a time
 */
export function planRuns(files) {
  const main = files.filter(file => !needsVm(file))
  const inVm = files.filter(needsVm)
  // There is nothing to run them beside of.
  if (main.length === 0) return { main, beside: [], alone: inVm }
  return { main, beside: inVm.filter(file => !needsIdle(file)), alone: inVm.filter(needsIdle) }
}

function needsVm(file) {
  return file.endsWith('-in-vm.test.js')
}

function needsIdle(file) {
  return NEED_IDLE.includes(basename(file, '.test.js'))
}
