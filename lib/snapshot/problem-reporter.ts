import { type ObjectKind, type ObjectName } from '../model/objects.js'
import { type Decoded } from './decoded.js'

/** Wrong fields of one object, each a sentence; none once the object is right again or gone. */
export interface ObjectProblems {
  readonly kind: ObjectKind
  /** `namespace/name`. */
  readonly name: string
  readonly problems: readonly string[]
  /** Addresses that are ignored for their IP family, a sentence each. */
  readonly wrongFamily: readonly string[]
  /** The Service that is concerned, as far as one is known. */
  readonly service: ObjectName | undefined
}

/** Tells of the wrong fields of objects: once, and again when they are others. */
export class ProblemReporter {
  readonly #reported = new Map<string, string>()
  readonly #notify: (problems: ObjectProblems) => void

  constructor(tell: (problems: ObjectProblems) => void) {
    this.#notify = tell
  }

  /** Names of the objects with wrong fields. */
  listReported(kind: ObjectKind): string[] {
    const prefix = `${kind} `
    return [...this.#reported.keys()].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
  }

  report(
    kind: ObjectKind,
    name: string,
    { problems, wrongFamily = [] }: Pick<Decoded<unknown>, 'problems' | 'wrongFamily'>,
    service?: ObjectName,
  ): void {
    const key = `${kind} ${name}`
    const text = [...problems, ...wrongFamily].join('\n')
    if ((this.#reported.get(key) ?? '') === text) return
    if (text === '') this.#reported.delete(key)
    else this.#reported.set(key, text)
    this.#notify({ kind, name, problems, wrongFamily, service })
  }
}
