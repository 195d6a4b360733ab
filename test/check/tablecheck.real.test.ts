import { join } from 'node:path'

import t from 'tap'

import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'
import { Tablesnap } from '../support/real/tablesnap.js'
import { writeTree } from '../support/real/tree.js'

interface Report {
  readonly findings: readonly { readonly kind: string; readonly severity: string }[]
}

await t.test('tablecheck on versitygw: a backup, an object that is lost, and its repair', async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  writeTree(source)
  const tablesnap = new Tablesnap(server, join(work, 'home'))
  await tablesnap.succeed('-r', '-B', 'backup', source)
  const check = async (...flags: string[]): Promise<{ code: number; kinds: string[]; stderr: string }> => {
    const { code, stdout, stderr } = await tablesnap.check('--json', ...flags, 'backup')
    const { findings } = JSON.parse(stdout) as Report
    return { code, stderr, kinds: findings.map(({ severity, kind }) => `${severity} ${kind}`) }
  }
  const whole = await check('--deep', '--read', '100', '--drill', '2')
  t.equal(whole.code, 0, whole.stderr)
  t.same(
    whole.kinds.filter(kind => !kind.startsWith('note ')),
    [],
  )
  t.comment(whole.kinds.join(', '))
  const [key = ''] = [...(await bucket.list('node1:')).keys()].filter(name => !name.includes('sizes'))
  await bucket.delete(key)
  const lost = await check()
  t.equal(lost.code, 1)
  t.ok(lost.kinds.includes('broken object-missing'), lost.kinds.join(', '))
  const repaired = await check('--repair', '--deep')
  t.equal(repaired.code, 0, repaired.stderr)
  t.match(repaired.stderr, /Uploaded 1 object again/)
})
