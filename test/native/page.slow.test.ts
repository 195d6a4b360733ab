import t from 'tap'
import { bytesToPage } from 'tablesnap-io'

await t.test('how far the next page is', t => {
  const whole = Buffer.allocUnsafeSlow(300_000)
  const first = bytesToPage(whole)
  t.ok(first >= 0 && first < 65_536, `${first} bytes`)
  t.equal(bytesToPage(whole.subarray(first)), 0)
  const next = bytesToPage(whole.subarray(first + 1)) + 1
  t.ok(next >= 4096 && (next & (next - 1)) === 0, `${next} bytes: a page`)
  t.throws(() => bytesToPage([] as unknown as Buffer), new TypeError('data must be a Uint8Array'))
  t.end()
})
