import t from 'tap'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')

/** How many endpoints the proxy knows for the example. */
async function knownEndpoints(demo: DemoPageProcess): Promise<number | undefined> {
  const { items } = (await (await demo.ask('/v1/services')).json()) as {
    readonly items: readonly { readonly name: string; readonly endpoints: { readonly all: number } }[]
  }
  return items.find(({ name }) => name === 'nginx-service')?.endpoints.all
}

for (const mode of ['userspace', 'iptables'])
  t.test(
    `in ${mode} mode traffic goes on while the API server is away; the proxy learns of changes when it is back`,
    { skip },
    async t => {
      const demo = await DemoPageProcess.start(t, [`--proxy-mode=${mode}`])
      const away = await demo.pull('api/away')
      t.same(away.lost, [])
      // The kernel chooses at random: a Pod may have no turn in so few requests.
      if (mode === 'userspace') t.equal(away.answers.length, 3, 'all Pods answer')
      const current = (await demo.document()).levers.flatMap(({ id, isCurrent }) => (isCurrent ? id : []))
      t.ok(current.includes('api/away'))
      t.same(
        (await demo.document()).levers.filter(({ kind }) => kind === 'mode').map(({ value }) => value),
        [mode],
        'a proxy that starts now could serve nothing',
      )

      const scaled = await demo.pull('scale/1')
      t.equal((await demo.document()).pods.length, 1)
      t.equal(await knownEndpoints(demo), 3, 'the proxy cannot know')
      t.ok(scaled.answers.every(({ pod }) => pod === 'nginx-deployment-1'))
      if (mode === 'userspace') t.same(scaled.lost, [], 'it tries the Pod that is left')

      const back = await demo.pull('api/there')
      t.equal(await knownEndpoints(demo), 1)
      t.same(back.lost, [])
      t.same(back.answers, [{ pod: 'nginx-deployment-1', count: back.requests }])
      t.same((await demo.pull('scale/2')).lost, [])
      t.equal(await knownEndpoints(demo), 2, 'changes take effect at once again')
      t.equal(await demo.end(), 0)
      t.equal(demo.left(), '')
    },
  )

t.test('a question brings the API server back, and then it is away again', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  await demo.pull('api/away')
  t.match((await demo.run('ask/1')).at(-1), { kind: 'answer', holds: true })
  const lever = (await demo.document()).levers.find(({ id }) => id === 'api/away')
  t.equal(lever?.isCurrent, true)
  t.same((await demo.pull('scale/3')).lost, [])
  t.equal(await demo.end(), 0)
})
