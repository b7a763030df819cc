import t from 'tap'
import { DNS_DEPLOYMENT, DNS_SERVICE, EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from '../../lib/demo/example-objects.js'
import {
  deploymentManifest,
  endpointSliceManifests,
  formatEndpoints,
  selects,
  serviceManifest,
  targetPortOf,
} from '../../lib/demo/cluster-objects.js'
import { parseUserManifest } from '../../lib/demo/user-manifest.js'
import { answersPerPod } from '../../lib/demo/walkthrough.js'
import { Terminal } from '../../lib/terminal/terminal.js'
import { decodeEndpointSlice } from '../../lib/snapshot/decode-endpoint-slice.js'
import { decodeService } from '../../lib/snapshot/decode-service.js'

const pods = [
  { name: 'nginx-1', ip: '10.244.0.10', deployment: 'nginx-deployment' },
  { name: 'nginx-2', ip: '10.244.0.9', deployment: 'nginx-deployment' },
  { name: 'dns-1', ip: '10.244.0.3', deployment: 'coredns' },
]

t.test('a Service selects the Pods that have all labels of its selector', t => {
  t.ok(selects(EXAMPLE_SERVICE, EXAMPLE_DEPLOYMENT))
  t.notOk(selects(EXAMPLE_SERVICE, DNS_DEPLOYMENT))
  t.notOk(selects({ ...EXAMPLE_SERVICE, selector: { app: 'nginx', tier: 'front' } }, EXAMPLE_DEPLOYMENT))
  t.notOk(selects({ ...EXAMPLE_SERVICE, selector: {} }, EXAMPLE_DEPLOYMENT), 'an empty selector selects none')
  t.end()
})

t.test('a target port is a number, or the name of a container port of the same protocol', t => {
  const [port] = DNS_SERVICE.ports
  t.equal(targetPortOf(port!, DNS_DEPLOYMENT), 53)
  t.equal(targetPortOf({ ...port!, protocol: 'TCP' }, DNS_DEPLOYMENT), undefined)
  t.equal(targetPortOf({ ...port!, targetPort: 5353 }, DNS_DEPLOYMENT), 5353)
  t.end()
})

t.test('the proxy decodes the objects that the demo creates, without problems', t => {
  const deployments = [EXAMPLE_DEPLOYMENT, DNS_DEPLOYMENT]
  for (const [service, ips] of [
    [EXAMPLE_SERVICE, ['10.244.0.10', '10.244.0.9']],
    [DNS_SERVICE, ['10.244.0.3']],
  ] as const) {
    t.strictSame(decodeService(serviceManifest(service)).problems, [])
    const [slice, ...more] = endpointSliceManifests(service, deployments, pods)
    t.strictSame(more, [])
    const { object, problems } = decodeEndpointSlice(slice)
    t.strictSame(problems, [])
    t.equal(object?.serviceName, service.name)
    t.strictSame(
      object?.endpoints.map(({ ip }) => ip),
      ips,
    )
  }
  t.equal(
    formatEndpoints(EXAMPLE_SERVICE, EXAMPLE_SERVICE.ports[0]!, deployments, pods),
    '10.244.0.10:80 10.244.0.9:80',
    'in byte order',
  )
  t.end()
})

const DEPLOYMENT = JSON.stringify(deploymentManifest(EXAMPLE_DEPLOYMENT))
const SERVICE = JSON.stringify(serviceManifest(EXAMPLE_SERVICE))

t.test("a user's manifest parses to the objects it was written from", t => {
  const { objects, problems } = parseUserManifest(`${DEPLOYMENT}\n---\n${SERVICE}\n`, 'mine.yaml')
  t.strictSame(problems, [])
  t.strictSame(objects, { deployments: [EXAMPLE_DEPLOYMENT], services: [EXAMPLE_SERVICE] })
  t.end()
})

t.test('a Service without ClusterIP gets one', t => {
  const service = JSON.stringify(serviceManifest({ ...EXAMPLE_SERVICE, clusterIP: '' }))
  const { objects, problems } = parseUserManifest(`${DEPLOYMENT}\n---\n${service}\n`, 'mine.yaml')
  t.strictSame(problems, [])
  t.equal(objects.services[0]?.clusterIP, '10.96.1.1')
  t.end()
})

for (const [what, text, problem] of [
  ['invalid YAML', 'a: [', /mine\.yaml:1: /],
  ['a document that is no object', '- 1\n', /mine\.yaml:1: expected a Deployment or a Service/],
  [
    'another kind',
    `${DEPLOYMENT}\n---\nkind: Job\nmetadata: {name: j}\n`,
    /mine\.yaml:3: Job "j": kind: expected Deployment or Service, found "Job"/,
  ],
  ['only a Deployment', DEPLOYMENT, /expected at least one Service/],
  ['only a Service', SERVICE, /expected at least one Deployment/],
  [
    'a selector that selects nothing',
    `${DEPLOYMENT}\n---\n${SERVICE.replace('"app":"nginx"', '"app":"ngnix"')}`,
    /mine\.yaml:3: Service "nginx-service": spec\.selector: \{"app":"ngnix"\} selects the Pods of no Deployment/,
  ],
  [
    'a target port that no container has',
    `${DEPLOYMENT}\n---\n${SERVICE.replace('"targetPort":80', '"targetPort":"web"')}`,
    /no container port is named "web"/,
  ],
  [
    'too many replicas',
    DEPLOYMENT.replace('"replicas":3', '"replicas":3000'),
    /spec\.replicas: expected a number from 0 to 20, found 3000/,
  ],
  ['a port out of range', SERVICE.replace('"port":80', '"port":80000'), /expected a port from 1 to 65535, found 80000/],
  ['a ClusterIP of IPv6', SERVICE.replace('10.96.0.10', 'fd00::1'), /spec\.clusterIP: expected an IPv4 address/],
  [
    'the ClusterIP of the DNS of the demo',
    `${DEPLOYMENT}\n---\n${SERVICE.replace('10.96.0.10', '10.96.0.53')}`,
    /mine\.yaml:3: Service "nginx-service": spec\.clusterIP: "10\.96\.0\.53" is that of Service "kube-dns"/,
  ],
  [
    'a second Service with the same name',
    `${DEPLOYMENT}\n---\n${SERVICE}\n---\n${SERVICE}`,
    /mine\.yaml: metadata\.name: two Services have the name "nginx-service"/,
  ],
  [
    'a label that is no text',
    DEPLOYMENT.replace('"labels":{"app":"nginx"}},"spec":{"cont', '"labels":{"app":{"toString":1}}},"spec":{"cont'),
    /spec\.template\.metadata\.labels: expected text, found \{"toString":1\} for "app"/,
  ],
  ['a headless Service', SERVICE.replace('10.96.0.10', 'None'), /headless/],
  [
    'an invalid name',
    SERVICE.replace('"name":"nginx-service"', '"name":"Nginx Service"'),
    /"Nginx Service" is not a valid name/,
  ],
] as const) {
  t.test(`${what} in a user's manifest is reported with its line`, t => {
    t.match(parseUserManifest(text, 'mine.yaml').problems.join('\n'), problem)
    t.end()
  })
}

t.test('answersPerPod counts the answers of each Pod, highest first, and ignores requests without answer', t => {
  t.strictSame(answersPerPod([{ pod: 'a' }, { pod: 'b' }, { pod: 'b' }, { error: 'ECONNRESET' }]), [2, 1])
  t.end()
})

t.test('tables are aligned, and the terminal uses colour only where it is wanted', t => {
  for (const colour of [false, true]) {
    let text = ''
    const terminal = new Terminal(part => (text += part), colour)
    terminal.assignPodColour('nginx-1')
    terminal.printTable([
      ['#', 'POD', 'IP'],
      ['1', 'nginx-1', '10.244.0.10'],
      ['10', '', '10.244.0.9'],
    ])
    terminal.printCheck(false, 'no')
    t.equal(/\x1b/.test(text), colour)
    const plain = text.replace(/\x1b\[\d+m/g, '').split('\n')
    t.equal(plain[1], '  #    POD       IP')
    t.equal(plain[2], '  1    nginx-1   10.244.0.10')
    t.equal(plain[3], '  10             10.244.0.9')
  }
  t.end()
})

t.test('text is broken between words into lines that fit the terminal', t => {
  let text = ''
  const terminal = new Terminal(part => (text += part), false, 20)
  terminal.printText(' The client reaches\n  an endpoint of the Service at http://nginx-service/. ')
  terminal.printText('')
  t.same(text.split('\n'), ['The client reaches', 'an endpoint of the', 'Service at', 'http://nginx-service/.', '', ''])
  t.end()
})

t.test('the last column of a line that is too wide for the terminal goes to the next line', t => {
  let text = ''
  const terminal = new Terminal(part => (text += part), false, 30)
  terminal.printTable([
    ['POD', 'COMMAND'],
    ['nginx-1', 'curl http://10.244.0.10:80/'],
    ['nginx-2', 'true'],
  ])
  terminal.printOutput('  9  DNAT  10.96.0.10  tcp dpt:80 to:10.244.0.1:80\n  9  DNAT')
  t.equal(
    text,
    [
      '',
      '  POD       COMMAND',
      '  nginx-1',
      '        curl http://10.244.0.10:80/',
      '  nginx-2   true',
      '',
      '    9  DNAT  10.96.0.10',
      '        tcp dpt:80 to:10.244.0.1:80',
      '    9  DNAT',
      '',
    ].join('\n'),
  )
  t.end()
})
