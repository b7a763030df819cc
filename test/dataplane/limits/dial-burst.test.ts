import t from 'tap'
import { DialBurst, type PendingDial } from '../../../lib/dataplane/limits/dial-burst.js'

/** An event loop whose turns the test ends, and dials that record their start. */
class Harness {
  readonly started: string[] = []
  readonly burst = new DialBurst(callback => this.#atTurnEnd.push(callback))
  #atTurnEnd: (() => void)[] = []

  dial(name: string): PendingDial {
    return {
      client: name,
      onTurn: () => undefined,
      giveUpPlace: () => undefined,
      start: () => void this.started.push(name),
    }
  }

  addDials(...names: readonly string[]): void {
    for (const name of names) this.burst.add(this.dial(name))
  }

  /** @returns whether the burst waits for the end of the next turn, too */
  endTurn(): boolean {
    const callbacks = this.#atTurnEnd
    this.#atTurnEnd = []
    for (const callback of callbacks) callback()
    return this.#atTurnEnd.length > 0
  }
}

t.test('a dial that comes alone starts at once', t => {
  const harness = new Harness()
  harness.addDials('alone')
  t.same(harness.started, ['alone'])
  harness.endTurn()
  t.equal(harness.endTurn(), false, 'after a turn without a dial the burst stops watching')
  harness.addDials('next')
  t.same(harness.started, ['alone', 'next'])
  t.end()
})

t.test('dials that come turn by turn start together, in order, after a turn without a dial', t => {
  const harness = new Harness()
  for (const name of ['a', 'b', 'c']) {
    harness.addDials(name)
    harness.endTurn()
  }
  t.same(harness.started, ['a'], 'the first did not wait')
  harness.endTurn()
  t.same(harness.started, ['a', 'b', 'c'])
  t.end()
})

t.test('at most sixteen dials wait, however many turns the burst lasts', t => {
  const harness = new Harness()
  const names = Array.from({ length: 40 }, (_, n) => `${n}`)
  const waiting = names.map(name => {
    harness.addDials(name)
    harness.endTurn()
    return Number(name) + 1 - harness.started.length
  })
  t.equal(Math.max(...waiting), 15)
  t.same(harness.started, names.slice(0, 33))
  harness.endTurn()
  t.same(harness.started, names)
  t.end()
})

t.test('a dial that was deleted while it waited does not start', t => {
  const harness = new Harness()
  const deleted = harness.dial('deleted')
  harness.addDials('first')
  harness.burst.add(deleted)
  harness.addDials('last')
  t.equal(harness.burst.delete(deleted), true)
  t.equal(harness.burst.delete(deleted), false, 'it waits no more')
  harness.endTurn()
  harness.endTurn()
  t.same(harness.started, ['first', 'last'])
  t.end()
})
