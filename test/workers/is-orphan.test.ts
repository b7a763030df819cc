import t from 'tap'
import { type ProcessFacts } from '../../lib/system/process-facts.js'
import { isOrphan, markedEnvironment } from '../../lib/workers/is-orphan.js'

const OWN: ProcessFacts = {
  pid: 100,
  startTime: '5000',
  parentPid: 1,
  userId: 0,
  program: '/usr/bin/node',
  networkNamespace: 'net:[1]',
  environment: [],
}
const CONTROL_START = '700'
const [[variable, value]] = Object.entries(markedEnvironment(CONTROL_START)) as [[string, string]]
const WORKER: ProcessFacts = { ...OWN, pid: 90, startTime: '710', environment: ['PATH=/bin', `${variable}=${value}`] }

const TABLE: readonly [string, boolean, Partial<ProcessFacts>, string | undefined][] = [
  ['a worker whose parent is init', true, {}, '1'],
  ['a worker whose parent has just exited', true, {}, undefined],
  ['a worker that still has its control process', false, {}, CONTROL_START],
  ['a process without the mark, whatever its title', false, { environment: ['PATH=/bin'] }, '1'],
  ['a process with the mark inside of another variable', false, { environment: [`X=${variable}=1`] }, '1'],
  ['a process of another user', false, { userId: 1000 }, '1'],
  ['another program', false, { program: '/usr/sbin/nginx' }, '1'],
  ['a process in another network namespace', false, { networkNamespace: 'net:[2]' }, '1'],
  ['this process itself', false, { pid: OWN.pid }, '1'],
]

for (const [name, expected, changes, parentStartTime] of TABLE) {
  t.test(name, t => {
    t.equal(isOrphan({ ...WORKER, ...changes }, OWN, parentStartTime), expected)
    t.end()
  })
}
