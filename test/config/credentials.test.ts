import t from 'tap'
import { load, makePlace, refusal, writeConf, type Place } from './support.js'

const target = 'bucket /data'
const rule = 'the key, its secret and its token must be given in the same place'

function filled(place: Place): Place {
  writeConf(place, 'aws_key = FK\naws_secret = FS\naws_token = FT')
  Object.assign(place.env, {
    AWS_ACCESS_KEY_ID: 'EK',
    AWS_SECRET_ACCESS_KEY: 'ES',
    AWS_SESSION_TOKEN: 'ET',
    AWS_SECURITY_TOKEN: 'OLD',
  })
  return place
}

await t.test('all of them come from one place', t => {
  const place = filled(makePlace(t.testdir()))
  t.strictSame(load(place, `-k CK -s CS ${target}`).config.credentials, {
    accessKeyId: 'CK',
    secretAccessKey: 'CS',
    sessionToken: undefined,
  })
  t.match(load(place, target).config.credentials, {
    accessKeyId: 'EK',
    secretAccessKey: 'ES',
    sessionToken: 'ET',
  })
  delete place.env['AWS_SESSION_TOKEN']
  t.equal(load(place, target).config.credentials?.sessionToken, 'OLD')
  delete place.env['AWS_SECURITY_TOKEN']
  t.equal(load(place, target).config.credentials?.sessionToken, undefined)
  place.env['AWS_ACCESS_KEY_ID'] = ''
  place.env['AWS_SECRET_ACCESS_KEY'] = ''
  t.match(load(place, target).config.credentials, {
    accessKeyId: 'FK',
    secretAccessKey: 'FS',
    sessionToken: 'FT',
  })
  t.end()
})

await t.test('half a pair is an error', t => {
  const place = filled(makePlace(t.testdir()))
  const message = (words: string): string => {
    const error = refusal(place, `${words} ${target}`)
    t.match(error, { code: 'CREDENTIALS_INCOMPLETE', exitCode: 2 })
    t.notMatch(error.message, /HIDDEN/)
    return error.message
  }
  t.equal(message('-k HIDDEN'), `--aws-key without -s/--aws-secret: ${rule}`)
  t.equal(message('-s HIDDEN'), `--aws-secret without -k/--aws-key: ${rule}`)
  t.equal(message('--aws-token HIDDEN'), `--aws-token without -k/--aws-key and -s/--aws-secret: ${rule}`)
  place.env['AWS_ACCESS_KEY_ID'] = ''
  t.equal(message(''), `AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN without AWS_ACCESS_KEY_ID: ${rule}`)
  for (const name of Object.keys(place.env)) place.env[name] = ''
  const path = writeConf(place, 'aws_key = HIDDEN')
  t.equal(message(''), `${path}:2: aws_key without aws_secret: ${rule}`)
  t.end()
})

await t.test('a token that a shell kept is not used', t => {
  const place = filled(makePlace(t.testdir()))
  place.env['AWS_ACCESS_KEY_ID'] = ''
  place.env['AWS_SECRET_ACCESS_KEY'] = ''
  const { config, warnings } = load(place, target)
  t.equal(config.credentials?.sessionToken, 'FT')
  t.strictSame(warnings, ['AWS_SESSION_TOKEN is set without AWS_ACCESS_KEY_ID, and is not used'])
  t.end()
})

await t.test('none is left to the AWS provider chain', t => {
  const place = makePlace(t.testdir())
  place.env['AWS_PROFILE'] = 'other'
  t.match(load(place, target), { config: { credentials: undefined }, warnings: [] })
  writeConf(place, 'aws_key = K\naws_secret = S')
  t.match(load(place, target).warnings, [/^AWS_PROFILE is set but has no effect/])
  t.end()
})

await t.test('a key with blanks is refused without being shown', t => {
  const place = makePlace(t.testdir())
  t.equal(
    refusal(place, ['-k', 'K', '-s', 'HID DEN', 'bucket', '/x']).message,
    '--aws-secret: the value contains blanks or characters that are not printable ASCII',
  )
  t.end()
})
