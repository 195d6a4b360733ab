import { homedir } from 'node:os'
import { join } from 'node:path'

/** What `$source` of the AWS SDK's credentials names, the most telling first (feature-ids.d.ts of @aws-sdk/types). */
const PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/PROCESS/, 'the credential_process of'],
  [/SSO/, 'AWS SSO, by'],
  [/WEB_ID/, 'a web identity token'],
  [/ASSUME_ROLE|SOURCE_PROFILE|NAMED_PROVIDER/, 'the role of'],
  [/LOGIN/, 'aws login, by'],
  [/HTTP/, 'the container (AWS_CONTAINER_CREDENTIALS_…)'],
  [/IMDS/, 'the role of this EC2 instance'],
  [/PROFILE/, ''],
]

/** Which provider of the AWS chain gave credentials, for people. @param source `$source` of the SDK's answer */
export function providerName(source: object | undefined, env: NodeJS.ProcessEnv): string {
  const features = Object.keys(source ?? {}).join(' ')
  const [, found] = PROVIDERS.find(([pattern]) => pattern.test(features)) ?? []
  if (found === undefined) return 'the AWS provider chain'
  if (found !== '' && !/(of|by)$/.test(found)) return found
  return `${found} profile ${nonEmpty(env['AWS_PROFILE']) ?? 'default'} in ${placeOf(env)}`.trim()
}

function placeOf(env: NodeJS.ProcessEnv): string {
  const home = nonEmpty(env['HOME']) ?? homedir()
  return nonEmpty(env['AWS_SHARED_CREDENTIALS_FILE']) ?? join(home, '.aws')
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
