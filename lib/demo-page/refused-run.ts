/** Why the demo does not run what a request asks for. */
export class RefusedRun extends Error {
  override readonly name = 'RefusedRun'
  /** Of HTTP. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
