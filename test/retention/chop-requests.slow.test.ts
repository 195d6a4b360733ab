import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { run } from '../support/slurp.js'
import { ChopNode } from './support.js'

const DAY = 86_400_000

const daysAgo = (days: number): string => new Date(Date.now() - days * DAY).toISOString()

/** What docs/retention.md asks for, as requests: the keys, or the prefixes of LISTs, that each may have. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  ListObjectsV2: /^(node1:|\.tablesnap\/)/,
  ListMultipartUploads: /^(node1:|\.tablesnap\/node1\/versions\/)/,
  GetObject: /^(node1:|\.tablesnap\/node1\/)/,
  HeadObject: /^(node1:|\.tablesnap\/node1\/)/,
  ListParts: /^(node1:|\.tablesnap\/node1\/)/,
  PutObject: /^\.tablesnap\/node1\/(node\.json$|chop\/)/,
  DeleteObjects: /^$/,
  AbortMultipartUpload: /^(node1:|\.tablesnap\/node1\/)/,
}

await t.test(
  'tablechop ends uploads that nobody goes on with, and asks for no more than its policy',
  async t => {
    const world = await ChopNode.create(t)
    const { node } = world
    const { server, flags } = node.bucket
    const table = await world.replacedTable()
    const upload = (id: string, key: string, days: number): string =>
      `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${daysAgo(days)}</Initiated></Upload>`
    const key = node.key(`${table.path}/nb-7-big-Data.db`)
    const uploads = [
      upload('left', key, 9),
      upload('going-on', key, 9),
      upload('young', key, 2),
      // ListParts says 404: it was completed meanwhile.
      upload('completed', key, 9),
      upload('elsewhere', node.key('/data_other/ks/t/nb-7-big-Data.db'), 9),
    ]
    const document = `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`
    server.faults.add({
      on: 'ListMultipartUploads',
      prefix: 'node1:',
      fault: faults.document(document),
      count: Infinity,
    })
    const partsOf = (days: number) =>
      faults.document(
        `<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><LastModified>${daysAgo(days)}</LastModified><ETag>"e"</ETag><Size>5</Size></Part></ListPartsResult>`,
      )
    const aborted = (): string[] =>
      server.requests
        .filter(({ operation }) => operation === 'AbortMultipartUpload')
        .map(({ query }) => query['uploadId'] ?? '')
    const chop = async (...args: string[]) => {
      for (const days of [8, 0.5]) server.faults.add({ on: 'ListParts', fault: partsOf(days) })
      return run('tablechop', [...flags, '-r', ...args, 'bucket', node.data, '5'])
    }
    const written = server.requests.map(({ operation }) => operation)
    t.notOk(
      written.some(operation => operation.startsWith('Delete')),
      'tablesnap itself needs no s3:DeleteObject',
    )
    const before = server.requests.length

    const dry = await chop('-d')
    t.match(dry.stdout, /^1 multipart upload that nobody goes on with would be ended$/m, dry.log)
    t.same(aborted(), [])
    const { code, stdout, log } = await chop()
    t.equal(code, 0, log)
    t.match(stdout, /^1 multipart upload that nobody goes on with ended$/m)
    t.same(aborted(), ['left'])

    const now = ['-r', '--now', '--grace', '1s', '--force']
    const deleted = await run('tablechop', [...flags, ...now, 'bucket', node.data, '0'])
    t.match(deleted.stdout, /^Deleted 10 objects/m, deleted.log)
    for (const { operation, key, query } of server.requests.slice(before)) {
      const about = key === '' ? (query['prefix'] ?? '') : key
      t.ok(ALLOWED[operation]?.test(about), `${operation} ${about}`)
    }
  },
)
