import { type TeardownScope } from '../nodes/node-network.js'

const NAME = 'KPN_TOO_LONG'

/**
 * No process with the environment of this one starts from now on: the kernel refuses a variable longer than 128 KiB. Node.js throws
 * then, as it does without memory.
 * @returns lets processes start again
 */
export function failStarts(t: TeardownScope): () => void {
  process.env[NAME] = 'x'.repeat(200_000)
  const allow = (): void => void delete process.env[NAME]
  t.teardown(allow)
  return allow
}
