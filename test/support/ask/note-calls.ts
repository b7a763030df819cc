import { type Lab, type Ran } from '../../../lib/ask/lab.js'

/** A call of a lab that has ended. */
export interface LabCall {
  readonly name: string
  readonly args: readonly unknown[]
  readonly result: unknown
}

/** A lab that notes each call from outside. Those that its reset makes do not count. */
export function noteCalls(lab: Lab, note: (call: LabCall) => void): Lab {
  return new Proxy(lab, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args)
        const noteResult = (each: unknown): unknown => {
          note({ name: String(name), args, result: each })
          return each
        }
        return result instanceof Promise ? result.then(noteResult) : noteResult(result)
      }
    },
  })
}

/** The change of the cluster that a call has made; undefined: none. */
export function leverOf({ result }: LabCall): Ran | undefined {
  return (result as Partial<Ran> | undefined)?.isLever === true ? (result as Ran) : undefined
}
