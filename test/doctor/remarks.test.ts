import t from 'tap'
import { missingText } from '../../lib/doctor/ask-proxy-facts.js'
import { decodePod } from '../../lib/doctor/decode-pod.js'
import { diagnose } from '../../lib/doctor/diagnose.js'
import { type ServiceWalk } from '../../lib/doctor/kernel-facts.js'
import { seen } from '../../lib/doctor/seen.js'
import { MODE_CANNOT_SERVE } from '../../lib/status/service-view.js'
import { makeEndpointView, makeFacts, makeServiceView, makeWalk } from '../support/doctor/make-facts.js'
import { objectsOf } from '../support/doctor/objects-of.js'
import { stopped, taken } from '../support/doctor/stopped.js'

type Facts = Parameters<typeof makeFacts>[0]

/** What the doctor says of a Service: the codes of findings, then of remarks with a question mark. */
const said = (facts: Facts): string[] => {
  const { findings, remarks } = diagnose(makeFacts(facts), '1')
  return [...findings.map(({ code }) => code), ...remarks.map(({ code }) => `${code}?`)]
}
const fixOf = (facts: Facts): string =>
  diagnose(makeFacts(facts), '1')
    .findings.flatMap(({ fix }) => fix)
    .join('\n')
const withWalk = (walk: Partial<ServiceWalk>, more: Facts = {}): Facts => ({
  ...more,
  kernel: { walks: [makeWalk(walk)], ...more.kernel },
})

t.test('a rule that made-up senders meet is a fault only if it is for all of them', t => {
  t.same(said(withWalk({ outcome: stopped() })), ['firewall-drops?'], 'an allow-list, or a NetworkPolicy')
  t.same(said(withWalk({ outcome: stopped({ isForAll: true }) })), ['firewall-drops'])
  t.same(said(withWalk({ outcome: stopped() }, { client: '10.244.0.9' })), ['firewall-drops'], '--from')
  t.same(said(withWalk({ outcome: stopped(), from: 'node' })), ['firewall-drops'])
  t.same(said(withWalk({ outcome: stopped({ chain: 'cali-fw' }), from: 'node' })), ['firewall-drops?'])
  t.same(said(withWalk({ outcome: taken() })), ['other-rule-first?'])
  t.same(said(withWalk({ outcome: taken({ isForAll: true }) })), ['other-rule-first'])
  t.same(said(withWalk({ outcome: taken() }, { client: '10.244.0.9' })), ['other-rule-first'])
  for (const outcome of [stopped({ isForAll: true }), taken({ isForAll: true })]) {
    const fix = fixOf(withWalk({ outcome }))
    t.match(fix, /^iptables -t filter -S FORWARD\n/)
    t.notMatch(fix, / -[DPF] /, 'no command removes anything')
  }
  const six = { address: 'fd00::1', outcome: stopped({ isForAll: true, position: undefined }) }
  t.match(fixOf(withWalk(six)), /^ip6tables -t filter -S FORWARD\n.*chain FORWARD of table filter/)
  t.end()
})

t.test('another program of the node may serve an address that the node has', t => {
  const outcome = taken({ isForAll: true })
  const kernel = { addresses: ['10.96.0.10'], walks: [makeWalk({ outcome })] }
  t.same(said({ kernel }), ['other-rule-first?'])
  const nodePort = { addresses: ['10.96.0.10'], walks: [makeWalk({ outcome, kind: 'node port' })] }
  t.same(said({ kernel: nodePort }), ['other-rule-first'], 'each node port is at an address of the node')
  t.end()
})

t.test('rules of a proxy that has ended do not make a Service healthy', t => {
  const stray = { outcome: { kind: 'served', to: ['10.244.0.99:8080'] } } as const
  t.same(said(withWalk(stray, { proxy: undefined })), ['no-rule'])
  t.same(said(withWalk(stray)), ['no-rule?'], 'a proxy that runs may be about to write them')
  t.same(said(withWalk(stray, { kernel: { carriedBy: 'sockets', walks: [makeWalk(stray)] } })), ['no-listener'])
  const alone = makeFacts({ proxy: undefined, objects: objectsOf({}) })
  t.match(diagnose(alone, '1'), { verdict: 'unknown', findings: [] }, 'no program keeps the rules up')
  t.end()
})

t.test('a node port that one family serves is no excuse for the other one', t => {
  const [four, six] = ['192.168.50.1', 'fd00:50::1'].map(address =>
    makeWalk({ ...{ kind: 'node port', from: 'outside', port: 30_080, address, isMain: false } }),
  )
  const untranslated = { kind: 'untranslated' } as const
  t.same(said({ kernel: { walks: [four!, { ...six!, outcome: untranslated }] } }), ['no-rule'])
  const further = { ...four!, address: '10.244.0.1', outcome: untranslated }
  t.same(said({ kernel: { walks: [four!, further] } }), [], 'a further address of the node')
  t.end()
})

