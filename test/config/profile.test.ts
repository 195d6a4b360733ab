import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { load, makePlace, refusal, writeConf, type Place } from './support.js'

const target = 'bucket /data'

function placeWith(t: Test, config: string): Place {
  const place = makePlace(t.testdir())
  mkdirSync(join(place.home, '.aws'))
  writeFileSync(join(place.home, '.aws/config'), config)
  return place
}

const CONFIG = `# written by aws configure
[default]
region = eu-central-1
endpoint_url = https://everything.example ; of all services
max_attempts = 8

[profile other]
region=eu-west-3
endpoint_url = https://everything.example
services = mine
s3 =
  addressing_style = path

[services mine]
dynamodb =
  endpoint_url = https://dynamodb.example
s3 =
  endpoint_url = https://s3.example:9000
`

await t.test("region, endpoint and attempts are the profile's, when nothing else gives them", t => {
  const place = placeWith(t, CONFIG)
  t.match(load(place, target).config, {
    s3: { region: 'eu-central-1', endpoint: 'https://everything.example' },
    engine: { retries: 7 },
  })
  place.env['AWS_PROFILE'] = 'other'
  t.match(load(place, target).config, {
    s3: { region: 'eu-west-3', endpoint: 'https://s3.example:9000' },
    engine: { retries: 5 },
  })
  place.env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] = 'true'
  t.equal(load(place, target).config.s3.endpoint, undefined)
  place.env['AWS_PROFILE'] = 'unknown'
  t.match(load(place, target).config.s3, { region: 'us-east-1', endpoint: undefined })
  t.end()
})

await t.test('flags, environment and tablesnap.conf come before the profile', t => {
  const place = placeWith(t, CONFIG)
  writeConf(place, 'aws_region = file-1')
  t.equal(load(place, target).config.s3.region, 'file-1')
  Object.assign(place.env, { AWS_REGION: 'env-1', AWS_MAX_ATTEMPTS: '3' })
  t.match(load(place, target).config, { s3: { region: 'env-1' }, engine: { retries: 2 } })
  t.equal(load(place, `--aws-region flag-1 --retries 9 ${target}`).config.engine.retries, 9)
  t.end()
})

await t.test('what is wrong is named with its place', t => {
  const place = placeWith(t, '[default]\n\nregion = not a region\n')
  t.match(refusal(place, target).message, /\.aws\/config:3: region/)
  place.env['AWS_REGION'] = 'us-east-1'
  place.env['AWS_MAX_ATTEMPTS'] = 'many'
  t.match(refusal(place, target).message, /^AWS_MAX_ATTEMPTS: "many"/)
  t.end()
})

await t.test('a bundle of certificates is trusted beside the usual ones', t => {
  const place = placeWith(t, '')
  const bundle = join(place.home, 'ca.pem')
  writeFileSync(bundle, '-----BEGIN CERTIFICATE-----\nours\n')
  place.env['AWS_CA_BUNDLE'] = bundle
  const { ca = [] } = load(place, target).config.s3
  t.match(ca[0], /ours/)
  t.ok(ca.length > 50, 'with those of Node')
  writeFileSync(bundle, 'nothing')
  t.match(refusal(place, target), { code: 'CA_BUNDLE_INVALID', message: /holds no certificate in PEM/ })
  place.env['AWS_CA_BUNDLE'] = '/nonexistent/ca.pem'
  t.match(refusal(place, target), { code: 'CA_BUNDLE_INVALID', message: /cannot be read/ })
  t.end()
})
