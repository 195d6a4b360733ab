import { show } from '../figure.js'
import type { Curve } from '../result.js'

/** Pixels: the field of a curve, and what is around it. */
const FIELD = { left: 80, top: 44, width: 620, height: 220 }

/** Pixels that a curve takes from the top to the bottom, with title and axes. */
export const CURVE_HEIGHT = FIELD.top + FIELD.height + 56

/** A curve with its spread over an axis that grows by factors, as a part of an SVG. @param top where it begins, pixels */
export function drawCurve(title: string, { x, y, points }: Curve, top: number): string {
  const [first, last] = [points[0]?.x ?? 1, points.at(-1)?.x ?? 1]
  const most = Math.max(...points.map(point => point.y.max), Number.MIN_VALUE)
  const across = (value: number): number =>
    FIELD.left + (first === last ? 0.5 : Math.log(value / first) / Math.log(last / first)) * FIELD.width
  const down = (value: number): number => top + FIELD.top + (1 - Math.max(value, 0) / most) * FIELD.height
  const at = (value: number): string => value.toFixed(1)
  const path = points.map(point => `${at(across(point.x))},${at(down(point.y.median))}`).join(' ')
  const bottom = top + FIELD.top + FIELD.height
  const marks = points.map(point => {
    const [cx, cy] = [at(across(point.x)), at(down(point.y.median))]
    return [
      `<line class="w" x1="${cx}" y1="${at(down(point.y.max))}" x2="${cx}" y2="${at(down(point.y.min))}"/>`,
      `<circle class="o" cx="${cx}" cy="${cy}" r="4"/>`,
      `<text x="${cx}" y="${at(Number(cy) - 9)}" text-anchor="middle">${show(point.y.median, point.y.unit)}</text>`,
      `<text x="${cx}" y="${bottom + 18}" text-anchor="middle">${point.x.toLocaleString('en')}</text>`,
    ].join('')
  })
  return [
    `<text class="t" x="10" y="${top + 20}">${title}</text>`,
    `<path class="a" d="M${FIELD.left} ${top + FIELD.top}V${bottom}H${FIELD.left + FIELD.width}"/>`,
    `<text x="${FIELD.left + FIELD.width}" y="${bottom + 38}" text-anchor="end">${x}</text>`,
    `<text x="10" y="${top + FIELD.top - 6}">${y}</text>`,
    `<polyline class="c" points="${path}"/>`,
    ...marks,
  ].join('\n')
}
