import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { chromiumPath, startBrowser } from '../support/browser.js'
import { TestNode, until } from '../support/node.js'
import { TerminalRun } from '../support/terminal.js'

/** Where the pictures go that a person is to look at: `$EVIDENCE`. */
const pictures = process.env['EVIDENCE'] ?? mkdtempSync(join(tmpdir(), 'terminal-'))

const SSTABLES = 40

/** Slow enough for a bar to be seen, bytes a second. */
const SLOWLY = ['--max-rate', '64KiB']

/** Pixels of a character of 14 px, and of a line. */
const CHARACTER = { width: 8.43, height: 19 }

/** Writes what a terminal shows as text, and as a picture where there is a Chromium. */
async function picture(lines: readonly string[], columns: number, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  const text = lines.join('\n')
  writeFileSync(join(pictures, `${name}.txt`), `${text}\n`)
  const path = chromiumPath()
  if (path === undefined) return
  const browser = await startBrowser(path)
  try {
    const width = Math.ceil(columns * CHARACTER.width) + 16
    const page = await browser.newPage({ viewport: { width, height: 200 } })
    const shown = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
    const style = `margin:8px;font:14px/${CHARACTER.height}px monospace`
    await page.setContent(
      `<body style="margin:0;background:#111;color:#ddd"><pre style="${style}">${shown}</pre>`,
    )
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  } finally {
    await browser.close()
  }
}

/** Takes pictures of a run under way and at its end, and looks for what no screen may have. */
async function look(t: Test, args: readonly string[], columns: number, name: string): Promise<void> {
  const run = new TerminalRun(args, columns)
  await until(() => run.bars.length > 8)
  const { screen } = run
  await picture(screen, columns, `${name}-${columns}-under-way`)
  t.equal(await run.exit, 0, run.output)
  await picture(run.screen, columns, `${name}-${columns}-done`)
  for (const line of [...screen, ...run.screen]) t.ok(line.length <= columns, line)
  t.match(screen.at(-1), /^\[[#.]+\] +\d+%/, 'the bar is the last line')
  const text = run.screen.join('')
  t.notMatch(text, /\b1 (?:files|SSTables|tables|restore points)\b|undefined|NaN|\[object/)
}

for (const columns of [80, 120])
  await t.test(`a person looks at -B and -D on a terminal of ${columns} columns`, async t => {
    const node = await TestNode.create(t)
    const table = node.table('shop/orders-0a1b2c3d4e5f60718293a4b5c6d7e8f9')
    for (let n = 1; n <= SSTABLES; n++) table.set(`nb-${n}-big`, { bytes: 6_000 })
    await look(t, node.args([...SLOWLY, '-r', '-B']), columns, 'backup')
    rmSync(node.data, { recursive: true })
    mkdirSync(node.data)
    await look(t, node.args([...SLOWLY, '-D']), columns, 'restore')
    t.comment(`pictures are in ${pictures}`)
  })
