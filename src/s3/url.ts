/**
 * Reads an absolute URL; undefined for what is none. URL.canParse of Node 24 says yes to some long host names for which the
 * constructor throws, so only the constructor is asked.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
