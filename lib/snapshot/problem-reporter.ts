import { type ObjectKind, type ObjectName } from '../model/objects.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type Decoded } from './decoded.js'

/** Wrong fields of one object; none once the object is valid again or gone. */
export interface ObjectProblems {
  readonly kind: ObjectKind
  /** `namespace/name`. */
  readonly name: string
  /** A sentence for each wrong field. */
  readonly problems: readonly string[]
  /** Addresses that are ignored for their IP family, a sentence each. */
  readonly wrongFamily: readonly string[]
  /** The Service that the object belongs to, when known. */
  readonly service: ObjectName | undefined
}

/** Reports the wrong fields of each object once, again when they differ, and that there are none any more. */
export class ProblemReporter {
  /** Only of objects with wrong fields. */
  readonly #reporters = new Map<string, OnceReporter>()
  readonly #notify: (problems: ObjectProblems) => void

  constructor(notify: (problems: ObjectProblems) => void) {
    this.#notify = notify
  }

  /** Names of the objects of a kind with wrong fields. */
  listReported(kind: ObjectKind): string[] {
    const prefix = `${kind} `
    return [...this.#reporters.keys()].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
  }

  /** Takes the wrong fields that an object has now; reports them unless they are the same as last time. */
  report(
    kind: ObjectKind,
    name: string,
    { problems, wrongFamily = [] }: Pick<Decoded<unknown>, 'problems' | 'wrongFamily'>,
    service?: ObjectName,
  ): void {
    const key = `${kind} ${name}`
    const text = [...problems, ...wrongFamily].join('\n')
    const notify = (): void => this.#notify({ kind, name, problems, wrongFamily, service })
    if (text === '') {
      if (this.#reporters.delete(key)) notify()
      return
    }
    const reporter = this.#reporters.get(key) ?? new OnceReporter()
    this.#reporters.set(key, reporter)
    reporter.updateOne(text, notify)
  }
}
