import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'

const mebibyte = 1 << 20

/** File names that a signer, an XML parser or a path can trip over. */
const oddNames = [
  ' leading and trailing ',
  '#hash?question=1&b=2',
  '%2F%25+plus',
  '&amp;<tag>"quoted"\'',
  '.hidden',
  '..two-dots',
  '0123',
  '1e5',
  '@$!*();,=~[]{}|^`\\',
  'a:b',
  'grüße-日本語-😀',
  'line\nfeed\ttab',
  'long-'.repeat(40),
]

/** Writes files with random content: odd names, sizes around the part size, one of many parts, and many small ones. */
export function writeTree(root: string): void {
  for (const name of oddNames) write(join(root, 'odd names', name), 100)
  for (const size of [0, 1, 8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 40 * mebibyte]) {
    write(join(root, 'sizes', String(size)), size)
  }
  for (let i = 0; i < 100; i += 1) write(join(root, 'small', String(i % 7), String(i)), i * 100)
}

/** Writes a file with random content, and the directories that lead to it. */
export function write(file: string, size: number): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, randomBytes(size))
}

/** The relative paths of all files below a directory, with their SHA-256. */
export async function digests(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const file of files(root)) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    found.set(relative(root, file), hash.digest('hex'))
  }
  return found
}

/** The paths of all files below a directory, sorted. */
export function files(root: string): string[] {
  if (!existsSync(root)) return []
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}
