import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { parse } from 'yaml'
import { imageEnvironment } from '../image/built-image.js'
import { constantOf } from './constant-of.js'

/** Programs as sources, and the scripts of the image. */
const SOURCES = ['lib', 'bin', 'deploy']
const VARIABLE = /^[A-Z][A-Z0-9_]+$/
/** A name of this project; the program gives some of them to its own child processes, and reads them in other ways. */
const OWN_VARIABLE = /^KUBE_PROXY_[A-Z_]+$/
const DAEMONSET = join('deploy', 'base', 'daemonset.yaml')

/** The names of all environment variables that the sources, the image and the manifests use. */
export function findEnvironmentVariables(): Set<string> {
  const files = SOURCES.flatMap(folder =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(file => file.isFile())
      .map(file => join(file.parentPath, file.name)),
  )
  return new Set([...files.flatMap(findInFile), ...Object.keys(imageEnvironment()), ...namesInManifest()])
}

function findInFile(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  if (/\.m?ts$|\.mjs$/.test(path)) return findInProgram(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return /^#!.*sh\b/.test(text) ? findInScript(text) : []
}

/** Variables of a script that it does not set itself. Names in upper case are those of the environment. */
function findInScript(text: string): string[] {
  return [...text.matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!)
}

function findInProgram(source: ts.SourceFile): string[] {
  const literals: string[] = []
  const names: string[] = []
  let isComputed = false
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) literals.push(node.text)
    if (ts.isPropertyAccessExpression(node) && isEnvironment(node.expression)) names.push(node.name.text)
    if (ts.isElementAccessExpression(node) && isEnvironment(node.expression)) {
      const key = node.argumentExpression
      const name = ts.isIdentifier(key) ? constantOf(source, key.text) : key
      if (name !== undefined && ts.isStringLiteralLike(name)) names.push(name.text)
      else isComputed = true
    }
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && isEnvironment(node.initializer))
      names.push(...node.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText()))
    ts.forEachChild(node, visit)
  }
  visit(source)
  // The name is in a variable: any of the file's texts in upper case may be meant.
  const candidates = literals.filter(text => OWN_VARIABLE.test(text) || (isComputed && VARIABLE.test(text)))
  return [...names.filter(name => VARIABLE.test(name)), ...candidates]
}

/** Such as `process.env` and `options.env`. */
function isEnvironment(node: ts.Node | undefined): boolean {
  return node !== undefined && /\benv(ironment)?$/.test(node.getText())
}

function namesInManifest(): string[] {
  const { spec } = parse(readFileSync(DAEMONSET, 'utf8')) as {
    spec: { template: { spec: { containers: readonly { env?: readonly { name: string }[] }[] } } }
  }
  return spec.template.spec.containers.flatMap(({ env = [] }) => env.map(({ name }) => name))
}
