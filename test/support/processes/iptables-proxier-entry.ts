/**
 * Entry in the node's namespace: the proxier of iptables mode on the real kernel. Reads one JSON command per line, writes one JSON result per
 * line. `iptables-proxier-entry.js FLAGS`, with the flags as JSON.
 */
import { nodeOptions } from '../../../lib/modes/mode.js'
import { MODES, chainOwners } from '../../../lib/modes/registry.js'
import { createInterface } from 'node:readline'
import { type FlagValues } from '../../../lib/config/flag-settings.js'
import { readConfig } from '../../../lib/config/read-config.js'
import { NodeManager } from '../../../lib/node/node-manager.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { messageOf } from '../../../lib/model/failure.js'
import { type Log } from '../../../lib/model/log.js'
import { type ObjectKind } from '../../../lib/model/objects.js'
import { EMPTY_SNAPSHOT } from '../../../lib/model/snapshot.js'
import { IptablesProxier } from '../../../lib/modes/iptables/proxier.js'
import { buildSnapshot } from '../../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../../lib/snapshot/object-store.js'
import { ConntrackProgram } from '../../../lib/system/conntrack.js'
import { allowRouteLocalnet } from '../../../lib/system/route-localnet.js'
import { detectIptables } from '../../../lib/system/detect-iptables.js'

interface ServeCommand {
  /** All Services from now on. */
  readonly objects: readonly { readonly kind: ObjectKind }[]
}

const log: Log = {
  enabled: level => level === 0,
  info: () => undefined,
  warn: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message, error) => process.stderr.write(`${message}: ${messageOf(error)}\n`),
}

const { config } = readConfig(JSON.parse(process.argv[2]!) as FlagValues, 'this-node', MODES)
const store = new ObjectStore(config.nodeName)
store.subscribe({ onProblems: problems => process.stderr.write(`${JSON.stringify(problems)}\n`) })
const node = new NodeManager(config, () => store.node)
const iptables = await detectIptables(log)
const proxier = new IptablesProxier({
  iptables,
  chainOwners: chainOwners('iptables'),
  settings: { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true, dropInvalid: true },
  conntrack: new ConntrackProgram(log),
  ...nodeOptions(node),
  allowRouteLocalnet: () => allowRouteLocalnet(log),
  events: discardEvents,
  log,
})
await proxier.start()
process.stdout.write('started\n')

let snapshot = EMPTY_SNAPSHOT
const scope = { nodeName: config.nodeName, families: iptables.map(({ family }) => family), rangesAtNodePorts: false }
for await (const line of createInterface({ input: process.stdin })) {
  const { objects } = JSON.parse(line) as ServeCommand
  for (const kind of ['Service', 'EndpointSlice'] as const)
    store.replace(
      kind,
      objects.filter(object => object.kind === kind),
    )
  snapshot = buildSnapshot(store, store.takeChanges(), scope, snapshot)
  await proxier.update(snapshot)
  for (const rules of proxier.rules) await rules.program(false)
  process.stdout.write('written\n')
}
