import { type ChildProcess } from 'node:child_process'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type HostReply, type HostRequest } from './host-request.js'
import { listenOnLoopback } from './listen-on-loopback.js'
import { openInBrowser } from './open-in-browser.js'

/** Does for a demo in a user namespace what it cannot do there. */
export function answerHostRequests(child: ChildProcess): void {
  child.on('message', (message: unknown) => {
    const request = message as HostRequest
    if ('open' in request) openInBrowser(request.open)
    else void passSocket(child, request.listenOn)
  })
}

/** A socket stays in the network namespace in which it was made, whichever process has it. */
async function passSocket(child: ChildProcess, port: number): Promise<void> {
  try {
    const server = await listenOnLoopback(port)
    // Two processes that have it would share its clients.
    child.send({} satisfies HostReply, server, () => server.close())
  } catch (error) {
    const hint = error instanceof ProxyFailure ? error.hint : undefined
    child.send({ failure: { message: messageOf(error), hint } } satisfies HostReply)
  }
}
