// Makes the npm package, the .deb and the .rpm of this checkout below dist/packages: npm run package [-- x64 arm64].
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { placeDocuments } from './document-tree.js'
import { makePackage } from './nfpm.js'
import { makeNpmPackage } from './npm-package.js'
import { nodeFolder, type Architecture } from './node-binary.js'
import { makePrebuilds } from './prebuilds.js'
import { manifestOf, placeProgram } from './program-tree.js'
import { cacheFolder } from './tools.js'

const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64']

const root = fileURLToPath(new URL('../../..', import.meta.url))
const target = join(root, 'dist/packages')

/** The time of all files: $SOURCE_DATE_EPOCH, else the last commit's. */
function dateOfSources(): Date {
  const given = process.env['SOURCE_DATE_EPOCH']
  const seconds = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' })
  return new Date(Number(seconds) * 1000)
}

function say(path: string): void {
  process.stdout.write(`${relative(root, path)}\n`)
}

const asked = process.argv.slice(2)
const architectures = ARCHITECTURES.filter(arch => asked.length === 0 || asked.includes(arch))
const date = dateOfSources()
const { version, author } = manifestOf(root)
if (author === undefined)
  process.stderr.write(
    'package.json names no author: the packages have no maintainer (see CONTRIBUTING.md)\n',
  )
rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
makePrebuilds(root)
say(makeNpmPackage(root, target))
const common = join(target, 'common')
placeDocuments(root, common, date)
for (const arch of architectures) {
  const tree = join(target, arch)
  cpSync(common, tree, { recursive: true })
  await placeProgram(root, tree, arch, nodeFolder(join(cacheFolder(), 'node-binaries'), arch))
  for (const packager of ['deb', 'rpm'] as const)
    say(makePackage({ root, tree, arch, packager, version, date, target }))
}
