import type { ContractCase } from './contract-case.js'
import { md5 } from './bucket-client.js'

const BODY = '0123456789'.repeat(1200)

const RANGES: readonly (readonly [
  range: string,
  status: number,
  contentRange: string | undefined,
  length: number,
])[] = [
  ['bytes=0-9', 206, 'bytes 0-9/12000', 10],
  ['bytes=5-', 206, 'bytes 5-11999/12000', 11_995],
  ['bytes=-7', 206, 'bytes 11993-11999/12000', 7],
  ['bytes=-99999', 206, 'bytes 0-11999/12000', 12_000],
  ['bytes=11999-', 206, 'bytes 11999-11999/12000', 1],
  ['bytes=0-999999', 206, 'bytes 0-11999/12000', 12_000],
  ['bytes=9-5', 200, undefined, 12_000],
  ['apples=1-2', 200, undefined, 12_000],
]

export const readCases: readonly ContractCase[] = [
  {
    name: 'ranges are answered as asked',
    async run(t, { s3 }) {
      await s3.put('read/range', BODY)
      for (const [range, status, contentRange, length] of RANGES) {
        const got = await s3.get('read/range', { range })
        t.same(
          [got.status, got.header('content-range'), got.body.length],
          [status, contentRange, length],
          range,
        )
        const [start, end] = (contentRange ?? 'bytes 0-11999/').slice(6).split(/[-/]/)
        t.equal(got.text, BODY.slice(Number(start), Number(end) + 1), `${range}: the bytes`)
      }
      const head = await s3.send('HEAD', 'read/range', { headers: { range: 'bytes=0-9' } })
      t.equal(head.header('content-length'), '10')
    },
  },
  {
    name: 'a range behind the end is 416 InvalidRange',
    async run(t, { s3 }) {
      await s3.put('read/range', BODY)
      t.equal((await s3.get('read/range', { range: 'bytes=12000-' })).outcome, '416 InvalidRange')
      t.equal((await s3.get('read/range', { range: 'bytes=-0' })).outcome, '416 InvalidRange')
    },
  },
  {
    name: 'what is not there is 404, with a reason unless asked by HEAD',
    async run(t, { s3 }) {
      t.equal((await s3.get('read/none')).outcome, '404 NoSuchKey')
      const head = await s3.head('read/none')
      t.same([head.status, head.body.length], [404, 0])
    },
  },
  {
    name: 'If-Match and If-None-Match hold on reads',
    async run(t, { s3 }) {
      await s3.put('read/if', 'one')
      const etag = `"${md5('one', 'hex')}"`
      t.equal((await s3.get('read/if', { 'if-match': etag })).status, 200)
      t.equal((await s3.get('read/if', { 'if-match': '"x"' })).outcome, '412 PreconditionFailed')
      t.equal(
        (await s3.get('read/if', { 'if-match': '"x"', range: 'bytes=0-1' })).outcome,
        '412 PreconditionFailed',
      )
      t.equal((await s3.get('read/if', { 'if-none-match': etag })).status, 304)
      t.equal((await s3.get('read/if', { 'if-none-match': '"x"' })).status, 200)
    },
  },
  {
    name: 'an error tells code, message and request',
    async run(t, { s3 }) {
      const answer = await s3.get('read/none')
      t.match(answer.header('content-type'), /xml/)
      for (const name of ['Code', 'Message', 'RequestId']) t.ok(answer.element(name), name)
      t.ok(answer.header('x-amz-request-id'))
    },
  },
]
