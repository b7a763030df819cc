import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork, type TeardownScope } from '../../../test/support/nodes/node-network.js'
import { SOCKPERF_BUFFERS } from './sockperf-buffers.js'
import { stopProcess } from '../stop-process.js'
import { IPERF3_SERVICE, SOCKPERF_SERVICE, HTTP_SERVICE } from './bench-service.js'

/** Starts the servers in the Pods: nginx, iperf3 and sockperf. */
export async function startPodServers(t: TeardownScope, network: NodeNetwork, pod: NetworkNamespace): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-pod-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, nginxConfig(folder))
  const nginx = network.start(pod, 'nginx', ['-c', config, '-e', 'stderr'])
  // Without SIGTERM its workers would outlive it.
  t.teardown(() => stopProcess(nginx))
  const children = [
    nginx,
    network.start(pod, 'iperf3', ['-s', '-p', String(IPERF3_SERVICE.targetPort)]),
    network.start(pod, 'sockperf', [
      'server',
      '-i',
      '0.0.0.0',
      '-p',
      String(SOCKPERF_SERVICE.targetPort),
      ...SOCKPERF_BUFFERS,
    ]),
  ]
  // Unread output would stop them when the pipe is full.
  for (const child of children) {
    child.stdout!.resume()
    child.stderr!.resume()
  }
  await Promise.all([HTTP_SERVICE, IPERF3_SERVICE].map(({ targetPort }) => waitUntilListening(pod, targetPort)))
}

/** A short answer, over connections that nginx never closes because of their age. */
function nginxConfig(folder: string): string {
  return `daemon off;
worker_processes 1;
worker_rlimit_nofile 10000;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 8000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server { listen ${HTTP_SERVICE.targetPort} backlog=4096; default_type text/plain; return 200 "$server_addr\\n"; }
}
`
}

/** No event shows that a port is open, so this polls the list of sockets. */
async function waitUntilListening(pod: NetworkNamespace, port: number): Promise<void> {
  const limit = Date.now() + 10_000
  const localPort = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  for (;;) {
    const { stdout } = await pod.run('cat', ['/proc/net/tcp', '/proc/net/tcp6'])
    if (stdout.split('\n').some(line => line.split(/\s+/)[4] === '0A' && line.includes(localPort))) return
    if (Date.now() > limit) throw new Error(`Nothing listens on port ${port} of the Pod after 10 s`)
  }
}
