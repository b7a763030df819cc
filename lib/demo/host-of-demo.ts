import { once } from 'node:events'
import { type Server } from 'node:net'
import { ProxyFailure } from '../model/failure.js'
import { type HostReply, type HostRequest } from './host-request.js'
import { listenOnLoopback } from './listen-on-loopback.js'
import { openInBrowser } from './open-in-browser.js'
import { type Privileges } from './privileges.js'
import { refuseUntilServed } from './refuse-until-served.js'

/** The machine on which the demo runs, as its user sees it: its loopback and its browser. */
export interface HostOfDemo {
  /** @param port 0: the kernel chooses @throws ProxyFailure HTTP_BIND_FAILED */
  listen(port: number): Promise<Server>
  /** Opens a page if there is a desktop. */
  open(url: string): void
}

/** In a user namespace the demo has another loopback: the process outside does it there. */
export function hostOfDemo(privileges: Privileges): HostOfDemo {
  if (privileges === 'root') return { listen: listenOnLoopback, open: openInBrowser }
  const ask = (request: HostRequest): boolean => process.send!(request)
  return {
    async listen(port) {
      const answered = once(process, 'message') as Promise<[HostReply, Server | undefined]>
      ask({ listenOn: port })
      const [{ failure }, server] = await answered
      if (server !== undefined) return refuseUntilServed(server)
      throw new ProxyFailure('HTTP_BIND_FAILED', failure?.message ?? 'The demo got no socket for the page', {
        ...(failure?.hint !== undefined && { hint: failure.hint }),
      })
    },
    open: url => void ask({ open: url }),
  }
}
