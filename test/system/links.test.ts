import t from 'tap'
import { canTurnBack, parseLinks } from '../../lib/system/links.js'

const port = (name: string, hairpin: boolean) => ({
  ifname: name,
  master: 'cni0',
  linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge', info_slave_data: { hairpin } },
})

t.test('a bridge sends a packet back only by ports with hairpin mode', t => {
  const links = (...ports: readonly object[]) =>
    parseLinks(JSON.stringify([{ ifname: 'eth0' }, { ifname: 'cni0', linkinfo: { info_kind: 'bridge' } }, ...ports]))
  t.equal(canTurnBack(links(port('veth2', true), port('veth3', true)), 'cni0'), true)
  t.equal(canTurnBack(links(port('veth2', false), port('veth3', false)), 'cni0'), false)
  t.equal(canTurnBack(links(port('veth2', true), port('veth3', false)), 'cni0'), undefined, 'the ports differ')
  t.equal(canTurnBack(links(), 'cni0'), undefined, 'it has no port')
  t.equal(canTurnBack(links(), 'eth0'), true, 'it is no bridge')
  t.equal(canTurnBack(links(), 'veth9'), undefined, 'there is no such interface')
  t.end()
})

t.test('text that is no list of interfaces has none', t => {
  for (const text of ['', '{}', '[', '[null, 1, {}]', '"x"']) t.same(parseLinks(text), [], text)
  t.end()
})
