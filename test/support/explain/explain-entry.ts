/**
 * Entry in the node's namespace: `explain-entry.js FLAGS-AS-JSON`. Each line is a request, each line of the output what `kube-proxy explain`
 * predicts, by the rules in the kernel and by planned ones.
 */
import { createInterface } from 'node:readline'
import { readConfig } from '../../../lib/config/read-config.js'
import { explainPacket } from '../../../lib/explain/explain-packet.js'
import { type ExplainedState } from '../../../lib/explain/explained-state.js'
import { kernelState } from '../../../lib/explain/kernel-state.js'
import { offlineState } from '../../../lib/explain/offline-state.js'
import { readRequest } from '../../../lib/explain/read-request.js'
import { messageOf } from '../../../lib/model/failure.js'
import { MODES, modeByName } from '../../../lib/modes/registry.js'
import { readManifests } from '../../../lib/source/read-manifests.js'
import { findIptables } from '../../../lib/system/detect-iptables.js'
import { kernelTools } from '../../../lib/system/kernel-tools.js'
import { RecordingLog } from '../log/recording-log.js'
import { NODE_ADDRESSES } from './replayed-services.js'
import { type Prediction, type PredictionRequest, type Predictions, predictionOf } from './prediction.js'

const { config, problems } = readConfig(JSON.parse(process.argv[2]!) as Record<string, string>, 'this-node', MODES)
if (problems.length > 0) throw new Error(problems.join('\n'))

async function readStates(): Promise<Record<keyof Predictions, ExplainedState>> {
  const objects = await readManifests(config.manifests)
  const iptables = await findIptables()
  const kernel = await kernelState({
    ...{ modes: MODES, config, iptables, objects },
    kernel: kernelTools(iptables.usable, new RecordingLog()),
  })
  const plan = offlineState({
    ...{ objects, config, mode: modeByName(config.modes[0]!), isNodeNamed: true },
    nodeAddresses: Object.values(NODE_ADDRESSES).flatMap(({ main, second }) => [main, second]),
    podRanges: [],
  })
  // Manifests do not say how the Pods are attached.
  return { kernel, plan: { ...plan, canTurnBack: kernel.canTurnBack } }
}

function predict(asked: PredictionRequest, state: ExplainedState): Prediction {
  return predictionOf(explainPacket(readRequest({ ...asked, namespace: 'default' }, 'test'), state))
}

let states: Awaited<ReturnType<typeof readStates>> | undefined
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as PredictionRequest | 'read'
  try {
    if (request === 'read') states = await readStates()
    const result =
      request === 'read' ? 'read' : { kernel: predict(request, states!.kernel), plan: predict(request, states!.plan) }
    process.stdout.write(`${JSON.stringify(result)}\n`)
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`)
  }
}
