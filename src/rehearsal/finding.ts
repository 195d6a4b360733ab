/** What a finding is about; the headings of the report, in their order. */
export const AREAS = [
  'Settings',
  'Credentials',
  'Node',
  'Bucket',
  'Clock',
  'Paths',
  'inotify',
  'Kernel',
] as const

export type Area = (typeof AREAS)[number]

/** `ok`: as a run needs it; `warning`: a run works, but somebody should know; `failure`: a run would not work. */
export type Level = 'ok' | 'warning' | 'failure'

/** One thing that was looked at before a run. */
export interface Finding {
  readonly area: Area
  readonly level: Level
  /** For people: one line. */
  readonly message: string
  /** Numbers (bytes, ms, counts) and names behind the message, for programs. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
}

export function finding(area: Area, level: Level, message: string, fields: Finding['fields'] = {}): Finding {
  return { area, level, message, fields }
}
