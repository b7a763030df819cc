/**
 * Entry: what a Prometheus on a node talks to. On port 9093 of loopback it is an Alertmanager, and a target whose scrapes a test can wait
 * for. It also asks URLs for the test: each line of standard input is `{"id":N,"url":"…"}`.
 *
 * Prints one JSON object per line: `{"ready":true}`, `{"scrape":N}`, `{"alert":…}` when an alert begins to fire, and
 * `{"answer":N,"body":"…"}`.
 */
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { PEER_PORT, type ReceivedAlert } from './prometheus-peer.js'

/** An alert as Prometheus sends it; again from time to time while it fires. */
type SentAlert = ReceivedAlert & { readonly endsAt: string }

const firing = new Set<string>()
let scrapes = 0
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

function receive(alerts: readonly SentAlert[]): void {
  for (const { labels, annotations, endsAt } of alerts) {
    const key = JSON.stringify(labels)
    // A time in the past says that the alert fires no longer.
    if (Date.parse(endsAt) <= Date.now()) firing.delete(key)
    else if (!firing.has(key)) {
      firing.add(key)
      print({ alert: { labels, annotations } satisfies ReceivedAlert })
    }
  }
}

createServer((request, response) => {
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`test_scrapes_total ${++scrapes}\n`, () => print({ scrape: scrapes }))
    return
  }
  void text(request).then(body => {
    receive(JSON.parse(body) as SentAlert[])
    response.end()
  })
}).listen(PEER_PORT, '127.0.0.1', () => print({ ready: true }))

for await (const line of createInterface({ input: process.stdin })) {
  const { id, url } = JSON.parse(line) as { readonly id: number; readonly url: string }
  print({ answer: id, body: await (await fetch(url)).text() })
}
