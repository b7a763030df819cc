import { NODE_CONNECTIONS } from '../ask/node-connections.js'
import { type LessonStep } from './lesson.js'

/** How many sockets kube-proxy has, as the question of a step. @param right 0 or 2 */
export function socketCount(right: 0 | 2): Pick<LessonStep, 'command' | 'choices' | 'right' | 'proof' | 'observe'> {
  const name = { en: 'sockets of kube-proxy for one connection', ko: '연결 하나를 위한 kube-proxy의 소켓' }
  return {
    command: () => ({ where: 'node', line: NODE_CONNECTIONS.join(' ') }),
    choices: [
      { text: { en: 'none', ko: '없다' }, isSeen: ({ sockets }) => sockets === 0 },
      { text: { en: 'one', ko: '한 개' }, isSeen: ({ sockets }) => sockets === 1 },
      { text: { en: 'two', ko: '두 개' }, isSeen: ({ sockets }) => sockets === 2 },
    ],
    right,
    proof: { name, value: 'sockets' },
    observe: ({ ran }) => ({ sockets: ran.output.match(/"kube-proxy"/g)?.length ?? 0 }),
  }
}
