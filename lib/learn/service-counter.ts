import { type Ran } from '../ask/lab.js'
import { packetsTo, readChain } from '../ask/read-chain.js'
import { EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { type CountedPort, type NodeCommands } from '../modes/mode-walkthrough.js'
import { modeByName } from '../modes/registry.js'
import { type Counter } from './lesson.js'

const { clusterIP, ports } = EXAMPLE_SERVICE
/** The chains with the rule for the ClusterIP. In a mode without one, its walkthrough knows the counter. */
const CHAINS: ReadonlyMap<string, string> = new Map([
  ['userspace', 'KUBE-PORTALS-CONTAINER'],
  ['iptables', 'KUBE-SERVICES'],
])

/** What the kernel has counted for the ClusterIP of the example, in the mode of the proxy. */
export const serviceCounter: Counter = {
  name: {
    en: `connections to ${clusterIP}:80 that the kernel has counted`,
    ko: `커널이 센 ${clusterIP}:80 연결`,
  },
  async read(lab) {
    const chain = CHAINS.get(lab.mode)
    if (chain !== undefined) {
      const { ran, rules } = await readChain(lab, chain)
      return { ran, value: packetsTo(rules, clusterIP, 80) }
    }
    let ran: Ran | undefined
    const node: NodeCommands = {
      async run(program, args) {
        ran = await lab.run('node', program, ...args)
        return { stdout: ran.output }
      },
    }
    const value = await modeByName(lab.mode).walkthrough.readCount(node, { ...ports[0], clusterIP } as CountedPort)
    return { ran: ran!, value }
  },
  delayMs: ({ mode }) => modeByName(mode).walkthrough.counterDelayMs,
}
