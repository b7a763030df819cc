/** Entry in the node's namespace: each line is a question to the doctor, each line of the output the report. */
import { createInterface } from 'node:readline'
import { readConfig } from '../../../lib/config/read-config.js'
import { diagnose } from '../../../lib/doctor/diagnose.js'
import { gatherFacts } from '../../../lib/doctor/gather-facts.js'
import { messageOf } from '../../../lib/model/failure.js'
import { MODES } from '../../../lib/modes/registry.js'
import { type DoctorRequest } from './doctor-request.js'

for await (const line of createInterface({ input: process.stdin })) {
  const { name, nodeName = 'this-node', ...request } = JSON.parse(line) as DoctorRequest
  const { config } = readConfig({ 'hostname-override': nodeName }, nodeName, MODES)
  const question = { client: undefined, socket: '/nonexistent', kubeconfig: '', manifests: [], domain: 'cluster.local' }
  try {
    const facts = await gatherFacts({ ...question, name, ...request, config, version: 'test' })
    process.stdout.write(`${JSON.stringify(diagnose(facts, 'test'))}\n`)
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`)
  }
}
