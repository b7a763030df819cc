import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { constantOf } from '../checks/constant-of.js'
import { type FaultRow } from './fault-record.js'

/** The end of the name of a test that runs its neighbour in a virtual machine. */
const IN_VM = '-in-vm.test.ts'

/** A row, and the file that declares it, in its folder. */
export interface DeclaredFault extends FaultRow {
  readonly file: string
}

/**
 * The rows that the sources of a folder declare with `faultsOf`, without running them. A file that only runs another one in a virtual machine
 * declares none.
 * @throws Error if a text is neither a literal nor a constant of the same file
 */
export function readDeclaredFaults(folder: string): DeclaredFault[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.test.ts') && !name.endsWith(IN_VM),
  )
  return files.flatMap(name => {
    const path = join(folder, name)
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
    const textOf = (node: ts.Node | undefined): string => {
      const text = node !== undefined && ts.isIdentifier(node) ? constantOf(source, node.text) : node
      if (text !== undefined && ts.isStringLiteralLike(text)) return text.text
      throw new Error(`${path}: expected a string literal or the name of one, found ${node?.getText() ?? 'nothing'}`)
    }
    const rows: Omit<FaultRow, 'area'>[] = []
    const areas: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && node.expression.getText() === 'faultsOf') areas.push(textOf(node.arguments[0]))
      if (ts.isObjectLiteralExpression(node)) {
        const [fault, promise] = [propertyOf(node, 'fault'), propertyOf(node, 'promise')]
        if (fault !== undefined && promise !== undefined) rows.push({ fault: textOf(fault), promise: textOf(promise) })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
    if (areas.length !== 1) throw new Error(`${path}: expected one call of faultsOf, found ${areas.length}`)
    if (rows.length === 0) throw new Error(`${path}: declares no fault`)
    return rows.map(row => ({ file: name, area: areas[0]!, ...row }))
  })
}

/** The compiled tests that produce the faults of a file: one that needs another kernel has a neighbour for a virtual machine. */
export function faultTestsOf(folder: string, file: string): string[] {
  const inVm = file.replace(/\.test\.ts$/, IN_VM)
  return existsSync(join(folder, inVm)) ? [file, inVm] : [file]
}

function propertyOf(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const property = node.properties.find(
    (property): property is ts.PropertyAssignment =>
      ts.isPropertyAssignment(property) && property.name.getText() === name,
  )
  return property?.initializer
}
