import { type Lab, type Ran } from '../../../lib/ask/lab.js'
import { type LabRecord } from '../../../lib/learn/recorded-lab.js'

/** A lab that records what a lesson does and sees. Of commands that are repeated until the output is as wanted, it keeps the last ones. */
export function recordingLab(lab: Lab): { readonly lab: Lab; record(): LabRecord } {
  const calls: Ran[] = []
  const keep = (result: unknown): unknown => {
    if ((result as Partial<Ran> | undefined)?.command !== undefined) calls.push(result as Ran)
    return result
  }
  const recording = new Proxy(lab, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'until')
        return (isWanted: (ran: Ran) => boolean, look: () => Promise<Ran>) => {
          const first = calls.length
          return target.until(isWanted, () => {
            calls.length = first
            return look()
          })
        }
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args)
        return result instanceof Promise ? result.then(keep) : result
      }
    },
  })
  const { nodeIP, clientIP, outsideIP, nodeName, service, pods } = lab
  const facts = {
    ...{ nodeIP, clientIP, outsideIP, nodeName, service },
    pods: pods.map(({ name, ip, deployment }) => ({ name, ip, deployment })),
  }
  return { lab: recording, record: () => ({ facts, calls }) }
}
