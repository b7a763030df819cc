import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { realApiServerUnavailable } from '../support/api/real-api-server.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NODE_NAME, WEB, startApiWithService } from '../support/deploy/api-with-service.js'
import { makePodContainer } from '../support/deploy/pod-container.js'
import { mountServiceAccount } from '../support/deploy/service-account.js'
import { BuiltImage } from '../support/image/built-image.js'
import { Container } from '../support/image/container.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const LOG_TIMEOUT_MS = 60_000

const built = namespacesUnavailable || realApiServerUnavailable() || (await BuiltImage.build(t))
const skip = typeof built === 'string' && built

t.test(
  'the Pod of the manifests, in the image, serves what a real API server has',
  { skip, timeout: 300_000 },
  async t => {
    const image = built as BuiltImage
    const network = await NodeNetwork.create(t)
    const { ip } = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const { api, admin } = await startApiWithService(t, network, ip)
    const { clusters } = parse(readFileSync(admin, 'utf8')) as { clusters: [{ cluster: { server: string } }] }
    const pod = makePodContainer(t, {
      nodeName: NODE_NAME,
      server: clusters[0].cluster.server,
      serviceAccount: await mountServiceAccount(t, api, admin),
    })
    const container = new Container({ ...image.containerOptions([], network.node), ...pod.options })
    t.teardown(() => container.child.kill('SIGKILL'))
    const log = new ProgramLog(container.child, container.child.stderr!, LOG_TIMEOUT_MS)
    await log.waitFor(/"Starting".*mode="userspace".*nodeName="node-1"/)
    const isReady = async () => (await container.exec(pod.probes.readiness)).exitCode === 0
    await waitUntil(async () => container.child.exitCode !== null || (await isReady()), 'its readiness probe succeeds')
    t.equal(container.child.exitCode, null, log.lines.join('\n'))
    t.match(await container.exec(pod.probes.startup), { exitCode: 0 })
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.same(
      log.lines.filter(line => /^[WE]\d{4} .*(conntrack|[Ff]orbidden|permission)/.test(line)),
      [],
      'the settings of the manifests leave out what the container may not do',
    )
    t.equal(await container.stop(), 0)
    t.end()
  },
)
