import { PATIENCE } from '../ask/patience.js'
import { countAnswers, requestsLine, sumOf } from '../ask/requests-by-pod.js'
import { EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { type Command, type Seen } from './lesson.js'

const URL = `http://${EXAMPLE_SERVICE.clusterIP}`

/** Requests of the client, each with a connection of its own; the output has the number of answers of each Pod. */
export function requests(count: number): Command {
  return { where: 'client', line: requestsLine(count, URL) }
}

/** One request of the client, with the answer of the Pod. */
export const ONE_REQUEST: Command = { where: 'client', line: `curl -s ${PATIENCE.answer.join(' ')} ${URL}` }

/** Requests of the client; the output has the number of the Pod of each answer, in the order of the answers. */
export function requestsInOrder(count: number): Command {
  return {
    where: 'client',
    line:
      `curl -s ${PATIENCE.answer.join(' ')} -H 'Connection: close' '${URL}/?[1-${count}]' ` +
      `| grep -o 'deployment-[0-9]*' | cut -d- -f2 | tr '\\n' ' '`,
  }
}

/** How many Pods have answered, how many answers came, and how much the counter rose. */
export function answersOf({ ran, more }: Seen): {
  readonly pods: number
  readonly answers: number
  readonly more: number
} {
  const counts = countAnswers(ran.output)
  return { pods: counts.size, answers: sumOf(counts), more }
}

/** Whether Pods have answered in turn: the order repeats, and no Pod comes twice in a round. */
export function isInTurn(order: string, pods: number): boolean {
  const numbers = order.trim().split(/\s+/)
  const isRound = new Set(numbers.slice(0, pods)).size === pods
  return numbers.length > pods && isRound && numbers.every((each, index) => each === numbers[index % pods])
}
