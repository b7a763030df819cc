import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** What stands in the place of a value. */
const VALUE = '7'
/** Fewer words are no sentence. */
const SENTENCE = /[a-z]+ [a-z]+/i

/** The parts of a file's texts that its code does not fill in. What a value is compared with is not said. */
export function writtenTexts(file: string): string[] {
  const texts: string[] = []
  visit(file, node => {
    const isCompared = ts.isBinaryExpression(node.parent) && node.parent.right === node && ts.isStringLiteral(node)
    if (isCompared) return
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      texts.push(node.text)
  })
  return texts.filter(text => SENTENCE.test(text))
}

/** Whole texts that a file gives to functions, constructors or fields of these names; `7` stands in the place of each value. */
export function givenTexts(file: string, taker: RegExp): string[] {
  const texts: string[] = []
  visit(file, node => {
    if (isWhole(node) && takersOf(node).some(name => taker.test(name))) texts.push(filled(node))
  })
  return texts.filter(text => SENTENCE.test(text))
}

type WholeText = ts.StringLiteralLike | ts.TemplateExpression

function isWhole(node: ts.Node): node is WholeText {
  return (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && !ts.isTemplateSpan(node.parent)
}

function filled(text: WholeText): string {
  if (ts.isStringLiteralLike(text)) return text.text
  return text.templateSpans.reduce((start, { literal }) => `${start}${VALUE}${literal.text}`, text.head.text)
}

/** What takes a text: the call, the field or the variable around it. */
function takersOf(text: ts.Node): string[] {
  const takers: string[] = []
  for (let node = text.parent; !ts.isBlock(node) && !ts.isSourceFile(node); node = node.parent) {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) takers.push(node.expression.getText())
    if (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) takers.push(node.name.getText())
    if (ts.isReturnStatement(node)) takers.push('return')
  }
  return takers
}

function visit(file: string, look: (node: ts.Node) => void): void {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const go = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return
    look(node)
    ts.forEachChild(node, go)
  }
  ts.forEachChild(source, go)
}
