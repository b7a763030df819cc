import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { type DoctorReport } from '../../lib/doctor/doctor-report.js'
import { DoctorNode, PATIENCE } from '../support/doctor/doctor-node.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

t.test('kube-proxy doctor', { skip: namespacesUnavailable, timeout: 200_000 * TIMEOUT_FACTOR }, async t => {
  const node = await DoctorNode.create(t)
  await node.start()
  const at = ['--status-socket', node.socket]
  const withPods = [...at, '--manifests', node.file]

  await t.test('the exit code says healthy or not, and the verdict comes first', async t => {
    const healthy = await node.run(['svc/plain', ...withPods])
    t.equal(healthy.exitCode, 0, healthy.stderr)
    t.match(
      healthy.stdout,
      /^✓ Service default\/plain is healthy, as seen from this node\.\n\nChecked and fine: Service, /,
    )
    t.notMatch(healthy.stdout, /\x1b/, 'no colour when piped')
    const sick = await node.run(['svc/closed', ...withPods])
    t.equal(sick.exitCode, 1, sick.stderr)
    t.match(sick.stdout, /^✗ Service default\/closed: Nothing listens at targetPort 9999.*\n\n1\. Nothing listens/)
    t.match(sick.stdout, /• a connection from this node to 10\.244\.0\.2:9999 was refused \(ECONNREFUSED\)/)
    t.match(sick.stdout, /What to do \(nothing-listens\):\n +\$ kubectl exec -n default closed-1 -- ss -ltn/)
    const wide = await node.run(['plain', '-v', ...withPods])
    t.match(wide.stdout, /\nChecked and fine:\nService +default\/plain exists/)
    const toFull = await node.network.node.run('sh', [
      '-c',
      `"$0" "$@" > /dev/full`,
      process.execPath,
      PROXY_PROGRAM,
      'doctor',
      'plain',
      ...PATIENCE,
      ...at,
    ])
    t.match(toFull, { exitCode: 2, stderr: /Cannot write to the standard output.*ENOSPC.*OUTPUT_FAILED/s })
    const json = await node.run(['default/plain', '-o', 'json', ...at])
    t.match(JSON.parse(json.stdout) as DoctorReport, { apiVersion: 'doctor.kube-proxy-node/v1', verdict: 'healthy' })
  })

  await t.test('on a terminal there is colour unless NO_COLOR is set, ASCII where needed, and lines fit', async t => {
    const onTerminal = async (columns: number, args: readonly string[], env: string) => {
      const program = `${process.execPath} ${PROXY_PROGRAM} doctor ${[...args, ...PATIENCE].join(' ')}`
      const command = `stty cols ${columns}; env -u NODE_OPTIONS -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${env} ${program}`
      const { stdout } = await node.network.node.run('script', ['-qec', command, '/dev/null'])
      return stdout.replaceAll('\r', '')
    }
    t.match(await onTerminal(120, ['closed', ...withPods], 'LC_ALL=C.UTF-8'), /^\x1b\[31m✗ Service/)
    t.notMatch(await onTerminal(120, ['closed', ...withPods], 'LC_ALL=C.UTF-8 NO_COLOR=1'), /\x1b/)
    const narrow = stripVTControlCharacters(await onTerminal(80, ['closed', '-o', 'wide', ...withPods], 'LC_ALL=C'))
    t.notMatch(narrow, /[^\x00-\x7f]/)
    t.match(narrow, /^x Service default\/closed: Nothing listens/)
    const long = narrow.split('\n').filter(line => line.length > 80 && !/^ +\$ /.test(line))
    t.strictSame(long, [], 'only commands are longer')
  })

  await t.test('the API server shows the Service and its Pods', async t => {
    const api = new NodeProcess(node.network, 'api/api-server-entry')
    const url = await api.readLine()
    const resources: Readonly<Record<string, string>> = {
      Service: 'services',
      EndpointSlice: 'endpointslices',
      Pod: 'pods',
    }
    const put = node.objects.map(object => [resources[(object as { kind: string }).kind], object])
    const { relayUrl } = JSON.parse(await api.sendCommand({ put, relay: 'forwarding' })) as { relayUrl: string }
    const kubeconfig = (server: string) => ['--kubeconfig', node.writeKubeconfig(server)]
    const ask = async (name: string, server = url) => {
      const { exitCode, stdout } = await node.run([name, '-o', 'json', ...at, ...kubeconfig(server)])
      return { exitCode, report: JSON.parse(stdout) as DoctorReport }
    }
    t.match(await ask('plain'), { exitCode: 0, report: { verdict: 'healthy' } })
    for (const [name, code] of [
      ['mislabelled', 'selector-matches-nothing'],
      ['unready', 'pods-not-ready'],
      ['misnamed', 'port-name-mismatch'],
    ] as const)
      t.match(await ask(name), { exitCode: 1, report: { findings: [{ code }] } }, name)
    t.match(await ask('external'), { exitCode: 0, report: { remarks: [{ code: 'no-cluster-ip' }] } })
    const none = await ask('plian')
    t.match(none, { exitCode: 1, report: { findings: [{ code: 'no-such-service' }] } })
    t.match(none.report.summary, /did you mean "plain"\?/)
    const other = await ask('nowhere/plain')
    t.match(other.report.findings[0]!.proof.join(), /namespace nowhere has no Service, or does not exist/)
    t.match(other.report.summary, /did you mean "default\/plain"\?/)

    await api.sendCommand({ forbid: ['pods'] })
    const forbidden = await ask('plain')
    t.equal(forbidden.exitCode, 0, 'Pods are not essential')
    t.match(forbidden.report.unseen.map(({ text }) => text).join(), /pods from .* failed with status 403/)
    await api.sendCommand({ relay: 'silent' })
    const silent = await ask('plain', relayUrl)
    t.equal(silent.exitCode, 2, 'what was asked for could not be looked at')
    t.match(
      silent.report.unseen.map(({ text }) => text).join(),
      /GET \/api\/v1\/namespaces\/default\/services\/plain from .* failed/,
    )
  })

  await t.test('a wrong use is an error with exit code 2', async t => {
    const wrong: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
      [['pod/plain'], /"pod\/plain": the doctor looks at Services, not at Pods\n +Use svc\/NAME/],
      [['svc/'], /"svc\/": not the name of a Service/],
      [[''], /"": not the name of a Service/],
      [['srv/a/b'], /not the name of a Service/],
      [['svc/Plain'], /"svc\/Plain": not the name of a Service/],
      [['plain', '-n', 'no_such'], /"no_such": not the name of a namespace/],
      [['plain', '--from', 'home'], /--from "home": expected an IP address/],
      [['plain', '--patience', '0'], /--patience "0": expected seconds from 1 to 600/],
      [['plain', '--kubeconfig', '/nonexistent'], /Cannot read the kubeconfig "\/nonexistent"/],
      [['plain', '--manifests', '/nonexistent'], /\/nonexistent/],
      [['plain', '--kubeconfig', 'a', '--manifests', 'b'], /--kubeconfig and --manifests are both given/],
      [['plain', '--output', 'yaml'], /Invalid values/],
      [[], /Not enough non-option arguments/],
    ]
    for (const [args, stderr] of wrong) {
      const result = await node.run(args)
      t.match({ ...result, stderr: result.stderr }, { exitCode: 2, stdout: '', stderr }, args.join(' '))
    }
    const nothing = await node.run(['plain', '--status-socket', '/nonexistent'])
    t.equal(nothing.exitCode, 1, 'in this mode, connections pass through the proxy')
    t.match(nothing.stdout, /No proxy answers on this node/)
  })
})
