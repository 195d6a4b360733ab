import type { S3Client } from './client.js'
import { S3Error, isS3Error } from './errors.js'

/** Codes with which servers refuse a header that they do not know, beside status 501. */
const UNSUPPORTED = [
  'NotImplemented',
  'InvalidRequest',
  'InvalidArgument',
  'UnsupportedArgument',
  'BadRequest',
]

/** Whether an error can mean that the server does not take a header that was sent. */
export function isHeaderRefusal(error: unknown): boolean {
  return isS3Error(error, 501, ...UNSUPPORTED)
}

/** The message about a server without conditional writes. */
export const NO_CONDITIONS =
  'the server has no conditional writes (If-None-Match): every key is looked up before it is written'

/** The object to write, and the knowledge about its key. */
export interface Target {
  readonly operation: string
  readonly key: string
  /** Looks the key up, where the server does not do it itself. */
  readonly isTaken: () => Promise<boolean>
  /** Whether an object is under the key after all, when the server says so by refusing the write. */
  readonly isThere: () => Promise<boolean>
}

/**
 * Writes under a key that is free; every write of this program that must not replace an object goes through here. A server
 * that refuses the condition is asked before each write instead; that it does is remembered for the process. A refusal
 * because of an object that nobody can see is not believed: the write is sent once more without the condition.
 * @param send writes with these headers
 * @throws S3Error 412 `PreconditionFailed` when the key is taken
 */
export async function writeIfAbsent<T>(
  client: S3Client,
  target: Target,
  send: (condition: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const { overwriting } = client
  if (overwriting.state === 'allowed') {
    await refuseTaken(target)
    return send({})
  }
  try {
    return await send({ 'If-None-Match': '*' })
  } catch (error) {
    if (isS3Error(error, 412)) {
      overwriting.note('refused')
      if (!(await target.isThere())) return send({})
    }
    // A server that has kept its word has another reason.
    if (overwriting.state === 'refused' || !isHeaderRefusal(error)) throw error
    await refuseTaken(target)
    const result = await send({}).catch((other: unknown) => {
      throw isHeaderRefusal(other) ? error : other
    })
    overwriting.note('allowed')
    client.note(NO_CONDITIONS)
    return result
  }
}

async function refuseTaken({ operation, key, isTaken }: Target): Promise<void> {
  if (!(await isTaken())) return
  throw new S3Error({
    asked: { operation, key },
    answer: { status: 412, s3Code: 'PreconditionFailed' },
    message: `${operation}: ${key} is there already`,
    follows: { retry: false },
  })
}
