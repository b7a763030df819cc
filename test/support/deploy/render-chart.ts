import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'

type Values = Readonly<Record<string, unknown>>

/** The functions of Helm that the chart uses. */
const FUNCTIONS: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  toJson: value => JSON.stringify(value),
  tpl: (template, values) => fillIn(String(template), values as object),
  toYaml: value => stringify(value).trimEnd(),
  printf: (format, ...args) => args.reduce<string>((text, value) => text.replace('%s', String(value)), String(format)),
  required: (message, value) => {
    if (value === undefined || value === null || value === '') throw new Error(String(message))
    return value
  },
}

/**
 * Renders a chart as Helm does, for the part of its template language that the chart uses: values, and functions in a pipeline. Anything
 * else is an error.
 * @param set replaces values of `values.yaml`, at any depth; null removes one
 * @returns the objects
 */
export function renderChart(folder: string, set: Values): unknown[] {
  const values = merge(parse(readFileSync(join(folder, 'values.yaml'), 'utf8')) as Values, set)
  return readdirSync(join(folder, 'templates')).map(name => {
    const template = readFileSync(join(folder, 'templates', name), 'utf8')
    return parse(fillIn(template, values))
  })
}

function fillIn(template: string, values: object): string {
  return template.replaceAll(/\{\{ (.*?) \}\}/g, (_, expression: string) => String(evaluate(expression, values)))
}

function merge(values: Values, set: Values): Values {
  const merged = Object.entries(set).map(([name, value]) => {
    const before = values[name]
    return [name, isMap(before) && isMap(value) ? merge(before, value) : value] as const
  })
  return Object.fromEntries(
    Object.entries({ ...values, ...Object.fromEntries(merged) }).filter(([, value]) => value !== null),
  )
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function evaluate(expression: string, values: object): unknown {
  const words: readonly string[] = expression.match(/"[^"]*"|\([^)]*\)|\S+/g) ?? []
  let result: unknown
  for (let from = 0; from <= words.length;) {
    const end = words.indexOf('|', from)
    const stage = words.slice(from, end < 0 ? words.length : end)
    result = evaluateStage(stage, values, from === 0 ? [] : [result])
    if (end < 0) return result
    from = end + 1
  }
  return result
}

function evaluateStage([first, ...rest]: readonly string[], values: object, piped: readonly unknown[]): unknown {
  if (first === undefined) throw new Error('An expression of the chart is empty')
  if (first.startsWith('.') || first.startsWith('"')) return valueOf(first, values)
  const apply = FUNCTIONS[first]
  if (apply === undefined) throw new Error(`The chart uses "${first}", which the test does not know`)
  return apply(...rest.map(word => valueOf(word, values)), ...piped)
}

function valueOf(word: string, values: object): unknown {
  if (word === '.') return values
  if (word.startsWith('(')) return evaluate(word.slice(1, -1), values)
  if (word.startsWith('"')) return JSON.parse(word)
  if (!word.startsWith('.Values.')) throw new Error(`The chart uses "${word}", which the test does not know`)
  const path = word.slice('.Values.'.length).split('.')
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values)
}
