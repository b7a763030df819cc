import { VERSION } from '../control/version.js'
import { DemoCluster } from '../demo/demo-cluster.js'
import { DEMO_NODE_NAME } from '../demo/demo-node-name.js'
import { type DemoSession, runDemoSession } from '../demo/demo-session.js'
import { EXAMPLE_DEPLOYMENT } from '../demo/example-objects.js'
import { hostOfDemo } from '../demo/host-of-demo.js'
import { DoneLessons } from '../learn/done-lessons.js'
import { type Log } from '../model/log.js'
import { messageOf } from '../model/failure.js'
import { modeByName } from '../modes/registry.js'
import { AnswerPace } from '../status/answer-pace.js'
import { DashboardServer } from '../status/dashboard/dashboard-server.js'
import { DashboardSessions } from '../status/dashboard/dashboard-sessions.js'
import { StatusResponder } from '../status/status-responder.js'
import { processCpuMs } from '../system/process-cpu.js'
import { realClock } from '../system/real-clock.js'
import { Terminal } from '../terminal/terminal.js'
import { DemoResponder } from './demo-responder.js'
import { LiveDemo } from './live-demo.js'
import { liveService } from './live-service.js'
import { LiveTraffic } from './live-traffic.js'

/** The options of `kube-proxy demo --page`. */
export interface DemoPageOptions {
  /** As in `--proxy-mode`. */
  readonly mode: string
  /** On loopback; 0: the kernel chooses. */
  readonly port: number
}

/** Modes that every node supports which the demo supports. */
const MODES = ['userspace', 'iptables']

/**
 * Keeps the cluster of the demo running with clients that send requests, and serves the page of its proxy on loopback of this machine, until
 * the user ends it. Resolves with the exit code.
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING, HTTP_BIND_FAILED; then it has removed what it has created
 */
export function runDemoPage(options: DemoPageOptions): Promise<number> {
  return runDemoSession(session => servePage(options, session))
}

async function servePage({ mode, port }: DemoPageOptions, session: DemoSession): Promise<number> {
  const { prefix, privileges, teardown, leftovers } = session
  const terminal = Terminal.forProcess()
  const host = hostOfDemo(privileges)
  const listening = await host.listen(port)
  await teardown.add(() => listening.close())
  terminal.printText('Setting up a node, Pods and clients in network namespaces ...')
  const service = liveService(DEMO_NODE_NAME)
  const cluster = await DemoCluster.start(
    prefix,
    modeByName(mode),
    [EXAMPLE_DEPLOYMENT],
    [service],
    teardown,
    leftovers,
    true,
  )
  const traffic = await LiveTraffic.start(cluster, service.clusterIP, teardown)
  const modes = [...new Set([...MODES, mode])]
  const log = terminalLog(terminal)
  const demo = new LiveDemo({ cluster, traffic, teardown }, modes, VERSION, new DoneLessons(process.env))
  const turns = new StatusResponder({
    ...{ proxyVersion: VERSION, routes: new Map(), smallRoutes: new Set<string>(), streams: new Map() },
    ...{ pace: new AnswerPace({ clock: realClock, cpuMs: processCpuMs }), clock: realClock, log },
  })
  const sessions = new DashboardSessions(undefined, () => realClock.now())
  const server = new DashboardServer({
    ...{ address: '127.0.0.1:0', listening, allowsRemote: false, tokenFile: '', nodeName: '' },
    ...{ sessions, howToSignIn: 'Open the link that the demo has printed on its terminal' },
    ...{ responder: new DemoResponder(demo, turns, VERSION), clock: realClock, log },
  })
  await teardown.add(() => server.close())
  const failure = await server.bound
  if (failure !== undefined) throw failure
  const url = `http://${server.boundAddress}`
  terminal.printText(`The page: ${url}${sessions.createLink({ lasts: true })}`)
  terminal.printText('This link lets a browser change the cluster of the demo. It works until the demo ends.')
  terminal.printText('Three clients send requests to nginx-service until you press Ctrl-C.')
  // All users of this machine can read the arguments of the browser: this link is used up at once.
  host.open(`${url}${sessions.createLink()}`)
  await session.keep()
  terminal.printText('Removing everything that the demo has created ...')
  return 0
}

/** The demo has no log: what its page cannot do stands on the terminal. */
function terminalLog(terminal: Terminal): Log {
  return {
    info: () => undefined,
    warn: message => terminal.printText(message),
    error: (message, error) => terminal.printText(`${message}: ${messageOf(error)}`),
    enabled: () => false,
  }
}
