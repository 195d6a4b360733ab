import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { chromiumPath, startBrowser } from '../support/browser.js'
import { TestNode, gate } from '../support/node.js'
import { WatchedStatus } from '../support/watched-status.js'

const path = chromiumPath()

/** Where the pictures go that a person is to look at: `$EVIDENCE`. */
const pictures = process.env['EVIDENCE'] ?? mkdtempSync(join(tmpdir(), 'status-page-'))

const VIEWS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1100, height: 800 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1100, height: 800 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const

const HOSTILE = `<script>document.title='broken'</script>`

/** Opens the page, and notes whatever the browser complains of or asks of others. */
async function open(t: Test, browser: Browser, origin: string, view: (typeof VIEWS)[number]): Promise<Page> {
  const { colorScheme, viewport } = view
  const page = await browser.newPage({ colorScheme, viewport, deviceScaleFactor: 1 })
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) t.fail(message.text())
  })
  page.on('pageerror', error => t.fail(error.message))
  page.on('request', request =>
    t.ok(request.url().startsWith(origin) || request.url() === 'data:,', request.url()),
  )
  await page.goto(`${origin}/`)
  return page
}

/** Takes pictures in all views, and looks for what no view may have. */
async function look(t: Test, browser: Browser, origin: string, state: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  for (const view of VIEWS) {
    const page = await open(t, browser, origin, view)
    const width = await page.evaluate('document.documentElement.scrollWidth')
    t.ok(Number(width) <= view.viewport.width, `${state}, ${view.name}: nothing is wider than the screen`)
    t.equal(await page.locator('script').count(), 1)
    t.match(await page.title(), /^node1: /)
    await page.screenshot({ path: join(pictures, `${state}-${view.name}.png`), fullPage: true })
    await page.close()
  }
}

const options =
  path === undefined ? { skip: 'no Chromium here: apt-get install chromium-headless-shell' } : {}

await t.test(
  'a browser shows the page of a daemon that is healthy, behind, and without S3',
  options,
  async t => {
    const node = await TestNode.create(t)
    for (let n = 1; n <= 12; n++)
      node
        .table(`shop/table_${n}-0a1b2c3d4e5f60718293a4b5c6d7e8${String(n).padStart(2, '0')}`)
        .flush('nb-1-big', { bytes: n * 40_000 })
    const table = node.table('shop/orders-0a1b2c3d4e5f60718293a4b5c6d7e8f9').flush('nb-1-big')
    node.table(HOSTILE.replaceAll('/', '\u2215')).flush('nb-1-big')
    const watched = await WatchedStatus.start(t, node)
    await watched.when(({ isProtected, tables }) => isProtected && tables.length >= 14)
    const browser = await startBrowser(path ?? '')
    t.teardown(() => browser.close())
    await look(t, browser, watched.origin, 'healthy')

    const page = await open(t, browser, watched.origin, VIEWS[0])
    t.match(await page.locator('.verdict').textContent(), /Everything is protected/)
    // An element that did not change must be the same one after a refresh: that is what does not flicker.
    await page.evaluate("document.querySelector('table').marked = true; window.scrollTo(0, 50)")
    const held = gate()
    const rule = {
      on: 'PutObject',
      key: /orders/,
      count: Infinity,
      fault: faults.delay(held.opened),
    } as const
    node.bucket.server.faults.add(rule)
    table.flush('nb-2-big', { bytes: 900_000 })
    table.flush('nb-3-big', { bytes: 200_000 })
    await watched.when(({ waiting }) => waiting.sstables === 2)
    await page.locator('.verdict.behind').waitFor({ timeout: 20_000 })
    t.match(await page.locator('.verdict').textContent(), /2 SSTables .* not in the bucket yet/)
    t.equal(
      await page.evaluate("document.querySelector('table').marked"),
      true,
      'the table is the same element',
    )
    t.equal(await page.evaluate('window.scrollY'), 50)
    t.equal(
      await page.locator('tbody tr').first().getAttribute('class'),
      'behind',
      'what is behind comes first',
    )
    await look(t, browser, watched.origin, 'behind')

    await node.bucket.server.close()
    held.open()
    await watched.when(({ s3 }) => !s3.isReachable)
    await page.locator('.verdict.damaged').waitFor({ timeout: 20_000 })
    t.match(await page.title(), /S3 cannot be reached/)
    await look(t, browser, watched.origin, 's3-away')
    watched.daemon.kill('SIGKILL')
    await watched.daemon.exit
    await page.locator('#stale').waitFor({ timeout: 20_000 })
    t.match(await page.locator('#stale').textContent(), /has not answered for \d+ s/)
    await page.screenshot({ path: join(pictures, 'stopped-light.png') })
    t.comment(`pictures are in ${pictures}`)
  },
)
