import t from 'tap'
import { DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'

/** An event loop whose turns end by hand, and clients that note when they are dialled. */
class Harness {
  readonly dialed: string[] = []
  readonly burst = new DialBurst(go => this.#atEnd.push(go))
  #atEnd: (() => void)[] = []

  client(name: string) {
    return { dial: () => void this.dialed.push(name) }
  }

  connectClients(...names: readonly string[]): void {
    for (const name of names) this.burst.add(this.client(name))
  }

  /** @returns whether somebody waits for the end of the next turn */
  endTurn(): boolean {
    const due = this.#atEnd
    this.#atEnd = []
    for (const go of due) go()
    return this.#atEnd.length > 0
  }
}

t.test('a client that comes alone is dialled at once', t => {
  const stage = new Harness()
  stage.connectClients('alone')
  t.same(stage.dialed, ['alone'])
  stage.endTurn()
  t.equal(stage.endTurn(), false, 'and after a turn in which nobody came there is nothing left to look at')
  stage.connectClients('the next')
  t.same(stage.dialed, ['alone', 'the next'])
  t.end()
})

t.test(
  'those that come turn by turn are dialled together once a turn passes without another, in the order they came',
  t => {
    const stage = new Harness()
    for (const name of ['a', 'b', 'c']) {
      stage.connectClients(name)
      stage.endTurn()
    }
    t.same(stage.dialed, ['a'], 'the first did not wait')
    stage.endTurn()
    t.same(stage.dialed, ['a', 'b', 'c'])
    t.end()
  },
)

t.test('no more than sixteen wait, however many turns the burst lasts', t => {
  const stage = new Harness()
  const names = Array.from({ length: 40 }, (_, n) => `${n}`)
  const most = names.map(name => {
    stage.connectClients(name)
    stage.endTurn()
    return Number(name) + 1 - stage.dialed.length
  })
  t.equal(Math.max(...most), 15)
  t.same(stage.dialed, names.slice(0, 33))
  stage.endTurn()
  t.same(stage.dialed, names)
  t.end()
})

t.test('one that has gone meanwhile is not dialled', t => {
  const stage = new Harness()
  const gone = stage.client('gone')
  stage.connectClients('first')
  stage.burst.add(gone)
  stage.connectClients('last')
  stage.burst.delete(gone)
  stage.endTurn()
  stage.endTurn()
  t.same(stage.dialed, ['first', 'last'])
  t.end()
})
