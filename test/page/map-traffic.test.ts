import { buildSync } from 'esbuild'
import t from 'tap'
import { type ConnectionView } from '../../lib/status/connection-view.js'
import { type HappeningView } from '../../lib/status/happening-view.js'
import { type HappeningsEvent } from '../../lib/status/live-events.js'

interface Traffic {
  add(event: HappeningsEvent): void
  readonly busiest: string | undefined
  readonly isSampled: boolean
  pairs(service: string, connections: readonly ConnectionView[]): readonly object[]
}

// The page is compiled for browsers only.
const { outputFiles } = buildSync({
  ...{ entryPoints: ['lib/page/views/map/map-traffic.ts'], bundle: true, format: 'esm', write: false },
  tsconfig: 'lib/page/tsconfig.json',
})
const { MapTraffic } = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as {
  MapTraffic: new (before: readonly HappeningsEvent[]) => Traffic
}

const PLACE = { namespace: 'default', service: 'web', pid: 7, client: '10.244.0.9:5000', endpoint: '10.244.0.2:80' }
const happened = (what: HappeningView['what'], id: number, more: Partial<HappeningView> = {}): HappeningView =>
  ({ ...PLACE, what, id, bytesToEndpoint: null, bytesToClient: null, ...more }) as HappeningView
const event = (items: readonly HappeningView[], isSampled = false): HappeningsEvent => ({ items, isSampled })
const open = (id: number, pid = 7): ConnectionView =>
  ({ ...PLACE, id, pid, bytesToEndpoint: 10, bytesToClient: 90 }) as unknown as ConnectionView

t.test('what happened before the map was open is not counted', t => {
  const traffic = new MapTraffic([event([happened('opened', 1)])])
  t.strictSame(traffic.pairs('default/web', []), [])
  traffic.add(event([happened('opened', 2)]))
  t.match(traffic.pairs('default/web', []), [{ client: '10.244.0.9', pod: '10.244.0.2:80', opened: 1 }])
  t.end()
})

t.test('a connection that has ended counts once, though the list of open ones still has it', t => {
  const traffic = new MapTraffic([])
  traffic.add(event([happened('ended', 1, { bytesToEndpoint: 10, bytesToClient: 90 })]))
  t.match(traffic.pairs('default/web', [open(1)]), [{ open: 0, bytes: 100 }])
  t.match(traffic.pairs('default/web', [open(1, 8)]), [{ open: 1, bytes: 200 }], 'another process has its own numbers')
  t.end()
})

t.test('the busiest Service stays the same when another one gets more connections', t => {
  const shop = { service: 'shop' }
  const traffic = new MapTraffic([])
  t.equal(traffic.busiest, undefined)
  traffic.add(event([happened('opened', 1, shop), happened('opened', 2), happened('opened', 3)]))
  t.equal(traffic.busiest, 'default/web')
  traffic.add(event([4, 5, 6, 7].map(id => happened('opened', id, shop))))
  t.equal(traffic.busiest, 'default/web')
  const before = [event([happened('opened', 1, shop)]), event([happened('ended', 2), happened('ended', 3)])]
  t.equal(new MapTraffic(before).busiest, 'default/shop', 'what has opened before the map was open chooses it')
  t.end()
})

t.test('the map knows that the proxy has not reported everything', t => {
  const traffic = new MapTraffic([event([], true)])
  t.equal(traffic.isSampled, false)
  traffic.add(event([], true))
  traffic.add(event([]))
  t.equal(traffic.isSampled, true)
  t.end()
})
