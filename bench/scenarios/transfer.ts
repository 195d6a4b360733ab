import { GIB, MIB, figure, slope, type Figure } from '../figure.js'
import { CPU, type Row } from '../result.js'
import type { Series } from '../series.js'
import { cpu, requests, type Sample } from '../site.js'

/** The file of the start-up row: two parts, so that both workers start. */
export const STARTUP_BYTES = 16 * MIB

/** The larger file in smaller ones. */
export const FACTOR = 4

/** The names of the steps. */
export const STEPS = { startup: 'start-up', small: 'small', large: 'large' } as const

/** Rows per GiB: for each run the slope between the small and the large file; the rest is the large file's. */
export function slopeRows(series: readonly Series[], size: number): Row[] {
  return series.map(({ client, samples }) => {
    const small = samples.get(STEPS.small) ?? []
    const large = samples.get(STEPS.large) ?? []
    const perGib = (of: (sample: Sample) => number): Figure =>
      figure(
        large.map((sample, run) => {
          const other = small[run] ?? sample
          return slope(
            { size: size / GIB, value: of(other) },
            { size: (FACTOR * size) / GIB, value: of(sample) },
          )
        }),
        's/GiB',
      )
    const each = (of: (sample: Sample) => number, unit: Figure['unit'], from = large): Figure =>
      figure(from.map(of), unit)
    return {
      client: client.name,
      variant: client.variant,
      figures: {
        [CPU]: perGib(cpu),
        user: perGib(({ usage }) => usage.user),
        sys: perGib(({ usage }) => usage.sys),
        'sink CPU': perGib(({ sink }) => sink.user + sink.sys),
        wall: each(({ usage }) => usage.wall, 's'),
        'peak RSS, small': each(({ usage }) => usage.rss, 'bytes', small),
        'peak RSS, large': each(({ usage }) => usage.rss, 'bytes'),
        ...requests(large),
      },
    }
  })
}

/** Rows of the start-up, in CPU-s of a whole run. */
export function startupRows(series: readonly Series[]): Row[] {
  return series.map(({ client, samples }) => {
    const all = samples.get(STEPS.startup) ?? []
    const of = (value: (sample: Sample) => number, unit: Figure['unit']) => figure(all.map(value), unit)
    return {
      client: client.name,
      variant: client.variant,
      figures: {
        [CPU]: of(cpu, 's'),
        wall: of(({ usage }) => usage.wall, 's'),
        'peak RSS': of(({ usage }) => usage.rss, 'bytes'),
        ...requests(all),
      },
    }
  })
}

/** What is sent with the bodies, of those clients whose bodies lack something. */
export function bodyNotes(series: readonly Series[], signed: boolean): string[] {
  return series.flatMap(({ client, samples }) => {
    const sink = samples.get(STEPS.large)?.[0]?.sink
    if (sink === undefined || client.name === 'floor') return []
    const bodies = sink.puts + sink.parts
    const name = `${client.name} (${client.variant})`
    if (signed && sink.signed < bodies)
      return [`${name} does not sign the payload: ${sink.signed} of ${bodies} bodies`]
    if (!signed && sink.checksums < bodies)
      return [`${name} sends no checksum that the server verifies: ${sink.checksums} of ${bodies} bodies`]
    return []
  })
}
