import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { iptablesMode } from '../../lib/modes/iptables/mode.js'
import { type Mode } from '../../lib/modes/mode.js'
import { userspaceMode } from '../../lib/modes/userspace/mode.js'
import { type ObservedTable, parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { DAMAGED_TABLE, rulesOfMode } from '../support/kernel/rule-damages.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { ProgramCallCounter } from '../support/processes/program-call-counter.js'

const testFault = faultsOf('Rules in the kernel')

/** How often the other program edits a rule, in milliseconds, and how many times at least. */
const EDIT_PERIOD_MS = 100
const EDITS = 50
/** The edits go on until the proxy has repaired the rules so many times; a busy machine needs more edits for that. */
const LEAST_REPAIRS = 2
const MOST_EDITS = 20 * EDITS
/** The least time between two checks of the rules, in milliseconds. More load makes it longer, never shorter. */
const LEAST_CHECK_PERIOD_MS = 500
/** Checks that may come at once: those of both IP families, and those after the proxy's own writes. */
const EXTRA_CHECKS = 8
/** How long the traffic continues after the recovery, in milliseconds: it has to show that nothing more is lost. */
const AFTERMATH_MS = 1000

/**
 * A rule of another program, which uses connection tracking, as on most nodes. When the last such rule of a node goes, the kernel stops to
 * translate open connections, and an answer on its way then resets its connection.
 */
const FOREIGN_RULE = 'iptables -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP'
/** Takes the client's packets past the rules: it deletes the jump to them, or returns before the first one. */
const EDITS_IN_TURN = [
  'iptables -t nat -D PREROUTING 1',
  'iptables -t nat -D OUTPUT 1',
  'iptables -t nat -I KUBE-PORTALS-CONTAINER 1 -j RETURN || iptables -t nat -I KUBE-SERVICES 1 -j RETURN',
]

/** A node with a proxy whose rules are watched. */
class WatchedNode {
  readonly node: ServiceNode
  readonly calls: ProgramCallCounter
  readonly #mode: Mode
  #intact: Record<string, string[]> = {}

  private constructor(t: Test, node: ServiceNode, mode: Mode) {
    this.node = node
    this.calls = new ProgramCallCounter(t)
    this.#mode = mode
  }

  static async start(t: Test, mode: Mode): Promise<WatchedNode> {
    const watched = new WatchedNode(t, await ServiceNode.create(t, [`--proxy-mode=${mode.name}`]), mode)
    const proxy = await watched.node.start([], watched.calls.env)
    await proxy.waitForLine(/Watching for changes of rules/)
    await watched.run(FOREIGN_RULE)
    watched.#intact = rulesOfMode(await watched.#readTable(), mode.chains)
    return watched
  }

  /** Runs a script as another program of the node. */
  async run(script: string): Promise<void> {
    await this.node.network.node.run('sh', ['-c', script])
  }

  /** Resolves when the rules are what they were at first. */
  waitForRepair(): Promise<void> {
    return waitUntil(() => this.isIntact(), 'the rules are repaired')
  }

  /** Whether the rules are what they were at first. */
  async isIntact(): Promise<boolean> {
    return (await this.countDamaged()) === 0
  }

  /** How many chains differ from what they were at first. */
  async countDamaged(): Promise<number> {
    const rules = rulesOfMode(await this.#readTable(), this.#mode.chains)
    const names = new Set([...Object.keys(rules), ...Object.keys(this.#intact)])
    return [...names].filter(name => JSON.stringify(rules[name]) !== JSON.stringify(this.#intact[name])).length
  }

  async #readTable(): Promise<ObservedTable> {
    const { stdout } = await this.node.network.node.run('iptables-save', ['-t', DAMAGED_TABLE])
    return parseIptablesSave(stdout).get(DAMAGED_TABLE)!
  }
}

const FLUSH = 'iptables -t nat -F; iptables -t filter -F'
const DELETE = `${FLUSH}; iptables -t nat -X; iptables -t filter -X`

const LOSSES = [
  {
    fault: 'Another program flushes all chains (userspace mode)',
    promise:
      'Open connections continue, and the rules return at once. Clients of ClusterIPs wait until then; those of NodePorts are refused, and UDP requests are lost.',
    mode: userspaceMode,
    script: FLUSH,
  },
  {
    fault: 'Another program flushes all chains (iptables mode)',
    promise:
      'Open connections continue, and the rules return at once. Clients of ClusterIPs wait until then; those of NodePorts are refused, and UDP requests are lost.',
    mode: iptablesMode,
    script: FLUSH,
  },
  {
    fault: 'Another program deletes all chains (userspace mode)',
    promise:
      'Open connections continue, and the rules return at once. Clients of ClusterIPs wait until then; those of NodePorts are refused, and UDP requests are lost.',
    mode: userspaceMode,
    script: DELETE,
  },
  {
    fault: 'Another program deletes all chains (iptables mode)',
    promise:
      'Open connections continue, and the rules return at once. Clients of ClusterIPs wait until then; those of NodePorts are refused, and UDP requests are lost.',
    mode: iptablesMode,
    script: DELETE,
  },
]

for (const { mode, script, ...row } of LOSSES)
  testFault({ ...row, skip: namespacesUnavailable }, (t, fault) =>
    measure(t, fault, mode, async watched => {
      await watched.run(script)
      return ['no answer']
    }),
  )

const EDIT_ROWS = [
  {
    fault: 'Another program edits a rule every 100 ms for 5 s (userspace mode)',
    promise:
      'The proxy repairs the rules about once a second. Open connections continue. Between an edit and the repair, clients of NodePorts are refused, other new clients wait, and UDP requests are lost. All is well after the last edit.',
    mode: userspaceMode,
  },
  {
    fault: 'Another program edits a rule every 100 ms for 5 s (iptables mode)',
    promise:
      'The proxy repairs the rules about once a second. Open connections continue. Between an edit and the repair, clients of NodePorts are refused, other new clients wait, and UDP requests are lost. All is well after the last edit.',
    mode: iptablesMode,
  },
]

for (const { mode, ...row } of EDIT_ROWS)
  testFault({ ...row, skip: namespacesUnavailable }, (t, fault) => {
    const editRules = async (watched: WatchedNode): Promise<readonly string[]> => {
      const { calls } = watched
      const [startedAt, callsBefore] = [performance.now(), calls.count('restore')]
      let [repaired, damaged] = [0, 0]
      for (let edit = 0; edit < EDITS || (repaired < LEAST_REPAIRS && edit < MOST_EDITS); edit++) {
        await watched.run(EDITS_IN_TURN[edit % EDITS_IN_TURN.length]!)
        await delay(EDIT_PERIOD_MS)
        const before = damaged
        damaged = await watched.countDamaged()
        // An edit damages one chain, and mends none.
        if (damaged === 0 || damaged < before) repaired++
      }
      const writes = calls.count('restore') - callsBefore
      const most = EXTRA_CHECKS + (performance.now() - startedAt) / LEAST_CHECK_PERIOD_MS
      t.ok(repaired >= LEAST_REPAIRS, `${repaired} repairs mended what the edits had damaged`)
      t.ok(writes >= LEAST_REPAIRS && writes <= most, `${writes} writes, at most ${Math.floor(most)} may be`)
      return []
    }
    return measure(t, fault, mode, editRules)
  })

/** @param harm returns how no new connection may be lost */
async function measure(
  t: Test,
  fault: FaultMeasurement,
  mode: Mode,
  harm: (watched: WatchedNode) => Promise<readonly string[]>,
): Promise<void> {
  const watched = await WatchedNode.start(t, mode)
  const traffic = await watched.node.startTraffic()
  fault.start()
  const impossible = await harm(watched)
  fault.end()
  await fault.measureRecovery('the rules are back', () => watched.waitForRepair())
  await delay(AFTERMATH_MS)
  const { newConnections } = await fault.checkTraffic(traffic, {
    newConnections: 'before recovery',
    udpRequests: 'before recovery',
  })
  for (const reason of impossible) t.equal(newConnections.lost[reason], undefined, 'the next SYN reaches the Service')
}
