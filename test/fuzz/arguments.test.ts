import t from 'tap'
import { addProxyCommand } from '../../lib/cli/add-proxy-command.js'
import { createParser } from '../../lib/cli/create-parser.js'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { readConfig } from '../../lib/config/read-config.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { MODES } from '../../lib/modes/registry.js'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateText } from '../support/checks/mutate-text.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

/** Command lines. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) / 8)
const SEED = testSeed()
const CORPUS = 'arguments'
/** yargs prints these at once, and nothing is read. */
const PRINTS = /^--(he?l?p?|version)|^-[^-]*h/

/** What the proxy reads from a command line: sentences about what is wrong. @throws ProxyFailure */
async function read(args: readonly string[]): Promise<readonly string[]> {
  let values: FlagValues | undefined
  const parser = createParser(args)
  addProxyCommand(parser, read => Promise.resolve(void (values = read)))
  await parser.parseAsync()
  if (values === undefined) throw new Error('no value was read')
  return readConfig(values, 'host', MODES).problems
}

t.test(`Every command line is read, or is a mistake that names what is wrong (SEED=${SEED})`, async t => {
  const random = seededRandom(SEED)
  const corpus = readCorpus(CORPUS)
  for (let run = 0; run < RUNS; run++) {
    const text = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
    const args = text.split('\n').filter(arg => !PRINTS.test(arg))
    try {
      const problems = await read(args)
      if (problems.some(problem => problem.trim() === '')) throw new Error('an empty message')
    } catch (error) {
      if (error instanceof ProxyFailure && error.code === 'CONFIG_INVALID' && error.message !== '') continue
      t.fail(`${String(error)}; the input is in ${addToCorpus(CORPUS, text)}`)
      return
    }
  }
  t.same(Object.keys(Object.prototype), [], 'no argument adds to the prototype of objects')
})
