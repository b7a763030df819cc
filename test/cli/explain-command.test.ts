import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { explanationLines } from '../../lib/cli/explain/explanation-lines.js'
import { parseDestination } from '../../lib/explain/destination-text.js'
import { type Explanation } from '../../lib/explain/explanation.js'
import { parseSender } from '../../lib/explain/sender-text.js'
import { runProgram } from '../support/processes/run-program.js'

const folder = mkdtempSync(join(tmpdir(), 'explain-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const manifest = join(folder, 'all.yaml')
writeFileSync(
  manifest,
  `apiVersion: v1
kind: Service
metadata: { name: nginx-service }
spec:
  clusterIP: 10.96.0.10
  ports: [{ name: http, port: 80 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: nginx-service-1, labels: { kubernetes.io/service-name: nginx-service } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.244.0.5], nodeName: node-1, conditions: { ready: true } }
  - { addresses: [10.244.0.6], nodeName: node-1, conditions: { ready: false } }
`,
)
/** It needs no program, no root and no kernel. */
const noPrograms = { env: { ...process.env, PATH: '/nonexistent' } }
const explain = (...args: readonly string[]) => runProgram(['explain', ...args], noPrograms)

t.test('without a cluster, the way of a packet is printed for people in every mode', async t => {
  for (const mode of ['userspace', 'iptables', 'ipvs']) {
    const args = ['pod/10.244.0.2', 'nginx-service:80', '--manifests', manifest, '--proxy-mode', mode]
    const { exitCode, stdout, stderr } = await explain(...args)
    t.equal(exitCode, 0, stderr)
    t.match(stdout, /goes to 10\.244\.0\.5:8080/, mode)
    t.match(stdout, /10\.244\.0\.6:8080 +nginx-service-1 +- +not used: not ready/)
    t.match(stdout, /PREROUTING +nat +PREROUTING +1 +All packets go to chain KUBE-/)
    t.match(stdout, /How the answer comes back/)
    t.match(stdout, /node-1: 192\.168\.50\.1.*assumed: node address 192\.168\.50\.1/, 'the node of the endpoints')
    t.notMatch(stdout, /\x1b/, 'no colour when piped')
    const wide = await explain(...args, '-o', 'wide')
    t.match(wide.stdout, /-A PREROUTING .*-j KUBE-/, 'the rules themselves')
    t.notMatch(stdout, /-A PREROUTING /)
  }
})

t.test('the node can be described by flags', async t => {
  const { stdout } = await explain(
    ...['pod/10.9.0.2', '10.96.0.10:80', '--manifests', manifest, '--proxy-mode', 'iptables', '-o', 'json'],
    ...['--node-address', '172.16.0.1', '--pod-cidr', '10.9.0.0/24', '--cluster-cidr', '10.244.0.0/16'],
  )
  const { node, from, ways } = JSON.parse(stdout) as Explanation
  t.same(node, { name: 'node-1', addresses: ['172.16.0.1', '10.9.0.1'], assumed: [] })
  t.equal(from.interface, 'cni0')
  t.equal(ways[0]!.seesClient, false, 'a Pod outside the cluster CIDR is masqueraded')
  t.match(ways[0]!.sourceSeen, /^10\.9\.0\.1$|^172\.16\.0\.1$/)
})

t.test('the address of the sender may be a word of its own', async t => {
  const { stdout } = await explain('outside', '192.0.2.9', '10.96.0.10:80', '--manifests', manifest, '-o', 'json')
  t.match(JSON.parse(stdout), { from: { kind: 'outside', address: '192.0.2.9' }, to: { address: '10.96.0.10' } })
})

t.test('the examples of the help can be read', async t => {
  const { stdout } = await explain('--help')
  const examples = [...stdout.matchAll(/^ +kube-proxy explain (.+?)  +\S/gm)].map(([, words]) => words!.split(' '))
  t.ok(examples.length >= 4)
  for (const [from = '', to = '', ...flags] of examples) {
    t.type(parseSender(from), 'object', from)
    t.type(parseDestination(to), 'object', to)
    if (flags.length > 0) t.equal(flags[0], '--manifests', to)
  }
})

t.test('a wrong argument ends the program with what exists', async t => {
  for (const [args, message] of [
    [['pood/10.244.0.2', 'nginx-service'], /"pood\/10\.244\.0\.2": not a sender; did you mean pod\?/],
    [['pod/10.244.0.2', '10.96.0.10'], /"10\.96\.0\.10": not a destination/],
    [['pod/10.244.0.2', 'nginx-servce'], /did you mean default\/nginx-service\?/],
    [['pod/10.244.0.2', 'nginx-service:81'], /Its ports: 80\/TCP \(http\)/],
    [['node', 'nginx-service', '-n', 'shop'], /no Service shop\/nginx-service; did you mean default\/nginx-service\?/],
    [['node', 'nginx-service', '--pod-cidr', '10.9.0.1'], /--pod-cidr "10\.9\.0\.1": expected a range/],
    [['node', 'nginx-service', '--node-address', 'x'], /--node-address "x": expected an IP address/],
  ] as const) {
    const { exitCode, stderr, stdout } = await explain(...args, '--manifests', manifest)
    t.equal(exitCode, 1)
    t.match(stderr, message)
    t.match(stderr, /EXPLAIN_INVALID/)
    t.equal(stdout, '')
  }
  t.match(await explain('node', 'web:80', '--rules', 'plan'), { exitCode: 1, stderr: /known objects only/ })
  t.match(await explain('node', 'web:80', '--proxy-mode=ebpf'), { exitCode: 1, stderr: /CONFIG_INVALID/ })
  t.match(await explain('node'), { exitCode: 1, stderr: /CONFIG_INVALID/ })
  t.match(await explain('node', 'web:80', '--manifests', join(folder, 'none.yaml')), { stderr: /MANIFEST_INVALID/ })
})

t.test('lines fit into the terminal, and ASCII is enough', async t => {
  const args = ['outside', 'nginx-service:80', '--manifests', manifest, '--proxy-mode', 'iptables', '-o', 'json']
  const explanation = JSON.parse((await explain(...args)).stdout) as Explanation
  for (const columns of [80, 120]) {
    const lines = explanationLines(explanation, false, { columns, colour: false, isUnicode: false })
    t.same(
      lines.filter(line => line.length > columns),
      [],
      `${columns} columns`,
    )
    t.match(lines.join('\n'), /^[\x00-\x7f]+$/)
  }
  const coloured = explanationLines(explanation, true, { columns: 80, colour: true, isUnicode: true })
  const plain = explanationLines(explanation, true, { columns: 80, colour: false, isUnicode: true })
  t.same(coloured.map(stripVTControlCharacters), plain, 'colours change no text')
  t.not(coloured.join(), plain.join())
})
