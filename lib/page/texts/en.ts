import { CONNECTIONS, LISTENERS } from './en/connections.js'
import { MAP } from './en/map.js'
import { PACKET } from './en/packet.js'
import { ASK_VIEW } from './en/ask-view.js'
import { DOCTOR_VIEW } from './en/doctor-view.js'
import { LEARN_VIEW } from './en/learn-view.js'
import { LEVERS_VIEW } from './en/levers-view.js'
import { RULES } from './en/rules.js'
import { SERVICE, SERVICES } from './en/services.js'
import { TIME_LINE } from './en/time-line.js'
import { count } from './en/count.js'
import { numberFormat } from './number-format.js'

const number = numberFormat('en')

/** All English texts of the page, except for those that the proxy answers with. */
export const EN = {
  locale: 'en',
  /** A sentence of the proxy in this language; undefined: the page does not know it. The proxy speaks English. */
  proxySentence: (_english: string): string | undefined => undefined,
  program: 'kube-proxy',
  skip: 'Skip to the content',
  sections: 'Sections',
  language: 'Language',
  loading: 'Asking the proxy …',
  nothing: 'There is none.',
  noMatch: 'Nothing matches the filter.',
  filter: 'Filter',
  filterKey: 'Press / to jump here, Escape to empty it',
  showMore: (value: number) => `Show ${number(value)} more`,
  rows: (shown: number, matching: number, all: number) => {
    if (shown === all) return count(all, 'row')
    const some = count(matching, 'row')
    const text = shown === matching ? some : `The first ${number(shown)} of ${some}`
    return matching === all ? text : `${text} that ${matching === 1 ? 'matches' : 'match'}, of ${number(all)}`
  },
  yes: 'yes',
  no: 'no',
  none: '–',
  number,
  node: (name: string) => `Node ${name}`,
  mode: (name: string) => `${name} mode`,
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  live: 'live',
  notLive: 'no live events',
  life: (state: string): string => state,
  glance: {
    services: 'Services',
    withoutEndpoints: 'Ports without endpoints',
    open: 'Open connections',
    total: 'Connections so far',
    refused: 'Refused',
    kernel: 'Connections (carried by the kernel)',
    lastSync: 'Last sync',
  },
  noAnswer: (reason: string) => `The proxy does not answer: ${reason}. The page goes on asking.`,
  tooLate: (seconds: number) => `no answer within ${number(seconds)} s`,
  notCurrent: (time: string, reason: string) =>
    `This is the answer of ${time}. The proxy did not answer the last question: ${reason}.`,
  signIn: {
    title: 'This page must know who asks',
    demo: 'The page of a demo: open the link that its terminal shows.',
    how: 'The page of a proxy: ask for a link with the token, and open the link in this browser. It works once, within 5 minutes:',
  },
  unknownPage: 'There is no such view.',
  services: SERVICES,
  service: SERVICE,
  listeners: LISTENERS,
  connections: CONNECTIONS,
  rules: RULES,
  timeLine: TIME_LINE,
  packet: PACKET,
  levers: LEVERS_VIEW,
  ask: ASK_VIEW,
  learn: LEARN_VIEW,
  doctor: DOCTOR_VIEW,
  map: MAP,
}

/** What every language has a text for. */
export type Texts = typeof EN
