import { type Texts } from '../ask/texts.js'
import { type DoctorReport } from '../doctor/doctor-report.js'

/** How a Pod of the demo is. */
export type PodState = 'running' | 'killed' | 'slow' | 'silent' | 'refusing'

/** What a lever does. `replace`: the cluster notices a Pod that was killed. */
export type LeverKind =
  | 'scale'
  | 'kill'
  | 'replace'
  | 'slow'
  | 'silent'
  | 'refuse'
  | 'heal'
  | 'affinity'
  | 'internal'
  | 'external'
  | 'nodes'
  | 'mode'
  | 'api'

/** A change that the user can make to the cluster of the demo now. */
export interface LeverView {
  /** What starts it. */
  readonly id: string
  readonly kind: LeverKind
  /** The name of a Pod, a number, or a value of a field. */
  readonly value: string
  /** The command that does the same in a real cluster, or nearly so: the page says how it differs. */
  readonly command: string
  /** Whether the cluster is like that already. */
  readonly isCurrent: boolean
}

/** A request of a client that never ends to ask. */
export interface LiveRequest {
  /** The name of the client. */
  readonly client: string
  /** The Pod that answered; null: none. */
  readonly pod: string | null
  /** The address of the client as the Pod saw it; null: none did. */
  readonly clientIP: string | null
  /** Null: it was answered. */
  readonly error: string | null
  readonly tookMs: number
}

/** The cluster of the demo at a glance, and what can be done to it. */
export interface DemoDocument {
  readonly kind: 'Demo'
  readonly mode: string
  /** `namespace/name` */
  readonly service: string
  readonly pods: readonly { readonly name: string; readonly ip: string; readonly state: PodState }[]
  readonly clients: readonly { readonly name: string; readonly ip: string; readonly url: string }[]
  /** The latest first. */
  readonly requests: readonly LiveRequest[]
  readonly levers: readonly LeverView[]
  /** What runs now; null: nothing, and something may begin. */
  readonly running: string | null
  /** The number of the lesson that runs; null: none. It waits for its user, and may do so for long. */
  readonly lesson: number | null
  /** What the doctor can look at: a Service, for all clients or for one. Each with what starts it and its command. */
  readonly patients: readonly {
    readonly id: string
    readonly service: string
    /** Name of the client; null: all. */
    readonly client: string | null
    readonly command: string
  }[]
}

/** The questions that the demo can answer. */
export interface QuestionsDocument {
  readonly kind: 'QuestionList'
  readonly items: readonly {
    readonly id: string
    readonly number: number
    readonly title: Texts
    readonly asked: readonly string[]
    readonly command: string
  }[]
}

/** The lessons that the demo can run. */
export interface LessonsDocument {
  readonly kind: 'LessonList'
  readonly items: readonly {
    readonly id: string
    /** What ends it, as a reply. */
    readonly leave: string
    readonly number: number
    readonly title: Texts
    /** How long it takes. */
    readonly minutes: number
    /** The titles of its steps. */
    readonly steps: readonly Texts[]
    /** Whether the user has done it, here or with `kube-proxy learn`. */
    readonly isDone: boolean
  }[]
}

/** What the requests met that began after a change, and what the proxy has counted since its start. */
export interface LeverEffect {
  /** The same number of each client. */
  readonly requests: number
  /** Requests that began before the change was complete: some met the cluster before it, some during it. */
  readonly during: { readonly requests: number; readonly lost: number }
  /** By the names of the Pods. */
  readonly answers: readonly { readonly pod: string; readonly count: number }[]
  readonly lost: readonly { readonly error: string; readonly count: number }[]
  readonly clients: readonly {
    readonly name: string
    /** The Pods that answered it. */
    readonly pods: readonly string[]
    /** Its address as Pods saw it. */
    readonly seenAs: readonly string[]
  }[]
  readonly slowestMs: number
  /** `in-kernel`: the kernel carries connections, and the proxy does not see them; `not-known`: the proxy did not answer. */
  readonly proxy: ProxyEffect | 'in-kernel' | 'not-known'
}

/** What the proxy has counted. */
export interface ProxyEffect {
  readonly connections: number
  /** Pods that were tried, and did not take the connection. */
  readonly failedTries: number
  /** Clients that no Pod took. */
  readonly refused: number
}

/**
 * One line of what runs, in the order in which it happens. The last one is `effect`, `answer`, `report` or `failed`; of a lesson, it may be any
 * one, since users can leave.
 */
export type RunLine =
  | {
      readonly kind: 'step'
      readonly where: string
      readonly command: string
      readonly output: string
      readonly isLever: boolean
      readonly meaning: Texts | null
    }
  | { readonly kind: 'effect'; readonly effect: LeverEffect }
  | {
      readonly kind: 'answer'
      readonly proof: Texts
      readonly value: number | string
      readonly text: Texts
      readonly holds: boolean
    }
  /** What follows is of another machine. */
  | { readonly kind: 'recorded'; readonly text: Texts }
  /** The next step of a lesson begins when this is replied. */
  | { readonly kind: 'next'; readonly id: string }
  | { readonly kind: 'lesson-step'; readonly title: Texts; readonly say: Texts }
  /** What does the user expect of this command? It runs when one of the ids is replied. */
  | {
      readonly kind: 'question'
      readonly where: string
      readonly command: string
      readonly text: Texts
      readonly choices: readonly { readonly id: string; readonly text: Texts }[]
      /** Without a prediction. */
      readonly show: string
    }
  | {
      readonly kind: 'result'
      /** Index of the choice that the user expected; null: none. */
      readonly predicted: number | null
      /** Index of the choice that the lesson explains. */
      readonly right: number
      readonly proof: Texts
      readonly value: number | string
      readonly why: Texts
      readonly holds: boolean
    }
  | { readonly kind: 'report'; readonly report: DoctorReport }
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string | null }

/** Takes each line of what runs, as soon as it is known. */
export type WriteLine = (line: RunLine) => void
