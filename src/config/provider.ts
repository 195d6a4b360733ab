import { TablesnapError, errorMessage } from '../errors.js'
import type { Credentials } from '../s3/settings.js'

/** Credentials that end are fetched again so long before, ms. */
const EARLY = 5 * 60_000

/**
 * Where requests get their credentials from: the given ones, else the AWS provider chain (shared files, SSO, web
 * identity, container, instance role), which is loaded only then.
 * @returns a function that throws TablesnapError `CREDENTIALS_MISSING`
 */
export function credentialProvider(
  given: Credentials | undefined,
  region: string,
): () => Credentials | Promise<Credentials> {
  if (given !== undefined) return () => given
  let held: Promise<Credentials & { expiration?: Date }> | undefined
  let until = Infinity
  return () => {
    if (held === undefined || Date.now() > until - EARLY) {
      held = fromChain(region)
      held.then(
        found => (until = found.expiration?.getTime() ?? Infinity),
        () => (held = undefined),
      )
    }
    return held
  }
}

async function fromChain(region: string): Promise<Credentials & { expiration?: Date }> {
  try {
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
    return await fromNodeProviderChain({ clientConfig: { region } })()
  } catch (cause) {
    throw new TablesnapError({
      code: 'CREDENTIALS_MISSING',
      message: `no credentials: give -k and -s, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, aws_key and aws_secret in tablesnap.conf, a profile or an instance role (${errorMessage(cause)})`,
      operation: 'credentials',
      retry: true,
      cause,
    })
  }
}
