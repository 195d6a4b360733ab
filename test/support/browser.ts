import { existsSync } from 'node:fs'

import { chromium, type Browser } from 'playwright-core'

/** Places of a Chromium: Debian's packages, and `$CHROMIUM`. */
const PLACES = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium-headless-shell',
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
]

/** The Chromium of this machine; undefined: there is none. */
export function chromiumPath(): string | undefined {
  return PLACES.find(path => path !== '' && existsSync(path))
}

/** Starts a headless Chromium. */
export async function startBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, headless: true, args: ['--no-sandbox'] })
}
