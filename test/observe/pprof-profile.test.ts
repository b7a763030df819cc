import { Profile } from 'pprof-format'
import t from 'tap'
import { pprofProfile } from '../../lib/observe/pprof-profile.js'
import { type CallFrame, type RawProfile } from '../../lib/model/profile.js'

const frame = (functionName: string, lineNumber = 0): CallFrame => ({
  functionName,
  scriptId: '1',
  url: 'file:///app/main.js',
  lineNumber,
  columnNumber: 0,
})

/** What a viewer sees: each stack from the innermost call on, with its values. */
function read(raw: RawProfile, takenAt = 0) {
  const profile = Profile.decode(pprofProfile(raw, takenAt))
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)]
  const names = new Map(
    profile.location.map(({ id, line }) => {
      const found = profile.function.find(each => each.id === line[0]!.functionId)!
      return [id, `${text(found.name)} ${text(found.filename)}:${line[0]!.line}`]
    }),
  )
  return {
    profile,
    types: profile.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
    stacks: profile.sample.map(({ locationId, value }) => [locationId.map(id => names.get(id)), value.map(Number)]),
  }
}

t.test('a profile of the CPU has each stack with its samples and its time, without idle time', t => {
  const { profile, types, stacks } = read(
    {
      kind: 'cpu',
      profile: {
        nodes: [
          { id: 1, callFrame: frame('(root)', -1), children: [2, 3] },
          { id: 2, callFrame: frame('(idle)', -1) },
          { id: 3, callFrame: frame('serve', 9), children: [4] },
          { id: 4, callFrame: frame('', 19) },
        ],
        startTime: 1_000_000,
        endTime: 3_500_000,
        samples: [3, 4, 4, 2, 3],
        timeDeltas: [500, 1000, 1000, 2000, 9000],
      },
    },
    10_000,
  )
  t.strictSame(types, ['samples/count', 'cpu/nanoseconds'])
  t.strictSame(stacks, [
    [['serve file:///app/main.js:10'], [2, 1_000_000]],
    [
      ['(anonymous) file:///app/main.js:20', 'serve file:///app/main.js:10'],
      [2, 3_000_000],
    ],
  ])
  t.equal(Number(profile.durationNanos), 2_500_000_000)
  t.equal(Number(profile.timeNanos), 7_500_000_000, 'the start')
  t.end()
})

t.test('a profile of the memory has the bytes of each stack that are in use', t => {
  const { types, stacks } = read({
    kind: 'heap',
    head: {
      callFrame: frame('(root)', -1),
      selfSize: 0,
      children: [
        {
          callFrame: frame('load', 4),
          selfSize: 0,
          children: [{ callFrame: frame('parse', 7), selfSize: 524_288, children: [] }],
        },
      ],
    },
  })
  t.strictSame(types, ['inuse_space/bytes'])
  t.strictSame(stacks, [[['parse file:///app/main.js:8', 'load file:///app/main.js:5'], [524_288]]])
  t.end()
})
