import t from 'tap'
import { OwnSockets } from '../../lib/dataplane/own-sockets.js'

t.test('an end is known by its address and its port, both', t => {
  const own = new OwnSockets()
  own.add({ ip: '10.0.0.1', port: 4000 })
  own.add({ ip: 'fd00::1', port: 5000 })
  t.ok(own.has({ ip: '10.0.0.1', port: 4000 }))
  t.ok(own.has({ ip: 'fd00::1', port: 5000 }))
  t.notOk(own.has({ ip: '10.0.0.1', port: 5000 }))
  t.notOk(own.has({ ip: '10.0.0.2', port: 4000 }))
  t.end()
})

t.test('an end that several sockets share is known until the last of them is closed', t => {
  const own = new OwnSockets()
  const end = { ip: '10.0.0.1', port: 4000 }
  own.add(end)
  own.add(end)
  own.delete(end)
  t.ok(own.has(end))
  own.delete(end)
  t.notOk(own.has(end))
  own.delete(end)
  own.add(end)
  t.ok(own.has(end))
  t.end()
})
