import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

import t, { type Test } from 'tap'
import { crc64nvme } from 'tablesnap-io'

import { MEBIBYTE, Yard } from './support.js'

const PART = 5 * MEBIBYTE

/** A network that flips one bit of what the client sends, once, in each of so many connections. @returns its address */
async function damagingProxy(t: Test, target: string, at: number, times: number) {
  const { hostname, port } = new URL(target)
  const flips = { left: times }
  const proxy = createServer(client => {
    const server = connect(Number(port), hostname)
    let passed = 0
    let flipped = false
    client.on('data', chunk => {
      const offset = at - passed
      passed += chunk.length
      if (!flipped && flips.left > 0 && offset >= 0 && offset < chunk.length) {
        chunk[offset]! ^= 0x10
        flipped = true
        flips.left--
      }
      if (!server.write(chunk)) client.pause()
    })
    server.on('drain', () => client.resume())
    server.pipe(client)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  return { endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, flips }
}

await t.test('a part whose bytes change on the wire is refused, sent again, and right', async t => {
  const direct = await Yard.start(t)
  const { endpoint, flips } = await damagingProxy(
    t,
    direct.client.settings.endpoint ?? '',
    3 * MEBIBYTE + 17,
    2,
  )
  const yard = await direct.again(t, { endpoint, threads: 2, maxUploadSize: PART, chunkSize: PART })
  const content = yard.write('large', 7 * PART + 99)
  t.match(await yard.one('large'), { outcome: 'uploaded' })
  t.equal(flips.left, 0)
  const refused = direct.requests('UploadPart').filter(({ status }) => status === 400)
  t.equal(refused.length, 2, 'the server saw that they were others')
  t.equal(direct.requests('UploadPart').length, 8 + 2, 'and only they were sent again')
  const object = await direct.head(yard.key('large'))
  t.equal(object?.checksums.crc64nvme, crc64nvme(content))
  t.equal(object?.size, content.length)
})

await t.test('so is a small file', async t => {
  const direct = await Yard.start(t)
  const { endpoint, flips } = await damagingProxy(t, direct.client.settings.endpoint ?? '', MEBIBYTE, 1)
  const yard = await direct.again(t, { endpoint })
  const content = yard.write('small', 3 * MEBIBYTE)
  t.match(await yard.one('small'), { outcome: 'uploaded' })
  t.equal(flips.left, 0)
  t.ok((await direct.get(yard.key('small'))).equals(content))
})