t.test('a rule of the proxy that stops packets is a fault where there are endpoints and no source ranges', t => {
  const outcome = stopped({}, true)
  t.same(said(withWalk({ outcome })), ['no-rule'])
  const balanced = { outcome, from: 'outside', kind: 'load-balancer IP' } as const
  t.same(said(withWalk({ ...balanced, isLimited: true, isInRanges: undefined })), [], 'the ranges are not known')
  t.same(said(withWalk({ ...balanced, isLimited: true, isInRanges: false })), [])
  t.same(said(withWalk({ ...balanced, isLimited: true, isInRanges: true })), ['no-rule'])
  t.same(said(withWalk({ outcome, kind: 'node port' })), [], 'a Pod that the node cannot distinguish from others')
  t.end()
})

t.test('a proxy that serves no Service has not this one', t => {
  t.match(missingText([]), /no Service/)
  t.equal(missingText({ missing: 'No Service "web"' }), 'No Service "web"')
  t.equal(missingText([{}]), undefined)
  t.end()
})

t.test('a load balancer is pending only without any address or name', t => {
  const pending = (ingress: unknown) =>
    said({ objects: objectsOf({ spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress } } }) })
  t.same(pending([]), ['load-balancer-pending'])
  t.same(pending([{ hostname: 'lb.example.com' }]), [])
  t.same(pending([{ ip: '198.51.100.7', ipMode: 'Proxy' }]), [])
  t.end()
})

t.test('a Service without kube-proxy is no fault', t => {
  const none = (service: Parameters<typeof objectsOf>[0]) =>
    said({
      objects: objectsOf(service, { endpoints: [] }),
      ports: [],
      endpoints: [],
      proxy: { missing: 'none' },
      kernel: { walks: [] },
    })
  t.same(none({ spec: { clusterIP: 'None' } }), ['no-cluster-ip?'])
  t.same(none({ spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: '' } }), ['no-cluster-ip?'])
  t.same(none({ metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'a' } } }), ['no-cluster-ip?'])
  t.end()
})

t.test('endpoints that are silent may be behind a NetworkPolicy', t => {
  const probe = (outcome: 'connected' | 'no answer' | 'failed' | 'refused', last = 2) =>
    ({ address: `10.244.0.${last}:8080`, outcome, code: '' }) as const
  t.same(said({ probes: [probe('no answer'), probe('connected', 3)] }), ['endpoint-silent?'])
  t.same(said({ probes: [probe('no answer')] }), [])
  t.equal(diagnose(makeFacts({ probes: [probe('no answer')] }), '1').verdict, 'unknown', 'none answers')
  t.same(said({ probes: [probe('failed')] }), ['endpoint-silent'])
  const behind = { endpointWalks: [{ address: '10.244.0.2:8080', outcome: stopped() }] }
  t.same(said({ probes: [probe('refused')], kernel: behind }), ['firewall-drops'], 'the firewall refuses it')
  t.end()
})

t.test('source ranges that work are no fault', t => {
  const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.168.60.0/24', '192.168.61.0/24'] }
  const objects = objectsOf({ spec, status: { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } } })
  const outcome = stopped({}, true)
  const walk = { outcome, from: 'outside', kind: 'load-balancer IP', isLimited: true } as const
  t.same(said(withWalk({ ...walk, isInRanges: false }, { objects })), ['source-ranges?'])
  const named = withWalk({ ...walk, isInRanges: false }, { objects, client: '192.168.70.9' })
  t.same(said(named), ['source-ranges'])
  t.match(fixOf(named), /\["192\.168\.60\.0\/24","192\.168\.61\.0\/24","192\.168\.70\.9\/32"\]/, 'no range is lost')
  t.end()
})

t.test('policy Local concerns the clients that come to this node', t => {
  const actions = { fromNode: 'cluster', fromPods: 'cluster', fromExternal: 'drop' } as const
  const frontend = { kind: 'node port', address: null, port: 30_080, isServed: true, why: null, actions } as const
  const external = makeServiceView({ externalTrafficPolicy: 'Local', frontends: [frontend] })
  const dropped = { fromNode: 'drop', fromPods: 'drop', fromExternal: 'drop' } as const
  const internal = makeServiceView({
    ...{ internalTrafficPolicy: 'Local', endpoints: { all: 1, cluster: 0, local: 0 } },
    frontends: [{ ...frontend, kind: 'cluster IP', address: '10.96.0.10', actions: dropped }],
  })
  const from = (port: typeof external, clientKind: ServiceWalk['from'] | undefined) =>
    said({ ports: [port], kernel: { clientKind } })
  t.same(from(external, undefined), ['policy-local?'])
  t.same(from(external, 'outside'), ['policy-local'])
  t.same(from(external, 'pod'), ['policy-local?'])
  t.same(from(internal, undefined), ['policy-local?'])
  t.same(from(internal, 'pod'), ['policy-local'])
  t.end()
})

