import { type HappeningView } from '../../../status/happening-view.js'
import { type SyncView } from '../../../status/sync-history.js'
import { numberFormat } from '../number-format.js'
import { count } from './count.js'

type Happened = HappeningView['what']

const number = numberFormat('en')

/** What has happened to a client or an endpoint. */
const HAPPENED: Readonly<Record<Happened, string>> = {
  opened: 'connection opened',
  retried: 'another Pod tried',
  refused: 'client refused',
  ended: 'connection ended',
  ejected: 'Pod failed',
}

/** Texts of the time line. */
export const TIME_LINE = {
  title: 'Time line',
  about:
    'Syncs of rules that the proxy remembers; and, while this page is visible, failed Pods, refused clients and ended connections.',
  at: 'Time',
  what: 'What',
  details: 'Details',
  sync: 'sync',
  syncFailed: 'sync failed',
  happened: (what: Happened) => HAPPENED[what],
  problem: 'problem',
  syncDetails: (family: string, extent: SyncView['extent'], ms: number | null, written: number) =>
    `${family}, ${extent}${ms === null ? '' : `, ${number(ms)} ms`}, ${count(written, 'rule')} written`,
  changed: (names: readonly string[], all: number) =>
    all === 0 ? '' : `About ${names.join(', ')}${all > names.length ? `, and ${number(all - names.length)} more` : ''}`,
  ejected: (endpoint: string, service: string, seconds: number) =>
    `${endpoint} of ${service} gets no new clients for ${number(seconds)} s`,
  endedOf: (service: string, how: string) => `${service}: ${how}`,
  because: (service: string, endpoint: string | null, why: string) =>
    `${service}${endpoint === null ? '' : `, ${endpoint}`}: ${why}`,
  times: (value: number, text: string) => (value === 1 ? text : `${number(value)} × ${text}`),
  sampled: 'There was more: a busy process reports a part of it.',
}
