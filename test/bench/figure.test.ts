import t from 'tap'

import { MIB, figure, show, showFigure, slope } from '../../bench/figure.js'
import { markdown } from '../../bench/report/markdown.js'
import { chart } from '../../bench/report/chart.js'
import type { Result, Row } from '../../bench/result.js'
import { atMost, ratios } from '../../bench/verdicts.js'

const cpu = (client: string, variant: string, ...values: number[]): Row => ({
  client,
  variant,
  figures: { CPU: figure(values, 's/GiB') },
})

await t.test('median and spread', async t => {
  t.same(figure([3, 1, 2], 's'), { median: 2, min: 1, max: 3, unit: 's' })
  t.equal(figure([4, 1, 2, 3], 's').median, 2.5)
  t.equal(figure([7], 'n').median, 7)
  t.throws(() => figure([], 's'), RangeError)
  t.equal(showFigure(figure([1, 2, 3], 's')), '2.00 (1.00–3.00)')
  t.equal(showFigure(figure([5 * MIB], 'bytes')), '5 MiB')
  t.equal(showFigure(figure([5 * MIB, 9 * MIB, 7 * MIB], 'bytes')), '7 MiB (5–9)')
  t.equal(show(1234, 'n'), '1234')
})

await t.test('the slope leaves out what every run costs', async t => {
  t.equal(slope({ size: 2, value: 10 + 2 * 0.6 }, { size: 8, value: 10 + 8 * 0.6 }).toFixed(6), '0.600000')
})

await t.test('ratios take the better variant of a peer and leave out who was not measured', async t => {
  const rows = [
    cpu('tablesnap', 'defaults', 1),
    cpu('tablesnap', '-t 4', 9),
    cpu('s5cmd', 'defaults', 8),
    cpu('s5cmd', 'at our concurrency', 4),
  ]
  const bounds = [
    { over: 's5cmd', bound: 0.25 },
    { over: 'boto3', bound: 1 },
  ]
  t.same(ratios(rows, bounds), [
    { what: 'tablesnap / s5cmd', value: 0.25, bound: 0.25, unit: 'ratio', holds: true },
  ])
  t.equal(ratios(rows, [{ over: 's5cmd', bound: 0.24 }])[0]?.holds, false)
  t.same(ratios([], bounds), [])
  t.equal(atMost('x', NaN, 1, 'n').holds, false, 'what was not measured does not hold')
})

await t.test('Markdown and chart', async t => {
  const result: Result = {
    scenario: 'upload',
    title: 'upload <1>',
    rows: [cpu('tablesnap', 'defaults', 1, 2, 3), cpu('a|b', 'defaults', 4)],
    verdicts: [atMost('start-up', 0.5, 0.45, 's')],
    notes: ['a note'],
  }
  const text = markdown(result)
  t.match(text, '| tablesnap | defaults | 2.00 (1.00–3.00) |')
  t.match(text, '| a\\|b | defaults | 4.00 |')
  t.match(text, '| start-up | 0.50 | 0.45 | **no** |')
  t.match(text, '- a note')
  const svg = chart([result])
  t.match(svg, 'upload &lt;1&gt;')
  t.equal(svg.match(/<rect class="o"/g)?.length, 1)
  t.equal(svg.match(/<rect class="b"/g)?.length, 1)
  t.notMatch(svg, 'NaN')
})
