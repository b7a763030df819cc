import { programPath, programVersion } from '../measure/program-version.js'
import { type Contender } from './contender.js'
import { type NodePortService, startConfigured } from './configured-proxy.js'
import { NODE_IP } from '../../../test/support/nodes/node-network.js'

/** HAProxy in TCP mode with one thread, because the others are single processes too. It does not support UDP. */
export const haproxy: Contender = {
  name: 'haproxy',
  title: 'HAProxy',
  unavailableReason: () =>
    programPath('haproxy') === undefined ? 'haproxy is not installed: apt-get install haproxy' : undefined,
  version: () => programVersion('haproxy', ['-v']),
  start: (site, size) =>
    startConfigured(site, size, { program: 'haproxy', protocols: ['TCP'], config, args: path => ['-f', path] }),
}

function config(services: readonly NodePortService[]): string {
  const head = `global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
`
  const each = services.map(
    ({ name, nodePort, endpoints, targetPort }) => `listen ${name}
  bind ${NODE_IP}:${nodePort}
  balance roundrobin
${endpoints.map((ip, n) => `  server pod${n} ${ip}:${targetPort}\n`).join('')}`,
  )
  return head + each.join('')
}
