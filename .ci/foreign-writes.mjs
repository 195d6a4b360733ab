// Says who writes the fields of classes: a class owns its fields, and nobody else writes them.
//   node .ci/foreign-writes.mjs [checkout]
// A write is an assignment, `++`, `delete`, or a call that changes a Map, Set or array that a field holds. One that stands outside
// the class that declares the field is foreign. Fields of an interface, an object type, or a class that is not exported belong to
// the file that declares it. Lists every field that somebody else writes, with its writers, and ends with 1 if there is one.
import { dirname, join, relative, resolve } from 'node:path'

import ts from 'typescript'

const folder = resolve(process.argv[2] ?? '.')

/** Folders of src/ in which objects that only count are still written by several files. */
const LEFT_OUT = /^src\/(local-s3|restore|retention)\//

/** Methods that change what they are called on. */
const CHANGERS = {
  Map: ['set', 'delete', 'clear'],
  Set: ['add', 'delete', 'clear'],
  SparseMap: ['set', 'delete', 'clear'],
  SparseSet: ['add', 'delete', 'clear'],
  Array: ['push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'reverse', 'fill', 'copyWithin'],
}

const path = join(folder, 'tsconfig.json')
const { config } = ts.readConfigFile(path, ts.sys.readFile)
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path))
const program = ts.createProgram(
  fileNames.filter(name => relative(folder, name).startsWith('src/')),
  { ...options, noEmit: true },
)
const checker = program.getTypeChecker()

/** The class or the file that owns a field; undefined: nobody in src/ does. */
function ownerOf(declaration) {
  if (declaration === undefined || program.isSourceFileFromExternalLibrary(declaration.getSourceFile()))
    return undefined
  const { fileName } = declaration.getSourceFile()
  if (!relative(folder, fileName).startsWith('src/') || LEFT_OUT.test(relative(folder, fileName)))
    return undefined
  const isParameter =
    ts.isParameter(declaration) && ts.isParameterPropertyDeclaration(declaration, declaration.parent)
  if (ts.isPropertyDeclaration(declaration) || ts.isAccessor(declaration) || isParameter) {
    const { parent } = isParameter ? declaration.parent : declaration
    if (!ts.isClassLike(parent)) return undefined
    const isExported = parent.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    return { scope: isExported ? parent : parent.getSourceFile(), name: parent.name?.text ?? 'a class' }
  }
  if (ts.isPropertySignature(declaration) || ts.isPropertyAssignment(declaration)) {
    let { parent } = declaration
    while (parent !== undefined && !ts.isInterfaceDeclaration(parent) && !ts.isTypeAliasDeclaration(parent))
      parent = parent.parent
    return { scope: declaration.getSourceFile(), name: parent?.name.text ?? 'an object' }
  }
  return undefined
}

function isWithin(node, scope) {
  for (let at = node; at !== undefined; at = at.parent) if (at === scope) return true
  return false
}

/** The field that an expression stands for. */
function fieldOf(expression) {
  const access =
    ts.isNonNullExpression(expression) || ts.isParenthesizedExpression(expression)
      ? expression.expression
      : expression
  if (!ts.isPropertyAccessExpression(access)) return undefined
  const declaration = checker.getSymbolAtLocation(access.name)?.declarations?.[0]
  const owner = ownerOf(declaration)
  return owner === undefined ? undefined : { access, owner, name: access.name.text }
}

/** The field whose value, a collection, a call changes. */
function changedBy(call) {
  const { expression } = call
  if (!ts.isPropertyAccessExpression(expression)) return undefined
  const type = checker.getTypeAtLocation(expression.expression).getSymbol()?.name ?? ''
  return CHANGERS[type]?.includes(expression.name.text) === true ? expression.expression : undefined
}

function isAssignment({ operatorToken: { kind } }) {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment
}

/** The expressions that a node writes. */
function writtenBy(node) {
  if (ts.isBinaryExpression(node) && isAssignment(node)) return [node.left]
  if (ts.isDeleteExpression(node)) return [node.expression]
  if (ts.isCallExpression(node)) return [changedBy(node)].filter(expression => expression !== undefined)
  const isUnary = ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)
  const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind
  return isUnary && [PlusPlusToken, MinusMinusToken].includes(node.operator) ? [node.operand] : []
}

const foreign = new Map()
let own = 0

function visit(node) {
  for (const expression of writtenBy(node)) {
    const field = fieldOf(expression)
    if (field === undefined) continue
    if (isWithin(field.access, field.owner.scope)) own++
    else {
      const at = field.owner.scope.getSourceFile?.() ?? field.owner.scope
      const key = `${relative(folder, at.fileName)} ${field.owner.name}.${field.name}`
      const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart())
      const writer = `${relative(folder, node.getSourceFile().fileName)}:${line + 1}`
      foreign.set(key, [...(foreign.get(key) ?? []), writer])
    }
  }
  ts.forEachChild(node, visit)
}

for (const file of program.getSourceFiles())
  if (!file.isDeclarationFile && relative(folder, file.fileName).startsWith('src/')) visit(file)

const writes = [...foreign.values()].flat()
const files = new Set(writes.map(place => place.replace(/:\d+$/, '')))
for (const [key, places] of [...foreign].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`${key}: ${places.join(', ')}`)
console.log(
  `${own} writes of fields by their owners, ${writes.length} by others: ${foreign.size} fields, written by ${files.size} other files`,
)
process.exitCode = writes.length === 0 ? 0 : 1
