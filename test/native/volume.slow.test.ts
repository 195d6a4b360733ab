import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t from 'tap'

import { volumeId } from 'tablesnap-io'

const canMount = spawnSync('unshare', ['-m', 'sh', '-c', 'command -v mkfs.ext4 && losetup -f']).status === 0

function idOf(path: string): string | undefined {
  const fd = openSync(path, 'r')
  try {
    return volumeId(fd)
  } finally {
    closeSync(fd)
  }
}

await t.test('a file system without a lasting name has none', t => {
  t.equal(idOf('/proc'), undefined)
  t.throws(() => volumeId(-1), TypeError)
  t.throws(() => volumeId(1_000_000), { code: 'EBADF' })
  t.end()
})

await t.test(
  'a volume has the same name on another device',
  { skip: canMount ? false : 'needs mount' },
  t => {
    const place = mkdtempSync(join(tmpdir(), 'tablesnap-volume-'))
    t.teardown(() => rmSync(place, { recursive: true }))
    const [image, point] = [join(place, 'image'), join(place, 'point')]
    mkdirSync(point)
    execFileSync('truncate', ['-s', '8M', image])
    execFileSync('mkfs.ext4', ['-q', image])
    const probe = `const { volumeId } = require('tablesnap-io'); const fs = require('fs');
    console.log(volumeId(fs.openSync(process.argv[1], 'r')), fs.statSync(process.argv[1]).dev)`
    // The second time another loop device comes first.
    const script = `L=$(losetup -f --show "$1") && { [ -z "$3" ] || { M=$L; L=$(losetup -f --show "$1"); }; }
    mount "$L" "$2"; node -e "$0" "$2"; umount "$2"; losetup -d "$L"; [ -z "$M" ] || losetup -d "$M"`
    const run = (second: string) =>
      execFileSync('unshare', ['-m', 'sh', '-c', script, probe, image, point, second], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      })
        .trim()
        .split(' ')
    const [first, again] = [run(''), run('second')]
    t.match(first[0], /^[0-9a-f]{16}$/)
    t.equal(again[0], first[0])
    t.not(again[1], first[1], 'the device number is another one')
    t.end()
  },
)
