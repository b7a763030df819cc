import t from 'tap'
import { ipvsFailure } from '../../lib/system/ipvs-failure.js'

void t.test('an error of ipvsadm gives a failure by its kind, with a hint', t => {
  for (const [stderr, code] of [
    ["Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server is built in?", 'IPVS_ABSENT'],
    [
      "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that it is built in?",
      'IPVS_FORBIDDEN',
    ],
    ['Scheduler or persistence engine not found', 'IPVS_ABSENT'],
    ['No such destination', 'IPVS_FAILED'],
  ] as const) {
    const failure = ipvsFailure(stderr, '"ipvsadm -L -n" failed')
    t.equal(failure.code, code)
    t.match(failure.message, stderr.split('\n')[0])
    t.type(failure.hint, 'string')
  }
  t.end()
})

void t.test('what modprobe says, which ipvsadm runs, is not why ipvsadm has failed', t => {
  const line = "modprobe: ERROR: could not insert 'ip_vs': Operation not permitted"
  const failure = ipvsFailure(`${line}\nCan't initialize ipvs: Protocol not available`, '"ipvsadm -L -n" failed')
  t.equal(failure.code, 'IPVS_ABSENT')
  t.notMatch(failure.message, 'modprobe')
  t.end()
})
