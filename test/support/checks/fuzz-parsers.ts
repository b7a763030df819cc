import t from 'tap'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { addToCorpus, readCorpus } from './corpus.js'
import { mutateText } from './mutate-text.js'
import { seededRandom, testSeed } from './seeded-random.js'

/** Inputs for each parser. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1000)
const SEED = testSeed()

/** A parser, which may throw what is wrong with its own result, too. */
export type FuzzedParser = (text: string) => unknown

/** Gives each parser its examples, and random changes of them. @param parsers by the folder of their corpus */
export function fuzzParsers(parsers: Readonly<Record<string, FuzzedParser>>): void {
  for (const [name, parse] of Object.entries(parsers))
    void t.test(
      `The parser for ${name} returns a result or a ProxyFailure, whatever it is given (SEED=${SEED})`,
      async t => {
        const random = seededRandom(SEED)
        const corpus = readCorpus(name)
        t.ok(corpus.length > 0, 'there are examples')
        for (const text of corpus) t.equal(await errorOf(parse, text), undefined, JSON.stringify(text.slice(0, 60)))
        for (let run = 0; run < RUNS; run++) {
          const text = mutateText(corpus[run % corpus.length]!, corpus, random)
          const error = await errorOf(parse, text)
          if (error === undefined) continue
          t.fail(`${String(error)}; the input is in ${addToCorpus(name, text)}: mend the parser, and keep the file`)
          break
        }
        t.same(Object.keys(Object.prototype), [], 'no input adds to the prototype of objects')
      },
    )
}

/** What a parser throws and should not; undefined if it returns, or reports the mistake as it should. */
async function errorOf(parse: FuzzedParser, text: string): Promise<unknown> {
  try {
    await parse(text)
    return undefined
  } catch (error) {
    return error instanceof ProxyFailure ? undefined : error
  }
}
