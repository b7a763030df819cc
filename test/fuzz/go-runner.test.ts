import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { addToCorpus, readCorpus } from '../support/checks/corpus.js'
import { mutateText } from '../support/checks/mutate-text.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

/** Command lines; each starts a shell. `FUZZ_RUNS=100000` looks longer. */
const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) / 10)
const SEED = testSeed()
const CORPUS = 'go-runner'
const GO_RUNNER = resolve('deploy', 'image', 'root', 'go-runner')
const BASH = '/bin/bash'
/** The exit code of the program that it starts, which prints its arguments. */
const PROGRAM_CODE = 42
const PROGRAM = `#!/bin/sh
printf 'ran'
[ "$#" -eq 0 ] || printf '[%s]' "$@"
printf '%s\\n' "[$MARK]"
exit ${PROGRAM_CODE}
`
/** The shell's exit codes for a program that cannot be started. */
const CANNOT_START = [126, 127]
/** Programs of the image that it uses. */
const TOOLS = ['tee', 'sleep']

/** A folder to run it in, whose files are what it has saved, and the only programs that it finds. */
class Sandbox {
  readonly #root = realpathSync(mkdtempSync(join(tmpdir(), 'kpn-go-runner-')))
  readonly #programs = join(this.#root, 'programs')
  readonly #folder = join(this.#root, 'folder')

  constructor() {
    mkdirSync(this.#programs)
    writeFileSync(join(this.#programs, 'program'), PROGRAM, { mode: 0o755 })
    for (const tool of TOOLS) symlinkSync(join('/usr/bin', tool), join(this.#programs, tool))
  }

  run(args: readonly string[]): SpawnSyncReturns<string> & { readonly saved: string } {
    mkdirSync(this.#folder)
    const env = { PATH: this.#programs, MARK: 'mark' }
    const result = spawnSync(BASH, [GO_RUNNER, ...args], { cwd: this.#folder, env, encoding: 'utf8', input: '' })
    const saved = readdirSync(this.#folder).map(name => readFileSync(join(this.#folder, name), 'utf8'))
    rmSync(this.#folder, { recursive: true })
    return { ...result, saved: saved.join('') }
  }

  remove(): void {
    rmSync(this.#root, { recursive: true })
  }
}

/**
 * Arguments that cannot harm this machine, whatever they contain: without a slash they name no file and no program outside of the sandbox.
 * No argument can contain a NUL, or half of a
 * surrogate pair.
 */
function harmless(text: string): readonly string[] {
  return Buffer.from(text.replaceAll('/', '_').replaceAll('\0', '')).toString().split('\n')
}

/** What is wrong with a result; undefined if nothing is. */
function mistakeOf(
  args: readonly string[],
  { status, stdout, stderr, saved }: ReturnType<Sandbox['run']>,
): string | undefined {
  if (status === 1) {
    if (!/^go-runner: [^\p{Cc}\p{Cf}\p{Cs}]+\n$/u.test(stderr)) return `the message ${JSON.stringify(stderr)}`
    return stdout + saved === '' ? undefined : 'output beside a mistake'
  }
  const output = stdout + saved + stderr
  if (status === PROGRAM_CODE) {
    const at = args.indexOf('program')
    const started = `ran${args
      .slice(at + 1)
      .map(arg => `[${arg}]`)
      .join('')}[mark]\n`
    return at >= 0 && (output === started || output === started.repeat(2)) ? undefined : `the program got ${output}`
  }
  // The message of the shell goes where the output would go.
  return CANNOT_START.includes(status ?? 0) && output !== '' ? undefined : `exit code ${status}: ${output}`
}

t.test(
  `go-runner starts the program with its own arguments, or names the mistake, whatever its flags are (SEED=${SEED})`,
  { skip: existsSync(BASH) ? false : `needs ${BASH}` },
  t => {
    const random = seededRandom(SEED)
    const corpus = readCorpus(CORPUS)
    const sandbox = new Sandbox()
    t.teardown(() => sandbox.remove())
    let started = 0
    for (let run = 0; run < RUNS; run++) {
      const text = run < corpus.length ? corpus[run]! : mutateText(corpus[run % corpus.length]!, corpus, random)
      const args = harmless(text)
      const result = sandbox.run(args)
      if (result.status === PROGRAM_CODE) started++
      const mistake = result.error === undefined ? mistakeOf(args, result) : result.error.message
      if (mistake === undefined) continue
      t.fail(`${mistake}; the input is in ${addToCorpus(CORPUS, text)}`)
      break
    }
    t.ok(started > 0, `${started} of ${RUNS} programs were started`)
    t.end()
  },
)