t.test('findings that leave no way come first', t => {
  const facts: Facts = {
    probes: [
      { address: '10.244.0.2:8080', outcome: 'refused', code: 'ECONNREFUSED' },
      { address: '10.244.0.3:8080', outcome: 'connected', code: '' },
    ],
    kernel: { walks: [makeWalk({ outcome: { kind: 'untranslated' } })] },
  }
  t.same(said(facts), ['no-rule', 'nothing-listens'])
  t.end()
})

t.test('a name with a domain that is only guessed cannot be judged', t => {
  const dns = (isGuessed: boolean, failure: string) =>
    said({ dns: seen({ name: 'n', server: 'the cluster DNS', addresses: [], failure, isGuessed }) })
  t.same(dns(true, 'ENOTFOUND'), [])
  t.same(dns(false, 'ENOTFOUND'), ['name-not-resolvable'])
  t.same(dns(true, 'ETIMEOUT'), ['name-not-resolvable'])
  t.end()
})

t.test('what the proxy and the objects say apart from each other is shown', t => {
  const endpoints = [makeEndpointView('10.244.0.2:8080')]
  t.same(said({ objects: objectsOf({}, { endpoints }) }), ['no-endpoint?'])
  t.same(said({ endpoints, objects: objectsOf({}, { endpoints }) }), [])
  const files = { isFromFiles: true, service: undefined }
  t.same(said({ objects: objectsOf({}, files) }), [], 'files without the Service')
  t.same(said({ objects: objectsOf({}, { ...files, isFromFiles: false }) }), ['no-such-service'])
  t.end()
})

t.test('a fix leads to no other program', t => {
  const pod = (labels: Record<string, string>, ports: object[] = []) =>
    decodePod({
      metadata: { name: 'web-1', namespace: 'default', labels },
      spec: {
        containers: [{ ports }],
        initContainers: [{ restartPolicy: 'Always', ports: [{ containerPort: 1, name: 'side' }] }],
      },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })
  const selecting = (selector: Record<string, string>, ...others: Record<string, string>[]) =>
    fixOf({
      objects: objectsOf(
        { spec: { selector } },
        { pods: seen({ matching: [], others: others.map(each => pod(each)) }) },
      ),
    })
  const command = /kubectl set selector/
  t.match(selecting({ app: 'frontend' }, { app: 'frontedn' }), command)
  t.notMatch(selecting({ app: 'web-v1' }, { app: 'web-v2' }), command)
  t.notMatch(selecting({ app: 'frontend' }, { app: 'frontedn' }, { app: 'fronted' }), command, 'two are as close')
  const podName = 'statefulset.kubernetes.io/pod-name'
  t.notMatch(selecting({ [podName]: 'database' }, { [podName]: 'databaes' }), command)
  const targeting = (targetPort: string, ports: object[]) =>
    fixOf({
      objects: objectsOf(
        {
          spec: {
            ports: [
              { name: 'udp', port: 53, protocol: 'UDP' },
              { name: 'tcp', port: 53, targetPort },
            ],
          },
        },
        { pods: seen({ matching: [pod({}, ports)], others: [] }) },
      ),
    })
  t.match(
    targeting('htpp', [{ containerPort: 8080, name: 'http' }]),
    /--type=json .*"\/spec\/ports\/1\/targetPort","value":"http"/,
  )
  t.notMatch(targeting('dns', [{ containerPort: 8080, name: 'admin' }]), /kubectl patch/, 'the only port is no guess')
  t.notMatch(targeting('side', []), /patch|jsonpath/, 'a sidecar has it')
  t.end()
})

t.test('a port that the mode cannot serve is no clash of addresses', t => {
  const lost = (why: string) => {
    const [frontend] = makeServiceView().frontends
    return fixOf({ ports: [makeServiceView({ frontends: [{ ...frontend!, isServed: false, why, actions: null }] })] })
  }
  t.match(lost(MODE_CANNOT_SERVE), /^Run kube-proxy in a mode/)
  t.match(lost('default/other has this address'), /Give one of the two/)
  t.end()
})
