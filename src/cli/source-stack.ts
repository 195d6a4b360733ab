import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a stack: a file's address or path, its line and its column, both from 1. */
const PLACE = /(file:\/\/)?(\/[^\s()]+\.js):(\d+):(\d+)/g

/**
 * A stack with the places in the sources instead of those in the compiled files. Node could do that by itself, but would then
 * read every map at every start.
 */
export function sourceStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>()
  return stack.replace(
    PLACE,
    (place, scheme: string | undefined, path: string, line: string, column: string) => {
      const file = scheme === undefined ? path : fileURLToPath(`${scheme}${path}`)
      if (!maps.has(file)) maps.set(file, readMap(`${file}.map`))
      const origin = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1)
      if (origin === undefined || !('originalSource' in origin)) return place
      const source = resolve(file, '..', origin.originalSource)
      return `${source}:${origin.originalLine + 1}:${origin.originalColumn + 1}`
    },
  )
}

/** @returns undefined where there is none */
function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof SourceMap>[0])
  } catch {
    return undefined
  }
}
