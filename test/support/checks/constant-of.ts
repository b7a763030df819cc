import ts from 'typescript'

/** The value of a constant at the top of a file. */
export function constantOf(source: ts.SourceFile, name: string): ts.Expression | undefined {
  const declarations = source.statements.filter(ts.isVariableStatement).flatMap(one => one.declarationList.declarations)
  return declarations.find(declaration => declaration.name.getText() === name)?.initializer
}
