// Measures src/ and ends with exit code 1 where a measure is above its bound; a part of `npm run lint`.
//   node .ci/sizes.js
// The bounds are what holds today. Lower a bound when its measure has sunk. Raise one only in the commit that brings a new feature.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import ts from 'typescript'

/** Lines of each folder of src/, rounded up to the next hundred; `.` is the files beside the folders. */
const LINES = {
  '.': 400,
  backup: 5600,
  cassandra: 700,
  check: 2700,
  cli: 3200,
  config: 3100,
  manifest: 3300,
  node: 1000,
  rehearsal: 500,
  report: 600,
  restore: 5200,
  retention: 1800,
  s3: 3600,
  status: 2400,
  tables: 4700,
  transfer: 2400,
  watch: 1200,
}

/** How many there may be of each, and what makes one. */
const OFFENDERS = {
  files: { bound: 0, above: 300, unit: 'lines' },
  classes: { bound: 0, above: 8, unit: 'fields that other classes may write' },
  constructors: { bound: 0, above: 6, unit: 'parameters, or members of one options object' },
}

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

function load() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const names = readdirSync(src, { recursive: true }).filter(name => name.endsWith('.ts'))
  const program = ts.createProgram({ rootNames: names.map(name => join(src, name)), options })
  return { program, checker: program.getTypeChecker(), names: names.sort() }
}

/** Whether other classes may write a field or a parameter property. */
function isOpen(node) {
  const closed = [ts.SyntaxKind.ReadonlyKeyword, ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword]
  return (
    !ts.isPrivateIdentifier(node.name) &&
    !(ts.getModifiers(node) ?? []).some(({ kind }) => closed.includes(kind))
  )
}

function openFields({ members }) {
  const parameters = members.filter(ts.isConstructorDeclaration).flatMap(({ parameters }) => parameters)
  const properties = parameters.filter(one => ts.isParameterPropertyDeclaration(one, one.parent))
  return [...members.filter(ts.isPropertyDeclaration), ...properties].filter(isOpen).length
}

/**
 * Members of an options object: a parameter whose type is an interface or an object literal that is there for this
 * constructor. It has no name, stands in the file of the class, or is called so.
 */
function bagMembers(parameter, checker) {
  const type = checker.getTypeAtLocation(parameter)
  if ((type.flags & ts.TypeFlags.Object) === 0) return 0
  const declaration = (type.aliasSymbol ?? type.symbol)?.declarations?.[0]
  if (declaration === undefined || ts.isClassLike(declaration)) return 0
  const file = declaration.getSourceFile()
  if (!file.fileName.startsWith(src)) return 0
  const name = (type.aliasSymbol ?? type.symbol).getName()
  const own = file === parameter.getSourceFile() || /(?:Deps|Options|Parts)$/.test(name)
  return own ? type.getProperties().length : 0
}

function measure() {
  const { program, checker, names } = load()
  const lines = new Map(Object.keys(LINES).map(folder => [folder, 0]))
  const found = { files: [], classes: [], constructors: [] }
  for (const name of names) {
    const source = program.getSourceFile(join(src, name))
    const length = source.text.split('\n').length - 1
    const folder = name.includes('/') ? name.slice(0, name.indexOf('/')) : '.'
    lines.set(folder, (lines.get(folder) ?? 0) + length)
    found.files.push({ what: name, size: length })
    const visit = node => {
      if (ts.isClassLike(node))
        found.classes.push({ what: `${name} ${node.name?.text ?? '(class)'}`, size: openFields(node) })
      if (ts.isConstructorDeclaration(node)) {
        const sizes = node.parameters.map(one => bagMembers(one, checker))
        found.constructors.push({
          what: `${name} ${node.parent.name?.text ?? '(class)'}`,
          size: Math.max(node.parameters.length, ...sizes),
        })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return { lines, found }
}

const { lines, found } = measure()
let broken = false
const row = (what, size, bound) => {
  broken ||= size > bound
  const note = size > bound ? '  ABOVE ITS BOUND' : ''
  console.log(`${what.padEnd(28)} ${String(size).padStart(6)} ${String(bound).padStart(6)}${note}`)
}
console.log(`${'src/'.padEnd(28)} ${'is'.padStart(6)} ${'bound'.padStart(6)}`)
for (const [folder, size] of [...lines].sort()) row(`lines in ${folder}`, size, LINES[folder] ?? 0)
console.log(`${'lines in all'.padEnd(28)} ${String([...lines.values()].reduce((a, b) => a + b)).padStart(6)}`)
for (const [kind, { bound, above, unit }] of Object.entries(OFFENDERS)) {
  const offenders = found[kind].filter(({ size }) => size > above).sort((a, b) => b.size - a.size)
  row(`${kind} above ${above}`, offenders.length, bound)
  for (const { what, size } of offenders) console.log(`  ${what}: ${size} ${unit}`)
}
if (broken) {
  console.error('A measure of src/ is above its bound in .ci/sizes.js: make the code smaller.')
  process.exitCode = 1
}
