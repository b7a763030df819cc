import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { type Lab, type Ran } from '../../lib/ask/lab.js'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { isCounter } from '../../lib/learn/lesson.js'
import { LESSONS } from '../../lib/learn/lessons.js'
import { type StepResult, runLesson } from '../../lib/learn/run-lesson.js'
import { textWidth } from '../../lib/terminal/text-width.js'
import { leverOf, noteCalls } from '../support/ask/note-calls.js'
import { startLab } from '../support/ask/start-lab.js'
import { SILENT_LISTENER } from '../support/learn/silent-listener.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { WITHOUT_TAP_LOADER, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { interruptProgram } from '../support/processes/interrupt-program.js'
import { runProgram } from '../support/processes/run-program.js'

/** The rules for the Service and its NodePort by chain, as iptables-save prints them with their counters. */
const RULES =
  /^\[(\d+):\d+\] -A (?:(KUBE-SERVICES|KUBE-PORTALS-CONTAINER) -d 10\.96\.0\.10\/32 .*--dport 80 |(KUBE-NODEPORTS|KUBE-EXTERNAL-SERVICES) .*--dport 30080 )/gm

/** What these rules have counted, by chain, read in another way than the lessons read it. */
async function countedAt(node: NetworkNamespace): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await node.run('iptables-save', ['-c'])
  const counts = new Map<string, number>()
  for (const [, packets, service, nodePort] of stdout.matchAll(RULES)) {
    const chain = service ?? nodePort!
    counts.set(chain, (counts.get(chain) ?? 0) + Number(packets))
  }
  return counts
}

/** A lab that notes how many packets each chain has counted during each line of a shell; chains that counted none are left out. */
function noteCounts(lab: Lab, node: NetworkNamespace, counts: number[][]): Lab {
  return new Proxy(lab, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'shell') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return async (...args: Parameters<Lab['shell']>): Promise<Ran> => {
        const before = await countedAt(node)
        const ran = await target.shell(...args)
        const after = await countedAt(node)
        counts.push([...after].map(([chain, count]) => count - (before.get(chain) ?? 0)).filter(more => more !== 0))
        return ran
      }
    },
  })
}

t.test('the lessons', { skip: namespacesUnavailable, timeout: 200_000 * TIMEOUT_FACTOR }, async t => {
  const { lab, cluster } = await startLab(t, 'learn')
  for (const lesson of LESSONS.filter(({ mode }) => mode === undefined))
    await t.test(`${lesson.number}. ${lesson.title.en}`, async t => {
      const counts: number[][] = []
      const shown: StepResult[] = []
      const pulled: Ran[] = []
      const notingLab = noteCalls(lab, call => {
        const lever = leverOf(call)
        if (lever !== undefined) pulled.push(lever)
      })
      const results = await runLesson(lesson, noteCounts(notingLab, cluster.network.node, counts), {
        ...SILENT_LISTENER,
        onResult: result => void shown.push(result),
      })
      t.strictSame(shown, results)
      t.equal(results.length, lesson.steps.length)
      t.strictSame(
        results.flatMap(({ shown }) => shown.filter(({ ran }) => ran.isLever).map(({ ran }) => ran)),
        pulled,
        'each change of the cluster is shown',
      )
      for (const [index, result] of results.entries()) checkResult(t, result, counts[index]!)
    })
})

function checkResult(t: Test, result: StepResult, counted: readonly number[]): void {
  const { step, proof, why, ran, holds } = result
  t.ok(holds, JSON.stringify(result, undefined, 1))
  if (isCounter(step.proof)) {
    const more = Number(/\(\+(\d+)\)$/.exec(String(proof.value))?.[1])
    t.strictSame([...new Set(counted)], more === 0 ? [] : [more], step.title.en)
  }
  for (const text of [why.en, why.ko]) t.notMatch(text, /[{}]|undefined|NaN/)
  t.notMatch(ran.output, /not found|No such file/)
}

