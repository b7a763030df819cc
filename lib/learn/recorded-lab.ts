import { commandText } from '../ask/command-text.js'
import { type Lab, type Ran } from '../ask/lab.js'
import { DNS_SERVICE } from '../demo/example-objects.js'

/** What a lesson has done and seen in a cluster. */
export interface LabRecord {
  readonly facts: Pick<Lab, 'nodeIP' | 'clientIP' | 'outsideIP' | 'nodeName' | 'service' | 'pods'>
  /** What its commands have printed, in order. Of commands that were repeated until the kernel had counted, the last ones. */
  readonly calls: readonly Ran[]
}

/**
 * A lab without a cluster, for a node that cannot run a lesson: each command returns what it once printed on another machine. Its methods
 * throw an Error if the lesson is not the one of the record.
 */
export function recordedLab({ facts, calls }: LabRecord): Lab {
  const left = calls.values()
  let mode = ''
  const next = (command?: string): Promise<Ran> => {
    const ran = left.next().value
    if (ran === undefined || (command !== undefined && ran.command !== command))
      return Promise.reject(new Error(`The record has "${ran?.command}", and the lesson runs "${command}"`))
    return Promise.resolve(ran)
  }
  return {
    ...facts,
    deadPods: [],
    dnsService: DNS_SERVICE,
    get mode() {
      return mode
    },
    reset: () => Promise.resolve(),
    undoLater: () => () => Promise.resolve(),
    run: (_where, program, ...args) => next(commandText(program, args)),
    shell: (_where, line) => next(line),
    podShell: line => next(line),
    until: (_isWanted, look) => look(),
    setMode(wanted) {
      mode = wanted
      return next()
    },
    ...{ status: () => next(), check: () => next(), scale: () => next(), changeService: () => next() },
    ...{ kill: () => next(), setReady: () => next(), replace: () => next(), stopProxy: () => next() },
    start() {
      throw new Error('A record has no programs that go on running')
    },
  }
}
