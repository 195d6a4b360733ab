import t from 'tap'

import { History } from '../../src/manifest/history.js'

import { Model, said, type NamedSet } from './model.js'

function accepted(history: History<NamedSet>, { standing }: Model): Record<string, unknown> | undefined {
  const moment = history.next(standing)
  if (moment !== undefined) history.accept(moment)
  return said(moment)
}

await t.test('from the first scan to quiet', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A'), time: 10, lost: false })
  t.equal(history.next(model.standing), undefined, 'not before A is there')
  model.upload('A')
  t.same(accepted(history, model), { sets: 'A', time: 10 })
  t.equal(history.next(model.standing), undefined)
  t.same(said(history.next(model.standing, true)), { sets: 'A', time: 11 }, 'once more, for other contents')
})

await t.test('after a start the scan is awaited, and the gap is said once', async t => {
  const model = new Model()
  const newest = { time: 5000, sets: new Set(['A']), unexplained: [] }
  const history = new History(newest, { sets: model.sets('B'), time: 6000, lost: false })
  model.upload('A')
  t.equal(history.next(model.standing), undefined)
  model.upload('B')
  t.same(accepted(history, model), { sets: 'B', time: 6000, gap: true })
  history.commit({ adds: model.sets('C'), removes: [], time: 7000 })
  model.upload('C')
  t.same(accepted(history, model), { sets: 'B C', time: 7000 })
})

await t.test('commits that were seen during a scan belong to it', async t => {
  const model = new Model()
  // The directory of B was read before A and B became C, that of A and C after it, and before C was there.
  const during = [{ adds: model.sets('C'), removes: model.sets('A B'), time: 12 }]
  const history = new History(undefined, { sets: model.sets('B'), time: 10, lost: false, during })
  model.upload('B')
  t.equal(history.next(model.standing), undefined, 'B alone never was')
  model.upload('C')
  t.same(said(history.next(model.standing)), { sets: 'C', time: 12 })
})

await t.test('a gap in which nothing went away is an addition', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A'), time: 10, lost: false })
  model.upload('A')
  accepted(history, model)
  history.gap({ sets: model.sets('A'), time: 20, lost: false })
  t.equal(history.next(model.standing), undefined, 'there is nothing to say')
  history.gap({ sets: model.sets('A B'), time: 30, lost: false })
  model.upload('B')
  t.same(accepted(history, model), { sets: 'A B', time: 30 })
  history.gap({ sets: model.sets('B'), time: 40, lost: false })
  t.same(accepted(history, model), { sets: 'B', time: 40, gap: true }, 'A went away')
})

await t.test('a state that reaches the bucket after a gap does not end the gap', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A'), time: 10, lost: false })
  model.upload('A')
  const early = history.next(model.standing)!
  history.gap({ sets: model.sets('B'), time: 5, lost: false })
  t.same(history.accept(early), model.sets('A'), 'A is named no more')
  model.upload('B')
  t.same(accepted(history, model), { sets: 'B', time: 11, gap: true }, 'and time goes on')
})

await t.test('a lost disk is said until its sets are back', async t => {
  const model = new Model()
  const newest = { time: 5000, sets: new Set(['A', 'B']), unexplained: ['X'] }
  model.upload('A B C')
  const history = new History(newest, { sets: model.sets('A'), time: 6000, lost: true })
  t.same(accepted(history, model), { sets: 'A', time: 6000, gap: true, unexplained: 'B X' })
  history.commit({ adds: model.sets('B'), removes: [], time: 7000 })
  t.same(accepted(history, model), { sets: 'A B', time: 7000, unexplained: 'X' })
  history.commit({ adds: model.sets('C'), removes: [], time: 8000 })
  history.gap({ sets: model.sets('A B'), time: 9000, lost: true })
  t.same(
    accepted(history, model),
    { sets: 'A B', time: 9000, gap: true, unexplained: 'C X' },
    'no state named C',
  )
})

await t.test('what vanished before a gap is said after it', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A B'), time: 10, lost: false })
  model.upload('A B')
  accepted(history, model)
  history.commit({ adds: [], removes: model.sets('A'), time: 20, kind: 'unexplained' })
  history.gap({ sets: [], time: 30, lost: false })
  t.same(accepted(history, model), { sets: '', time: 30, gap: true, unexplained: 'A' }, 'B went in the gap')
})

await t.test('a set that cannot be uploaded is named, and once more when it can', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A B'), time: 10, lost: false })
  model.upload('A')
  model.waived.add(model.set('B'))
  t.same(accepted(history, model), { sets: 'A B', time: 10, unprotected: 'B' })
  t.equal(history.next(model.standing), undefined)
  model.upload('B')
  t.same(accepted(history, model), { sets: 'A B', time: 11 })
})

await t.test('no state goes back because a set that was waived is gone', async t => {
  const model = new Model()
  const history = new History(undefined, { sets: model.sets('A'), time: 10, lost: false })
  model.upload('A')
  accepted(history, model)
  history.commit({ adds: model.sets('B'), removes: model.sets('A'), time: 20 })
  for (const name of ['F', 'W', 'G']) history.commit({ adds: model.sets(name), removes: [], time: 30 })
  model.upload('F G')
  model.waived.add(model.set('W'))
  t.same(accepted(history, model), { sets: 'A F G W', time: 30, unprotected: 'W' })
  model.waived.clear()
  history.commit({ adds: model.sets('V'), removes: model.sets('W'), time: 40 })
  t.equal(history.next(model.standing), undefined, 'A and F would be a moment before')
  model.upload('B V')
  t.same(accepted(history, model), { sets: 'B F G V', time: 40 })
})
