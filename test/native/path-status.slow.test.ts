import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { pathStatus } from 'tablesnap-io'
import t from 'tap'

await t.test('the status of a path is what node:fs says of it', t => {
  const folder = t.testdir({ file: 'twelve bytes' })
  const [file, link, broken] = [join(folder, 'file'), join(folder, 'link'), join(folder, 'broken')]
  const odd = join(folder, 'späße \u{1F4BE} ')
  mkdirSync(join(folder, 'directory'))
  symlinkSync(file, link)
  symlinkSync(join(folder, 'nothing'), broken)
  linkSync(file, join(folder, 'hardlink'))
  writeFileSync(odd, '')
  // Beyond 32 bits, and before 1970.
  truncateSync(odd, 5 * 2 ** 40)
  utimesSync(odd, -3, -3.25)
  execFileSync('mkfifo', [join(folder, 'fifo')])
  for (const path of [folder, file, link, odd, join(folder, 'directory')]) {
    const stat = statSync(path, { bigint: true })
    t.same(
      pathStatus(path),
      {
        kind: stat.isFile() ? 'file' : 'directory',
        size: Number(stat.size),
        mtime: stat.mtimeNs,
        inode: stat.ino,
        device: stat.dev,
        links: Number(stat.nlink),
      },
      path,
    )
  }
  t.equal(pathStatus(link, false)?.kind, 'link')
  t.equal(pathStatus(link, false)?.inode, lstatSync(link, { bigint: true }).ino)
  t.equal(pathStatus(join(folder, 'fifo'))?.kind, 'other')
  for (const none of [broken, join(folder, 'nothing'), join(file, 'below a file'), ''])
    t.equal(pathStatus(none), undefined, `nothing under '${none}'`)
  t.end()
})

await t.test('a path that the kernel refuses is an error as those of node:fs', t => {
  const folder = t.testdir({})
  symlinkSync('loop', join(folder, 'loop'))
  t.throws(() => pathStatus(join(folder, 'loop')), { code: 'ELOOP', syscall: 'stat' })
  t.throws(() => pathStatus(join(folder, 'x'.repeat(256))), { code: 'ENAMETOOLONG', syscall: 'stat' })
  t.throws(() => pathStatus(`/${'x/'.repeat(4096)}`, false), { code: 'ENAMETOOLONG', syscall: 'lstat' })
  for (const bad of ['a\0b', 7 as unknown as string]) t.throws(() => pathStatus(bad), TypeError)
  t.end()
})
