import type { ContractCase, Subject } from './contract-case.js'
import type { Distortion } from './signer.js'

const MINUTE = 60_000

async function refused({ s3 }: Subject, distortion: Distortion, extra: object = {}): Promise<string> {
  const { outcome } = await s3.put('auth/refused', 'body', { distortion, ...extra })
  return (await s3.exists('auth/refused')) ? `${outcome}, but stored` : outcome
}

function refusal(
  name: string,
  distortion: Distortion,
  outcome: string,
  extra: Partial<ContractCase> = {},
): ContractCase {
  return {
    name,
    ...extra,
    async run(t, subject) {
      t.equal(await refused(subject, distortion), outcome)
    },
  }
}

export const authCases: readonly ContractCase[] = [
  refusal('a wrong signature is 403 SignatureDoesNotMatch', { flip: true }, '403 SignatureDoesNotMatch'),
  refusal(
    'a wrong secret is 403 SignatureDoesNotMatch',
    { secretAccessKey: 'no' },
    '403 SignatureDoesNotMatch',
  ),
  refusal(
    'an unknown access key is 403 InvalidAccessKeyId',
    { accessKeyId: 'NOBODY' },
    '403 InvalidAccessKeyId',
    {
      exception: 'unknown-access-key',
    },
  ),
  refusal('no signature is 403 AccessDenied', { anonymous: true }, '403 AccessDenied'),
  refusal(
    'a clock 20 minutes behind is 403 RequestTimeTooSkewed',
    { skewMs: -20 * MINUTE },
    '403 RequestTimeTooSkewed',
  ),
  refusal(
    'a clock 20 minutes ahead is 403 RequestTimeTooSkewed',
    { skewMs: 20 * MINUTE },
    '403 RequestTimeTooSkewed',
  ),
  refusal(
    'another region in the scope is 400 AuthorizationHeaderMalformed',
    { region: 'ap-south-1' },
    '400 AuthorizationHeaderMalformed',
  ),
  refusal(
    'another date in the scope is 400 AuthorizationHeaderMalformed',
    { scopeDate: '20200101' },
    '400 AuthorizationHeaderMalformed',
  ),
  refusal(
    'a session token that nobody gave out is 400 InvalidToken',
    { token: 'FwoGZXIvYXdzEBogus' },
    '400 InvalidToken',
  ),
  {
    name: 'a wrong region is answered with the right one',
    async run(t, { s3, target }) {
      const answer = await s3.put('auth/region', 'x', { distortion: { region: 'ap-south-1' } })
      t.equal(answer.element('Region'), target.region)
    },
  },
  {
    name: 'a clock 10 minutes off is accepted',
    async run(t, { s3 }) {
      for (const skewMs of [-10 * MINUTE, 10 * MINUTE]) {
        t.equal((await s3.put('auth/skew', 'x', { distortion: { skewMs } })).outcome, '200')
      }
    },
  },
  {
    name: 'an x-amz header that is sent but not signed is 403 AccessDenied',
    async run(t, subject) {
      const headers = { 'x-amz-meta-a': 'b' }
      t.equal(await refused(subject, { unsigned: ['x-amz-meta-a'] }, { headers }), '403 AccessDenied')
    },
  },
  {
    name: 'a signature that leaves out the host is refused',
    async run(t, subject) {
      t.match(await refused(subject, { unsigned: ['host'] }), /^40[03] /)
    },
  },
  {
    name: 'a request without x-amz-content-sha256 is 400 InvalidRequest',
    async run(t, subject) {
      t.match(await refused(subject, {}, { payload: null }), /^40[03] /)
    },
  },
  {
    name: 'a query that was added to after signing is 403 SignatureDoesNotMatch',
    async run(t, { s3 }) {
      const distortion = { lateQuery: ['prefix', 'other'] } as const
      const answer = await s3.send('GET', undefined, { query: { 'list-type': '2' }, distortion })
      t.equal(answer.outcome, '403 SignatureDoesNotMatch')
    },
  },
  {
    name: 'an authorization that is cut off is refused',
    async run(t, { s3 }) {
      const answer = await s3.send('GET', undefined, {
        query: { 'list-type': '2' },
        headers: { authorization: 'AWS4-HMAC-SHA256 Credential=x' },
        distortion: { anonymous: true },
      })
      t.match(answer.outcome, /^40[03] /)
    },
  },
  {
    name: 'odd but signed queries and header values are accepted',
    async run(t, { s3 }) {
      const query = { prefix: 'a b+c&d=e/é%~*(!)', 'list-type': '2', delimiter: '/' }
      t.equal((await s3.send('GET', undefined, { query })).outcome, '200')
      const answer = await s3.put('auth/spaces', 'x', { headers: { 'x-amz-meta-a': '  two   spaces  ' } })
      t.equal(answer.outcome, '200')
    },
  },
  {
    name: 'presigned requests work until they are changed or expire',
    async run(t, { s3 }) {
      const distortion = { presign: 60 }
      t.equal((await s3.put('auth/presigned', 'hello', { distortion, payload: null })).outcome, '200')
      const got = await s3.send('GET', 'auth/presigned', { distortion, payload: null })
      t.equal(got.text, 'hello')
      const flipped = await s3.send('GET', 'auth/presigned', {
        distortion: { presign: 60, flip: true },
        payload: null,
      })
      t.equal(flipped.outcome, '403 SignatureDoesNotMatch')
      const expired = await s3.send('GET', 'auth/presigned', {
        distortion: { presign: 60, skewMs: -5 * MINUTE },
        payload: null,
      })
      t.equal(expired.outcome, '403 AccessDenied')
    },
  },
]
