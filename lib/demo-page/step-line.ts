import { type Ran } from '../ask/lab.js'
import { type Texts } from '../ask/texts.js'
import { type RunLine } from './demo-document.js'

/** A command that ran, for the page. @param meaning of its output; null: it is explained elsewhere */
export function stepLine({ where, command, output, isLever = false }: Ran, meaning: Texts | null): RunLine {
  return { kind: 'step', where, command, output, isLever, meaning }
}
