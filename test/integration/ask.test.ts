import { execFile } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { type Answer, askQuestion } from '../../lib/ask/ask-question.js'
import { type Ran } from '../../lib/ask/lab.js'
import { type Question } from '../../lib/ask/question.js'
import { QUESTIONS } from '../../lib/ask/questions.js'
import { LANGUAGES, type Texts } from '../../lib/ask/texts.js'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { type LabCall, leverOf, noteCalls } from '../support/ask/note-calls.js'
import { type StartedLab, startLab } from '../support/ask/start-lab.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { interruptProgram } from '../support/processes/interrupt-program.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { runProgram } from '../support/processes/run-program.js'

/** How many rules of the node there are of this form. */
async function rulesAt(node: NetworkNamespace, rule: RegExp): Promise<number> {
  const { stdout } = await node.run('iptables-save', [])
  return stdout.split('\n').filter(line => rule.test(line)).length
}

/** The first packets that a rule of the node has counted, read in another way than the experiments read them. */
async function countedAt(node: NetworkNamespace, rule: RegExp): Promise<number> {
  const { stdout } = await node.run('iptables-save', ['-c'])
  const counts = stdout.split('\n').filter(line => rule.test(line))
  return counts.reduce((sum, line) => sum + Number(/^\[(\d+):/.exec(line)?.[1]), 0)
}

/** What the test measures itself, while the cluster is as the experiment has left it. */
const MEASURED: ReadonlyMap<number, (t: Test, answer: Answer, node: NetworkNamespace) => Promise<void>> = new Map([
  [
    1,
    async (t, { proof }, node) => {
      const { stdout } = await node.run('ip', ['-json', 'address'])
      const all = JSON.parse(stdout) as { readonly addr_info: readonly { readonly local: string }[] }[]
      t.equal(proof.value, all.filter(({ addr_info }) => addr_info.some(({ local }) => local === '10.96.0.10')).length)
    },
  ],
  [
    5,
    async (t, { values }, node) => {
      const sum = Number(values['first']) + Number(values['second']) + Number(values['third'])
      t.equal(sum, await countedAt(node, /-A KUBE-SERVICES -d 10\.96\.0\.10\/32 .*-j KUBE-SVC-/))
      t.equal(sum, await countedAt(node, /-A KUBE-SEP-\S+ -p tcp .*default\/nginx-service.*DNAT/))
    },
  ],
  [
    3,
    async (t, { values }, node) => {
      // With IPVS the experiment goes on in ipvs mode, which has no such rule.
      if (values['ipvsHolders'] !== undefined) return
      const rule = /-A KUBE-SERVICES -d 10\.96\.0\.10\/32 /
      t.equal(await rulesAt(node, rule), 1)
      t.equal(await countedAt(node, rule), Number(values['iptables']) + 1, 'the ping is not counted, the request is')
    },
  ],
  [
    10,
    async (t, { values }, node) => {
      const { stdout } = await node.run('iptables-save', ['-t', 'nat'])
      t.equal(values['inIptables'], stdout.split('\n').filter(line => line.includes(' --rsource')).length)
    },
  ],
  [
    13,
    async (t, { proof }, node) =>
      void t.equal(proof.value, await countedAt(node, /EXTERNAL-SERVICES .*--dport 30080 .*-j DROP/)),
  ],
  [
    15,
    async (t, { values }, node) =>
      void t.equal(values['counted'], await countedAt(node, /-A KUBE-NODEPORTS .*--dport 30080 /)),
  ],
  [
    25,
    async (t, answer, node) => {
      t.equal(await countedAt(node, /has no endpoints.*-j REJECT/), 1, 'the one client that was refused')
      t.equal(answer.values['rejects'], 1)
    },
  ],
])

/** What some questions need of the kernel. */
const UNAVAILABLE: ReadonlyMap<number, string | false> = new Map([
  [16, existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables') ? false : 'needs the kernel module br_netfilter'],
])

/** Numbers that an answer names although no run measures them. Every other number has to be a value. */
const NAMED_NUMBERS: ReadonlyMap<number, RegExp> = new Map([
  [5, /^(1\/3|1\/2|2\/3|3|1)$/],
  [14, /^127\.0\.0\.1$/],
  [17, /^15$/],
  [20, /^(0|300)$/],
  [21, /^10249$/],
  [25, /^(3|10,000)$/],
])

/** Programs that not every node has. */
const OPTIONAL_PROGRAMS = ['bash', 'conntrack', 'curl', 'getent', 'ping', 'unshare']

/** The programs among these that a call of a lab runs. */
function programsOf({ name, args }: LabCall): readonly string[] {
  if (name === 'podShell') return OPTIONAL_PROGRAMS.filter(each => each === 'unshare' || isIn(String(args[0]), each))
  const line = ['run', 'start', 'shell'].includes(name) ? args.slice(1).join(' ') : ''
  return OPTIONAL_PROGRAMS.filter(each => isIn(line, each))
}

function isIn(line: string, program: string): boolean {
  return new RegExp(`\\b${program} `).test(line)
}

/** The answer of a question before values are put in. */
function noteAnswer(question: Question, note: (answer: Texts) => void): Question {
  return {
    ...question,
    async run(experiment) {
      const finding = await question.run(experiment)
      note(finding.answer)
      return finding
    },
  }
}

/** An answer quotes what this run has measured, and has no other numbers. */
function checkNumbers(t: Test, number: number, answer: Texts): void {
  for (const language of LANGUAGES) {
    const text = answer[language].replaceAll(/\{\w+\}/g, '')
    const numbers = (text.match(/(?<![\w.])\d[\d.,/]*/g) ?? []).map(found => found.replace(/[.,/]+$/, ''))
    for (const found of numbers) t.match(found, NAMED_NUMBERS.get(number) ?? /^$/, `a number without a value: ${text}`)
  }
}

async function testQuestion(t: Test, question: Question, { cluster, lab }: StartedLab): Promise<void> {
  const pulled: Ran[] = []
  const programs = new Set<string>()
  const noted = noteAnswer(question, text => checkNumbers(t, question.number, text))
  const notingLab = noteCalls(lab, call => {
    const lever = leverOf(call)
    if (lever !== undefined) pulled.push(lever)
    for (const program of programsOf(call)) programs.add(program)
  })
  const answer = await askQuestion(noted, notingLab)
  t.strictSame([...programs].sort(), [...question.programs.keys()].sort(), 'it names the programs that it runs')
  for (const lever of pulled)
    t.ok(
      answer.steps.some(({ ran }) => ran === lever),
      `shown: ${lever.command}`,
    )
  t.ok(answer.holds, JSON.stringify(answer, undefined, 1))
  checkTexts(t, answer)
  await MEASURED.get(question.number)?.(t, answer, cluster.network.node)
}

t.test('the questions', { skip: namespacesUnavailable, timeout: 300_000 * TIMEOUT_FACTOR }, async t => {
  const clusters = await Promise.all(['ask', 'ask2'].map(name => startLab(t, name)))
  const free = [...clusters]
  // Most experiments wait: for clients that get no answer, and for proxies that start. Buffered tests run beside each other.
  t.jobs = clusters.length
  const tests = QUESTIONS.map(question => {
    const { number, title } = question
    const options = { skip: UNAVAILABLE.get(number) ?? false, buffered: true }
    return t.test(`${number}. ${title.en}`, options, async t => {
      const cluster = free.pop()!
      try {
        await testQuestion(t, question, cluster)
      } finally {
        free.push(cluster)
      }
    })
  })
  await Promise.all(tests)
  t.jobs = 1
  const { lab, teardown } = clusters[0]!
  await t.test(
    'after the end of the cluster no program of an experiment runs, and no command proves anything',
    async t => {
      const running = lab.start('client', 'sleep', '1000')
      await teardown.run()
      t.equal((await running.ended).exitCode, 128)
      await t.rejects(lab.run('node', 'true'), /interrupted/)
      t.throws(() => lab.start('node', 'true'), /interrupted/)
      await t.rejects(lab.scale(1))
    },
  )
})

/** Texts exist in both languages, and quote what this run has measured. */
function checkTexts(t: Test, { steps, proof, text, values }: Answer): void {
  t.ok(steps.length > 0)
  const seen = [...steps.map(({ ran: { command, output, exitCode } }) => `${command}\n${output}\n${exitCode}`)].join(
    '\n',
  )
  for (const { en, ko } of [text, proof.name, ...steps.map(({ meaning }) => meaning)]) {
    t.notMatch(`${en}${ko}`, /[{}]|undefined|NaN/)
    t.match(en, /^[ -~–…]+$/, 'English')
    t.match(ko, /[가-힣]/, 'Korean')
  }
  t.ok(Object.keys(values).length > 0)
  const sentences = (answer: string): number => answer.match(/[.!?](?= |$)/g)?.length ?? 0
  t.ok(sentences(text.en) >= 2 && sentences(text.en) <= 4, text.en)
  for (const [name, value] of Object.entries(values))
    t.ok(seen.includes(String(value)) || String(proof.value).includes(String(value)), `${name}: ${value}`)
}

t.test('the command', { skip: namespacesUnavailable }, async t => {
  const { env: base, left } = isolatedDemo()
  const env: NodeJS.ProcessEnv = { ...base, LC_ALL: 'C.UTF-8' }
  await t.test('without a number it lists the questions and where they were asked', async t => {
    const { exitCode, stdout } = await runProgram(['ask'], { env })
    t.equal(exitCode, 0)
    for (const { number, title, asked } of QUESTIONS)
      t.ok(
        new RegExp(`^ +${number} `, 'm').test(stdout) && stdout.includes(title.en) && stdout.includes(asked.join(', ')),
      )
    const korean = await runProgram(['ask', '--language', 'ko'], { env })
    for (const { title } of QUESTIONS) t.ok(korean.stdout.includes(title.ko))
    const listed = JSON.parse((await runProgram(['ask', '-o', 'json'], { env })).stdout) as { questions: unknown }
    t.strictSame(
      listed.questions,
      QUESTIONS.map(({ number, title, asked }) => ({ number, text: title.en, asked })),
    )
  })

  await t.test('a wrong number, word or language is an error with what exists', async t => {
    const wrong: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
      [['99'], /There is no question 99\n +There are: 1, 2, /],
      [['hairpn'], /did you mean hairpin\?/],
      [['1', '--language', 'fr'], /Choices: "en", "ko"/],
    ]
    for (const [args, stderr] of wrong)
      t.match(await runProgram(['ask', ...args], { env }), { exitCode: 1, stdout: '', stderr }, args.join(' '))
  })

  await t.test('an answer as JSON has the question, the steps, the proof and the answer', async t => {
    const { exitCode, stdout, stderr } = await runProgram(['ask', 'ClusterIP', 'interface', '-o', 'json'], { env })
    t.equal(exitCode, 0, stderr)
    t.match(JSON.parse(stdout), {
      question: { number: 1, text: QUESTIONS[0]!.title.en, asked: ['kubernetes#78201'] },
      language: 'en',
      steps: [
        {
          where: 'node',
          command: 'ip -4 -brief address',
          isLever: false,
          output: /^lo .*127\.0\.0\.1/,
          meaning: /10\.96\.0\.10/,
        },
      ],
      proof: { name: 'interfaces of the node that have the ClusterIP', value: 0 },
      answer: /10\.96\.0\.10/,
      holds: true,
    })
    t.equal(left(), '')
  })

  await t.test('Ctrl-C ends an experiment with code 130, and without any more steps', async t => {
    const folder = t.testdir({ curl: '#!/bin/sh\nexit 7\n' })
    chmodSync(join(folder, 'curl'), 0o755)
    // The step cannot end before Ctrl-C, on a machine of any speed.
    const curl = new HeldProgram(t, join(folder, 'curl'))
    const { exitCode, text } = await interruptProgram(t, ['ask', '8'], {
      env: { ...env, PATH: curl.env['PATH'] },
      when: /The Service has no Pod any more\.\n/,
      release: () => curl.release(),
    })
    t.equal(exitCode, 130)
    t.match(text, /The Service has no Pod any more\.\n$/)
    t.equal(left(), '')
  })

  await t.test('a reader that ends early is no error', async t => {
    const program = `"${process.execPath}" "${PROXY_PROGRAM}" ask; echo "code $?" >&2`
    const { stderr } = await promisify(execFile)('sh', ['-c', `{ ${program}; } | true`], { env })
    t.equal(stderr, 'code 0\n')
  })

  await t.test('an experiment that does not show what it should ends with code 1, and without the answer', async t => {
    const folder = t.testdir({ curl: '#!/bin/sh\nexit 7\n' })
    chmodSync(join(folder, 'curl'), 0o755)
    const broken = { ...env, PATH: `${folder}:${env['PATH']}` }
    const { exitCode, stdout } = await runProgram(['ask', '1'], { env: broken })
    t.equal(exitCode, 1)
    t.match(stdout, /✗ interfaces of the node/)
    t.match(stdout, /This run has not shown what the answer says/)
    t.notMatch(stdout, /A ClusterIP exists only in rules/)
  })

  await t.test('on a terminal lines fit, colour is wanted, and each locale gets what it can show', async t => {
    const onTerminal = async (columns: number, args: string, locale: string): Promise<string> => {
      const program = `${process.execPath} ${PROXY_PROGRAM} ask ${args}`
      const command = `stty cols ${columns}; env -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${locale} ${program}`
      const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], { env })
      return stdout.replaceAll('\r', '')
    }
    const wide = await onTerminal(120, '1', 'LC_ALL=C.UTF-8')
    t.match(wide, /\x1b\[32m✓\x1b\[0m interfaces/)
    const list = await onTerminal(80, '', 'LC_ALL=C.UTF-8 NO_COLOR=1')
    t.notMatch(list, /\x1b/)
    for (const line of list.split('\n')) t.ok(line.length <= 80, line)
    const ascii = stripVTControlCharacters(await onTerminal(80, '', 'LC_ALL=C'))
    t.notMatch(ascii, /[^\x00-\x7f]/)
    const korean = await onTerminal(80, '', 'LANG=ko_KR.UTF-8')
    t.match(korean, /ClusterIP는 어느 인터페이스에 있는가/)
  })
  t.equal(left(), '')
})
