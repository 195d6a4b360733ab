import t from 'tap'
import { crc64nvme } from 'tablesnap-io'

import { flipping, network } from '../support/proxy.js'

import { MEBIBYTE, Yard } from './support.js'

const PART = 5 * MEBIBYTE

await t.test('a part whose bytes change on the wire is refused, sent again, and right', async t => {
  const direct = await Yard.start(t)
  const flips = flipping(3 * MEBIBYTE + 17, 2)
  const endpoint = await network(t, direct.client.settings.endpoint ?? '', flips.look)
  const yard = await direct.again(t, { endpoint, threads: 2, maxUploadSize: PART, chunkSize: PART })
  const content = yard.write('large', 7 * PART + 99)
  t.match(await yard.one('large'), { outcome: 'uploaded' })
  t.equal(flips.left(), 0)
  const refused = direct.requests('UploadPart').filter(({ status }) => status === 400)
  t.equal(refused.length, 2, 'the server saw that they were others')
  t.equal(direct.requests('UploadPart').length, 8 + 2, 'and only they were sent again')
  const object = await direct.head(yard.key('large'))
  t.equal(object?.checksums.crc64nvme, crc64nvme(content))
  t.equal(object?.size, content.length)
})

await t.test('so is a small file', async t => {
  const direct = await Yard.start(t)
  const flips = flipping(MEBIBYTE, 1)
  const endpoint = await network(t, direct.client.settings.endpoint ?? '', flips.look)
  const yard = await direct.again(t, { endpoint })
  const content = yard.write('small', 3 * MEBIBYTE)
  t.match(await yard.one('small'), { outcome: 'uploaded' })
  t.equal(flips.left(), 0)
  t.ok((await direct.get(yard.key('small'))).equals(content))
})
