import { type Lab, type Running } from './lab.js'
import { type Experiment } from './question.js'

/** The port of the Service and of its Pods. */
export const UDP_PORT = 5353

/** Has the Service and two Pods of it serve UDP. */
export async function serveUdp({ lab, show }: Experiment): Promise<void> {
  const ports = [{ name: '', port: UDP_PORT, targetPort: UDP_PORT, protocol: 'UDP' }] as const
  const patch = { spec: { ports: [{ port: UDP_PORT, protocol: 'UDP' }] } }
  show(
    await lab.changeService(
      { ports },
      `kubectl patch service nginx-service --type merge --patch '${JSON.stringify(patch)}'`,
    ),
    { en: 'The Service gets a UDP port, {port}.', ko: '서비스가 UDP 포트({port})를 갖는다.' },
    { port: UDP_PORT },
  )
  show(await lab.scale(0), { en: 'The old Pods go.', ko: '이전 파드를 없앤다.' })
  show(await lab.scale(2), { en: 'Two Pods that answer on it.', ko: '이 포트에서 응답하는 파드 두 개.' })
}

/** The client sends datagrams to the Service from one socket, and prints the answer to each, or that none came in time. */
export function startUdpClient(lab: Lab): Running {
  const receive = 'timeout 0.5 dd <&3 bs=512 count=1 status=none'
  const line = `exec 3<>/dev/udp/${lab.service.clusterIP}/${UDP_PORT}; while :; do echo hello >&3; ${receive} && echo || echo no answer; sleep 0.1; done 2>/dev/null`
  return lab.start('client', 'bash', '-c', line)
}
