import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The words of JSON Schema that docs/status-api.schema.json uses. */
interface Schema {
  readonly $ref?: string
  readonly oneOf?: readonly Schema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly format?: 'date-time'
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: false
  readonly items?: Schema
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly description?: string
  readonly $schema?: string
  readonly title?: string
}

const KNOWN_WORDS = [
  ...['$ref', 'oneOf', 'const', 'enum', 'type', 'format', 'required', 'properties', 'additionalProperties', 'items'],
  ...['$defs', 'description', '$schema', 'title'],
]
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

const root = JSON.parse(readFileSync(join(process.cwd(), 'docs/status-api.schema.json'), 'utf8')) as Schema

/** What is wrong with an answer of the status API, by its schema; empty: nothing. */
export function schemaMistakes(answer: unknown): string[] {
  return mistakesOf(answer, root, 'answer')
}

/** What is wrong with the data of an event, by the definition of that name. */
export function eventMistakes(data: unknown, name: string): string[] {
  return mistakesOf(data, definition(name), 'event')
}

/** Whether the schema has a definition of that name. */
export function hasDefinition(name: string): boolean {
  return root.$defs?.[name] !== undefined
}

function mistakesOf(value: unknown, schema: Schema, place: string): string[] {
  const unknown = Object.keys(schema).filter(word => !KNOWN_WORDS.includes(word))
  if (unknown.length > 0) throw new Error(`The test does not know these words of the schema: ${unknown.join(', ')}`)
  const found: string[] = []
  if (schema.$ref !== undefined) found.push(...mistakesOf(value, definition(schema.$ref), place))
  if (schema.oneOf !== undefined) found.push(...mistakesOfOne(value, schema.oneOf, place))
  if ('const' in schema && value !== schema.const) found.push(`${place}: not ${JSON.stringify(schema.const)}`)
  if (schema.enum !== undefined && !schema.enum.includes(value))
    found.push(`${place}: ${JSON.stringify(value)} is unknown`)
  if (schema.type !== undefined && ![schema.type].flat().some(type => isOfType(value, type)))
    return [...found, `${place}: ${JSON.stringify(value)} is no ${[schema.type].flat().join(' or ')}`]
  if (schema.format !== undefined && !DATE_TIME.test(String(value))) found.push(`${place}: no time`)
  if (Array.isArray(value) && schema.items !== undefined)
    for (const [index, item] of value.entries()) found.push(...mistakesOf(item, schema.items, `${place}[${index}]`))
  if (isObject(value)) found.push(...mistakesOfObject(value, schema, place))
  return found
}

function mistakesOfObject(value: Readonly<Record<string, unknown>>, schema: Schema, place: string): string[] {
  const { required = [], properties = {}, additionalProperties } = schema
  const missing = required.filter(name => !(name in value)).map(name => `${place}: lacks ${name}`)
  const surplus = Object.keys(value).filter(name => additionalProperties === false && !(name in properties))
  return [
    ...missing,
    ...surplus.map(name => `${place}: ${name} is not in the schema`),
    ...Object.entries(properties).flatMap(([name, schemaOf]) =>
      name in value ? mistakesOf(value[name], schemaOf, `${place}.${name}`) : [],
    ),
  ]
}

/** The mistakes by the alternative that fits best: its own, if exactly one has none. */
function mistakesOfOne(value: unknown, schemas: readonly Schema[], place: string): string[] {
  const all = schemas.map(schema => mistakesOf(value, schema, place)).sort((a, b) => a.length - b.length)
  const fitting = all.filter(mistakes => mistakes.length === 0).length
  return fitting > 1 ? [`${place}: fits ${fitting} alternatives`] : (all[0] ?? [])
}

function definition(reference: string): Schema {
  const found = root.$defs?.[reference.replace('#/$defs/', '')]
  if (found === undefined) throw new Error(`The schema has no ${reference}`)
  return found
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isSafeInteger(value)
    default:
      return typeof value === type
  }
}
