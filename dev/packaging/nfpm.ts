import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Architecture } from './node-binary.js'
import { manifestOf } from './program-tree.js'
import { nfpmCommand } from './tools.js'

/** A kind of package. */
export type Packager = 'deb' | 'rpm'

/** One package that is to be made. */
export interface Package {
  readonly root: string
  /** The folder with all files as they lie on a node. */
  readonly tree: string
  readonly arch: Architecture
  readonly packager: Packager
  readonly version: string
  readonly date: Date
  /** The folder that the package comes into. */
  readonly target: string
}

/** What Node's own binaries need; useradd and usermod for the script. */
const DEPENDS = {
  deb: ['libc6 (>= 2.28)', 'libstdc++6 (>= 5)', 'libgcc-s1', 'passwd'],
  rpm: ['glibc >= 2.28', 'libstdc++', 'libgcc', '/usr/sbin/useradd'],
} as const

/** The maintainer of packages that nobody answers for yet: see "Make a release" in CONTRIBUTING.md. */
const NOBODY = 'no maintainer yet <tablesnap@localhost>'

/** What the oldest dpkg (Debian 12) and rpm (RHEL 8) can read. */
const COMPRESSION = { deb: 'zstd', rpm: 'gzip' } as const

/** Debian's zsh looks in another folder than Red Hat's. */
const RPM_PLACES: readonly (readonly [string, string])[] = [
  ['/usr/share/zsh/vendor-completions/', '/usr/share/zsh/site-functions/'],
]

/** Writes one package with nfpm: the same files and date give the same bytes. @returns its path */
export function makePackage(one: Package): string {
  const { root, tree, arch, packager, version, date, target } = one
  const { author, homepage } = manifestOf(root)
  const postrm = join(root, 'packaging/scripts', `postrm.${packager}`)
  const config = {
    name: 'tablesnap',
    arch: arch === 'x64' ? 'amd64' : 'arm64',
    platform: 'linux',
    version,
    release: '1',
    section: 'admin',
    priority: 'optional',
    maintainer: author ?? NOBODY,
    ...(homepage === undefined ? {} : { homepage }),
    description:
      'Per-node backup engine for Apache Cassandra\nSees every SSTable the moment it is complete, uploads it to S3, verified, and restores it.',
    license: 'MIT',
    mtime: date.toISOString(),
    depends: DEPENDS[packager],
    deb: { compression: COMPRESSION.deb },
    rpm: { compression: COMPRESSION.rpm, buildhost: 'localhost' },
    scripts: {
      postinstall: join(root, 'packaging/scripts/postinst'),
      preremove: join(root, 'packaging/scripts/prerm'),
      ...(existsSync(postrm) ? { postremove: postrm } : {}),
    },
    contents: contentsOf(tree, packager),
  }
  const file = join(target, `nfpm-${packager}-${arch}.yaml`)
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, null, 2))
  const output = execFileSync(nfpmCommand(), ['package', '-f', file, '-p', packager, '-t', target], {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) },
  })
  const [, path] = /^created package: (.+)$/m.exec(output) ?? []
  if (path === undefined) throw new Error(`nfpm made no package: ${output}`)
  return path
}

interface Content {
  readonly src?: string
  readonly dst: string
  readonly type?: string
  readonly file_info?: { readonly mode: number; readonly owner: string; readonly group: string }
}

function contentsOf(tree: string, packager: Packager): Content[] {
  const contents: Content[] = []
  for (const name of readdirSync(tree, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(tree, name)
    const stats = lstatSync(path)
    const dst = packager === 'rpm' ? rpmPlace(`/${name}`) : `/${name}`
    if (stats.isSymbolicLink()) contents.push({ src: readlinkSync(path), dst, type: 'symlink' })
    else if (stats.isFile()) {
      const type = name.startsWith('etc/') ? { type: 'config|noreplace' } : {}
      const mode = stats.mode & 0o7777
      contents.push({ src: path, dst, ...type, file_info: { mode, owner: 'root', group: 'root' } })
    } else if (isOwn(name))
      contents.push({ dst, type: 'dir', file_info: { mode: 0o755, owner: 'root', group: 'root' } })
  }
  return contents
}

/** Whether a folder belongs to this package alone. */
function isOwn(name: string): boolean {
  return /^(etc\/tablesnap|usr\/lib\/tablesnap|usr\/share\/doc\/tablesnap)(\/|$)/.test(name)
}

function rpmPlace(path: string): string {
  const place = RPM_PLACES.find(([from]) => path.startsWith(from))
  return place === undefined ? path : path.replace(place[0], place[1])
}
