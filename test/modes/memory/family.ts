import { type Frontend } from '../../../lib/frontends/frontend.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { type KernelRules, type ProgramReport } from '../../../lib/modes/proxier.js'
import { type RuleWriter } from '../../../lib/modes/rule-writer.js'
import { isEqual } from '../../../lib/primitives/reuse-equal.js'
import { memoryPlan } from './plan.js'

/** The rules of one IP family. */
export class MemoryFamily implements KernelRules {
  readonly family: IpFamily
  readonly #writer: RuleWriter
  #snapshot = EMPTY_SNAPSHOT
  #frontends: readonly Frontend[] = []
  #programmed: readonly unknown[] | undefined

  constructor(writer: RuleWriter) {
    this.family = writer.family
    this.#writer = writer
  }

  async start(): Promise<void> {
    await this.#writer.read()
  }

  setDesired(snapshot: ServiceSnapshot, frontends: readonly Frontend[]): void {
    this.#snapshot = snapshot
    this.#frontends = frontends
  }

  get pending(): boolean {
    return this.#programmed === undefined || !isEqual(this.#programmed, this.#rules())
  }

  async program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport> {
    const isRight = !verify || (await this.#writer.check())
    onPlanned?.()
    const report =
      isRight && !this.pending
        ? this.#writer.unchangedReport
        : await this.#writer.write(memoryPlan(this.family, this.#snapshot, this.#frontends))
    this.#programmed = this.#rules()
    await this.#writer.removeOtherModes()
    return report
  }

  #rules(): readonly unknown[] {
    return [...memoryPlan(this.family, this.#snapshot, this.#frontends).tables.get('nat')!.chains.values()]
  }
}
