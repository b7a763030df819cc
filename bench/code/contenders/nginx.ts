import { existsSync } from 'node:fs'
import { NODE_IP } from '../../../test/support/nodes/node-network.js'
import { programPath, programVersion } from '../measure/program-version.js'
import { type NodePortService, startConfigured } from './configured-proxy.js'
import { type Contender } from './contender.js'

/** The path in Debian's package libnginx-mod-stream. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** nginx as a stream proxy with one worker, because the others are single processes too. */
export const nginx: Contender = {
  name: 'nginx',
  title: 'nginx stream',
  unavailableReason: () =>
    programPath('nginx') === undefined || !existsSync(STREAM_MODULE)
      ? 'nginx or its stream module is not installed: apt-get install nginx libnginx-mod-stream'
      : undefined,
  version: () => programVersion('nginx', ['-v']),
  start: (site, size) =>
    startConfigured(site, size, {
      program: 'nginx',
      protocols: ['TCP', 'UDP'],
      config,
      args: path => ['-c', path, '-e', 'stderr'],
    }),
}

function config(services: readonly NodePortService[], folder: string): string {
  const each = services.map(
    ({ name, nodePort, endpoints, protocol, targetPort }) => `
  upstream ${name} { ${endpoints.map(ip => `server ${ip}:${targetPort};`).join(' ')} }
  server {
    listen ${NODE_IP}:${nodePort}${protocol === 'UDP' ? ' udp' : ' backlog=4096'};
    proxy_pass ${name};
    proxy_timeout 1h;
  }`,
  )
  return `daemon off;
load_module ${STREAM_MODULE};
worker_processes 1;
worker_rlimit_nofile 10000;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 8000; }
stream {${each.join('')}
}
`
}
