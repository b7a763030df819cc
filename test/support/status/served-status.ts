import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test } from 'tap'
import { AnswerPace } from '../../../lib/status/answer-pace.js'
import { StatusResponder, type StatusResponderOptions } from '../../../lib/status/status-responder.js'
import { StatusServer, type StatusServerOptions } from '../../../lib/status/status-server.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { RecordingLog } from '../log/recording-log.js'

/** A folder for sockets, which goes with the test. */
export function socketFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'status-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Parts of a server that a test gives; the others are usual ones. */
type GivenParts = Partial<Omit<StatusServerOptions, 'responder'> & StatusResponderOptions>

/** Starts the server of the status API with these routes. It ends with the test. */
export function serveStatus(
  t: Test,
  { path = join(socketFolder(t), 'status.sock'), ...given }: GivenParts,
): { readonly path: string; readonly server: StatusServer; readonly log: RecordingLog } {
  const log = new RecordingLog()
  const options = { path, clock: realClock, log, ...given }
  const server = new StatusServer({ ...options, responder: makeResponder(options) })
  t.teardown(() => server.close())
  return { path, server, log }
}

/** Answers with these routes; absent: an overview alone. */
export function makeResponder(options: Partial<StatusResponderOptions> & Pick<StatusResponderOptions, 'log'>) {
  return new StatusResponder({
    ...{ proxyVersion: '1.2.3', routes: new Map([['', () => ({ kind: 'Overview' })]]), streams: new Map() },
    ...{ smallRoutes: new Set(['']), pace: new AnswerPace({ clock: realClock, cpuMs: () => 0 }), clock: realClock },
    ...options,
  })
}
