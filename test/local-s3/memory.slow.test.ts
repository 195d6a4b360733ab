import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import t from 'tap'
import { checksumsOf } from '../contract/bucket-client.js'
import { start } from './support.js'

const MIB = 1024 * 1024
const SIZE = 256 * MIB

/** Resident memory above the level at the beginning, in MiB, at its highest while `work` runs. */
async function peak(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let highest = before
  const timer = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5)
  await work()
  clearInterval(timer)
  return (highest - before) / MIB
}

await t.test('256 MiB pass through in a few MiB of memory, both ways', async t => {
  const { server, s3 } = await start(t)
  const block = Buffer.alloc(MIB, 'tablesnap')
  const put = async (): Promise<void> => {
    const { path, headers } = s3.client.prepare({
      method: 'PUT',
      bucket: s3.bucket,
      key: 'big',
      body: '',
      length: SIZE,
      payload: 'UNSIGNED-PAYLOAD',
    })
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port,
      method: 'PUT',
      path,
      headers,
      setHost: false,
    })
    for (let sent = 0; sent < SIZE; sent += MIB) if (!outgoing.write(block)) await once(outgoing, 'drain')
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.resume()
    t.equal(answer.statusCode, 200)
  }
  const get = async (): Promise<void> => {
    const { path, headers } = s3.client.prepare({ method: 'GET', bucket: s3.bucket, key: 'big' })
    const outgoing = request({ host: '127.0.0.1', port: server.port, path, headers, setHost: false }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    let received = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) received += chunk.length
    t.equal(received, SIZE)
  }
  const written = await peak(put)
  t.ok(written < 64, `writing took ${written.toFixed(0)} MiB`)
  const read = await peak(get)
  t.ok(read < 64, `reading took ${read.toFixed(0)} MiB`)
  t.ok(checksumsOf(await s3.head('big'))['crc64nvme'])
})
