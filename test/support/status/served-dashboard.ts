import { writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { type Test } from 'tap'
import { DashboardServer, type DashboardServerOptions } from '../../../lib/status/dashboard/dashboard-server.js'
import { type StatusResponderOptions } from '../../../lib/status/status-responder.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { RecordingLog } from '../log/recording-log.js'
import { makeResponder, socketFolder } from './served-status.js'

/** A response of the dashboard. */
export interface DashboardResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export const TOKEN = 'a-token-of-32-characters-for-test'

type GivenParts = Partial<Omit<DashboardServerOptions, 'responder'> & StatusResponderOptions>

/** A dashboard at a port of loopback. It ends with the test. */
export class ServedDashboard {
  readonly server: DashboardServer
  readonly log: RecordingLog

  /** Starts it, and waits until it listens, or has failed to. */
  static async start(t: Test, given: GivenParts = {}): Promise<ServedDashboard> {
    const served = ServedDashboard.launch(t, given)
    await served.server.bound
    return served
  }

  /** Starts it, and does not wait. */
  static launch(t: Test, given: GivenParts = {}): ServedDashboard {
    const served = new ServedDashboard(given)
    t.teardown(() => served.server.close())
    return served
  }

  private constructor(given: GivenParts) {
    this.log = new RecordingLog()
    const parts = { clock: realClock, log: this.log, ...given }
    this.server = new DashboardServer({
      ...{ address: '127.0.0.1:0', allowsRemote: false, tokenFile: '', nodeName: 'node-a' },
      ...{ responder: makeResponder(parts), ...parts },
    })
  }

  get port(): number {
    return Number(this.server.boundAddress?.split(':').at(-1))
  }

  ask(path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<DashboardResponse> {
    return askDashboard(this.port, path, headers, method)
  }
}

/** Sends a request to a port of loopback. @param headers may have any `Host` */
export function askDashboard(
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
): Promise<DashboardResponse> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, response => {
      const { statusCode: status = 0, headers } = response
      text(response).then(body => resolve({ status, headers, body }), reject)
    })
    sent.on('error', reject).end()
  })
}

/** Writes a file with a token; it goes with the test. @returns its path */
export function writeToken(t: Test, token = TOKEN): string {
  const path = join(socketFolder(t), 'token')
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  return path
}
