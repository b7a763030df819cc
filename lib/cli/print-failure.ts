import { ProxyFailure, messageOf } from '../model/failure.js'
import { wantsColour } from '../observe/klog.js'
import { escapeControls } from '../primitives/escape-controls.js'

/** Writes a failure to standard error: what failed, why, and what to do. */
export function printFailure(error: unknown): void {
  const useColour = wantsColour(process.env, process.stderr.isTTY)
  const red = (text: string): string => (useColour ? `\x1b[31m${text}\x1b[0m` : text)
  const lines = [`${red('kube-proxy:')} ${escapeControls(messageOf(error)).split('\n').join('\n            ')}`]
  if (error instanceof ProxyFailure) {
    if (error.hint !== undefined) lines.push(`            ${error.hint}.`)
    lines.push(`            (${error.code}, see docs/errors.md)`)
  } else if (error instanceof Error && error.stack !== undefined) {
    // An unexpected error: a bug report needs the stack.
    lines.push(error.stack)
  }
  process.stderr.write(`${lines.join('\n')}\n`)
}
