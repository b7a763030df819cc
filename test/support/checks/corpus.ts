import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the inputs of the fuzz tests are: a folder for each parser, a file for each input. */
const CORPUS = join('test', 'fuzz', 'corpus')

/** The inputs for a parser: examples, and texts with which it failed once. */
export function readCorpus(parser: string): readonly string[] {
  const folder = join(CORPUS, parser)
  return readdirSync(folder)
    .sort()
    .map(name => readFileSync(join(folder, name), 'utf8'))
}

/** Adds an input with which a parser failed, so that every later run tries it. @returns the file */
export function addToCorpus(parser: string, text: string): string {
  const folder = join(CORPUS, parser)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `found-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`)
  writeFileSync(file, text)
  return file
}
