import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One row of the table of faults. */
export interface FaultRow {
  /** The heading under which it stands. */
  readonly area: string
  readonly fault: string
  /** What the proxy promises to its clients meanwhile. The test fails if it does not keep it. */
  readonly promise: string
}

/** A row with what was measured, as text. */
export interface FaultRecord extends FaultRow {
  readonly lost: string
  readonly recovery: string
}

/** The variable that names the folder of records. Without it nothing is written. */
export const RECORD_FOLDER = 'FAULT_RECORDS'

/** Writes a record for the report of the suite, if there is one to come. */
export function writeFaultRecord(record: FaultRecord): void {
  const folder = process.env[RECORD_FOLDER]
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  const name = `${record.area} ${record.fault}`.replace(/[^A-Za-z0-9]+/g, '-')
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(record))
}

/** Reads all records of a folder. */
export function readFaultRecords(folder: string): FaultRecord[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as FaultRecord)
}
