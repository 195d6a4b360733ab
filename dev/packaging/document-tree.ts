import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { allCommands } from './commands.js'
import { bashCompletion, fishCompletion, zshCompletion } from './completions.js'
import { licenseText, runtimeDependencies } from './dependencies.js'
import { manPage } from './man-page.js'
import { manifestOf } from './program-tree.js'

const DOCUMENTS = 'usr/share/doc/tablesnap'

/** What both kinds of packages have in the same places: settings, units, man pages, completions, documents. */
export function placeDocuments(root: string, tree: string, date: Date): void {
  const put = (path: string, text: string | Buffer, mode = 0o644): void => {
    const target = join(tree, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
    chmodSync(target, mode)
  }
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  put('etc/tablesnap/tablesnap.conf', read('tablesnap.conf.example'), 0o640)
  put('etc/tablesnap/environment', read('packaging/etc/environment'), 0o600)
  for (const name of readdirSync(join(root, 'packaging/systemd')))
    put(`usr/lib/systemd/system/${name}`, read(`packaging/systemd/${name}`))
  const all = allCommands()
  const { version } = manifestOf(root)
  for (const command of all) {
    const { name } = command
    const page = manPage(command, all, version, date.toISOString().slice(0, 10))
    put(`usr/share/man/man1/${name}.1.gz`, zipped(page))
    put(`usr/share/bash-completion/completions/${name}`, bashCompletion(command))
    put(`usr/share/fish/vendor_completions.d/${name}.fish`, fishCompletion(command))
  }
  put('usr/share/zsh/vendor-completions/_tablesnap', zshCompletion(all))
  put(`${DOCUMENTS}/changelog.gz`, zipped(read('CHANGELOG.md')))
  put(`${DOCUMENTS}/copyright`, copyright(root))
  put(`${DOCUMENTS}/README.md`, read('README.md'))
  for (const folder of ['docs', 'examples'])
    cpSync(join(root, folder), join(tree, DOCUMENTS, folder), { recursive: true })
}

/** gzip as `gzip -9n` makes it: no name and no time. */
function zipped(text: string): Buffer {
  return gzipSync(text, { level: 9 })
}

/** The licenses of all that the package holds. */
function copyright(root: string): string {
  const parts = runtimeDependencies(root).map(
    dependency =>
      `${'-'.repeat(72)}\n${dependency.name} ${dependency.version} (${dependency.license})\n\n${licenseText(dependency)}\n`,
  )
  const own = readFileSync(join(root, 'LICENSE'), 'utf8').trim()
  return `tablesnap\n\n${own}\n\nThe package holds these programs as well. The license of Node.js is /usr/lib/tablesnap/bin/LICENSE.node.\n\n${parts.join('\n')}`
}
