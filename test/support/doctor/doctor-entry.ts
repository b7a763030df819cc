/** Entry in the node's namespace: each line is a question to the doctor, each line of the output the report. */
import { createInterface } from 'node:readline'
import { readConfig } from '../../../lib/config/read-config.js'
import { diagnose } from '../../../lib/doctor/diagnose.js'
import { gatherFacts } from '../../../lib/doctor/gather-facts.js'
import { messageOf } from '../../../lib/model/failure.js'
import { MODES } from '../../../lib/modes/registry.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { type DoctorRequest } from './doctor-request.js'

/** On a busy machine, a second may not be enough for a healthy endpoint. */
const PATIENCE_MS = 5000 * TIMEOUT_FACTOR

for await (const line of createInterface({ input: process.stdin })) {
  const { name, nodeName = 'this-node', ...request } = JSON.parse(line) as DoctorRequest
  const { config } = readConfig({ 'hostname-override': nodeName }, nodeName, MODES)
  const question = { client: undefined, socket: '/nonexistent', kubeconfig: '', manifests: [], domain: 'cluster.local' }
  try {
    const facts = await gatherFacts({ ...question, name, ...request, config, version: 'test', patienceMs: PATIENCE_MS })
    process.stdout.write(`${JSON.stringify(diagnose(facts, 'test'))}\n`)
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`)
  }
}
