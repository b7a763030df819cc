export interface DemoOptions {
  readonly keep: boolean
  readonly manifest: string | undefined
}
export function runDemo(_options: DemoOptions): Promise<number> {
  return Promise.resolve(1)
}
