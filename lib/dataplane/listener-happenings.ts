import { type Happened, type Happenings } from './happenings.js'
import { type ListenerIdentity } from './inspect-request.js'

/** What `note` says of a connection or flow. */
export interface NotedConnection {
  readonly id: number
  readonly lease: { readonly client: string }
  readonly clientPort: number
  readonly endpointKey: string
  readonly openedAt: number
  readonly tries: number
}
type NotedDetails = Partial<Pick<Happened, 'next' | 'why' | 'end' | 'bytesToEndpoint' | 'bytesToClient'>>

/** What happens at one listener, for clients of the status API that watch. While none does, nothing is remembered. */
export class ListenerHappenings {
  readonly #listener: ListenerIdentity
  readonly #happenings: Happenings

  constructor(listener: ListenerIdentity, happenings: Happenings) {
    this.#listener = listener
    this.#happenings = happenings
  }

  /** Whether what is noted is remembered. */
  get isWatched(): boolean {
    return this.#happenings.isWatched
  }

  /** Something happens to a connection or flow. */
  note(what: Happened['what'], connection: NotedConnection, details?: NotedDetails): void {
    if (!this.isWatched) return
    const { id, lease, clientPort, endpointKey: endpoint, openedAt, tries } = connection
    const of = { id, client: lease.client, clientPort, endpoint, openedAt, tries }
    this.#happenings.add({ listener: this.#listener, what, ...of, next: '', why: '', ...details })
  }

  /** A client gets no connection or flow. */
  noteRefusal(client: string, clientPort: number, why: string): void {
    if (!this.isWatched) return
    const none = { id: 0, endpoint: '', next: '', tries: 0 }
    this.#happenings.add({ listener: this.#listener, what: 'refused', client, clientPort, why, ...none })
  }

  /** An endpoint has failed, and gets no new clients for so many milliseconds. */
  noteEjection(endpoint: string, why: string, forMs: number): void {
    if (!this.isWatched) return
    const none = { id: 0, client: '', clientPort: 0, next: '', tries: 0 }
    this.#happenings.add({ listener: this.#listener, what: 'ejected', endpoint, why, forMs, ...none })
  }
}
