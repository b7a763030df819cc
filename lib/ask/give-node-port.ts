import { nodePortCommand } from './node-port-command.js'
import { type Experiment } from './question.js'

/** Gives the Service a NodePort, as a step. */
export async function giveNodePort({ lab, show }: Experiment, nodePort: number): Promise<void> {
  const ports = lab.service.ports.map(port => ({ ...port, nodePort }))
  show(
    await lab.changeService({ ports, spec: { type: 'NodePort' } }, nodePortCommand(nodePort)),
    { en: 'The Service gets a NodePort: {nodePort}.', ko: '서비스에 NodePort({nodePort})를 준다.' },
    { nodePort },
  )
}
