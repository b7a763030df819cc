import { KILL_CASES } from './kill-cases.js'
import { REBOOT_CASE } from './reboot-case.js'
import { type ReliabilityCase } from './reliability-case.js'
import { UPDATE_CASES } from './update-cases.js'

/** All cases, in the order of the report. */
export const RELIABILITY_CASES: readonly ReliabilityCase[] = [...UPDATE_CASES, ...KILL_CASES, REBOOT_CASE]
