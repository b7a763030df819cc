import t from 'tap'
import { parseInterfaceAddresses } from '../../lib/system/interface-addresses.js'
import { readCorpus } from '../support/checks/corpus.js'

const [CURRENT, OLDER] = readCorpus('ip-address') as [string, string]

t.test('the addresses of Services are read, and those that the kernel adds are not', t => {
  t.same([...parseInterfaceAddresses(CURRENT)], ['10.96.0.10', 'fd00:96::a'])
  t.same([...parseInterfaceAddresses(OLDER)], ['10.96.0.10'])
  t.end()
})

t.test('output that is no list is a failure, since addresses would seem to be missing', t => {
  for (const text of ['', '{}', 'null', '[', 'Device "kube-ipvs0" does not exist.'])
    t.throws(
      () => parseInterfaceAddresses(text),
      { code: 'INTERFACE_FAILED', message: /expected a list in JSON/ },
      text,
    )
  t.same([...parseInterfaceAddresses('[null, {}, {"addr_info": [null, {"local": 7}]}]')], [])
  t.end()
})
