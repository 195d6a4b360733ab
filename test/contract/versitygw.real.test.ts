import t from 'tap'
import { runContract } from './contract.js'
import { VERSITYGW_EXCEPTIONS } from './exceptions.js'
import { gateway } from '../support/real/place.js'

await t.test('versitygw keeps the contract that the embedded server keeps', async t => {
  const { endpoint, accessKeyId, secretAccessKey, region } = await gateway(t)
  await runContract(t, { endpoint, accessKeyId, secretAccessKey, region, exceptions: VERSITYGW_EXCEPTIONS })
})
