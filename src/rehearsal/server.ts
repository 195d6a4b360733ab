import { fromChain } from '../config/provider.js'
import { providerName } from '../config/chain-source.js'
import type { Config } from '../config/config.js'
import { shortened, type ShownSetting } from '../config/shown.js'
import { errorMessage } from '../errors.js'
import { KeyLayout } from '../manifest/keys.js'
import { resolveName } from '../node/identity.js'
import { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { skew } from '../s3/hints.js'
import { listPages } from '../s3/list.js'
import type { Credentials } from '../s3/settings.js'

import { finding, type Finding } from './finding.js'

/** A check asks once: whoever waits for the answer can ask again. */
const ONCE = { retries: 0, base: 200, cap: 200, patience: 0 } as const

/** Clocks that differ by less need no mention, ms: S3 refuses more than 15 minutes. */
const WORTH_MENTION = 2_000

/** The node's name, the credentials, the bucket and the clock: everything that is asked over the network, with one LIST. */
export async function checkServer(
  config: Config,
  settings: readonly ShownSetting[],
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const [name, node] = await checkName(config)
  const [credentials, found] = await checkCredentials(config, settings, env)
  const findings = [...node, ...found]
  if (name === undefined || credentials === undefined) return findings
  return [...findings, ...(await checkBucket(config, name, credentials))]
}

async function checkName(config: Config): Promise<[string | undefined, Finding[]]> {
  try {
    const { name, source, warning } = await resolveName(config)
    const by = source === 'flag' ? '-n' : source
    const keys = new KeyLayout(config.prefix, name, config.separator)
    const found = finding(
      'Node',
      'ok',
      `this node is ${name} (by ${by}); its keys begin with ${keys.files}`,
      {
        name,
        by,
        prefix: keys.files,
      },
    )
    return [name, warning === undefined ? [found] : [found, finding('Node', 'warning', warning)]]
  } catch (error) {
    return [undefined, [finding('Node', 'failure', errorMessage(error))]]
  }
}

async function checkCredentials(
  { credentials: given, s3 }: Config,
  settings: readonly ShownSetting[],
  env: NodeJS.ProcessEnv,
): Promise<[Credentials | undefined, Finding[]]> {
  try {
    const chain = given === undefined ? await fromChain(s3.region) : undefined
    const credentials = given ?? chain
    if (credentials === undefined) return [undefined, []]
    const place = settings.find(({ key }) => key === 'aws_key')?.from
    const from =
      chain === undefined ? `the ${place ?? ''}`.replace(/^the \//, '/') : providerName(chain.$source, env)
    const expires = chain?.expiration?.toISOString() ?? null
    const { accessKeyId, sessionToken } = credentials
    const token = sessionToken === undefined ? '' : ', with a session token'
    const end = expires === null ? '' : `, until ${expires}`
    const message = `access key ${shortened(accessKeyId)} from ${from}${token}${end}`
    const fields = { accessKey: shortened(accessKeyId), from, hasToken: sessionToken !== undefined, expires }
    return [credentials, [finding('Credentials', 'ok', message, fields)]]
  } catch (error) {
    return [undefined, [finding('Credentials', 'failure', errorMessage(error))]]
  }
}

async function checkBucket(config: Config, name: string, credentials: Credentials): Promise<Finding[]> {
  const { s3, mode } = config
  const prefix = new KeyLayout(config.prefix, name, config.separator).files
  let client: S3Client
  try {
    client = new S3Client({
      access: { settings: s3, credentials: () => credentials, retry: ONCE },
      lines: { connections: 1 },
    })
  } catch (error) {
    return [finding('Bucket', 'failure', errorMessage(error))]
  }
  const server = s3.endpoint ?? `Amazon S3 in ${s3.region}`
  const proxy = client.proxy === undefined ? '' : ` through the proxy ${client.proxy}`
  const began = performance.now()
  try {
    await listPages(client, { prefix, maxKeys: 1 }).next()
    const milliseconds = Math.round(performance.now() - began)
    const message = `bucket ${s3.bucket} at ${server}${proxy}: LIST was answered in ${milliseconds} ms`
    return [
      finding('Bucket', 'ok', message, { bucket: s3.bucket, server, milliseconds }),
      ...clockOf(client.clockOffset),
    ]
  } catch (error) {
    const code = isS3Error(error) ? error.s3Code : ''
    const fields = { bucket: s3.bucket, server, code }
    const found =
      code === 'NoSuchBucket' && mode !== 'download'
        ? finding(
            'Bucket',
            'warning',
            `bucket ${s3.bucket} does not exist: a run would create it, if these credentials may; check its name`,
            fields,
          )
        : finding('Bucket', 'failure', `${server}${proxy}: ${errorMessage(error)}`, fields)
    return [found, ...clockOf(client.clockOffset)]
  } finally {
    await client.close()
  }
}

/** @param offset the server's clock minus ours as far as its Date proves, ms; undefined: it gave none */
function clockOf(offset: number | undefined): Finding[] {
  if (offset === undefined) return []
  const fields = { offset }
  if (Math.abs(offset) < WORTH_MENTION)
    return [finding('Clock', 'ok', "this machine's clock agrees with the server's Date", fields)]
  const message = `${skew(offset)}: tablesnap signs requests with the server's time; set the clock right (NTP)`
  return [finding('Clock', 'warning', message, fields)]
}
