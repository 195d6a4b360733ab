import t from 'tap'

import { Lineage } from '../../src/manifest/lineage.js'

import { Model, names, NamedSet } from './model.js'

/** A lineage whose first cut is accepted. */
function begun(scan: string): { model: Model; lineage: Lineage<NamedSet> } {
  const model = new Model()
  const lineage = new Lineage(model.sets(scan), 0)
  model.upload(scan)
  lineage.accept(lineage.better(model.standing)!)
  return { model, lineage }
}

await t.test('the inputs of a rewrite stay named until all its outputs are durable', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A B > C D'))
  t.equal(lineage.better(model.standing), undefined, 'nothing new can be said')
  model.upload('C')
  t.equal(lineage.better(model.standing), undefined)
  model.upload('D')
  const cut = lineage.better(model.standing)
  t.match(cut, { time: 1000, rewrites: 1, additions: 1 })
  t.equal(names(cut?.sets), 'C D')
  t.equal(names(lineage.accept(cut!)), 'A B', 'now they are free')
  t.notOk(lineage.wants(model.set('A')))
})

await t.test('flushes pass a rewrite that is being uploaded, in their order', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A B > C'))
  lineage.commit(model.commit('> F'))
  lineage.commit(model.commit('> G'))
  model.upload('G')
  t.equal(lineage.better(model.standing), undefined, 'not G without F')
  model.upload('F')
  const cut = lineage.better(model.standing)
  t.equal(names(cut?.sets), 'A B F G')
  t.match(cut, { time: 3000, rewrites: 0, additions: 3 })
  t.same(lineage.accept(cut!), [])
  model.upload('C')
  t.equal(names(lineage.better(model.standing)?.sets), 'C F G')
})

await t.test(
  'a set that comes and goes is named if it is durable, and else its rewrite is awaited',
  async t => {
    const { model, lineage } = begun('A')
    lineage.commit(model.commit('> F'))
    lineage.commit(model.commit('A F > C'))
    lineage.commit(model.commit('> G'))
    model.upload('G')
    t.equal(lineage.better(model.standing), undefined)
    t.ok(lineage.wants(model.set('F')))
    model.upload('C')
    t.equal(names(lineage.better(model.standing)?.sets), 'C G')
    t.same(names(lineage.accept(lineage.better(model.standing)!)), 'A F')
  },
)

await t.test('of two cuts with the same additions the one with more rewrites is taken', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A > C'))
  lineage.commit(model.commit('B > D'))
  model.upload('D')
  t.equal(lineage.better(model.standing), undefined, 'D may not come before C')
  model.upload('C')
  t.equal(names(lineage.better(model.standing)?.sets), 'C D')
})

await t.test('a compaction that leaves nothing is done at once', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A B >'))
  t.equal(names(lineage.better(model.standing)?.sets), '')
})

await t.test('no addition after a truncate stands beside what it removed', async t => {
  const { model, lineage } = begun('A X')
  lineage.commit(model.commit('X > B'))
  lineage.commit(model.commit('A >', 'end'))
  lineage.commit(model.commit('> F'))
  model.upload('F')
  t.equal(lineage.better(model.standing), undefined)
  model.upload('B')
  t.equal(names(lineage.better(model.standing)?.sets), 'B F')
})

await t.test('no addition passes a rewrite of a set that nothing is known of', async t => {
  const { model, lineage } = begun('A')
  t.ok(lineage.commit(model.commit('A I > C')), 'an import that was not yet complete was compacted')
  lineage.commit(model.commit('> F'))
  model.upload('F')
  t.equal(lineage.better(model.standing), undefined, 'A and F without I never were')
  model.upload('C')
  t.equal(names(lineage.better(model.standing)?.sets), 'C F')
})

await t.test('no cut has two sets under one path', async t => {
  const model = new Model()
  const [first, second] = [new NamedSet('nb-3'), new NamedSet('nb-3')]
  const [a, b, c] = model.sets('A B C')
  const lineage = new Lineage([a!, b!], 0)
  lineage.commit({ adds: [first], removes: [], time: 1 })
  model.upload('A B')
  for (const set of [first, second]) model.durable.add(set)
  lineage.accept(lineage.better(model.standing)!)
  lineage.commit({ adds: [c!], removes: [a!, b!], time: 2 })
  lineage.commit({ adds: [], removes: [first], time: 3 })
  lineage.commit({ adds: [second], removes: [], time: 4 })
  t.equal(lineage.better(model.standing), undefined, 'not while the first nb-3 is named')
  model.upload('C')
  t.same(lineage.better(model.standing)?.sets, new Set([c, second]))
})

await t.test('what is known already changes nothing', async t => {
  const { model, lineage } = begun('A')
  const commit = model.commit('A > B')
  t.ok(lineage.commit(commit))
  t.notOk(lineage.commit(commit))
  t.notOk(lineage.commit(model.commit('>')))
  t.same([...lineage.live], model.sets('B'))
})

await t.test('a rewrite of a set that vanished explains it: Cassandra had it open', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A >', 'unexplained'))
  const partial = lineage.better(model.standing)!
  t.equal(names(partial.sets), 'B')
  t.same([...partial.unexplained], ['A'])
  lineage.accept(partial)
  lineage.commit(model.commit('A B > C'))
  model.upload('C')
  const whole = lineage.better(model.standing)!
  t.equal(names(whole.sets), 'C')
  t.equal(whole.unexplained.size, 0)
})

await t.test('a set that vanished is explained by its return, not by another one of its name', async t => {
  for (const [fresh, unexplained] of [
    [false, []],
    [true, ['A']],
  ] as const) {
    const { model, lineage } = begun('A')
    lineage.commit(model.commit('A >', 'unexplained'))
    const again = new NamedSet('A', fresh)
    lineage.commit({ adds: [again], removes: [], time: 9000 })
    model.durable.add(again)
    t.same([...lineage.better(model.standing)!.unexplained], unexplained)
  }
})

await t.test('a truncate ends what is unexplained', async t => {
  const { model, lineage } = begun('A B')
  lineage.commit(model.commit('A >', 'unexplained'))
  lineage.commit(model.commit('B >', 'end'))
  t.equal(lineage.better(model.standing)?.unexplained.size, 0)
})