/** A lab in which a method does something else. */
function changedLab<Name extends keyof Lab>(lab: Lab, name: Name, change: Lab[Name]): Lab {
  return new Proxy(lab, {
    get(target, each) {
      if (each === name) return change
      const value: unknown = Reflect.get(target, each, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

t.test('a step does not hold', { skip: namespacesUnavailable }, async t => {
  const { lab } = await startLab(t, 'learn')
  const firstStep = async (number: number, inLab: Lab, predict = SILENT_LISTENER.predict) => {
    const lesson = LESSONS.find(each => each.number === number)!
    const results = await runLesson({ ...lesson, steps: lesson.steps.slice(0, 1) }, inLab, {
      ...SILENT_LISTENER,
      predict,
    })
    return results[0]!
  }

  await t.test('if it shows something else', async t => {
    const withoutAffinity = changedLab(lab, 'changeService', () => lab.status())
    t.match(await firstStep(5, withoutAffinity), { holds: false, proof: { value: /\(\+9\)/ } })
  })

  await t.test('if the request that it holds has ended, which its Pod holds for longer than a user thinks', async t => {
    const waits: number[] = []
    const notingLab = changedLab(lab, 'start', (...args) => {
      waits.push(Number(/wait=(\d+)/.exec(args.at(-1) as string)?.[1]))
      return lab.start(...args)
    })
    const endRequest = async () => {
      for (const pod of lab.pods) await lab.kill(pod)
      return 'show' as const
    }
    t.match(await firstStep(2, notingLab), { holds: true, proof: { value: 2 } })
    t.match(await firstStep(3, notingLab), { holds: true, proof: { value: 0 } })
    t.match(await firstStep(2, notingLab, endRequest), { holds: false })
    t.match(await firstStep(3, notingLab, endRequest), { holds: false, proof: { value: 0 } })
    t.equal(waits.length, 4)
    for (const wait of waits) t.ok(wait >= 3_600_000, `${wait} ms`)
  })

  await t.test('if its command fails, unless that is a result', async t => {
    const failing = changedLab(lab, 'shell', async (...args) => ({ ...(await lab.shell(...args)), exitCode: 1 }))
    for (const lesson of LESSONS.filter(({ number }) => [1, 8].includes(number)))
      for (const { step, holds } of await runLesson(lesson, failing, SILENT_LISTENER))
        t.equal(holds, false, step.title.en)
  })
})

t.test('the command', { skip: namespacesUnavailable }, async t => {
  const { env: base, left } = isolatedDemo()
  const env: NodeJS.ProcessEnv = { ...base, LC_ALL: 'C.UTF-8' }

  /** A lesson on a pseudo-terminal, with keys that it gets. */
  const onTerminal = (args: string, columns = 80, locale = 'LC_ALL=C.UTF-8', through = '') => {
    const command = `stty cols ${columns}; exec env ${WITHOUT_TAP_LOADER.join(' ')} -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${locale} ${through} ${process.execPath} ${PROXY_PROGRAM} learn ${args}`
    const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => child.kill())
    return new PressedKeys(child)
  }

  await t.test('without a number it lists the lessons', async t => {
    const { exitCode, stdout } = await runProgram(['learn'], { env })
    t.equal(exitCode, 0)
    for (const { number, title } of LESSONS) t.match(stdout, new RegExp(`^ +${number} +${title.en} +\\d min$`, 'm'))
    const korean = await runProgram(['learn', '--language', 'ko'], { env })
    for (const { title } of LESSONS) t.ok(korean.stdout.includes(title.ko))
    const listed = JSON.parse((await runProgram(['learn', '-o', 'json'], { env })).stdout) as { lessons: unknown[] }
    t.match(
      listed.lessons,
      LESSONS.map(({ number, title }) => ({ number, text: title.en, minutes: Number })),
    )
  })

  await t.test('it remembers the lessons that have run to their end, and names the next one', async t => {
    const { env: base } = isolatedDemo()
    const own: NodeJS.ProcessEnv = { ...base, LC_ALL: 'C.UTF-8' }
    t.notMatch((await runProgram(['learn'], { env: own })).stdout, /DONE|The next lesson/)
    t.equal((await runProgram(['learn', '1'], { env: own })).exitCode, 0)
    const { stdout } = await runProgram(['learn'], { env: own })
    t.match(stdout, /^ *NUMBER +LESSON +TIME +DONE$/m)
    t.strictSame(stdout.match(/^ +\d+ .* yes$/gm)?.length, 1)
    t.match(stdout, /^ +1 .* yes$/m)
    t.match(stdout, /^The next lesson: kube-proxy learn 2 \(/m)
    const listed = JSON.parse((await runProgram(['learn', '-o', 'json'], { env: own })).stdout) as object
    t.match(listed, {
      lessons: [
        { number: 1, isDone: true },
        { number: 2, isDone: false },
      ],
    })

    const file = join(own['XDG_STATE_HOME']!, 'kube-proxy-node', 'lessons.json')
    t.equal(readFileSync(file, 'utf8'), '{"done":[1]}\n')
    for (const damaged of ['', '{"done":', '{"done": 1}', '[]', 'null', '{"done": ["1", 2.5, null]}']) {
      writeFileSync(file, damaged)
      const list = await runProgram(['learn'], { env: own })
      t.match(list, { exitCode: 0, stderr: '' }, damaged)
      t.notMatch(list.stdout, /DONE/, damaged)
    }
    // A file where the folder should be: not even root can write below it.
    const nowhere = { ...own, XDG_STATE_HOME: file }
    t.match(await runProgram(['learn', '1'], { env: nowhere }), { exitCode: 0, stderr: '' })
    t.notMatch((await runProgram(['learn'], { env: nowhere })).stdout, /DONE/)
  })

  await t.test('a wrong number or language is an error with what exists', async t => {
    const wrong: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
      [['99'], /There is no lesson "99"\n +There are: 1, 2, .*LEARN_INVALID/s],
      [['1', '--language', 'fr'], /Choices: "en", "ko"/],
    ]
    for (const [args, stderr] of wrong)
      t.match(await runProgram(['learn', ...args], { env }), { exitCode: 1, stdout: '', stderr }, args.join(' '))
  })

  await t.test('in a pipe it runs through, and nothing waits', async t => {
    const { exitCode, stdout, stderr } = await runProgram(['learn', '1'], { env })
    t.equal(exitCode, 0, stderr)
    t.equal(stdout.match(/^✓ /gm)?.length, LESSONS[0]!.steps.length)
    t.match(stdout, /^b\) all three Pods\.\nA Service is a stable address/m)
    t.match(stdout, /The next lesson: kube-proxy learn 2/)
    t.notMatch(stdout, /Your prediction|\x1b/)
    t.equal(left(), '')
  })

  await t.test('as JSON it has each step with its question, proof and reason', async t => {
    const { exitCode, stdout, stderr } = await runProgram(['learn', '2', '-o', 'json', '--language', 'ko'], { env })
    t.equal(exitCode, 0, stderr)
    const document = JSON.parse(stdout) as { steps: unknown[] }
    t.equal(document.steps.length, LESSONS[1]!.steps.length)
    t.match(document, {
      lesson: { number: 2, text: LESSONS[1]!.title.ko, minutes: Number },
      language: 'ko',
      isRecorded: false,
      check: undefined,
      steps: [
        {
          choices: [{ key: 'a', text: '없다' }, {}, { key: 'c' }],
          right: 'c',
          where: 'node',
          command: 'ss -Htnp state established not dst 127.0.0.1',
          output: /"kube-proxy".*\n.*"kube-proxy"/,
          proof: { value: 2 },
          why: /^2개이다/,
          holds: true,
        },
      ],
      holds: true,
    })
    t.equal(left(), '')
  })

  await t.test('on a terminal it waits for a prediction, says whether it was right, and ends with q', async t => {
    const lesson = onTerminal('1')
    await lesson.press(/prediction \(a, b, c;.*: $/s, 'x B')
    t.match(await lesson.press(/prediction \(.*: $/s, 'a'), /^b\r?\n.*Your prediction was right: b\) all three Pods\./s)
    t.match(await lesson.press(/prediction \(.*: $/s, 'q'), /Your prediction was wrong: c\) none\./)
    t.equal(await lesson.end(), 0)
    t.notMatch(lesson.text, /Right predictions/, 'the lesson was left')
    t.equal(left(), '')
  })

  await t.test('as an ordinary user it reads keys too, and Ctrl-C ends it', async t => {
    const ordinary = 'setpriv --reuid=65534 --regid=65534 --clear-groups --'
    try {
      await promisify(execFile)('sh', ['-c', `${ordinary} unshare --user --map-root-user --net --mount true`])
    } catch (error) {
      t.pass(`# SKIP user namespaces are not allowed here: ${String((error as { stderr?: string }).stderr).trim()}`)
      return
    }
    const lesson = onTerminal('1', 80, `LC_ALL=C.UTF-8 HOME=${tmpdir()}`, ordinary)
    await lesson.press(/prediction \(.*: $/s, 'b')
    t.match(await lesson.press(/prediction \(.*: $/s, '\x03'), /Your prediction was right/)
    t.equal(await lesson.end(), 130, lesson.text.slice(-500))
  })

  await t.test('Enter shows the answer without a prediction, and the end counts right predictions', async t => {
    const lesson = onTerminal('1', 120, 'LANG=ko_KR.UTF-8')
    await lesson.press(/예상 \(.*: $/s, '\r')
    await lesson.press(/예상 \(.*: $/s, 'c')
    t.match(await lesson.press(/예상 \(.*: $/s, 'b'), /예상이 맞았다\. c\)/)
    t.equal(await lesson.end(), 0)
    t.match(lesson.text, /맞은 예상: 1 \/ 2\r?\n/)
    t.equal(left(), '')
  })

  await t.test('Ctrl-C ends a lesson that waits with code 130, and leaves nothing', async t => {
    const lesson = onTerminal('3')
    await lesson.press(/prediction \(.*: $/s, '\x03')
    t.equal(await lesson.end(), 130, lesson.text.slice(-500))
    t.equal(left(), '')
  })

  await t.test('Ctrl-C ends a lesson while it works with code 130, and without more output', async t => {
    const folder = t.testdir({ curl: '#!/bin/sh\nexit 7\n' })
    chmodSync(join(folder, 'curl'), 0o755)
    // The step cannot end before Ctrl-C, on a machine of any speed.
    const curl = new HeldProgram(t, join(folder, 'curl'))
    const { exitCode, text } = await interruptProgram(t, ['learn', '6'], {
      env: { ...env, PATH: curl.env['PATH'] },
      when: /is dead\.\n/,
      release: () => curl.release(),
    })
    t.equal(exitCode, 130)
    t.notMatch(text, /^[✓✗]/m)
    t.equal(left(), '')
  })

  await t.test('with --no-questions lines fit, and each locale gets what it can show', async t => {
    for (const [columns, locale] of [
      [80, 'LANG=ko_KR.UTF-8'],
      [120, 'LC_ALL=C.UTF-8'],
      [80, 'LC_ALL=C NO_COLOR=1'],
    ] as const) {
      const lesson = onTerminal('1 --no-questions', columns, locale)
      t.equal(await lesson.end(), 0)
      const text = stripVTControlCharacters(lesson.text.replaceAll(/\r\x1b\[K/g, ''))
      // A command stays one line, so that it can be copied.
      for (const line of text.split(/\r?\n/).filter(each => !each.startsWith('$ ')))
        t.ok(textWidth(line) <= columns, line)
      if (locale.includes('NO_COLOR')) t.notMatch(lesson.text, /\x1b\[\d+m|[^\x00-\x7f]/)
      else t.match(lesson.text, /\x1b\[32m✓\x1b\[0m/)
      if (locale.includes('ko')) t.match(text, /서비스란 무엇인가/)
    }
    t.equal(left(), '')
  })

  await t.test(
    'where the node has no IPVS, lesson 4 says what is missing, and marks each command as recorded',
    { skip: ipvsUnavailable === false && 'this kernel has IPVS' },
    async t => {
      const { exitCode, stdout, stderr } = await runProgram(['learn', '4'], { env })
      t.equal(exitCode, 0, stderr)
      t.match(stdout, /does not support ipvs mode, so this lesson cannot run here/)
      t.match(stdout, /missing +IPVS with the scheduler/)
      const [check = '', ...commands] = stdout.match(/^.*\$ .*$/gm) ?? []
      t.match(check, /kube-proxy check --proxy-mode=ipvs/)
      t.ok(commands.length >= 3)
      t.equal(stdout.match(/; recorded, not run here/g)?.length, commands.length)
      t.match(stdout, /TCP +10\.96\.0\.10:80 +9 /)
      t.match(JSON.parse((await runProgram(['learn', '4', '-o', 'json'], { env })).stdout), {
        isRecorded: true,
        check: { where: 'node', command: 'kube-proxy check --proxy-mode=ipvs', output: /mode ipvs does not work/ },
      })
      t.equal(left(), '')
    },
  )

  await t.test('a lesson that does not show what it should ends with code 1, and without the reason', async t => {
    const folder = t.testdir({ curl: '#!/bin/sh\nexit 7\n' })
    chmodSync(join(folder, 'curl'), 0o755)
    const broken = { ...env, PATH: `${folder}:${env['PATH']}` }
    const { exitCode, stdout } = await runProgram(['learn', '1'], { env: broken })
    t.equal(exitCode, 1)
    t.match(stdout, /^✗ connections to 10\.96\.0\.10:80.* 0 → 0 \(\+0\)/m)
    t.match(stdout, /This run has not shown what the lesson explains/)
    t.notMatch(stdout, /A Service is a stable address/)
    t.equal(left(), '')
  })

  await t.test('a reader that ends early is no error', async t => {
    const program = `"${process.execPath}" "${PROXY_PROGRAM}" learn; echo "code $?" >&2`
    const { stderr } = await promisify(execFile)('sh', ['-c', `{ ${program}; } | true`], { env })
    t.equal(stderr, 'code 0\n')
  })
})

/** A program on a pseudo-terminal, and the keys that a user presses there. */
class PressedKeys {
  text = ''
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown[]>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#exit = once(child, 'close')
    child.stdout!.on('data', chunk => (this.text += String(chunk)))
  }

  /** Waits until the program has printed this, and presses keys. @returns what it had printed */
  async press(until: RegExp, keys: string): Promise<string> {
    while (!until.test(stripVTControlCharacters(this.text)))
      await Promise.race([once(this.#child.stdout!, 'data'), this.#exit.then(() => this.#endedEarly())])
    const printed = stripVTControlCharacters(this.text)
    this.text = ''
    this.#child.stdin!.write(keys)
    return printed
  }

  #endedEarly(): never {
    throw new Error(`It ended early:\n${this.text}`)
  }

  async end(): Promise<unknown> {
    const [exitCode] = await this.#exit
    return exitCode
  }
}
