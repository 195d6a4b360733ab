import t from 'tap'

import { ODD_KEYS } from '../s3/odd-keys.js'
import { exerciseServer } from './any-server.js'

/**
 * The upload engine on any other S3 server: TABLESNAP_TEST_ENDPOINT is its address, with the keys testkey and testsecret;
 * TABLESNAP_TEST_KEYS a pattern of the odd keys that it can store.
 */
const endpoint = process.env['TABLESNAP_TEST_ENDPOINT']
const pattern = new RegExp(process.env['TABLESNAP_TEST_KEYS'] ?? '', 's')

await t.test('the upload engine on another server', { skip: endpoint === undefined }, async t => {
  const keys = ODD_KEYS.filter(key => pattern.test(key))
  await exerciseServer(t, endpoint ?? '', {
    keys,
    knowsContent: process.env['TABLESNAP_TEST_CONTENT'] !== 'no',
  })
})
