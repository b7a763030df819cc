import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readDeclaredFaults } from './support/faults/declared-faults.js'
import { type FaultRow } from './support/faults/fault-record.js'
import { readDocumentedFaults, replaceFaultTables } from './support/faults/fault-page.js'

const root = process.cwd()
const page = readFileSync(join(root, 'docs', 'reliability.md'), 'utf8')

t.test('docs/reliability.md has exactly the faults of the suite, each with the promise that its test checks', t => {
  const declared = readDeclaredFaults(join(root, 'test', 'faults'))
  const name = ({ area, fault, promise }: FaultRow): string => `${area}: ${fault}: ${promise}`
  t.equal(new Set(declared.map(({ area, fault }) => `${area}: ${fault}`)).size, declared.length, 'no fault twice')
  t.strictSame(
    readDocumentedFaults(page).map(name).sort(),
    declared.map(name).sort(),
    'npm run test:faults writes the tables',
  )
  t.end()
})

t.test('the tables of a document are replaced by those of the records, sorted', t => {
  const record = (area: string, fault: string) => ({ area, fault, promise: 'a | b', lost: '0 of 9', recovery: '1.0 s' })
  const records = [record('Rules', 'A'), record('API server', 'B'), record('API server', 'A')]
  const text = replaceFaultTables(page, records, { kernel: 'Linux' })
  t.strictSame(
    readDocumentedFaults(text).map(({ area, fault, promise }) => [area, fault, promise]),
    [
      ['API server', 'A', 'a | b'],
      ['API server', 'B', 'a | b'],
      ['Rules', 'A', 'a | b'],
    ],
  )
  t.match(text, /\| kernel \| Linux \|/)
  t.equal(replaceFaultTables(text, records, { kernel: 'Linux' }), text, 'the same records give the same text')
  t.end()
})
