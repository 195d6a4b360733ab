import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import { bytesToPage } from 'tablesnap-io'
import t, { type Test } from 'tap'

import { openPast } from '../../src/restore/plan/partial.js'
import { writePast } from '../../src/transfer/download/file.js'

const BLOCK = 4096

/** @param shift bytes behind a page of memory */
function memory(length: number, shift = 0): Buffer {
  const whole = Buffer.allocUnsafeSlow(length + 2 * 65536)
  const start = bytesToPage(whole) + shift
  randomBytes(length).copy(whole, start)
  return whole.subarray(start, start + length)
}

/** Writes pieces of a file past the page cache, the second half before the first. */
async function writes(t: Test, half: number, shift = 0): Promise<void> {
  // Not every place has O_DIRECT; there it is the fallback that is tested.
  const path = join(t.testdir({}), 'file')
  const handle = await open(path, 'wx+')
  const past = await openPast(path)
  t.comment(past === undefined ? 'no O_DIRECT here' : 'O_DIRECT')
  const file = { fd: handle.fd, direct: past?.fd, path }
  const pieces = [memory(half, shift), memory(2 * half + 77, shift)] as const
  await writePast(file, half, pieces[1])
  await writePast(file, 0, pieces[0])
  await handle.datasync()
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4 * half + 100), 0, 4 * half + 100, 0)
  t.ok(buffer.subarray(0, bytesRead).equals(Buffer.concat(pieces)))
  await past?.close()
  await handle.close()
}

await t.test('whole blocks and an end', t => writes(t, 16 * BLOCK))
await t.test('less than a block', t => writes(t, 100))
await t.test('from the middle of a block', t => writes(t, 5 * BLOCK + 512))
await t.test('memory that the disk does not take', t => writes(t, 8 * BLOCK, 1))

await t.test('what cannot be written is an error with its path', async t => {
  const path = join(t.testdir({ file: '' }), 'file')
  const handle = await open(path, constants.O_RDONLY)
  await t.rejects(writePast({ fd: handle.fd, direct: handle.fd, path }, 0, memory(BLOCK)), {
    code: 'FILE_UNWRITABLE',
    path,
  })
  await handle.close()
})
