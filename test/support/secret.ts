/** The secret key of nearly every run of a test. */
const SECRET = 'testsecret'

/** A text in base64, as far as it looks the same whatever stands before and behind it. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map(offset => {
    const whole = Buffer.from(`${'\0'.repeat(offset)}${text}`)
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends have bits of the neighbours.
    const first = Math.ceil((offset * 4) / 3)
    const last = Math.floor(((offset + Buffer.byteLength(text)) * 4) / 3)
    return whole.slice(first, last)
  })
}

/** The secret as it is, and as encodings show it; those of a URI and of JSON change none of its characters. */
const FORMS = [SECRET, ...base64Forms(SECRET), Buffer.from(SECRET).toString('hex')]

/** The forms of the secret that a text has. */
export function secretsIn(text: string): string[] {
  return FORMS.filter(form => text.includes(form))
}

/**
 * Fails the test file when an output of the program shows the secret. Everything that starts the program calls it with all that came.
 * @param where it was seen, for the message
 * @throws Error
 */
export function expectNoSecret(text: string, where: string): void {
  const [form] = secretsIn(text)
  if (form === undefined) return
  const at = text.indexOf(form)
  throw new Error(
    `${where} shows the secret key (as ${form}): …${text.slice(Math.max(0, at - 200), at + 50)}…`,
  )
}
