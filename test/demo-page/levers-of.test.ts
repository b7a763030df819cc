import t from 'tap'
import { type LeverFacts, leversOf } from '../../lib/demo-page/levers-of.js'
import { liveService } from '../../lib/demo-page/live-service.js'

const pod = (number: number, state: LeverFacts['pods'][number]['state']) => ({
  ...{
    name: `nginx-deployment-${number}`,
    ip: `10.244.0.${number}`,
    deployment: 'nginx-deployment',
    pid: 4000 + number,
  },
  state,
})
const FACTS: LeverFacts = {
  ...{ mode: 'userspace', modes: ['userspace', 'iptables'], nodeName: 'node-a', service: liveService('node-a') },
  isApiAway: false,
  pods: [pod(1, 'running'), pod(2, 'killed'), pod(3, 'silent'), pod(4, 'slow')],
}

t.test('a lever that the cluster is like already is current', t => {
  const current = leversOf(FACTS).flatMap(({ id, isCurrent }) => (isCurrent ? id : []))
  t.same(current, [
    'scale/4',
    'silent/nginx-deployment-3',
    'slow/nginx-deployment-4',
    'affinity/None',
    'internal/Cluster',
    'external/Cluster',
    'nodes/node-a',
    'mode/userspace',
    'api/there',
  ])
  t.end()
})

t.test('while the API server is away, the mode stays: a proxy that starts would serve nothing', t => {
  const modesOf = (facts: LeverFacts): string[] =>
    leversOf(facts).flatMap(({ kind, id }) => (kind === 'mode' ? id : []))
  t.same(modesOf(FACTS), ['mode/userspace', 'mode/iptables'])
  t.same(modesOf({ ...FACTS, isApiAway: true }), ['mode/userspace'])
  t.end()
})

t.test('each lever has the command that does the same in a real cluster', t => {
  const commands = new Map(leversOf(FACTS).map(({ id, command }) => [id, command]))
  t.equal(commands.get('scale/5'), 'kubectl scale deployment nginx-deployment --replicas=5')
  t.equal(commands.get('kill/nginx-deployment-1'), 'kill -9 4001')
  t.equal(
    commands.get('heal/nginx-deployment-3'),
    'kubectl exec nginx-deployment-3 -- iptables -D INPUT -p tcp --dport 80 -j DROP',
  )
  t.equal(
    commands.get('refuse/nginx-deployment-3'),
    'kubectl exec nginx-deployment-3 -- iptables -D INPUT -p tcp --dport 80 -j DROP && ' +
      'kubectl exec nginx-deployment-3 -- iptables -I INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset',
    'what made it silent goes first',
  )
  t.equal(
    commands.get('silent/nginx-deployment-4'),
    'kubectl exec nginx-deployment-4 -- tc qdisc del dev eth0 root && ' +
      'kubectl exec nginx-deployment-4 -- iptables -I INPUT -p tcp --dport 80 -j DROP',
  )
  t.equal(commands.get('heal/nginx-deployment-4'), 'kubectl exec nginx-deployment-4 -- tc qdisc del dev eth0 root')
  t.equal(
    commands.get('slow/nginx-deployment-1'),
    'kubectl exec nginx-deployment-1 -- tc qdisc add dev eth0 root netem delay 800ms',
  )
  t.equal(commands.get('heal/nginx-deployment-1'), undefined, 'a Pod that runs as it should needs nothing')
  t.equal(
    commands.get('external/Local'),
    `kubectl patch service nginx-service -p '{"spec":{"externalTrafficPolicy":"Local"}}'`,
  )
  t.end()
})

t.test('a Pod that was killed can only be replaced; without Pods there is no Node to move them to', t => {
  const of = (facts: LeverFacts, text: string) => leversOf(facts).flatMap(({ id }) => (id.includes(text) ? id : []))
  t.same(of(FACTS, 'nginx-deployment-2'), ['replace/nginx-deployment-2'])
  t.same(of({ ...FACTS, pods: [] }, 'nodes/'), [])
  t.end()
})
