import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { ApiRefusal } from '../../lib/source/api-failure.js'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NODE_NAME, WEB, startApiWithService } from '../support/deploy/api-with-service.js'
import { PROXY_USER, adaptKubeconfig, mountServiceAccount } from '../support/deploy/service-account.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const ROLE = 'deploy/base/cluster-role.yaml'

interface AuditEvent {
  readonly verb: string
  readonly objectRef?: { readonly resource: string; readonly apiGroup?: string }
  readonly annotations: {
    readonly 'authorization.k8s.io/decision': string
    readonly 'authorization.k8s.io/reason': string
  }
}

/** Each right as `verb resource.group`. */
function rightsOf(file: string): string[] {
  const { rules } = parse(readFileSync(file, 'utf8')) as {
    rules: readonly Readonly<Record<'apiGroups' | 'resources' | 'verbs', readonly string[]>>[]
  }
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap(group => resources.flatMap(resource => verbs.map(verb => `${verb} ${resource}.${group}`))),
  )
}

/** Words in backquotes, one after the other: a list in a sentence. */
const LIST = '((?:`\\w+`(?:, (?:and )?| and )?)+)'

t.test('docs/errors.md says which rights the ClusterRole gives, and its name', t => {
  const [, section = ''] = /^## API_REFUSED\n(.*?)^## /ms.exec(readFileSync('docs/errors.md', 'utf8')) ?? []
  const wordsOf = (list: string): string[] => [...list.matchAll(/`(\w+)`/g)].map(([, word]) => word!)
  const said = [...section.matchAll(new RegExp(`${LIST} of ${LIST}`, 'g'))].flatMap(([, verbs, resources]) =>
    wordsOf(verbs!).flatMap(verb => wordsOf(resources!).map(resource => `${verb} ${resource}`)),
  )
  const given = rightsOf(ROLE).map(right => right.replace(/\..*/, ''))
  t.same(said.sort(), given.sort())
  const { metadata } = parse(readFileSync(ROLE, 'utf8')) as { readonly metadata: { readonly name: string } }
  t.match(section, `\`${metadata.name}\``)
  t.match(
    new ApiRefusal({ server: 'server', path: '/' }, { status: 403, headers: {}, body: '', now: 0 }).hint,
    metadata.name,
  )
  t.end()
})

t.test(
  'the ClusterRole has every right that the proxy uses, and no other',
  { skip: namespacesUnavailable || realApiServerUnavailable(), timeout: 180_000 },
  async t => {
    const network = await NodeNetwork.create(t)
    const { ip } = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = mkdtempSync(join(tmpdir(), 'audit-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const policy = join(folder, 'policy.yaml')
    const auditLog = join(folder, 'audit.log')
    writeFileSync(
      policy,
      JSON.stringify({
        apiVersion: 'audit.k8s.io/v1',
        kind: 'Policy',
        omitStages: ['RequestReceived'],
        rules: [{ level: 'Metadata', users: [PROXY_USER] }],
      }),
    )
    const { api, admin } = await startApiWithService(t, network, ip, [
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${auditLog}`,
    ])
    const kubeconfig = adaptKubeconfig(await mountServiceAccount(t, api, admin), admin)

    const flags = [`--kubeconfig=${kubeconfig}`, `--hostname-override=${NODE_NAME}`, '--detect-local-mode=NodeCIDR']
    const proxy = new ProxyProcess(network, flags)
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'it serves')

    const audited = () =>
      readFileSync(auditLog, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as AuditEvent)
    const decided = (decision: string) =>
      audited().filter(event => event.annotations['authorization.k8s.io/decision'] === decision)
    const nameOf = ({ verb, objectRef }: AuditEvent) =>
      `${verb} ${objectRef?.resource ?? 'of no resource'}.${objectRef?.apiGroup ?? ''}`
    const used = () =>
      new Set(
        decided('allow')
          .filter(({ annotations }) =>
            annotations['authorization.k8s.io/reason'].includes('ClusterRole "kube-proxy-node"'),
          )
          .map(nameOf),
      )
    const expected = rightsOf(ROLE)
    t.ok(expected.length >= 7, expected.join(', '))
    const refused = () => decided('forbid').map(nameOf)
    await waitUntil(() => refused().length > 0 || used().has('create events.events.k8s.io'), 'the proxy has started')
    // The API server logs a watch when it ends.
    t.equal(await proxy.stop(), 0)
    const isDone = () => refused().length > 0 || expected.every(right => used().has(right))
    await waitUntil(isDone, 'the proxy has used its rights').catch(() => undefined)
    t.same(refused(), [], 'the API server refuses nothing')
    t.same([...used()].sort(), expected.sort())
    t.end()
  },
)
